"""The logarithm of a sum of exponentials of scaled values."""

import jax.numpy as jnp
from jax import Array, lax


def log_sum_exp(values: Array, scale: Array | float) -> Array:
    """ln(sum(exp(scale * values))) of one axis, scale > 0; finite where all of it is finite.

    The largest value is taken off before the scale multiplies. A compiler that computes
    `scale * values` twice, once for the maximum and once for the differences from it, rounds them
    differently; from 1e9 on the difference at the maximum is not 0, its exponential infinite or 0.
    """
    top = lax.stop_gradient(jnp.max(values))
    return scale * top + jnp.log(jnp.sum(jnp.exp(scale * (values - top))))
