"""Returning from a jitted program only what it computed.

An output that is one of the inputs costs a copy of the array: for weights at rest, more than the
step itself. `Same` in its place costs nothing, and the caller still has the array.
"""

from typing import Any, TypeVar

import jax

from ngcmem.core.pytree import Pytree, Static

S = TypeVar("S")


class Same(Pytree):
    """In the place of an output: the leaf of the inputs that it is."""

    index: Static[int]


def changed(inputs: Any, new: Any) -> list[Any]:
    """The leaves of `new`, with `Same` for those that are leaves of `inputs`."""
    places = {id(leaf): i for i, leaf in enumerate(jax.tree.leaves(inputs))}
    return [
        Same(index=places[id(leaf)]) if id(leaf) in places else leaf
        for leaf in jax.tree.leaves(new)
    ]


def merged(state: S, inputs: Any, changes: list[Any]) -> S:
    """A tree of the structure of `state` from what `changed` returned."""
    given = jax.tree.leaves(inputs)
    leaves = [given[new.index] if isinstance(new, Same) else new for new in changes]
    return jax.tree.unflatten(jax.tree.structure(state), leaves)
