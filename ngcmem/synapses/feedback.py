"""Feedback synapse: another synapse, read backwards."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Borrowed, Component, Input, PerExample, Real, State, Static


class FeedbackState(State):
    inputs: Input[Array, "inputs"]  # an error, in the space of the forward synapse's outputs
    outputs: PerExample[Array, "outputs"]  # what pulls on the forward synapse's inputs
    weights: Borrowed[Array, "outputs inputs"]  # the forward synapse's own array


class Feedback(Component[FeedbackState]):
    """The transpose of a forward synapse, carrying its error back.

        outputs = scale * weights @ inputs,     weights (outputs, inputs) as in the forward synapse

    `wire("forward.weights", to="back.weights")` lends it the array itself, not a copy, so both
    directions always agree. `inputs` and `outputs` are this synapse's own: for a forward
    `Dense(inputs=a, outputs=b)` write `Feedback(inputs=b, outputs=a)`. Reference: Rao and Ballard
    (1999), Predictive coding in the visual cortex, doi:10.1038/4580.
    """

    inputs: Static[int]
    outputs: Static[int]
    scale: Real = 1.0

    def init(self, key: Array) -> FeedbackState:
        return FeedbackState(
            inputs=jnp.zeros(self.inputs),
            outputs=jnp.zeros(self.outputs),
            weights=jnp.zeros((self.outputs, self.inputs)),
        )

    def advance_state(self, state: FeedbackState, t: Array, dt: Array) -> FeedbackState:
        return state.replace(outputs=self.scale * (state.weights @ state.inputs))
