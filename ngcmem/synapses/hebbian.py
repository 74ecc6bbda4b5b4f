"""Hebbian synapse."""

from jax import Array

from ngcmem.synapses._events import Event
from ngcmem.synapses.plastic import PlasticState, PlasticSynapse


class HebbianState(PlasticState):
    pass


class Hebbian(PlasticSynapse[HebbianState]):
    """What fires together wires together.

        dW = dt inputs outer post     (batch mean)

    An integral over time of two rates: `eta` is per ms, with steps of 1 ms per step. Nothing in the
    rule stops growth: the hard bounds, `bounds="soft"` or `total` do. Transmission, `eta`,
    `optimizer`, bounds and `total` as in `PlasticSynapse`. Reference: Hebb (1949), The Organization
    of Behavior; Dayan and Abbott (2001), section 8.2.
    """

    def init(self, key: Array) -> HebbianState:
        return HebbianState(**self.init_common(key))

    def events(self, state: HebbianState, t: Array, dt: Array) -> tuple[Event, ...]:
        return ((state.inputs, dt * state.post),)
