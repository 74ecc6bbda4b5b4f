"""First weights by default: plain functions of a module, so that components can be pickled.

Those of `jax.nn.initializers` are made by a call and cannot be pickled; any function of a key and
a shape may stand in their place.
"""

from typing import Any

import jax
from jax import Array


def uniform_weights(key: Array, shape: tuple[int, ...], dtype: Any = float) -> Array:
    """Between 0 and 1."""
    return jax.random.uniform(key, shape, dtype)


def normal_weights(key: Array, shape: tuple[int, ...], dtype: Any = float) -> Array:
    """Gaussian, of standard deviation 1."""
    return jax.random.normal(key, shape, dtype)


def small_normal_weights(key: Array, shape: tuple[int, ...], dtype: Any = float) -> Array:
    """Gaussian, of standard deviation 0.1."""
    return 0.1 * jax.random.normal(key, shape, dtype)


def lecun_normal_weights(key: Array, shape: tuple[int, ...], dtype: Any = float) -> Array:
    """Gaussian cut off at two standard deviations, of variance 1 / inputs (LeCun et al. 1998)."""
    return jax.nn.initializers.lecun_normal()(key, shape, dtype)
