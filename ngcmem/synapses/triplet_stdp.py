"""Spike-timing-dependent plasticity of spike triplets."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import LearningInput, Real
from ngcmem.synapses._events import Event
from ngcmem.synapses.plastic import PlasticState, PlasticSynapse


class TripletSTDPState(PlasticState):
    pre_trace: LearningInput[Array, "inputs"]  # r1, tau 16.8 ms
    post_trace: LearningInput[Array, "outputs"]  # o1, tau 33.7 ms
    pre_slow: LearningInput[Array, "inputs"]  # r2, tau 101 ms
    post_slow: LearningInput[Array, "outputs"]  # o2, tau 114 ms


class TripletSTDP(PlasticSynapse[TripletSTDPState]):
    """STDP that depends on the rate, because a second trace of each side scales it.

        dW = pre_trace outer post (a2_plus + a3_plus o2) - inputs (a2_minus + a3_minus r2) outer
             post_trace                                                        (batch mean)

    a rule of events, which does not depend on dt, with o2 and r2 the slow traces just before the
    spike. Wire in four `Trace`s of gain 1 with the time constants given at the compartments; a
    trace includes the spike of its own step, which is taken out again here; of several
    spikes in a step each meets those before it. The default amplitudes
    are the minimal model fitted to visual cortex (all-to-all; table 3 of the reference): pairing at
    10 Hz and below depresses or does nothing, at 40 Hz it potentiates. Transmission, `eta`,
    `optimizer`, bounds and `total` as in `PlasticSynapse`. Reference: Pfister and Gerstner (2006),
    Journal of Neuroscience 26:9673, doi:10.1523/JNEUROSCI.1425-06.2006.
    """

    default_eta = 1.0

    a2_plus: Real = 0.0
    a2_minus: Real = 7.1e-3
    a3_plus: Real = 6.5e-3
    a3_minus: Real = 0.0

    def init(self, key: Array) -> TripletSTDPState:
        pre, post = self.zeros_pre(), self.zeros_post()
        return TripletSTDPState(
            pre_trace=pre,
            post_trace=post,
            pre_slow=pre,
            post_slow=post,
            **self.init_common(key),
        )

    def events(self, state: TripletSTDPState, t: Array, dt: Array) -> tuple[Event, ...]:
        post_before = _met(state.post_slow, state.post)
        pre_before = _met(state.pre_slow, state.inputs)
        grown = state.post * (self.a2_plus + self.a3_plus * post_before)
        return (
            (state.pre_trace, grown),
            (state.inputs, -self.a2_minus * state.post_trace),
            (state.inputs * pre_before, -self.a3_minus * state.post_trace),
        )


def _met(slow: Array, spikes: Array) -> Array:
    """The slow trace as the spikes of this step met it, on average: each those before it."""
    return slow - spikes + 0.5 * jnp.maximum(spikes - 1.0, 0.0)
