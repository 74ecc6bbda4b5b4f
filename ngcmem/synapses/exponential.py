"""Synapse whose conductance jumps and decays."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Component,
    Input,
    NonNegativeOrInf,
    PerExample,
    Real,
    Shared,
    State,
    Static,
    approach,
    uniform_weights,
)
from ngcmem.synapses._initial import Initializer, initial


class ExponentialSynapseState(State):
    inputs: Input[Array, "inputs"]  # presynaptic spikes
    v: Input[Array, "outputs"]  # membrane potential of the target, mV; unwired: driving force 1
    conductance: PerExample[Array, "outputs"]  # nS, or pA if v is not wired
    rounding: PerExample[Array, "outputs"]  # what the digits of the conductance do not hold
    outputs: PerExample[Array, "outputs"]  # current, pA
    weights: Shared[Array, "inputs outputs"]  # nS per spike


class ExponentialSynapse(Component[ExponentialSynapseState]):
    """A conductance that jumps with every spike and decays exponentially.

        conductance <- conductance exp(-dt / tau) + inputs @ weights
        outputs = scale * conductance * (reversal - v)

    Wire wire(delayed("cell.v"), to="synapse.v") for a conductance-based synapse; without it
    `v` keeps its first value, reversal - 1, and the outputs are a current of the same shape.
    k spikes in a step are k jumps. The decay is exact for any dt. Units: mV, ms, nS, pA. Reference:
    Dayan and Abbott (2001), Theoretical Neuroscience, section 5.8.
    """

    inputs: Static[int]
    outputs: Static[int]
    tau: NonNegativeOrInf = 5.0  # ms
    reversal: Real = 0.0  # mV
    scale: Real = 1.0
    weight_init: Static[Initializer] = uniform_weights

    def init(self, key: Array) -> ExponentialSynapseState:
        outputs = jnp.zeros(self.outputs)
        return ExponentialSynapseState(
            inputs=jnp.zeros(self.inputs),
            v=outputs + (self.reversal - 1.0),
            conductance=outputs,
            rounding=outputs,
            outputs=outputs,
            weights=initial(self, "weight_init", key, (self.inputs, self.outputs)),
        )

    def advance_state(
        self, state: ExponentialSynapseState, t: Array, dt: Array
    ) -> ExponentialSynapseState:
        arriving = state.inputs @ state.weights
        conductance, rounding = approach(
            state.conductance, state.rounding, 0.0, self.tau, dt, jump=arriving
        )
        return state.replace(
            conductance=conductance,
            rounding=rounding,
            outputs=self.scale * conductance * (self.reversal - state.v),
        )
