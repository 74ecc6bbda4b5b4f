"""The slots of a memory and what is known of each, in few arrays.

Numbers that are written together stand together: a jitted call pays for every array, and a
loop for every array it rewrites. `where` says which number stands where.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

COUNTERS = 2
"""Columns of the ledger before the slots'."""

where: dict[str, tuple[int | slice, ...]] = {
    "strength": (0, slice(None)),
    "usage": (1, slice(None)),
    "count": (0, 0),
    "oldest": (0, 1),
    "clock": (1, 0),
    "refused": (1, 1),
    "written": (0, slice(COUNTERS, None)),
    "last_used": (1, slice(COUNTERS, None)),
}


class SlotTable(NamedTuple):
    """Entries and what is known of each slot."""

    content: Any  # pytree of (slots, d_f)
    standing: Array  # (2, slots) strength: 1 when written, decays, grows; usage: weight read
    ledger: Array  # (2, COUNTERS + slots) int32, [[count, oldest, written], [clock, refused, used]]

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
    def count(self) -> Array:
        """() int32, slots in use, the first ones."""
        return self.ledger[where["count"]]

    @property
    def oldest(self) -> Array:
        """() int32, where a full fifo stands: the next slot to give way."""
        return self.ledger[where["oldest"]]

    @property
    def clock(self) -> Array:
        """() int32, events so far: writes and accounted reads."""
        return self.ledger[where["clock"]]

    @property
    def refused(self) -> Array:
        """() int32, entries that found the memory full."""
        return self.ledger[where["refused"]]

    @property
    def written(self) -> Array:
        """(slots,) int32, the clock when it was written."""
        return self.ledger[where["written"]]

    @property
    def last_used(self) -> Array:
        """(slots,) int32, the clock when it was last read or written."""
        return self.ledger[where["last_used"]]


def empty_table(content: Any, slots: int) -> SlotTable:
    """A table of unused slots; `content` is a pytree of zeros (slots, d_f)."""
    return SlotTable(content, jnp.zeros((2, slots)), jnp.zeros((2, COUNTERS + slots), jnp.int32))


def columns_at(rows: Array, start: Array | int, number: int = 1) -> Array:
    """Some columns of (2, n), (2, number)."""
    return lax.dynamic_slice(rows, (0, start), (2, number))


def with_columns(rows: Array, columns: Any, start: Array | int) -> Array:
    """(2, n) with some columns changed: a pair of numbers, or of (number,)."""
    first, second = (jnp.atleast_1d(jnp.asarray(row).astype(rows.dtype)) for row in columns)
    return lax.dynamic_update_slice(rows, jnp.stack([first, second]), (0, start))


def with_row(rows: Array, row: Array, index: int, start: int = 0) -> Array:
    """(2, n) with one row changed from column `start` on."""
    return lax.dynamic_update_slice(rows, row.astype(rows.dtype)[None], (index, start))


def with_counters(
    ledger: Array, count: Array, oldest: Array, clock: Array, refused: Array
) -> Array:
    """The ledger with other counters."""
    return with_columns(ledger, (jnp.stack([count, oldest]), jnp.stack([clock, refused])), 0)


def moved(table: SlotTable, order: Array, used: Array) -> SlotTable:
    """Slot i holds what slot order[i] held, or nothing where not `used`; the counters stay."""

    def rows(content: Array) -> Array:
        kept = used.reshape(-1, *[1] * (content.ndim - 1))
        return jnp.where(kept, content[order], 0)

    stamps = table.ledger[:, COUNTERS:]
    return SlotTable(
        content=jax.tree.map(rows, table.content),
        standing=jnp.where(used, table.standing[:, order], 0),
        ledger=table.ledger.at[:, COUNTERS:].set(jnp.where(used, stamps[:, order], 0)),
    )
