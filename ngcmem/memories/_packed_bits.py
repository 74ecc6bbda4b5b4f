"""Bits, 32 to a word: distances and overlaps of long binary patterns by counting bits."""

import jax.numpy as jnp
from jax import Array, lax


def words(bits: int) -> int:
    """How many 32-bit words hold so many bits."""
    return -(-bits // 32)


def pack(bits: Array) -> Array:
    """Pack bools (or numbers: 1 where above 0) along the last axis, (..., n) -> (..., words)."""
    length = bits.shape[-1]
    padding = [(0, 0)] * (bits.ndim - 1) + [(0, 32 * words(length) - length)]
    on = bits if bits.dtype == bool else bits > 0
    grouped = jnp.pad(on, padding).reshape(*bits.shape[:-1], words(length), 32)
    return jnp.sum(grouped.astype(jnp.uint32) << _places(grouped.shape), -1, jnp.uint32)


def unpack(packed: Array, length: int) -> Array:
    """The counterpart of `pack`: (..., words) -> bools (..., length)."""
    bits = (packed[..., None] >> _places((*packed.shape, 32))) & jnp.uint32(1)
    return bits.reshape(*packed.shape[:-1], -1)[..., :length] > 0


def _places(shape: tuple[int, ...]) -> Array:
    """Where a bit stands in its word, 0 to 31 along the last axis."""
    return lax.broadcasted_iota(jnp.uint32, shape, len(shape) - 1)


def distances(cue: Array, rows: Array) -> Array:
    """Hamming distances of a packed cue (words,) to packed rows (n, words), int32 (n,)."""
    return jnp.sum(lax.population_count(rows ^ cue[None]), axis=-1, dtype=jnp.int32)


def overlaps(cue: Array, rows: Array) -> Array:
    """How many bits a packed cue (words,) and packed rows (n, words) share, int32 (n,)."""
    return jnp.sum(lax.population_count(rows & cue[None]), axis=-1, dtype=jnp.int32)


def within(
    cue: Array, rows: Array, radius: Array | float, limit: int, chunk: int = 65536
) -> tuple[Array, Array]:
    """The rows within a Hamming distance of a cue, looked for chunk by chunk.

    Args:
        cue: packed, (words,).
        rows: packed, (n, words).
        radius: the largest distance that counts.
        limit: how many rows to return at most, the first ones.
        chunk: rows compared at a time: nothing larger than that is ever formed.

    Returns:
        Indices, int32 (limit,), n where there are no more; and how many rows there are in all.
    """
    n = rows.shape[0]
    chunk, reach = min(chunk, n), jnp.asarray(radius).astype(jnp.int32)

    def step(i: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        found, count = carry
        begin = jnp.asarray(i * chunk, jnp.int32)
        start = jnp.minimum(begin, n - chunk)  # the last chunk overlaps the one before
        near = distances(cue, lax.dynamic_slice_in_dim(rows, start, chunk)) <= reach
        place = start + jnp.arange(chunk, dtype=jnp.int32)
        near = near & (place >= begin)
        position = jnp.where(near, count + jnp.cumsum(near, dtype=jnp.int32) - 1, limit)
        found = found.at[position].set(place, mode="drop")
        return found, count + jnp.sum(near, dtype=jnp.int32)

    start = (jnp.full(limit, n, jnp.int32), jnp.zeros((), jnp.int32))
    return lax.fori_loop(0, -(-n // chunk), step, start)
