"""The slots of a memory and what is known of each, in few arrays.

Numbers that are written together stand together: a jitted call pays for every array, and a
loop for every array it rewrites. `where` says which number stands where.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

COUNTERS = 3
"""Columns of the ledger before the slots'."""

where: dict[str, tuple[int | slice, ...]] = {
    "strength": (0, slice(None)),
    "usage": (1, slice(None)),
    "count": (0, 0),
    "oldest": (0, 1),
    "clock": (1, 0),
    "refused": (1, 1),
    "skipped": (0, 2),
    "merged": (1, 2),
    "written": (0, slice(COUNTERS, None)),
    "last_used": (1, slice(COUNTERS, None)),
}


class SlotTable(NamedTuple):
    """Entries and what is known of each slot, while it is being written to."""

    content: Any  # pytree of (slots, d_f)
    standing: Array  # (2, slots) strength: 1 when written, decays, grows; usage: weight read
    ledger: Array  # (2, COUNTERS + slots) int32; its counters are those of `stored`
    # It hides tuple.count, which nobody asks of it.
    count: Array  # pyright: ignore[reportIncompatibleMethodOverride] () int32, slots in use, the first
    oldest: Array  # () int32, where a full fifo stands: the next slot to give way
    clock: Array  # () int32, events so far: writes and accounted reads
    refused: Array  # () int32, entries that found the memory full
    skipped: Array  # () int32, duplicates that were not stored
    merged: Array  # () int32, duplicates that changed the entry they equal

    @property
    def slots(self) -> int:
        """How many entries there can be."""
        return self.standing.shape[1]

    @property
    def strength(self) -> Array:
        """(slots,) 1 when written, decays, grows with rehearsal and duplicates."""
        return self.standing[where["strength"]]

    @property
    def usage(self) -> Array:
        """(slots,) the weight read since it was written."""
        return self.standing[where["usage"]]

    @property
    def written(self) -> Array:
        """(slots,) int32, the clock when it was written."""
        return self.ledger[where["written"]]

    @property
    def last_used(self) -> Array:
        """(slots,) int32, the clock when it was last read or written."""
        return self.ledger[where["last_used"]]


def opened(content: Any, standing: Array, ledger: Array) -> SlotTable:
    """The table of these arrays."""
    counters = {name: ledger[where[name]] for name in SlotTable._fields[3:]}
    return SlotTable(content, standing, ledger, **counters)


def stored(table: SlotTable) -> tuple[Any, Array, Array]:
    """The counterpart of `opened`."""
    counters = [
        [table.count, table.oldest, table.skipped],
        [table.clock, table.refused, table.merged],
    ]
    block = jnp.stack([jnp.stack(row) for row in counters]).astype(table.ledger.dtype)
    return table.content, table.standing, lax.dynamic_update_slice(table.ledger, block, (0, 0))


def empty_table(content: Any, slots: int) -> SlotTable:
    """A table of unused slots; `content` is a pytree of zeros (slots, d_f)."""
    ledger = jnp.zeros((2, COUNTERS + slots), jnp.int32)
    return opened(content, jnp.zeros((2, slots)), ledger)


def columns_at(rows: Array, start: Array | int, number: int = 1) -> Array:
    """Some columns of (2, n), (2, number)."""
    return lax.dynamic_slice_in_dim(rows, start, number, 1)


def with_columns(rows: Array, columns: Any, start: Array | int) -> Array:
    """(2, n) with some columns changed: a pair of numbers, or of (number,)."""
    first, second = (jnp.atleast_1d(jnp.asarray(row).astype(rows.dtype)) for row in columns)
    return lax.dynamic_update_slice_in_dim(rows, jnp.stack([first, second]), start, 1)


def with_row(rows: Array, row: Array, index: int, start: int = 0) -> Array:
    """(2, n) with one row changed from column `start` on."""
    return lax.dynamic_update_slice(rows, row.astype(rows.dtype)[None], (index, start))


def moved(table: SlotTable, order: Array, used: Array) -> SlotTable:
    """Slot i holds what slot order[i] held, or nothing where not `used`; the counters stay."""

    def rows(content: Array) -> Array:
        kept = used.reshape(-1, *[1] * (content.ndim - 1))
        return jnp.where(kept, content[order], 0)

    stamps = table.ledger[:, COUNTERS:]
    return table._replace(
        content=jax.tree.map(rows, table.content),
        standing=jnp.where(used, table.standing[:, order], 0),
        ledger=table.ledger.at[:, COUNTERS:].set(jnp.where(used, stamps[:, order], 0)),
    )
