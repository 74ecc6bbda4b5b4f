"""The synapse of Bienenstock, Cooper and Munro."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import NonNegative, NonNegativeOrInf, Shared, approach, part
from ngcmem.synapses._events import Event
from ngcmem.synapses.plastic import PlasticState, PlasticSynapse


class BCMState(PlasticState):
    threshold_sum: Shared[Array, "outputs 2"]  # the threshold, and what its digits do not hold
    threshold = part("threshold_sum", 0, axes="outputs")  # in the unit of post^2


class BCM(PlasticSynapse[BCMState]):
    """Weak activity depresses, strong activity potentiates, and the border between them slides.

        dW = dt inputs outer post (post - threshold)                             (batch mean)
        threshold <- threshold + (1 - exp(-dt / tau_threshold)) (mean of post^2 - threshold)

    Both are integrals over time: weights and threshold move at the same pace whatever dt is, `eta`
    is per ms. The sliding threshold makes the rule stable and selective when it moves faster than
    the weights. It is learned: shared by the batch, moved only by `evolve`, kept by reset.
    Transmission, `eta`, `optimizer`, bounds and `total` as in `PlasticSynapse`. Units: ms.
    Reference: Bienenstock, Cooper and Munro (1982), Journal of Neuroscience 2:32,
    doi:10.1523/JNEUROSCI.02-01-00032.1982; Intrator and Cooper (1992),
    doi:10.1016/S0893-6080(05)80003-6, for the squared average.
    """

    tau_threshold: NonNegativeOrInf = 100.0  # ms
    threshold_start: NonNegative = 1.0

    def init(self, key: Array) -> BCMState:
        common = self.init_common(key)
        threshold = self.zeros_post() + self.threshold_start
        both = jnp.stack([threshold, jnp.zeros_like(threshold)], axis=-1)
        return BCMState(threshold_sum=both, **common)

    def events(self, state: BCMState, t: Array, dt: Array) -> tuple[Event, ...]:
        return ((state.inputs, dt * state.post * (state.post - state.threshold[None])),)

    def evolve(self, state: BCMState, t: Array, dt: Array) -> BCMState:
        mean_square = jnp.mean(state.post**2, 0)
        threshold, rounding = jnp.moveaxis(state.threshold_sum, -1, 0)
        moved = approach(threshold, rounding, mean_square, self.tau_threshold, dt)
        return self.learned(state, t, dt).replace(threshold_sum=jnp.stack(moved, axis=-1))
