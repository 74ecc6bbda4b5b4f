"""Returning from a jitted program only what it computed.

An output that is one of the inputs costs a copy of the array: for weights at rest, more than the
step itself. Its number costs nothing, and the caller still has the array.
"""

from typing import Any

import jax

from ngcmem.core import Pytree, Static


class Changes(Pytree):
    """The leaves of a result: which leaf of the inputs each is, or -1 and the leaf itself."""

    places: Static[tuple[int, ...]]
    computed: list[Any]


def changed(leaves: list[Any], others: Any, new: Any) -> Changes:
    """The leaves of `new` that are not among `leaves` and `others`, and where the rest are."""
    where = {id(leaf): i for i, leaf in enumerate([*leaves, *_arrays(others)])}
    results = jax.tree.leaves(new)
    places = tuple(where.get(id(leaf), -1) for leaf in results)
    computed = [leaf for leaf, place in zip(results, places, strict=True) if place < 0]
    return Changes(places=places, computed=computed)


def merged(leaves: list[Any], others: Any, changes: Changes) -> list[Any]:
    """The leaves that `changed(leaves, others, new)` was given as `new`."""
    computed = iter(changes.computed)
    if max(changes.places, default=-1) >= len(leaves):
        leaves = [*leaves, *_arrays(others)]
    return [next(computed) if place < 0 else leaves[place] for place in changes.places]


def _arrays(others: Any) -> list[Any]:
    """Not the scalars: numbers kept for many calls stay out of states, which may be donated."""
    return [leaf for leaf in jax.tree.leaves(others) if leaf.ndim > 0]
