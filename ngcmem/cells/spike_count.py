"""Spike counter: what a long raster is usually reduced to."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Component, Input, PerExample, State, Static


class SpikeCountState(State):
    inputs: Input[Array, "units"]  # spikes
    counts: PerExample[Array, "units"]  # spikes since the reset


class SpikeCount(Component[SpikeCountState]):
    """Counts spikes since the last reset, so that no raster need be recorded.

        counts <- counts + inputs

    `nm.run(...)[0]["count.counts"]` after T steps is the sum over time of a recorded raster, at
    the memory of one step; several spikes in a step count as many. Counts are floats: exact up to
    2^24 in float32.

    Reference: Dayan and Abbott (2001), Theoretical Neuroscience, section 1.2, the spike-count rate.
    """

    units: Static[int]

    def init(self, key: Array) -> SpikeCountState:
        return SpikeCountState(inputs=jnp.zeros(self.units), counts=jnp.zeros(self.units))

    def advance_state(self, state: SpikeCountState, t: Array, dt: Array) -> SpikeCountState:
        return state.replace(counts=state.counts + state.inputs)
