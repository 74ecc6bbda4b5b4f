"""Kohonen's linear associative memory: one matrix from keys to values."""

from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Input,
    LearningInput,
    Memory,
    MemoryState,
    NonNegative,
    PerExample,
    Shared,
    Static,
    check_choice,
    examples_axis,
    widen,
)
from ngcmem.plasticity import Correlation, LinearRule, PseudoInverse, Slots, append
from ngcmem.retrieval import Dot, Relu, Softmax, retrieve

Readout = Literal["weights", "dot", "relu", "softmax"]
READOUTS = ("weights", "dot", "relu", "softmax")


class LinearAssociativeState(MemoryState):
    inputs: Input[Array, "inputs"]  # the key
    targets: LearningInput[Array, "outputs"]  # the value that evolve binds to it
    outputs: PerExample[Array, "outputs"]  # the value recalled
    novelty: PerExample[Array, "inputs"]  # the part of the key that no stored key reaches
    weights: Shared[Array, "inputs outputs"]
    statistics: Shared[dict[str, Array], ""]  # what the rule remembers besides
    keys: Shared[Array, "pairs inputs"]  # the pairs themselves, with slots=
    values: Shared[Array, "pairs outputs"]
    count: Shared[Array, ""]  # pairs written


class LinearAssociative(Memory[LinearAssociativeState]):
    """Values are a linear function of keys; the rule says which one.

        outputs = inputs @ weights,   weights = K^+ V       (rule=PseudoInverse(), the default)
        novelty = (I - K^+ K) inputs                        (Kohonen's novelty filter)

    keys K (n, inputs) and values V (n, outputs) as rows; in Kohonen's columns W = V K^+. For
    random keys the cosine of recall is 1 for n <= inputs and sqrt(inputs / n) beyond. `store`
    writes rows by `rule`; `evolve` writes the batch's `inputs` and `targets`. Other read-outs of
    the same pairs:

        "dot":     V^T (K q)                no cross-talk only for orthonormal keys
        "relu":    V^T relu(beta K q)       half the cross-talk
        "softmax": V^T softmax(beta K q)    needs slots=n, as "relu" does

    Rules: `PseudoInverse`, `Correlation`, `WidrowHoff`, `Greville`, `RecursiveLeastSquares`. Under
    a rule that does not keep the span of the keys, nothing is reached and novelty is the key.

    References: Kohonen and Ruohonen (1973), IEEE Trans. Computers C-22, 701; Kohonen (1972), ibid.
    C-21, 353; Kohonen (1989), Self-Organization and Associative Memory, for the novelty filter.

    Raises:
        ValueError: an unknown `readout`, a read-out that needs `slots=`, or a `rule` that is none.
    """

    inputs: Static[int]
    outputs: Static[int]
    rule: LinearRule = PseudoInverse()
    readout: Static[Readout] = "weights"
    slots: Static[int | None] = None
    beta: NonNegative = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("LinearAssociative", "readout", self.readout, READOUTS)
        if self.readout in ("relu", "softmax") and self.slots is None:
            raise ValueError(
                f"LinearAssociative: readout={self.readout!r} compares the key with every stored "
                f"key, so it keeps the pairs: write slots=n for up to n of them."
            )
        if not isinstance(self.rule, LinearRule):
            raise ValueError(
                f"LinearAssociative: rule is a linear rule such as nm.plasticity.PseudoInverse(), "
                f"got {self.rule!r}."
            )
        if self.readout == "dot" and not isinstance(self.rule, (PseudoInverse, Correlation)):
            raise ValueError(
                "LinearAssociative: readout='dot' reads the correlation matrix, which "
                "rule=nm.plasticity.Correlation() and rule=nm.plasticity.PseudoInverse() keep."
            )

    @property
    def autoassociative(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether values are of the keys' width."""
        return self.inputs == self.outputs

    def no_convergence(self) -> str:
        return "A linear map of keys to values may grow from step to step."

    def init(self, key: Array) -> LinearAssociativeState:
        return LinearAssociativeState(
            inputs=jnp.zeros(self.inputs),
            targets=jnp.zeros(self.outputs),
            outputs=jnp.zeros(self.outputs),
            novelty=jnp.zeros(self.inputs),
            weights=jnp.zeros((self.inputs, self.outputs)),
            statistics=self.rule.init(self.inputs, self.outputs),
            keys=jnp.zeros((self.slots or 0, self.inputs)),
            values=jnp.zeros((self.slots or 0, self.outputs)),
            count=jnp.zeros((), jnp.int32),
        )

    def advance_state(
        self, state: LinearAssociativeState, t: Array, dt: Array
    ) -> LinearAssociativeState:
        complement = state.statistics.get("complement")
        matched = state.count > 0
        if isinstance(self.rule, PseudoInverse) and self.readout == "weights":
            matched = matched & ~self.rule.waiting(state.statistics)
        return state.recalled(
            outputs=self._read(state),
            novelty=state.inputs if complement is None else complement @ state.inputs,
            matched=matched,
        )

    def _read(self, state: LinearAssociativeState) -> Array:
        if self.readout == "weights":
            return state.inputs @ state.weights
        if self.readout == "dot":
            return state.inputs @ state.statistics.get("cross", state.weights)
        return retrieve(
            state.inputs,
            state.keys,
            values=state.values,
            count=jnp.minimum(state.count, self.slots or 0),
            similarity=Dot(),
            separation=Relu() if self.readout == "relu" else Softmax(),
            beta=self.beta,
            axis_name=examples_axis(),
        ).outputs

    def evolve(self, state: LinearAssociativeState, t: Array, dt: Array) -> LinearAssociativeState:
        return self._write(state, state.inputs, state.targets)

    def weight_changes(self, state: LinearAssociativeState, t: Array, dt: Array) -> Array:
        return self._write(state, state.inputs, state.targets).weights - state.weights

    def store(
        self, state: LinearAssociativeState, inputs: Any, targets: Any, key: Array | None
    ) -> LinearAssociativeState:
        if targets is None:
            if not self.autoassociative:
                raise ValueError(
                    f"store: targets are the values to recall, (rows, {self.outputs}): "
                    f"nm.store(memory, state, inputs, targets)."
                )
            targets = inputs
        limits = [self.rule.capacity(self.inputs), self.slots]
        for limit in (limit for limit in limits if limit is not None):
            if inputs.shape[0] > limit:
                raise ValueError(
                    f"store: {inputs.shape[0]} pairs, and {type(self.rule).__name__} with "
                    f"inputs={self.inputs}, slots={self.slots} holds {limit}. Store fewer, give "
                    f"slots=, or use rule=nm.plasticity.PseudoInverse()."
                )
        return self._write(state, inputs, targets)

    def solve(self, state: LinearAssociativeState) -> LinearAssociativeState:
        """The state with the weights of all pairs so far, after `PseudoInverse(on_demand=True)`."""
        if not isinstance(self.rule, PseudoInverse):
            raise ValueError(
                f"solve: {type(self.rule).__name__} keeps its weights up to date; only "
                f"rule=nm.plasticity.PseudoInverse(on_demand=True) is solved on demand."
            )
        weights, statistics = _solved(self.rule, widen(state.statistics))
        return state.replace(weights=weights, statistics=statistics)

    def _write(
        self, state: LinearAssociativeState, keys: Array, values: Array
    ) -> LinearAssociativeState:
        weights, statistics = self.rule.write(
            *widen((state.weights, state.statistics, keys, values))
        )
        written = state.replace(
            weights=weights, statistics=statistics, count=state.count + keys.shape[0]
        )
        if not self.slots:
            return written
        used, zero = jnp.minimum(state.count, self.slots), jnp.zeros((), jnp.int32)
        return written.replace(
            keys=append(Slots(state.keys, used, state.count, zero), keys, "fifo").weights,
            values=append(Slots(state.values, used, state.count, zero), values, "fifo").weights,
        )


@jax.jit
def _solved(rule: PseudoInverse, statistics: dict[str, Array]) -> tuple[Array, dict[str, Array]]:
    return rule.solve(statistics)
