"""Exponential trace of a spike train."""

import jax.numpy as jnp
from jax import Array, lax

from ngcmem.core import (
    Component,
    Input,
    NonNegativeOrInf,
    PerExample,
    Real,
    State,
    Static,
    Units,
    approach,
    check_choice,
    zeros_per_unit,
)


class TraceState(State):
    inputs: Input[Array, "units"]  # spikes, or any signal
    trace: PerExample[Array, "units"]
    rounding: PerExample[Array, "units"]  # what the digits of the trace do not hold


class Trace(Component[TraceState]):
    """A low-pass filtered spike train, the memory that spike-timing rules read.

        all_to_all:  trace <- trace * exp(-dt / tau) + gain * inputs
        nearest:     trace <- gain where there is a spike, else trace * exp(-dt / tau)

    the exact solution of tau d(trace)/dt = -trace between spikes: with `all_to_all` every spike
    of the past counts, with `nearest` only the last one. Several spikes in a step count one by
    one: k add k gains, or with `nearest` leave the gain of the last. Units: ms. Reference:
    Morrison, Diesmann and Gerstner (2008), Biological Cybernetics 98:459,
    doi:10.1007/s00422-008-0233-1, sections 4.1.2 and 4.1.3.

    Raises:
        ValueError: an unknown `pairing`.
    """

    units: Units
    tau: NonNegativeOrInf = 20.0  # ms
    gain: Real = 1.0  # added per spike
    pairing: Static[str] = "all_to_all"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("Trace", "pairing", self.pairing, ("all_to_all", "nearest"))

    def init(self, key: Array) -> TraceState:
        zeros = zeros_per_unit(self)
        return TraceState(inputs=zeros, trace=zeros, rounding=zeros)

    def advance_state(self, state: TraceState, t: Array, dt: Array) -> TraceState:
        added = self.gain * state.inputs if self.pairing == "all_to_all" else 0.0
        trace, rounding = approach(state.trace, state.rounding, 0.0, self.tau, dt, jump=added)
        if self.pairing == "nearest":
            fired, decayed = state.inputs > 0, trace
            # The derivative of decayed + spike (gain - decayed), which a comparison hides.
            hidden = (state.inputs - lax.stop_gradient(state.inputs)) * (self.gain - decayed)
            trace = jnp.where(fired, self.gain, decayed) + hidden
            rounding = jnp.where(fired, 0.0, rounding)
        return state.replace(trace=trace, rounding=rounding)
