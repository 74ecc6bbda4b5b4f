"""Writing rows into the slots of a memory: pure arrays, with the result of sequential writes."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

WhenFull = Literal["fifo", "refuse"]


class Slots(NamedTuple):
    """The slots of a memory and how far they are filled."""

    weights: Array  # (slots, features)
    # It hides tuple.count, which nobody asks of it.
    count: Array  # pyright: ignore[reportIncompatibleMethodOverride] () int32, slots in use, the first
    written: Array  # () int32, rows stored since the beginning
    refused: Array  # () int32, rows that found the memory full


def append(slots: Slots, rows: Array, when_full: WhenFull, mask: Array | None = None) -> Slots:
    """Append rows (n, features) in order, in one scatter.

    A full memory overwrites its oldest row (`"fifo"`), or counts the rows it does not take
    (`"refuse"`). With a connectivity mask (slots, features) a row is written where there are
    connections.
    """
    capacity, number = slots.weights.shape[0], rows.shape[0]
    if when_full == "fifo":
        rows = rows[-capacity:]  # earlier ones would be overwritten by these
        skipped = number - rows.shape[0]
        places = (slots.written + skipped + jnp.arange(rows.shape[0], dtype=jnp.int32)) % capacity
        taken = jnp.asarray(number, jnp.int32)
    else:
        places = slots.count + jnp.arange(number, dtype=jnp.int32)  # those past the end are dropped
        taken = jnp.minimum(number, capacity - slots.count).astype(jnp.int32)
    if mask is not None:
        rows = rows * mask.at[places].get(mode="fill", fill_value=0)
    return Slots(
        weights=slots.weights.at[places].set(
            rows.astype(slots.weights.dtype), mode="drop", unique_indices=True
        ),
        count=jnp.minimum(slots.count + taken, capacity),
        written=slots.written + taken,
        refused=slots.refused + (number - taken),
    )


def append_novel(
    slots: Slots,
    rows: Array,
    when_full: WhenFull,
    best_similarity: Callable[[Slots, Array, Array], Array],
    threshold: Array | float,
    known: Array,
    allowed: Array,
    mask: Array | None = None,
) -> tuple[Slots, Array]:
    """Append those rows whose best similarity to what is stored is below a threshold, one by one.

    Args:
        slots: the memory; rows appended here are compared with too.
        rows: (n, features).
        when_full: as in `append`.
        best_similarity: of a row with its known features to the used slots.
        threshold: a row at or above it is not novel.
        known: (n, features), the features to compare.
        allowed: (n,), rows that may be stored at all.
        mask: as in `append`.

    Returns:
        The slots, and which rows were novel, (n,) bool.
    """

    def one(slots: Slots, row: tuple[Array, Array, Array]) -> tuple[Slots, Array]:
        values, row_known, row_allowed = row
        best = jnp.where(slots.count > 0, best_similarity(slots, values, row_known), -jnp.inf)
        novel = (best < threshold) & (row_allowed > 0)
        more = append(slots, values[None], when_full, mask)
        return jax.tree.map(lambda a, b: jnp.where(novel, b, a), slots, more), novel

    return jax.lax.scan(one, slots, (rows, known, allowed))
