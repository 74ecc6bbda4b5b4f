"""Spike-timing-dependent plasticity of spike pairs."""

from jax import Array

from ngcmem.core import LearningInput, Real
from ngcmem.synapses._events import Event
from ngcmem.synapses.plastic import PlasticState, PlasticSynapse


class STDPState(PlasticState):
    pre_trace: LearningInput[Array, "inputs"]  # of a Trace of the presynaptic spikes
    post_trace: LearningInput[Array, "outputs"]  # of a Trace of the postsynaptic spikes


class STDP(PlasticSynapse[STDPState]):
    """A synapse that grows when its input fires before its output, and shrinks the other way.

        dW = a_plus pre_trace outer post - a_minus inputs outer post_trace     (batch mean)

    A pair at t_post - t_pre = D changes W by eta a_plus exp(-D / tau_pre) for D > 0 and by -eta
    a_minus exp(D / tau_post) for D < 0, with the taus of the two `Trace`s wired in, of gain 1. A
    rule of events: it does not depend on dt. A trace includes the spike of its own step: a pair at
    D = 0 counts in both terms. Whether all pairs or the nearest count is the traces' `pairing`.
    Of several spikes in a step every one makes its pairs.
    Transmission, `eta`, `optimizer`, bounds and `total` as in `PlasticSynapse`. Reference: Song,
    Miller and Abbott (2000), Nature Neuroscience 3:919, doi:10.1038/78829; Morrison, Diesmann and
    Gerstner (2008), doi:10.1007/s00422-008-0233-1.
    """

    a_plus: Real = 1.0
    a_minus: Real = 1.05

    def init(self, key: Array) -> STDPState:
        return STDPState(
            pre_trace=self.zeros_pre(),
            post_trace=self.zeros_post(),
            **self.init_common(key),
        )

    def events(self, state: STDPState, t: Array, dt: Array) -> tuple[Event, ...]:
        grown = state.pre_trace, self.a_plus * state.post
        shrunk = state.inputs, -self.a_minus * state.post_trace
        return grown, shrunk
