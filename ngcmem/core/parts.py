"""Parts: several small compartments kept as one array, each with a name of its own.

Every array of a state costs a jitted call about a microsecond, the smallest as much as a large
one. Numbers that are always written together may therefore share an array:

    class CounterState(State):
        counters: Shared[Array, "2"]
        count = part("counters", 0)
        refused = part("counters", 1)

`count` and `refused` are compartments like any other, for `state.count`, `replace`, `set`, wires,
`record` and `print`; `counters` is how they are kept, and what `init` fills.
"""

from typing import Any

import jax
import jax.numpy as jnp


class Part:
    """The descriptor behind `part`."""

    def __init__(self, storage: str, index: tuple[Any, ...], axes: tuple[str, ...], kind: Any):
        self.storage, self.index, self.axes, self.kind = storage, (..., *index), axes, kind

    def __get__(self, state: Any, owner: type | None = None) -> Any:
        if state is None:
            return self
        stored = getattr(state, self.storage)
        if isinstance(stored, jax.ShapeDtypeStruct):
            return jax.eval_shape(self._read, stored)
        return self._read(stored)

    def _read(self, stored: Any) -> Any:
        self._check(stored)
        found = stored[self.index]
        return found if self.kind is None else found.astype(self.kind)

    def written(self, stored: Any, value: Any) -> Any:
        """The shared array with this part changed."""
        self._check(stored)
        return jnp.asarray(stored).at[self.index].set(jnp.asarray(value).astype(stored.dtype))

    def _check(self, stored: Any) -> None:
        """Raise IndexError for a part outside of its array, which jax would clamp or drop."""
        inner = self.index[1:]
        for place, size in zip(inner, stored.shape[stored.ndim - len(inner) :], strict=True):
            if isinstance(place, int) and not -size <= place < size:
                raise IndexError(
                    f"A part of {self.storage!r} stands at index {place} of an axis of {size}: "
                    f"init makes the array as long as its parts need."
                )


def part(storage: str, *index: int | slice, axes: str = "", kind: Any = None) -> Any:
    """Name a part of the array compartment `storage`.

    Args:
        storage: the compartment that keeps it.
        index: where it is, from the last axes of that array: `storage[..., *index]`.
        axes: the names of its axes, one per slice in `index`.
        kind: its dtype where that is not the storage's; bool for flags.
    """
    return Part(storage, index, tuple(axes.split()), kind)
