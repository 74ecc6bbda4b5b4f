"""Kosko's bidirectional associative memory (BAM)."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Input, Memory, MemoryState, PerExample, Real, Shared, Static
from ngcmem.memories._bipolar import check_bipolar
from ngcmem.memories.bidirectional.storage import correlate

Layers = dict[str, Array]


class BidirectionalAssociativeState(MemoryState):
    inputs: Input[Layers, ""]  # {"first": (first,), "second": (second,)}, 0 where unknown
    outputs: PerExample[Layers, ""]  # both layers after there and back
    energy: PerExample[Array, ""]  # of the outputs
    weights: Shared[Array, "first second"]
    count: Shared[Array, ""]  # pairs written


class BidirectionalAssociative(Memory[BidirectionalAssociativeState]):
    """Two layers that call each other up through one matrix, in either direction.

        y <- sign(W^T x);   x <- sign(W y);   energy = -x^T W y;   W <- W + eta sum_mu x_mu y_mu^T

    A unit whose field is 0 keeps its value. The energy never rises, although each layer updates
    at once. Patterns are dicts of two fields: `nm.store(memory, state, {"first": X, "second": Y})`
    and, to recall from the second layer, `nm.recall(memory, state, {"first": 0 * X, "second": Y},
    steps=k)`. The first half-step goes to the second layer unless the first is all 0. `evolve`
    stores the batch's `inputs`. For other storage set the weights: `state.replace(weights=
    multiple_training(X, Y)[0])` or `project(X, Y)` of `ngcmem.memories.bidirectional.storage`.

    One step from a stored pair flips a bit with probability erfc(sqrt(n / 2P)) / 2, as in Hebb's
    auto-associative rule; min(first, second) is only an upper bound of the capacity.

    References: Kosko (1988), IEEE Trans. Systems, Man and Cybernetics 18, 49.
    """

    first: Static[int]
    second: Static[int]
    eta: Real = 1.0

    def check_patterns(self, place: str, patterns: Any) -> None:
        for name, rows in patterns.items():
            unknown = not place.startswith("store")
            check_bipolar("BidirectionalAssociative", f"{place}[{name!r}]", rows, unknown)

    def init(self, key: Array) -> BidirectionalAssociativeState:
        def zeros() -> Layers:
            return {"first": jnp.zeros(self.first), "second": jnp.zeros(self.second)}

        return BidirectionalAssociativeState(
            inputs=zeros(),
            outputs=zeros(),
            energy=jnp.zeros(()),
            weights=jnp.zeros((self.first, self.second)),
            count=jnp.zeros((), jnp.int32),
        )

    def advance_state(
        self, state: BidirectionalAssociativeState, t: Array, dt: Array
    ) -> BidirectionalAssociativeState:
        x, y, w = state.inputs["first"], state.inputs["second"], state.weights
        y = _align(x @ w, y)
        x = _align(w @ y, x)
        return state.recalled(
            outputs={"first": x, "second": y}, energy=-x @ (w @ y), matched=state.count > 0
        )

    def evolve(
        self, state: BidirectionalAssociativeState, t: Array, dt: Array
    ) -> BidirectionalAssociativeState:
        return self._write(state, state.inputs)

    def weight_changes(self, state: BidirectionalAssociativeState, t: Array, dt: Array) -> Array:
        return self.eta * correlate(state.inputs["first"], state.inputs["second"])

    def store(
        self, state: BidirectionalAssociativeState, inputs: Any, targets: Any, key: Array | None
    ) -> BidirectionalAssociativeState:
        if targets is not None:
            raise ValueError(
                "store: BidirectionalAssociative takes both layers as inputs: "
                'nm.store(memory, state, {"first": X, "second": Y}), without targets.'
            )
        return self._write(state, inputs)

    def _write(
        self, state: BidirectionalAssociativeState, pairs: Layers
    ) -> BidirectionalAssociativeState:
        change = self.eta * correlate(pairs["first"], pairs["second"])
        count = state.count + pairs["first"].shape[0]
        return state.replace(weights=state.weights + change, count=count)


def _align(field: Array, before: Array) -> Array:
    return jnp.where(field == 0, before, jnp.sign(field))
