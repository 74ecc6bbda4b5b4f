"""Floating dtypes: the one numbers are kept in by default, and the one sums are formed in."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def default_float() -> Any:
    """float32, or float64 where jax's x64 mode is on."""
    return np.float64 if jax.config.jax_enable_x64 else np.float32  # pyright: ignore


def widen(tree: Any) -> Any:
    """Floating leaves narrower than float32 as float32; `State.replace` narrows them again."""
    return jax.tree.map(_widen, tree)


def _widen(leaf: Any) -> Any:
    if jnp.issubdtype(leaf.dtype, jnp.floating) and jnp.finfo(leaf.dtype).bits < 32:
        return leaf.astype(jnp.float32)
    return leaf
