"""Norms whose squares neither overflow nor vanish, with a derivative at zero."""

import jax.numpy as jnp
from jax import Array, lax


def magnitude(x: Array, axis: int | tuple[int, ...] | None = -1) -> Array:
    """The power of two next below the largest |x|, axes kept; 1 if that is 0 or not finite.

    Divided by it, rows have squares near 1: nothing overflows, and nothing that counts underflows.
    A power of two divides without rounding. It is a constant to differentiation.
    """
    largest = lax.stop_gradient(jnp.max(jnp.abs(x), axis=axis, keepdims=True))
    usual = jnp.isfinite(largest) & (largest > 0)
    least = jnp.finfo(largest.dtype).tiny  # below it there is nothing to divide by
    exponent = jnp.frexp(jnp.maximum(jnp.where(usual, largest, 1), least))[1] - 1
    return jnp.where(usual, jnp.ldexp(jnp.ones_like(largest), exponent), 1)


def euclidean_norm(x: Array, axis: int | tuple[int, ...] | None = -1) -> Array:
    """sqrt(sum x^2) along `axis`, wherever the norm itself is a number; its derivative at 0 is 0.

    Reference: Blue (1978), ACM Transactions on Mathematical Software 4, 15, for the scaling.
    """
    scale = magnitude(x, axis)
    square = jnp.sum((x / scale) ** 2, axis=axis)
    some = square != 0  # NaN stays NaN
    root = jnp.where(some, jnp.sqrt(jnp.where(some, square, 1)), 0)
    return root * jnp.squeeze(scale, axis=axis)
