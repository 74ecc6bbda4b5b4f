"""Exponential trace of a spike train."""

import jax.numpy as jnp
from jax import Array, lax

from ngcmem.core import Component, Input, PerExample, State, Static, check_choice, zeros_per_unit


class TraceState(State):
    inputs: Input[Array, "units"]  # spikes, or any signal
    trace: PerExample[Array, "units"]


class Trace(Component[TraceState]):
    """A low-pass filtered spike train, the memory that spike-timing rules read.

        all_to_all:  trace <- trace * exp(-dt / tau) + gain * inputs
        nearest:     trace <- gain where there is a spike, else trace * exp(-dt / tau)

    the exact solution of tau d(trace)/dt = -trace between spikes: with `all_to_all` every spike
    of the past counts, with `nearest` only the last one. Units: ms. Reference: Morrison, Diesmann
    and Gerstner (2008), Biological Cybernetics 98:459, doi:10.1007/s00422-008-0233-1, sections
    4.1.2 and 4.1.3.

    Raises:
        ValueError: an unknown `pairing`.
    """

    units: Static[int]
    tau: float | Array = 20.0  # ms
    gain: float | Array = 1.0  # added per spike
    pairing: Static[str] = "all_to_all"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("Trace", "pairing", self.pairing, ("all_to_all", "nearest"))

    def init(self, key: Array) -> TraceState:
        zeros = zeros_per_unit(self)
        return TraceState(inputs=zeros, trace=zeros)

    def advance_state(self, state: TraceState, t: Array, dt: Array) -> TraceState:
        decayed = state.trace * jnp.exp(-dt / self.tau)
        if self.pairing == "nearest":
            trace = jnp.where(state.inputs > 0, self.gain, decayed)
            # The derivative of decayed + spike (gain - decayed), which a comparison hides.
            trace = trace + (state.inputs - lax.stop_gradient(state.inputs)) * (self.gain - decayed)
        else:
            trace = decayed + self.gain * state.inputs
        return state.replace(trace=trace)
