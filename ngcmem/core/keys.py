"""Random keys among the leaves of a state."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array


def is_key(leaf: Any) -> bool:
    """Whether a leaf is an array of typed random keys (`jax.random.key`)."""
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def is_random(leaf: Any) -> bool:
    """Whether a leaf is where random numbers come from: keys, or generators (uint32)."""
    return is_key(leaf) or getattr(leaf, "dtype", None) == jnp.uint32


def first_key(tree: Any) -> Array:
    """The first key among the leaves, of the first example where there are several.

    Of the first generator where there is no key; key(0) where there is nothing random.
    """
    random = [leaf for leaf in jax.tree.leaves(tree) if is_random(leaf)]
    for leaf in random:
        if is_key(leaf):
            return leaf.reshape(-1)[0]
    return jax.random.wrap_key_data(random[0].reshape(-1)[:2]) if random else jax.random.key(0)
