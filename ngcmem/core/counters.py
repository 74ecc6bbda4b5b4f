"""Counters that do not go round: int32 stops where it ends, ring places go on being right."""

import jax.numpy as jnp
from jax import Array

LAST = 2**31 - 1
"""The largest int32; a counter that shows it has counted at least so many."""


def counted(count: Array, more: int | Array) -> Array:
    """count + more, at most `LAST`: beyond it int32 would go on with negative numbers."""
    return count + jnp.minimum(jnp.asarray(more, count.dtype), LAST - count)


def ring_counted(count: Array, more: int | Array, size: int) -> Array:
    """count + more for a counter whose remainder by `size` is a place in a ring.

    The count is right up to 2^30; from there on it falls back by a multiple of `size` before it
    leaves int32, so that the place stays right for ever.
    """
    cycle = 2**30 // size * size
    begin = jnp.where(count >= cycle, count - cycle, count)
    return begin + jnp.asarray(more, count.dtype)
