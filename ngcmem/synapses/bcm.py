"""The synapse of Bienenstock, Cooper and Munro."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import NonNegative, NonNegativeOrInf, Shared
from ngcmem.synapses.plastic import PlasticState, PlasticSynapse, outer_mean


class BCMState(PlasticState):
    threshold: Shared[Array, "outputs"]  # between depression and potentiation, unit of post^2


class BCM(PlasticSynapse[BCMState]):
    """Weak activity depresses, strong activity potentiates, and the border between them slides.

        dW = inputs outer post (post - threshold)                                (batch mean)
        threshold <- threshold + (1 - exp(-dt / tau_threshold)) (mean of post^2 - threshold)

    The sliding threshold makes the rule stable and selective when it moves faster than the
    weights. It is learned: shared by the batch, moved only by `evolve`, kept by reset.
    Transmission, `eta`, `optimizer`, bounds and `total` as in `PlasticSynapse`. Units: ms.
    Reference: Bienenstock, Cooper and Munro (1982), Journal of Neuroscience 2:32,
    doi:10.1523/JNEUROSCI.02-01-00032.1982; Intrator and Cooper (1992),
    doi:10.1016/S0893-6080(05)80003-6, for the squared average.
    """

    tau_threshold: NonNegativeOrInf = 100.0  # ms
    threshold_start: NonNegative = 1.0

    def init(self, key: Array) -> BCMState:
        threshold = jnp.zeros(self.outputs) + self.threshold_start
        return BCMState(threshold=threshold, **self.init_common(key))

    def weight_changes(self, state: BCMState, t: Array, dt: Array) -> Array:
        return outer_mean(state.inputs, state.post * (state.post - state.threshold[None]))

    def evolve(self, state: BCMState, t: Array, dt: Array) -> BCMState:
        moved = -jnp.expm1(-dt / self.tau_threshold)
        threshold = state.threshold + moved * (jnp.mean(state.post**2, 0) - state.threshold)
        return self.learned(state, t, dt).replace(threshold=threshold)
