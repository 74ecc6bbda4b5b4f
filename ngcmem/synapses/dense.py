"""A dense synaptic cable."""

import jax
from jax import Array

from ngcmem.core import (
    Component,
    Input,
    PerExample,
    Real,
    Shared,
    State,
    Static,
    lecun_normal_weights,
)
from ngcmem.synapses._initial import Initializer, initial


class DenseState(State):
    inputs: Input[Array, "inputs"]
    outputs: PerExample[Array, "outputs"]
    weights: Shared[Array, "inputs outputs"]
    bias: Shared[Array, "outputs"]


class Dense(Component[DenseState]):
    """Synapses that transmit and do not learn by themselves.

        outputs = scale * (inputs @ weights) + bias

    linear, so that two spikes in a step bring twice the weight.
    Train `weights` and `bias` by gradient (`nm.parameters`, `jax.grad`, optax), or set them:
    `state.set({"synapse.weights": w})`. `weight_init` and `bias_init` are initializers such as
    `jax.nn.initializers.lecun_normal()`.

    Reference: Dayan and Abbott (2001), Theoretical Neuroscience, section 7.2.
    """

    inputs: Static[int]
    outputs: Static[int]
    scale: Real = 1.0
    weight_init: Static[Initializer] = lecun_normal_weights
    bias_init: Static[Initializer] = jax.nn.initializers.zeros

    def init(self, key: Array) -> DenseState:
        weight_key, bias_key = jax.random.split(key)
        return DenseState(
            inputs=jax.numpy.zeros(self.inputs),
            outputs=jax.numpy.zeros(self.outputs),
            weights=initial(self, "weight_init", weight_key, (self.inputs, self.outputs)),
            bias=initial(self, "bias_init", bias_key, (self.outputs,)),
        )

    def advance_state(self, state: DenseState, t: Array, dt: Array) -> DenseState:
        return state.replace(outputs=self.scale * (state.inputs @ state.weights) + state.bias)
