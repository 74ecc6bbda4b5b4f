"""Synapse whose conductance rises and decays."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Component,
    Input,
    PerExample,
    Positive,
    Real,
    Shared,
    State,
    Static,
    approach,
    uniform_weights,
)
from ngcmem.synapses._initial import Initializer, initial


class DoubleExponentialSynapseState(State):
    inputs: Input[Array, "inputs"]  # presynaptic spikes
    v: Input[Array, "outputs"]  # membrane potential of the target, mV; unwired: driving force 1
    decaying: PerExample[Array, "outputs"]  # trace with tau_decay
    decaying_rounding: PerExample[Array, "outputs"]  # what its digits do not hold
    rising: PerExample[Array, "outputs"]  # trace with tau_rise
    rising_rounding: PerExample[Array, "outputs"]  # what its digits do not hold
    conductance: PerExample[Array, "outputs"]  # nS, or pA if v is not wired
    outputs: PerExample[Array, "outputs"]  # current, pA
    weights: Shared[Array, "inputs outputs"]  # peak conductance per spike, nS


class DoubleExponentialSynapse(Component[DoubleExponentialSynapseState]):
    """A conductance with a rise and a decay: a spike of weight w peaks at w.

        g(t) = w (exp(-t / tau_decay) - exp(-t / tau_rise)) / peak
        outputs = scale * conductance * (reversal - v)

    with `peak` the largest value of the difference, reached at
    tau_rise tau_decay / (tau_decay - tau_rise) ln(tau_decay / tau_rise). tau_rise and tau_decay
    differ; the order does not matter. `v` and several spikes in a step as in `ExponentialSynapse`.
    Exact for any dt. Units: mV, ms, nS, pA. Reference: Dayan and Abbott (2001), Theoretical
    Neuroscience, section 5.8.
    """

    inputs: Static[int]
    outputs: Static[int]
    tau_rise: Positive = 1.0  # ms
    tau_decay: Positive = 5.0  # ms
    reversal: Real = 0.0  # mV
    scale: Real = 1.0
    weight_init: Static[Initializer] = uniform_weights

    def init(self, key: Array) -> DoubleExponentialSynapseState:
        outputs = jnp.zeros(self.outputs)
        return DoubleExponentialSynapseState(
            inputs=jnp.zeros(self.inputs),
            v=outputs + (self.reversal - 1.0),
            decaying=outputs,
            decaying_rounding=outputs,
            rising=outputs,
            rising_rounding=outputs,
            conductance=outputs,
            outputs=outputs,
            weights=initial(self, "weight_init", key, (self.inputs, self.outputs)),
        )

    def time_to_peak(self) -> Array:
        """When the conductance of one spike is largest, ms."""
        rise, decay = jnp.asarray(self.tau_rise), jnp.asarray(self.tau_decay)
        return rise * decay / (decay - rise) * jnp.log(decay / rise)

    def advance_state(
        self, state: DoubleExponentialSynapseState, t: Array, dt: Array
    ) -> DoubleExponentialSynapseState:
        top = self.time_to_peak()
        peak = jnp.exp(-top / self.tau_decay) - jnp.exp(-top / self.tau_rise)
        arriving = state.inputs @ state.weights
        decaying, decaying_rounding = approach(
            state.decaying, state.decaying_rounding, 0.0, self.tau_decay, dt, jump=arriving
        )
        rising, rising_rounding = approach(
            state.rising, state.rising_rounding, 0.0, self.tau_rise, dt, jump=arriving
        )
        conductance = (decaying - rising) / peak
        return state.replace(
            decaying=decaying,
            decaying_rounding=decaying_rounding,
            rising=rising,
            rising_rounding=rising_rounding,
            conductance=conductance,
            outputs=self.scale * conductance * (self.reversal - state.v),
        )
