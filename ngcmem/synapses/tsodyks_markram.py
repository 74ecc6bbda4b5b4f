"""Short-term plasticity: facilitation and depression."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Component, Input, PerExample, Shared, State, Static, uniform_weights
from ngcmem.synapses._initial import Initializer, initial


class TsodyksMarkramState(State):
    inputs: Input[Array, "inputs"]  # presynaptic spikes
    release: PerExample[Array, "inputs"]  # u, the fraction of resources a spike uses, 0..1
    resources: PerExample[Array, "inputs"]  # x, the fraction available, 0..1
    outputs: PerExample[Array, "outputs"]
    weights: Shared[Array, "inputs outputs"]


class TsodyksMarkram(Component[TsodyksMarkramState]):
    """A synapse that remembers its recent spikes for a while, in what it has left to release.

        between spikes:  du/dt = -u / tau_facilitation,   dx/dt = (1 - x) / tau_depression
        at a spike:      u <- u + utilisation (1 - u);   outputs = scale * (u x) @ weights;
                         x <- x - u x

    Exact between spikes for any dt. Under a regular train of interval D it settles at
    u = U / (1 - (1 - U) exp(-D / tau_f)) and, just before a spike,
    x = (1 - exp(-D / tau_d)) / (1 - (1 - u) exp(-D / tau_d)). The defaults depress; use
    tau_facilitation=1000, tau_depression=100, utilisation=0.05 for facilitation. Units: ms.
    Reference: Tsodyks, Pawelzik and Markram (1998), Neural Computation 10:821,
    doi:10.1162/089976698300017502.
    """

    inputs: Static[int]
    outputs: Static[int]
    utilisation: float | Array = 0.5  # U, 0..1
    tau_facilitation: float | Array = 20.0  # ms
    tau_depression: float | Array = 800.0  # ms
    scale: float | Array = 1.0
    weight_init: Static[Initializer] = uniform_weights

    def init(self, key: Array) -> TsodyksMarkramState:
        pre = jnp.zeros(self.inputs)
        return TsodyksMarkramState(
            inputs=pre,
            release=pre,
            resources=pre + 1.0,
            outputs=jnp.zeros(self.outputs),
            weights=initial(self, "weight_init", key, (self.inputs, self.outputs)),
        )

    def advance_state(self, state: TsodyksMarkramState, t: Array, dt: Array) -> TsodyksMarkramState:
        u = state.release * jnp.exp(-dt / self.tau_facilitation)
        x = 1.0 - (1.0 - state.resources) * jnp.exp(-dt / self.tau_depression)
        u = u + self.utilisation * (1.0 - u) * state.inputs
        used = u * x * state.inputs
        return state.replace(
            release=u, resources=x - used, outputs=self.scale * (used @ state.weights)
        )
