"""Hebbian synapse."""

from jax import Array

from ngcmem.synapses.plastic import PlasticState, PlasticSynapse, outer_mean


class HebbianState(PlasticState):
    pass


class Hebbian(PlasticSynapse[HebbianState]):
    """What fires together wires together.

        dW = inputs outer post     (batch mean)

    Nothing in the rule stops growth: the hard bounds, `bounds="soft"` or `total` do. Transmission,
    `eta`, `optimizer`, bounds and `total` as in `PlasticSynapse`. Reference: Hebb (1949), The
    Organization of Behavior; Dayan and Abbott (2001), section 8.2.
    """

    def init(self, key: Array) -> HebbianState:
        return HebbianState(**self.init_common(key))

    def weight_changes(self, state: HebbianState, t: Array, dt: Array) -> Array:
        return outer_mean(state.inputs, state.post)
