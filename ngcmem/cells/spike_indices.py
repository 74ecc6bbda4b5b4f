"""Spike raster as indices: a few integers per step where few cells fire."""

import math

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Component, Input, PerExample, State, Static, Units, counted, shape_of


class SpikeIndicesState(State):
    inputs: Input[Array, "units"]  # spikes
    indices: PerExample[Array, "most"]  # int32: the unit of each spike of this step, then -1
    overflow: PerExample[Array, ""]  # int32: spikes since the reset that found no place


class SpikeIndices(Component[SpikeIndicesState]):
    """The units that spiked in a step, in ascending order, padded with -1 to `max_spikes` entries.

    Record `"raster.indices"` in place of the spikes: `max_spikes` int32 per step instead of `units`
    floats. A unit with several spikes in a step is listed as often; those of a population with a
    shape are counted in its flat order. Further spikes of the same
    step are counted in `overflow`, never silently lost.

    Reference: address events, Boahen (2000), doi:10.1109/82.842110.

    Raises:
        ValueError: `max_spikes` exceeds `units`.
    """

    units: Units
    max_spikes: Static[int] = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_spikes > (most := math.prod(shape_of(self.units))):
            raise ValueError(
                f"SpikeIndices: max_spikes={self.max_spikes} exceeds units={self.units}; "
                f"write max_spikes={most}."
            )

    def init(self, key: Array) -> SpikeIndicesState:
        return SpikeIndicesState(
            inputs=jnp.zeros(self.units),
            indices=jnp.full((self.max_spikes,), -1, jnp.int32),
            overflow=jnp.zeros((), jnp.int32),
        )

    def advance_state(self, state: SpikeIndicesState, t: Array, dt: Array) -> SpikeIndicesState:
        spikes = jnp.maximum(jnp.ceil(state.inputs), 0).astype(jnp.int32)
        so_far = jnp.cumsum(spikes.ravel())  # spike number n is of the first unit with more than n
        number = jnp.arange(self.max_spikes, dtype=jnp.int32)
        units = jnp.searchsorted(so_far, number, side="right").astype(jnp.int32)
        indices = jnp.where(number < so_far[-1], units, -1)
        lost = jnp.maximum(so_far[-1] - self.max_spikes, 0)
        return state.replace(indices=indices, overflow=counted(state.overflow, lost))
