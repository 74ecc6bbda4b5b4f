"""Inhibitory spike-timing-dependent plasticity, which balances excitation."""

from jax import Array

from ngcmem.core import LearningInput, NonNegative
from ngcmem.synapses._events import Event
from ngcmem.synapses.plastic import PlasticState, PlasticSynapse


class InhibitorySTDPState(PlasticState):
    pre_trace: LearningInput[Array, "inputs"]  # of the inhibitory cells' spikes
    post_trace: LearningInput[Array, "outputs"]


class InhibitorySTDP(PlasticSynapse[InhibitorySTDPState]):
    """An inhibitory synapse that learns to hold its target at a rate.

        dW = pre_trace outer post + inputs outer (post_trace - 2 target_rate tau / 1000)

    (batch mean), a rule of events that does not depend on dt: near-coincident spikes in either
    order strengthen the inhibition, a lone inhibitory spike weakens it, and both balance where the
    target fires at `target_rate` Hz. Of several spikes in a step every one counts.
    Wire in two `Trace`s with the time constant `tau` and gain 1; weights are positive, subtract the
    outputs from the target's current: wire("-synapse.outputs", to="cell.current"). Transmission,
    `eta`, `optimizer`, bounds and `total` as in `PlasticSynapse`. Units: ms, Hz. Reference: Vogels,
    Sprekeler, Zenke, Clopath and Gerstner (2011), Science 334:1569, doi:10.1126/science.1211095.
    """

    target_rate: NonNegative = 5.0  # Hz
    tau: NonNegative = 20.0  # ms, of the two traces

    def init(self, key: Array) -> InhibitorySTDPState:
        return InhibitorySTDPState(
            pre_trace=self.zeros_pre(),
            post_trace=self.zeros_post(),
            **self.init_common(key),
        )

    def events(self, state: InhibitorySTDPState, t: Array, dt: Array) -> tuple[Event, ...]:
        depression = 2.0 * self.target_rate * self.tau / 1000.0
        return (state.pre_trace, state.post), (state.inputs, state.post_trace - depression)
