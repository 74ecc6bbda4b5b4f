"""Hebbian synapse."""

from jax import Array

from ngcmem.plasticity.hebbian import hebb
from ngcmem.synapses.plastic import PlasticState, PlasticSynapse


class HebbState(PlasticState):
    pass


class Hebb(PlasticSynapse[HebbState]):
    """What fires together wires together.

        dW = inputs outer post     (batch mean)

    Nothing in the rule stops growth: the hard bounds, `bounds="soft"` or `total` do. Transmission,
    `eta`, `optimizer`, bounds and `total` as in `PlasticSynapse`. Reference: Hebb (1949), The
    Organization of Behavior; Dayan and Abbott (2001), section 8.2.
    """

    def init(self, key: Array) -> HebbState:
        return HebbState(**self.init_common(key))

    def weight_changes(self, state: HebbState, t: Array, dt: Array) -> Array:
        return hebb(state.inputs, state.post)
