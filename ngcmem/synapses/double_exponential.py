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
    uniform_weights,
)
from ngcmem.synapses._courses import risen_and_decayed, time_to_peak
from ngcmem.synapses._initial import Initializer, initial


class DoubleExponentialSynapseState(State):
    inputs: Input[Array, "inputs"]  # presynaptic spikes
    v: Input[Array, "outputs"]  # membrane potential of the target, mV; unwired: driving force 1
    rising: PerExample[Array, "outputs"]  # trace with tau_rise
    rising_rounding: PerExample[Array, "outputs"]  # what its digits do not hold
    conductance: PerExample[Array, "outputs"]  # nS, or pA if v is not wired
    conductance_rounding: PerExample[Array, "outputs"]  # what its digits do not hold
    outputs: PerExample[Array, "outputs"]  # current, pA
    weights: Shared[Array, "inputs outputs"]  # peak conductance per spike, nS


class DoubleExponentialSynapse(Component[DoubleExponentialSynapseState]):
    """A conductance with a rise and a decay: a spike of weight w peaks at w.

        g(t) = w (exp(-t / tau_decay) - exp(-t / tau_rise)) / peak
        outputs = scale * conductance * (reversal - v)

    with `peak` the largest value of the difference, reached at
    tau_rise tau_decay / (tau_decay - tau_rise) ln(tau_decay / tau_rise); where both are one tau,
    the limit w t / tau exp(1 - t / tau), the alpha function. Their order does not matter. It is
    integrated as the trace r of tau_rise that feeds the conductance,

        dr/dt = -r / tau_rise,     dg/dt = -g / tau_decay + r / (largest g of a spike of r 1),

    which loses no digits where the two are nearly equal. `v` and several spikes in a step as in
    `ExponentialSynapse`. Exact for any dt. Units: mV, ms, nS, pA. Reference: Dayan and Abbott
    (2001), Theoretical Neuroscience, section 5.8.
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
            rising=outputs,
            rising_rounding=outputs,
            conductance=outputs,
            conductance_rounding=outputs,
            outputs=outputs,
            weights=initial(self, "weight_init", key, (self.inputs, self.outputs)),
        )

    def time_to_peak(self) -> Array:
        """When the conductance of one spike is largest, ms."""
        return time_to_peak(jnp.asarray(self.tau_rise), jnp.asarray(self.tau_decay))

    def advance_state(
        self, state: DoubleExponentialSynapseState, t: Array, dt: Array
    ) -> DoubleExponentialSynapseState:
        course = risen_and_decayed(
            state, self.tau_rise, self.tau_decay, state.inputs @ state.weights, dt
        )
        outputs = self.scale * course["conductance"] * (self.reversal - state.v)
        return state.replace(outputs=outputs, **course)
