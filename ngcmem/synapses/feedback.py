"""Feedback synapse: another synapse, read backwards."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Borrowed, Component, Input, PerExample, Real, State, UnitsOrNone
from ngcmem.synapses._via import take_sizes, via
from ngcmem.synapses.projected import Projected


class FeedbackState(State):
    inputs: Input[Array, "inputs"]  # an error, in the space of the forward synapse's outputs
    outputs: PerExample[Array, "outputs"]  # what pulls on the forward synapse's inputs
    weights: Borrowed[Array, "outputs inputs"]  # the forward synapse's own array


class Feedback(Component[FeedbackState]):
    """The transpose of a forward synapse, carrying its error back.

        outputs = scale * weights @ inputs,     weights (outputs, inputs) as in the forward synapse

    `wire("forward.weights", to="back.weights")` lends it the array itself, not a copy, so both
    directions always agree. `inputs` and `outputs` are this synapse's own: for a forward
    `Dense(inputs=a, outputs=b)` write `Feedback(inputs=b, outputs=a)`, for one with a projection
    give that: `Feedback(projection=nm.Conv(...))` is the transpose of the convolution. Reference:
    Rao and Ballard (1999), Predictive coding in the visual cortex, doi:10.1038/4580.

    Raises:
        TypeError: neither sizes nor a projection.
    """

    inputs: UnitsOrNone = None
    outputs: UnitsOrNone = None
    projection: Projected | None = None
    scale: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        take_sizes(self, backwards=True)

    @property
    def _forward(self) -> Projected:
        return via(self, backwards=True)

    def axis_size(self, path: str, axis: str) -> Any:
        other = {"inputs": "outputs", "outputs": "inputs"}.get(axis, axis)
        return self._forward.axis_size(path if path == "weights" else other, other)

    def init(self, key: Array) -> FeedbackState:
        return FeedbackState(
            inputs=jnp.zeros(self._forward.output_shape),
            outputs=jnp.zeros(self._forward.input_shape),
            weights=jnp.zeros(self._forward.weight_shape),
        )

    def advance_state(self, state: FeedbackState, t: Array, dt: Array) -> FeedbackState:
        return state.replace(
            outputs=self.scale * self._forward.transposed(state.inputs, state.weights)
        )
