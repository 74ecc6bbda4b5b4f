"""A dense synaptic cable."""

import math
from typing import Any

import jax
from jax import Array

from ngcmem.core import Real, Static, Units, lecun_normal_weights, shape_of
from ngcmem.synapses._events import outer_mean
from ngcmem.synapses._initial import Initializer, initial
from ngcmem.synapses.projected import Projected, ProjectedState


class Dense(Projected):
    """Synapses from every input to every output that do not learn by themselves.

        outputs = scale * (inputs @ weights) + bias

    linear, so that two spikes in a step bring twice the weight.
    Train `weights` and `bias` by gradient (`nm.parameters`, `jax.grad`, optax), or set them:
    `state.set({"synapse.weights": w})`. `weight_init` and `bias_init` are initializers such as
    `jax.nn.initializers.lecun_normal()`. Between populations with shapes the weights have the axes
    of both, and are drawn as the matrix (inputs, outputs) of all their units.

    Reference: Dayan and Abbott (2001), Theoretical Neuroscience, section 7.2.
    """

    inputs: Units
    outputs: Units
    scale: Real = 1.0
    weight_init: Static[Initializer] = lecun_normal_weights
    bias_init: Static[Initializer] = jax.nn.initializers.zeros

    @property
    def input_shape(self) -> tuple[int, ...]:
        return shape_of(self.inputs)

    @property
    def output_shape(self) -> tuple[int, ...]:
        return shape_of(self.outputs)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (*self.input_shape, *self.output_shape)

    @property
    def incoming(self) -> tuple[int, ...]:
        return tuple(range(len(self.input_shape)))

    def transposed(self, errors: Array, weights: Array) -> Array:
        return (weights.reshape(self._matrix) @ errors.ravel()).reshape(self.input_shape)

    @property
    def _own(self) -> int:
        return len(self.output_shape)

    @property
    def _matrix(self) -> tuple[int, int]:
        return math.prod(self.input_shape), math.prod(self.output_shape)

    def transmit(self, inputs: Array, weights: Array) -> Array:
        return (inputs.ravel() @ weights.reshape(self._matrix)).reshape(self.output_shape)

    def fresh_weights(self, owner: Any, key: Array) -> Array:
        return initial(owner, "weight_init", key, self._matrix).reshape(self.weight_shape)

    def outer_mean(self, *pairs: tuple[Array, Array]) -> Array:
        flat = [tuple(side.reshape(side.shape[0], -1) for side in pair) for pair in pairs]
        return outer_mean(*flat).reshape(self.weight_shape)  # pyright: ignore[reportArgumentType]

    def advance_state(self, state: ProjectedState, t: Array, dt: Array) -> ProjectedState:
        arriving = self.scale * self.transmit(state.inputs, state.weights)
        return state.replace(outputs=self.with_bias(arriving, state.bias))
