"""Arithmetic of storage in single precision at least, whatever a state is kept in."""

from typing import Any

import jax
import jax.numpy as jnp


def widen(tree: Any) -> Any:
    """Floating leaves narrower than float32 as float32; `State.replace` narrows them again."""
    return jax.tree.map(_widen, tree)


def _widen(leaf: Any) -> Any:
    if jnp.issubdtype(leaf.dtype, jnp.floating) and jnp.finfo(leaf.dtype).bits < 32:
        return leaf.astype(jnp.float32)
    return leaf
