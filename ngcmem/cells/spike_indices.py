"""Spike raster as indices: a few integers per step where few cells fire."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Component, Input, PerExample, State, Static, counted


class SpikeIndicesState(State):
    inputs: Input[Array, "units"]  # spikes
    indices: PerExample[Array, "most"]  # int32: units that spiked in this step, then -1
    overflow: PerExample[Array, ""]  # int32: spikes since the reset that found no place


class SpikeIndices(Component[SpikeIndicesState]):
    """The units that spiked in a step, in ascending order, padded with -1 to `max_spikes` entries.

    Record `"raster.indices"` in place of the spikes: `max_spikes` int32 per step instead of `units`
    floats. Further spikes of the same step are counted in `overflow`, never silently lost.

    Reference: address events, Boahen (2000), doi:10.1109/82.842110.

    Raises:
        ValueError: `max_spikes` exceeds `units`.
    """

    units: Static[int]
    max_spikes: Static[int] = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_spikes > self.units:
            raise ValueError(
                f"SpikeIndices: max_spikes={self.max_spikes} exceeds units={self.units}; "
                f"write max_spikes={self.units}."
            )

    def init(self, key: Array) -> SpikeIndicesState:
        return SpikeIndicesState(
            inputs=jnp.zeros(self.units),
            indices=jnp.full((self.max_spikes,), -1, jnp.int32),
            overflow=jnp.zeros((), jnp.int32),
        )

    def advance_state(self, state: SpikeIndicesState, t: Array, dt: Array) -> SpikeIndicesState:
        fired = state.inputs > 0
        indices = jnp.flatnonzero(fired, size=self.max_spikes, fill_value=-1).astype(jnp.int32)
        lost = jnp.maximum(jnp.sum(fired, dtype=jnp.int32) - self.max_spikes, 0)
        return state.replace(indices=indices, overflow=counted(state.overflow, lost))
