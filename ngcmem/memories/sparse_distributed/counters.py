"""Sparse distributed memory at full size: only the locations that a cue activates ever exist.

A million hard locations with a thousand counters each are a gigabyte, of which one read looks at a
thousandth. The counters of those rows follow from what was written: counter_j = sum of the words
whose address is within the radius of location j. Summed over the active locations this is a
kernel memory: sum_mu |active(cue) and active(address_mu)| word_mu.
"""

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.memories._packed_bits import pack, unpack, within, words


def hard_locations(key: Array, locations: int, bits: int) -> Array:
    """Random addresses, 32 bits to a word of uint32, (locations, words)."""
    shape = (locations, words(bits))
    spare = 32 * shape[1] - bits
    mask = jnp.full(shape[1], 0xFFFFFFFF, jnp.uint32).at[-1].set(0xFFFFFFFF >> spare)
    return jax.random.bits(key, shape, jnp.uint32) & mask[None]


def read_sparsely(
    cue: Array,
    locations: Array,
    addresses: Array,
    stored: Array,
    radius: float | Array,
    *,
    limit: int,
    chunk: int = 65536,
) -> tuple[Array, Array]:
    """What a sparse distributed memory without clipping answers, without its counters.

    Args:
        cue: -1/+1, (n,).
        locations: packed hard locations, (locations, words).
        addresses: -1/+1, (T, n), at which words were written.
        stored: the words, (T, m), -1/+1.
        radius: Hamming radius.
        limit: locations one address may activate at most.
        chunk: hard locations compared at a time.

    Returns:
        The sums of the active counters, (m,), and how many locations are active.
    """
    found, active = within(pack(cue), locations, radius, limit, chunk)
    exists = found < locations.shape[0]
    bits = unpack(locations.at[found].get(mode="fill", fill_value=0), cue.shape[0])
    rows = jnp.where(bits, 1, -1).astype(addresses.dtype)
    apart = 0.5 * (cue.shape[0] - addresses @ rows.T)
    shared = jnp.sum((apart <= radius) & exists[None], axis=1).astype(stored.dtype)
    return shared @ stored, active
