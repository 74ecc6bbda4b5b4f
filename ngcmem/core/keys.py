"""Random keys among the leaves of a state."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array


def is_key(leaf: Any) -> bool:
    """Whether a leaf is an array of typed random keys (`jax.random.key`)."""
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def first_key(tree: Any) -> Array:
    """The first key among the leaves, of the first example where there are several; or key(0)."""
    keys = [leaf for leaf in jax.tree.leaves(tree) if is_key(leaf)]
    return keys[0].reshape(-1)[0] if keys else jax.random.key(0)
