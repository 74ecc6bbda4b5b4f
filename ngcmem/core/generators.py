"""Random numbers of populations: one small generator per unit, carried in the state.

XLA's own counter-based bits cost 20 ns of CPU time each, more than all else that a spiking cell
does in a step. A xoshiro128++ of each unit's own costs a tenth (measured on one x86 core, jax
0.10); its 128 bits are seeded by `jax.random`: streams are independent, and functions of the key.
Reference: Blackman and Vigna (2021), doi:10.1145/3460772.
"""

import jax
import jax.numpy as jnp
from jax import Array, lax


def seeded(key: Array, shape: tuple[int, ...]) -> Array:
    """(4, *shape) uint32: a generator per unit."""
    bits = jax.random.bits(key, (4, *shape), jnp.uint32)
    return bits.at[0].set(bits[0] | jnp.uint32(1))  # all zeros would stay so


def next_bits(generators: Array) -> tuple[Array, Array]:
    """The next 32 random bits of every unit, uint32, and the generators after them."""
    a, b, c, d = generators
    bits = _rotated(a + d, 7) + a
    shifted = b << 9
    c, d = c ^ a, d ^ b
    b, a = b ^ c, a ^ d
    c, d = c ^ shifted, _rotated(d, 11)
    return bits, jnp.stack([a, b, c, d])


def as_uniform(bits: Array) -> Array:
    """Floats in [0, 1), on a grid of 2^-24, from random bits."""
    return (bits >> 8).astype(jnp.float32) * jnp.float32(2.0**-24)


def as_normal(bits: Array) -> Array:
    """Standard normal floats from random bits, by the inverse of their distribution.

    On a grid of 2^24 quantiles, the centres of equal parts: they end at +-5.4.
    """
    centred = (bits >> 8).astype(jnp.float32) * jnp.float32(2.0**-23) + jnp.float32(2.0**-24 - 1.0)
    return jnp.float32(2.0**0.5) * lax.erf_inv(centred)


def _rotated(x: Array, by: int) -> Array:
    return (x << by) | (x >> (32 - by))
