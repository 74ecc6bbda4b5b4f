"""Pairs that are not written, which may hold anything."""

import jax.numpy as jnp
from jax import Array


def without_unwritten(s: Array, keys: Array, values: Array) -> tuple[Array, Array]:
    """Keys and values (..., n) without NaN and infinities where their strength s (...) is 0.

    Nothing of them is written there; that there is a key, and so a decay, remains.
    """
    unwritten = (s == 0)[..., None]
    return (
        jnp.where(unwritten & ~jnp.isfinite(keys), 1, keys),
        jnp.where(unwritten & ~jnp.isfinite(values), 0, values),
    )
