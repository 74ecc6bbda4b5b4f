"""Feedback through another synapse's weights."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core.compartments import Borrowed, Input, PerExample, State
from ngcmem.core.component import Component
from ngcmem.core.pytree import Static


class FeedbackState(State):
    inputs: Input[Array, "inputs"]  # activity of the upper layer
    outputs: PerExample[Array, "outputs"]  # to the lower layer
    weights: Borrowed[Array, "outputs inputs"]  # of the forward synapse, wired


class Feedback(Component[FeedbackState]):
    """The way back through a forward synapse: its own weights, transposed, always up to date.

        outputs = scale * (inputs @ weights.T)

    `weights` is Borrowed: wire("forward.weights", to="feedback.weights") lends the forward
    synapse's Shared array (lower layer, upper layer), and what it learns is used in the same step.
    For feedback weights of their own use `Dense`.
    """

    inputs: Static[int]
    outputs: Static[int]
    scale: float | Array = 1.0

    def init(self, key: Array) -> FeedbackState:
        return FeedbackState(
            inputs=jnp.zeros(self.inputs),
            outputs=jnp.zeros(self.outputs),
            weights=jnp.zeros((self.outputs, self.inputs)),
        )

    def advance_state(self, state: FeedbackState, t: Array, dt: Array) -> FeedbackState:
        return state.replace(outputs=self.scale * (state.inputs @ state.weights.T))
