"""Spike counter: what a long raster is usually reduced to."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Component, Input, PerExample, State, Units, carry


class SpikeCountState(State):
    inputs: Input[Array, "units"]  # spikes
    counts: PerExample[Array, "units"]  # spikes since the reset
    rounding: PerExample[Array, "units"]  # what the digits of the counts do not hold


class SpikeCount(Component[SpikeCountState]):
    """Counts spikes since the last reset, so that no raster need be recorded.

        counts <- counts + inputs

    `nm.run(...)[0]["count.counts"]` after T steps is the sum over time of a recorded raster, at
    the memory of one step; several spikes in a step count as many. Counts are floats: in float32
    exact up to 2^24, and beyond it the float nearest to the count, which goes on counting
    (`nm.core.carry`).

    Reference: Dayan and Abbott (2001), Theoretical Neuroscience, section 1.2, the spike-count rate.
    """

    units: Units

    def init(self, key: Array) -> SpikeCountState:
        zeros = jnp.zeros(self.units)
        return SpikeCountState(inputs=zeros, counts=zeros, rounding=zeros)

    def advance_state(self, state: SpikeCountState, t: Array, dt: Array) -> SpikeCountState:
        counts, rounding = carry(state.counts, state.rounding, state.inputs)
        return state.replace(counts=counts, rounding=rounding)
