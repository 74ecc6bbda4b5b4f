"""The classical Hopfield network, binary and graded."""

from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Input,
    Memory,
    MemoryState,
    NonNegative,
    PerExample,
    Shared,
    Static,
    check_choice,
    widen,
)
from ngcmem.memories._bipolar import check_bipolar
from ngcmem.plasticity import HopfieldRule, OuterProduct


class ClassicalHopfieldState(MemoryState):
    inputs: Input[Array, "features"]  # the state before the step, -1..1
    field: Input[Array, "features"]  # external field b
    outputs: PerExample[Array, "features"]  # the state after it
    energy: PerExample[Array, ""]  # of the outputs
    previous: PerExample[Array, "features"]  # the inputs of the step before, 0 at first
    two_cycle: PerExample[Array, ""]  # synchronous recall came back to where it was two steps ago
    weights: Shared[Array, "features features"]  # couplings
    statistics: Shared[dict[str, Array], ""]  # what the storage rule remembers besides
    count: Shared[Array, ""]  # patterns written
    key: PerExample[Array, ""]  # draws the order of asynchronous updates


class ClassicalHopfield(Memory[ClassicalHopfieldState]):
    """Units that align with the field of all others; patterns are minima of an energy.

        h = W x + b
        binary: x_i <- sign(h_i), kept where h_i = 0;   graded: x_i <- tanh(gain h_i)
        energy(x) = -x^T W x / 2 - b^T x   (+ sum_i [artanh(x_i) x_i + ln(1 - x_i^2) / 2] / gain)

    One `advance_state` is a sweep over all units: "asynchronous", one after the other in an order
    drawn from the example's key, where the energy never rises for symmetric W with a diagonal of
    at least 0; or "synchronous", all at once, where recall may end in a cycle of two states
    (`two_cycle`) and no descent is promised. `nm.read(..., tol=)` takes the rule's word for the
    couplings; under others that you `set` it may end at `max_steps`, `converged` False. Patterns
    are stored by `rule` (Hebb by default); `evolve` stores the batch's `inputs`.

    References: Hopfield (1982), PNAS 79, 2554; Hopfield (1984), PNAS 81, 3088 (graded); Goles and
    Olivos (1981), Discrete Appl. Math. 3, 93 (two-cycles).

    Raises:
        ValueError: an unknown `updates` or `response`, or a `rule` that is no storage rule.
    """

    features: Static[int]
    rule: HopfieldRule = OuterProduct()
    updates: Static[Literal["asynchronous", "synchronous"]] = "asynchronous"
    response: Static[Literal["binary", "graded"]] = "binary"
    beta: NonNegative = 10.0  # of graded units

    def __post_init__(self) -> None:
        super().__post_init__()
        name = "ClassicalHopfield"
        check_choice(name, "updates", self.updates, ("asynchronous", "synchronous"))
        check_choice(name, "response", self.response, ("binary", "graded"))
        if not isinstance(self.rule, HopfieldRule):
            raise ValueError(
                "ClassicalHopfield: rule is a storage rule such as nm.plasticity.OuterProduct(), "
                f"got {self.rule!r}."
            )

    def check_patterns(self, place: str, patterns: Any) -> None:
        if place.startswith("store"):
            check_bipolar("ClassicalHopfield", place, patterns)
        elif self.response == "binary":
            check_bipolar("ClassicalHopfield", place, patterns, zero_is_unknown=True)

    def no_convergence(self) -> str | None:
        if self.updates == "synchronous":
            return "Synchronous updates may end in a cycle of two states (see two_cycle)."
        if not self.rule.symmetric:
            return f"{type(self.rule).__name__} gives couplings that are not symmetric."
        if self.rule.negative_diagonal:
            return f"{type(self.rule).__name__} may couple a unit to itself with a negative weight."
        return None

    def init(self, key: Array) -> ClassicalHopfieldState:
        zeros = jnp.zeros(self.features)
        return ClassicalHopfieldState(
            inputs=zeros,
            field=zeros,
            outputs=zeros,
            energy=jnp.zeros(()),
            previous=zeros,
            two_cycle=jnp.zeros((), bool),
            weights=jnp.zeros((self.features, self.features)),
            statistics=self.rule.init(self.features),
            count=jnp.zeros((), jnp.int32),
            key=key,
        )

    def advance_state(
        self, state: ClassicalHopfieldState, t: Array, dt: Array
    ) -> ClassicalHopfieldState:
        key, draw = jax.random.split(state.key)
        x, w, b = state.inputs, state.weights, state.field
        if self.updates == "synchronous":
            new = self._activate(w @ x + b, x)
        else:
            order = jax.random.permutation(draw, self.features)

            def update(i: Array, x: Array) -> Array:
                unit = order[i]
                return x.at[unit].set(self._activate(w[unit] @ x + b[unit], x[unit]))

            new = jax.lax.fori_loop(0, self.features, update, x)
        returned = jnp.all(new == state.previous) & jnp.any(new != x)
        return state.recalled(
            outputs=new,
            energy=self._energy(new, w, b),
            previous=x,
            two_cycle=returned & (self.updates == "synchronous"),
            matched=state.count > 0,
            key=key,
        )

    def _activate(self, field: Array, before: Array) -> Array:
        if self.response == "graded":
            return jnp.tanh(self.beta * field).astype(before.dtype)
        return jnp.where(field == 0, before, jnp.sign(field).astype(before.dtype))

    def _energy(self, x: Array, w: Array, b: Array) -> Array:
        energy = -0.5 * x @ (w @ x) - b @ x
        if self.response == "binary":
            return energy
        near, far = 1.0 + x, 1.0 - x  # 0 log 0 = 0 at saturated units
        entropy = 0.5 * (jax.scipy.special.xlogy(near, near) + jax.scipy.special.xlogy(far, far))
        entropy = jnp.sum(entropy)  # 0 where all x are: so they are at beta 0, and its share is 0
        return energy + jnp.where(entropy == 0, 0, entropy / jnp.where(entropy == 0, 1, self.beta))

    def evolve(self, state: ClassicalHopfieldState, t: Array, dt: Array) -> ClassicalHopfieldState:
        return self._write(state, state.inputs)

    def weight_changes(self, state: ClassicalHopfieldState, t: Array, dt: Array) -> Array:
        return self._write(state, state.inputs).weights - state.weights

    def store(
        self, state: ClassicalHopfieldState, inputs: Any, targets: Any, key: Array | None
    ) -> ClassicalHopfieldState:
        if targets is not None:
            raise ValueError(
                "store: ClassicalHopfield recalls the patterns themselves: leave out targets. "
                "Pairs go into nm.BidirectionalAssociative, successors into nm.SequenceHopfield."
            )
        limit = self.rule.capacity(self.features)
        if limit is not None and inputs.shape[0] > limit:
            raise ValueError(
                f"store: {inputs.shape[0]} patterns, and {type(self.rule).__name__} takes at most "
                f"{limit} with features={self.features}."
            )
        return self._write(state, inputs)

    def _write(self, state: ClassicalHopfieldState, patterns: Array) -> ClassicalHopfieldState:
        weights, statistics = self.rule.write(*widen((state.weights, state.statistics, patterns)))
        count = state.count + patterns.shape[0]
        return state.replace(weights=weights, statistics=statistics, count=count)
