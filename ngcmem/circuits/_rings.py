"""Ring buffers of a circuit: what its delayed sources read."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.circuits.clock import Clock
from ngcmem.circuits.wires import Source
from ngcmem.core import whole_steps


def filled(source: Source, value: Any, axes: int) -> dict[str, Any]:
    """A buffer that holds the present value everywhere; `axes` batch axes come before its own."""
    buffer = jax.tree.map(lambda one: jnp.stack([one] * source.ring, axis=axes), value)
    if source.ms is None:
        return {"values": buffer}
    lead = jax.tree.leaves(value)[0].shape[:axes]
    unlimited = jnp.full(lead, source.delay, jnp.int32)
    return {"values": buffer, "alike": unlimited, "dt": jnp.zeros(lead)}


def written(source: Source, ring: dict[str, Any], value: Any, clock: Clock, dt: Array) -> Any:
    """The buffer with the value of this step."""
    slot = clock.ticks % source.ring
    values = jax.tree.map(lambda kept, one: kept.at[slot].set(one), ring["values"], value)
    if source.ms is None:
        return {"values": values}
    kept = jnp.minimum(_alike(ring, dt) + 1, source.delay)
    return {"values": values, "alike": kept, "dt": dt.astype(ring["dt"].dtype)}


def read(source: Source, ring: dict[str, Any], clock: Clock, dt: Array) -> Any:
    """The value of so many steps ago; NaN where it was not kept."""
    if source.ms is None:
        slot = (clock.ticks - source.delay) % source.ring
        return jax.tree.map(lambda kept: kept[slot], ring["values"])
    lag = whole_steps(source.ms, dt)
    kept_there = (lag >= 1) & (lag <= _alike(ring, dt))
    slot = (clock.ticks - lag) % source.ring
    return jax.tree.map(lambda kept: jnp.where(kept_there, kept[slot], jnp.nan), ring["values"])


def _alike(ring: dict[str, Any], dt: Array) -> Array:
    """How many steps ago the values that were sent with this dt begin."""
    changed = (dt.astype(ring["dt"].dtype) != ring["dt"]) & (ring["dt"] > 0)
    return jnp.where(changed, 0, ring["alike"])
