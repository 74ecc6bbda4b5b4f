"""Exponential trace of a spike train."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core.compartments import Input, PerExample, State
from ngcmem.core.component import Component
from ngcmem.core.pytree import Static


class TraceState(State):
    inputs: Input[Array, "units"]  # spikes, or any signal
    trace: PerExample[Array, "units"]


class Trace(Component[TraceState]):
    """A low-pass filtered spike train, the memory that spike-timing rules read.

        trace <- trace * exp(-dt / tau) + gain * inputs

    the exact solution of tau d(trace)/dt = -trace between spikes. Reference: Morrison, Diesmann
    and Gerstner (2008), Biological Cybernetics 98:459, doi:10.1007/s00422-008-0233-1.
    """

    units: Static[int]
    tau: float | Array = 20.0  # ms
    gain: float | Array = 1.0  # added per spike

    def init(self, key: Array) -> TraceState:
        return TraceState(inputs=jnp.zeros(self.units), trace=jnp.zeros(self.units))

    def advance_state(self, state: TraceState, t: Array, dt: Array) -> TraceState:
        return state.replace(trace=state.trace * jnp.exp(-dt / self.tau) + self.gain * state.inputs)
