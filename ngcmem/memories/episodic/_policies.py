"""Writing entries into a fixed number of slots: what gives way, what counts as the same entry.

Pure arrays. An entry is a pytree of rows; a table of slots is the same pytree with a first axis
`slots`, and numbers per slot. Slots [0, count) are used. A clock counts events: every write and
every accounted read moves it by one, so ages and order live in numbers, not in positions.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
from jax import Array, lax

from ngcmem.memories.episodic._slot_table import (
    COUNTERS,
    SlotTable,
    columns_at,
    moved,
    with_columns,
    with_row,
)

WhenFull = Literal["fifo", "weakest", "least_recently_used", "random", "refuse"]
Duplicates = Literal["append", "overwrite", "skip", "average"]
WHEN_FULL = get_args(WhenFull)
DUPLICATES = get_args(Duplicates)


class Writing(NamedTuple):
    """How entries are written.

    `twin(entry, table) -> (slot, found)` looks for an entry that is the same; None never does.
    `merge(old, new) -> entry` is what `duplicates="average"` keeps.
    """

    when_full: WhenFull
    duplicates: Duplicates = "append"
    twin: Callable[[Any, SlotTable], tuple[Array, Array]] | None = None
    merge: Callable[[Any, Any], Any] | None = None
    decay: Array | float | None = None  # of every strength, per entry written


def next_slot(table: SlotTable, when_full: WhenFull, key: Array | None) -> tuple[Array, Array]:
    """The slot a new entry goes to, and whether there is one.

    Free slots first, in order; then the slot the policy gives up. Among equals the one written
    earliest gives way, so no slot is favoured by its position.
    """
    slots = table.slots
    full = table.count >= slots
    if when_full == "fifo":
        return jnp.where(full, table.oldest, table.count), jnp.array(True)
    if when_full == "refuse":
        return jnp.minimum(table.count, slots - 1), ~full
    if when_full == "random":
        assert key is not None
        drawn = jax.random.randint(key, (), 0, slots, jnp.int32)
        return jnp.where(full, drawn, table.count), jnp.array(True)

    def victim(value: Array, written: Array) -> Array:
        least = value == jnp.min(value)
        latest = jnp.iinfo(jnp.int32).max
        return jnp.argmin(jnp.where(least, written, latest)).astype(jnp.int32)

    value = table.strength if when_full == "weakest" else table.last_used
    slot = lax.cond(full, victim, lambda *_: table.count, value, table.written)
    return slot, jnp.array(True)


def write_entry(
    table: SlotTable, entry: Any, accept: Array, writing: Writing, key: Array | None
) -> SlotTable:
    """One entry written, if `accept`; a pytree of rows (d_f,)."""
    slots = table.slots
    slot, room = next_slot(table, writing.when_full, key)
    twin = jnp.array(False)
    if writing.twin is not None and writing.duplicates != "append":
        same, twin = writing.twin(entry, table)
        slot = jnp.where(twin, same, slot)
    if writing.merge is not None and writing.duplicates == "average":
        old = jax.tree.map(lambda rows: _row(rows, slot), table.content)
        entry = jax.tree.map(lambda a, b: jnp.where(twin, a, b), writing.merge(old, entry), entry)
    added = accept & ~twin & room
    renewed = accept & twin & (writing.duplicates == "overwrite")
    wrote = added | (accept & twin & (writing.duplicates != "skip"))
    fresh = added | renewed

    clock = table.clock + accept.astype(jnp.int32)
    standing = table.standing
    if writing.decay is not None:
        kept = jnp.where(wrote, 1 - writing.decay, 1).astype(standing.dtype)
        standing = with_row(standing, standing[0] * kept, 0)

    def put(rows: Array, row: Array) -> Array:
        row = jnp.where(wrote, row.astype(rows.dtype), _row(rows, slot))
        return lax.dynamic_update_index_in_dim(rows, row, slot, 0)

    strength, usage = columns_at(standing, slot)
    strength = jnp.where(wrote, jnp.where(fresh, 1, strength + 1), strength)
    written, used = columns_at(table.ledger, slot + COUNTERS)
    stamps = jnp.where(fresh, clock, written), jnp.where(wrote, clock, used)
    grown = added & (table.count < slots)
    turned = added & ~grown & (writing.when_full == "fifo")
    return SlotTable(
        content=jax.tree.map(put, table.content, entry),
        standing=with_columns(standing, (strength, jnp.where(fresh, 0, usage)), slot),
        ledger=with_columns(table.ledger, stamps, slot + COUNTERS),
        count=table.count + grown.astype(jnp.int32),
        oldest=(table.oldest + turned.astype(jnp.int32)) % slots,
        clock=clock,
        refused=table.refused + (accept & ~twin & ~room).astype(jnp.int32),
        skipped=table.skipped + (accept & twin & ~wrote).astype(jnp.int32),
        merged=table.merged + (wrote & twin).astype(jnp.int32),
    )


def _row(rows: Array, slot: Array) -> Array:
    return lax.dynamic_index_in_dim(rows, slot, keepdims=False)


def write_entries(
    table: SlotTable, entries: Any, accept: Array, writing: Writing, key: Array | None
) -> SlotTable:
    """Entries (n, d_f) written one after another, each if its `accept` (n,)."""
    number = accept.shape[0]
    if number == 1:
        only = jax.tree.map(lambda rows: rows[0], entries)
        return write_entry(table, only, accept[0], writing, key)

    def one(table: SlotTable, row: tuple[Any, Array, Array]) -> tuple[SlotTable, None]:
        entry, accepted, i = row
        draw = None if key is None else jax.random.fold_in(key, i)
        return write_entry(table, entry, accepted, writing, draw), None

    return lax.scan(one, table, (entries, accept, jnp.arange(number)))[0]


def append_block(table: SlotTable, entries: Any, decay: Array | float | None) -> SlotTable:
    """Entries (n, d_f) for which there is room, in one slice: as `write_entries` of new ones."""
    number = jax.tree.leaves(entries)[0].shape[0]
    turns = jnp.arange(1, number + 1, dtype=jnp.int32)

    def put(rows: Array, block: Array) -> Array:
        return lax.dynamic_update_slice_in_dim(rows, block.astype(rows.dtype), table.count, 0)

    standing, fresh = table.standing, jnp.ones(number)
    if decay is not None:
        standing = with_row(standing, standing[0] * ((1 - decay) ** number), 0)
        left = 1 - jnp.asarray(decay)
        fresh = left ** (number - turns).astype(left.dtype)
    stamps = table.clock + turns
    return SlotTable(
        content=jax.tree.map(put, table.content, entries),
        standing=with_columns(standing, (fresh, jnp.zeros(number)), table.count),
        ledger=with_columns(table.ledger, (stamps, stamps), table.count + COUNTERS),
        count=table.count + number,
        oldest=table.oldest,
        clock=table.clock + number,
        refused=table.refused,
        skipped=table.skipped,
        merged=table.merged,
    )


def account_reads(
    table: SlotTable, weights: Array, total: Array, rehearsal: Array | float | None
) -> SlotTable:
    """Usage, last use and strength after reads with these weights (batch, slots).

    `total` (batch,) is what the |weights| of a read add up to. A slot was used by a read in which
    it carried at least an even share of that, total / count.
    """
    shares = jnp.abs(weights)
    even = total.astype(shares.dtype) / jnp.maximum(table.count, 1).astype(shares.dtype)
    used = jnp.any((shares > 0) & (shares >= 0.999 * even[:, None]), axis=0)
    read = jnp.sum(shares, 0).astype(table.standing.dtype)
    clock = table.clock + 1
    standing = with_row(table.standing, table.usage + read, 1)
    if rehearsal is not None:
        standing = with_row(standing, table.strength + rehearsal * read, 0)
    last_used = jnp.where(used, clock, table.last_used)
    ledger = with_row(table.ledger, last_used, 1, COUNTERS)
    return table._replace(standing=standing, ledger=ledger, clock=clock)


def delete_slots(table: SlotTable, drop: Array) -> SlotTable:
    """The table without the slots where `drop` (slots,) is true; the others move up, in order."""
    slots = table.slots
    place = jnp.arange(slots, dtype=jnp.int32)
    in_order = (place + table.oldest) % slots  # a full fifo becomes a list that begins at slot 0
    gone = (drop | (place >= table.count))[in_order]
    order = in_order[jnp.argsort(gone, stable=True)]
    count = jnp.sum(~gone).astype(jnp.int32)
    used = place < count

    left = moved(table, order, used)
    return left._replace(count=count, oldest=jnp.zeros((), jnp.int32))
