"""How close a recall came: one number per row. Patterns are rows (..., features)."""

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import euclidean_norm, magnitude


def cosine_similarity(recalled: Array, stored: Array) -> Array:
    """The cosine of the angle between two rows, 0 where one of them is zero."""
    recalled, stored = recalled / magnitude(recalled), stored / magnitude(stored)
    norms = euclidean_norm(recalled) * euclidean_norm(stored)
    inner = jnp.sum(recalled * stored, axis=-1)
    return jnp.where(norms == 0, 0.0, inner / jnp.where(norms == 0, 1.0, norms))


def euclidean_distance(recalled: Array, stored: Array) -> Array:
    """The Euclidean distance; its derivative where both are equal is 0."""
    return euclidean_norm(recalled - stored)


def bit_error(recalled: Array, stored: Array) -> Array:
    """The share of features whose signs differ; a recalled 0 counts as wrong."""
    return jnp.mean(recalled * stored <= 0, axis=-1, dtype=recalled.dtype)


def overlap(recalled: Array, stored: Array) -> Array:
    """The mean product of +-1 patterns: 1 when equal, 0 by chance, -1 for the negative."""
    return jnp.mean(recalled * stored, axis=-1)


def random_baseline(shape: tuple[int, ...], key: Array) -> dict[str, Array]:
    """Mean cosine and distance between independent N(0, 1) rows: what no memory at all reaches."""
    first, second = jax.random.normal(key, (2, *shape))
    return {
        "cosine": jnp.mean(cosine_similarity(first, second)),
        "distance": jnp.mean(euclidean_distance(first, second)),
    }
