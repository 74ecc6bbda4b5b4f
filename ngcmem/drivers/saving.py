"""A state as plain NumPy arrays by path, for every format that knows no states."""

from collections.abc import Mapping
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from ngcmem.core import AnyState, conform, did_you_mean, is_key, leaf_paths

S = TypeVar("S", bound=AnyState)


def to_arrays(state: AnyState) -> dict[str, np.ndarray]:
    """Every array of a state by path, random keys as their data: what to save.

    np.savez(file, **nm.drivers.to_arrays(state))
    flax.serialization.to_bytes(nm.drivers.to_arrays(state))
    """
    return {
        path: np.asarray(jax.random.key_data(leaf) if is_key(leaf) else leaf)
        for path, leaf in zip(leaf_paths(state), jax.tree.leaves(state), strict=True)
    }


def from_arrays(state: S, arrays: Mapping[str, Any]) -> S:
    """The counterpart of `to_arrays`: a state like `state`, with these arrays in it.

    Args:
        state: a state of the same component and batch, `nm.init(component, key, batch=...)`.
        arrays: what `to_arrays` returned, loaded again.

    Raises:
        ValueError: a path that is missing or unknown, or an array of another shape or kind.
    """
    paths = leaf_paths(state)
    for path in arrays:
        if path not in paths:
            raise ValueError(
                f"from_arrays: {path!r} is in no such state." + did_you_mean(path, paths)
            )
    if missing := [path for path in paths if path not in arrays]:
        raise ValueError(f"from_arrays: {missing[0]!r} is missing from the arrays.")
    leaves = [
        _leaf(f"from_arrays: {path}", old, arrays[path])
        for path, old in zip(paths, jax.tree.leaves(state), strict=True)
    ]
    return jax.tree.unflatten(jax.tree.structure(state), leaves)


def _leaf(place: str, old: Any, new: Any) -> Any:
    if not is_key(old):
        return jnp.asarray(conform(place, old, np.asarray(new)))
    data = jnp.asarray(conform(place, jax.random.key_data(old), np.asarray(new)))
    return jax.random.wrap_key_data(data, impl=jax.random.key_impl(old))
