"""Eligibility trace: which synapses a later reward is to change."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Component,
    Input,
    NonNegativeOrInf,
    PerExample,
    Real,
    State,
    Static,
    approach,
)


class EligibilityState(State):
    inputs: Input[Array, "inputs"]  # presynaptic spikes
    post: Input[Array, "outputs"]  # postsynaptic spikes of the same step
    pre_trace: Input[Array, "inputs"]
    post_trace: Input[Array, "outputs"]
    eligibility: PerExample[Array, "inputs outputs"]
    rounding: PerExample[Array, "inputs outputs"]  # what the digits of the eligibility do not hold


class Eligibility(Component[EligibilityState]):
    """A slow trace of what pair STDP would have done, one matrix per example.

        eligibility <- eligibility exp(-dt / tau)
                       + a_plus pre_trace outer post - a_minus inputs outer post_trace

    It decides nothing: wire it to `RewardSTDP`, where a reward that comes up to `tau` later turns
    it into weights. Of several spikes in a step every one makes its pairs. It stands after the
    cells it watches, so it closes no loop. Units: ms. Reference: Izhikevich (2007), Cerebral Cortex
    17:2443, doi:10.1093/cercor/bhl152.
    """

    inputs: Static[int]
    outputs: Static[int]
    tau: NonNegativeOrInf = 1000.0  # ms
    a_plus: Real = 1.0
    a_minus: Real = 1.05

    def init(self, key: Array) -> EligibilityState:
        pre, post = jnp.zeros(self.inputs), jnp.zeros(self.outputs)
        zeros = jnp.zeros((self.inputs, self.outputs))
        return EligibilityState(
            inputs=pre,
            post=post,
            pre_trace=pre,
            post_trace=post,
            eligibility=zeros,
            rounding=zeros,
        )

    def advance_state(self, state: EligibilityState, t: Array, dt: Array) -> EligibilityState:
        grown = jnp.outer(state.pre_trace, self.a_plus * state.post)
        shrunk = jnp.outer(state.inputs, self.a_minus * state.post_trace)
        eligibility, rounding = approach(
            state.eligibility, state.rounding, 0.0, self.tau, dt, jump=grown - shrunk
        )
        return state.replace(eligibility=eligibility, rounding=rounding)
