"""Short-term plasticity: facilitation and depression."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Component,
    Input,
    NonNegativeOrInf,
    PerExample,
    Probability,
    Real,
    Shared,
    State,
    Static,
    approach,
    carry,
    uniform_weights,
)
from ngcmem.synapses._initial import Initializer, initial


class TsodyksMarkramState(State):
    inputs: Input[Array, "inputs"]  # presynaptic spikes
    release: PerExample[Array, "inputs"]  # u, the fraction of resources a spike uses, 0..1
    release_rounding: PerExample[Array, "inputs"]  # what its digits do not hold
    resources: PerExample[Array, "inputs"]  # x, the fraction available, 0..1
    resources_rounding: PerExample[Array, "inputs"]  # what its digits do not hold
    outputs: PerExample[Array, "outputs"]
    weights: Shared[Array, "inputs outputs"]


class TsodyksMarkram(Component[TsodyksMarkramState]):
    """A synapse that remembers its recent spikes for a while, in what it has left to release.

        between spikes:  du/dt = -u / tau_facilitation,   dx/dt = (1 - x) / tau_depression
        at a spike:      u <- u + utilisation (1 - u);   outputs = scale * (u x) @ weights;
                         x <- x - u x

    Several spikes in a step are as many releases, one after the other with no time between them:
    after k of them u is 1 - (1 - U)^k (1 - u), and 1 - (1 - u)^k (1 - U)^(k (k + 1) / 2) of x is
    used. Exact between spikes for any dt. Under a regular train of interval D it settles at
    u = U / (1 - (1 - U) exp(-D / tau_f)) and, just before a spike,
    x = (1 - exp(-D / tau_d)) / (1 - (1 - u) exp(-D / tau_d)). The defaults depress; use
    tau_facilitation=1000, tau_depression=100, utilisation=0.05 for facilitation. Units: ms.
    Reference: Tsodyks, Pawelzik and Markram (1998), Neural Computation 10:821,
    doi:10.1162/089976698300017502.
    """

    inputs: Static[int]
    outputs: Static[int]
    utilisation: Probability = 0.5  # U, 0..1
    tau_facilitation: NonNegativeOrInf = 20.0  # ms
    tau_depression: NonNegativeOrInf = 800.0  # ms
    scale: Real = 1.0
    weight_init: Static[Initializer] = uniform_weights

    def init(self, key: Array) -> TsodyksMarkramState:
        pre = jnp.zeros(self.inputs)
        return TsodyksMarkramState(
            inputs=pre,
            release=pre,
            release_rounding=pre,
            resources=pre + 1.0,
            resources_rounding=pre,
            outputs=jnp.zeros(self.outputs),
            weights=initial(self, "weight_init", key, (self.inputs, self.outputs)),
        )

    def advance_state(self, state: TsodyksMarkramState, t: Array, dt: Array) -> TsodyksMarkramState:
        u, lost = approach(state.release, state.release_rounding, 0.0, self.tau_facilitation, dt)
        x, left = approach(state.resources, state.resources_rounding, 1.0, self.tau_depression, dt)
        spikes, kept = jnp.maximum(state.inputs, 0.0), 1.0 - self.utilisation
        unused = (1.0 - u) ** spikes * kept ** (0.5 * spikes * (spikes + 1.0))
        used = x * (1.0 - unused)
        u, release_rounding = carry(u, lost, (1.0 - u) * (1.0 - kept**spikes))
        resources, resources_rounding = carry(x, left, -used)
        return state.replace(
            release=u,
            release_rounding=release_rounding,
            resources=resources,
            resources_rounding=resources_rounding,
            outputs=self.scale * (used @ state.weights),
        )
