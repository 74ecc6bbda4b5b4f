"""Fast-weight memory: a regression fitted to key-value pairs while a sequence goes by."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Input,
    Memory,
    MemoryState,
    NonNegative,
    PerExample,
    Probability,
    Shared,
    Static,
    ZeroToOne,
)
from ngcmem.memories.fast_weights._unwritten import without_unwritten
from ngcmem.memories.fast_weights.regressors import LinearRegressor, Regressor
from ngcmem.memories.fast_weights.updates import DeltaUpdate, LeastSquaresUpdate, Update


class FastWeightsState(MemoryState):
    inputs: Input[Array, "features"]  # the query
    keys: Input[Array, "features"]  # all 0: this step only reads
    values: Input[Array, "values"]
    write_gate: Input[Array, ""]  # 1: write the pair, 0: do not, it may be NaN (the decay goes on)
    learning_rate: Input[Array, ""]  # multiplies eta
    decay: Input[Array, "", ZeroToOne()]  # on top of the memory's own
    outputs: PerExample[Array, "values"]
    surprise: PerExample[Array, ""]  # |values - m(keys)|^2 / 2 before the write
    memory_weights: PerExample[Any, ""]  # fast: what this example's sequence added
    update_state: PerExample[Any, ""]  # the rule's own: momentum, or inverse covariance
    weights: Shared[Any, ""]  # slow: where every sequence begins


class FastWeights(Memory[FastWeightsState]):
    """One memory per example, regressed on its pairs as they come.

        m_t ~ argmin_m  sum_i gamma_i |v_i - m(k_i)|^2,        outputs = m_t(inputs)

    `regressor` is the class of functions m, `update` the algorithm: AdditiveUpdate (linear
    attention), DeltaUpdate (DeltaNet), MomentumUpdate (Titans), LeastSquaresUpdate (exact). Slow
    and fast weights are added inside m: fast ones begin at 0 with every sequence (`nm.reset`), are
    written by `advance_state` and forget towards the slow ones, which `nm.parameters` hands to an
    outer loop; gradients run through all steps. With strength s and retention r of a step

        s = eta * learning_rate * write_gate,    r = (1 - self.decay) (1 - state.decay)

    (`LeastSquaresUpdate` takes r >= 1/2: a step forgets at most half.)
    A step whose key is all 0 leaves the memory alone: `nm.read` and `nm.recall` give only queries.
    `nm.store` writes its rows, in order, into every example's memory. A sequence is `nm.run` with
    `inputs=` or, chunk-parallel, `nm.memories.regress_sequence`. Reference: Wang, Shi and Fox
    (2025), Test-time regression, arXiv:2501.12352.

    Raises:
        ValueError: LeastSquaresUpdate with a regressor that is not linear.
    """

    features: Static[int]
    values: Static[int]
    regressor: Regressor = LinearRegressor()
    update: Update = DeltaUpdate()
    eta: NonNegative = 1.0
    decay: Probability = 0.0
    read_before_write: Static[bool] = False

    autoassociative: ClassVar[bool] = False
    fast: ClassVar[tuple[str, ...]] = ("memory_weights", "update_state")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, kind in (("regressor", Regressor), ("update", Update)):
            if not isinstance(getattr(self, name), kind):
                raise ValueError(
                    f"FastWeights: {name} is an nm.memories.{kind.__name__} such as "
                    f"nm.memories.{_EXAMPLE[kind]}, "
                    f"got {getattr(self, name)!r}."
                )
        linear = isinstance(self.regressor, LinearRegressor)
        if isinstance(self.update, LeastSquaresUpdate) and not linear:
            raise ValueError(
                f"FastWeights: LeastSquaresUpdate solves linear memories only, got "
                f"regressor={self.regressor!r}. Write regressor=nm.memories.LinearRegressor(), or "
                f"update=nm.memories.MomentumUpdate()."
            )

    def init(self, key: Array) -> FastWeightsState:
        weights = self.regressor.init(key, self.features, self.values)
        query, value = jnp.zeros(self.features), jnp.zeros(self.values)
        one, zero = jnp.ones(()), jnp.zeros(())
        fast = jax.tree.map(jnp.zeros_like, weights)
        return FastWeightsState(
            inputs=query,
            keys=query,
            values=value,
            write_gate=one,
            learning_rate=one,
            decay=zero,
            outputs=value,
            surprise=zero,
            memory_weights=fast,
            update_state=self.update.init(weights),
            weights=weights,
        )

    def advance_state(self, state: FastWeightsState, t: Array, dt: Array) -> FastWeightsState:
        def predict(fast: Any, key: Array) -> Array:
            return self.regressor.predict(jax.tree.map(jnp.add, state.weights, fast), key)

        before = (state.memory_weights, state.update_state)
        s, r = self.strength_and_retention(state.write_gate, state.learning_rate, state.decay)
        keys, values = without_unwritten(s, state.keys, state.values)
        after = self._written(predict, before, keys, values, s, r)
        error = values - predict(before[0], keys)
        read = before[0] if self.read_before_write else after[0]
        return state.recalled(
            memory_weights=after[0],
            update_state=after[1],
            outputs=predict(read, state.inputs),
            surprise=0.5 * jnp.vdot(error, error),
            matched=jnp.stack([jnp.any(leaf != 0) for leaf in jax.tree.leaves(read)]).any(),
        )

    def store(
        self, state: FastWeightsState, inputs: Any, targets: Any, key: Array | None
    ) -> FastWeightsState:
        if targets is None:
            if self.features != self.values:
                raise ValueError(
                    f"store: values have {self.values} features and keys {self.features}: write "
                    f"nm.store(memory, state, keys, values)."
                )
            targets = inputs

        def predict(fast: Any, key: Array) -> Array:
            return self.regressor.predict(jax.tree.map(jnp.add, state.weights, fast), key)

        s, r = self.strength_and_retention(1.0, 1.0, 0.0)

        def row(now: Any, pair: Any) -> tuple[Any, None]:
            k, v = pair
            return self._written(predict, now, k, v, s, r), None

        def one(begun: Any) -> Any:
            return jax.lax.scan(row, begun, (inputs, targets))[0]

        fast, own = jax.vmap(one)((state.memory_weights, state.update_state))
        return state.replace(memory_weights=fast, update_state=own)

    def strength_and_retention(
        self, write_gate: Array | float, learning_rate: Array | float, decay: Array | float
    ) -> tuple[Any, Any]:
        """s and r from the gates, which are scalars or arrays of any one shape."""
        s = self.eta * learning_rate * write_gate
        r = (1.0 - self.decay) * (1.0 - decay)
        least = self.update.least_retained
        return s, jnp.maximum(r, least) if least else r

    def _written(self, predict: Any, before: Any, key: Array, value: Array, s: Any, r: Any) -> Any:
        """Fast weights and the rule's state after a pair; as before when there is no key."""
        fast, own = before
        after = self.update.step(predict, fast, own, (key, value), s, r)
        some = jnp.any(key != 0)
        return jax.tree.map(lambda a, b: jnp.where(some, a, b).astype(b.dtype), after, before)


_EXAMPLE = {Regressor: "LinearRegressor()", Update: "DeltaUpdate()"}
