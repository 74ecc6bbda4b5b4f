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

WhenFull = Literal["fifo", "weakest", "least_recently_used", "random", "refuse"]
Duplicates = Literal["append", "overwrite", "skip", "average"]
WHEN_FULL = get_args(WhenFull)
DUPLICATES = get_args(Duplicates)


class SlotTable(NamedTuple):
    """Entries and what is known of each slot."""

    content: Any  # pytree of (slots, d_f)
    strength: Array  # (slots,) 1 when written, decays, grows with rehearsal
    usage: Array  # (slots,) weight read since it was written
    written: Array  # (slots,) int32, the clock when it was written
    last_used: Array  # (slots,) int32, the clock when it was last read or written
    count: Array  # () int32, slots in use
    oldest: Array  # () int32, where a full fifo stands: the next slot to give way
    clock: Array  # () int32, events so far
    refused: Array  # () int32, entries that found the memory full


def empty_table(content: Any, slots: int) -> SlotTable:
    """A table of unused slots; `content` is a pytree of zeros (slots, d_f)."""
    zeros, stamps, none = jnp.zeros(slots), jnp.zeros(slots, jnp.int32), jnp.zeros((), jnp.int32)
    return SlotTable(content, zeros, zeros, stamps, stamps, none, none, none, none)


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
    slots = table.strength.shape[0]
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
    slots = table.strength.shape[0]
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
    strength = table.strength
    if writing.decay is not None:
        strength = strength * jnp.where(wrote, 1 - writing.decay, 1).astype(strength.dtype)

    def put(rows: Array, row: Array, where: Array) -> Array:
        row = jnp.where(where, row.astype(rows.dtype), _row(rows, slot))
        return lax.dynamic_update_index_in_dim(rows, row, slot, 0)

    grown = added & (table.count < slots)
    turned = added & ~grown & (writing.when_full == "fifo")
    one = jnp.ones((), strength.dtype)
    return SlotTable(
        content=jax.tree.map(lambda rows, row: put(rows, row, wrote), table.content, entry),
        strength=put(strength, jnp.where(fresh, one, _row(strength, slot) + 1), wrote),
        usage=put(table.usage, jnp.zeros_like(one), fresh),
        written=put(table.written, clock, fresh),
        last_used=put(table.last_used, clock, wrote),
        count=table.count + grown.astype(jnp.int32),
        oldest=(table.oldest + turned.astype(jnp.int32)) % slots,
        clock=clock,
        refused=table.refused + (accept & ~twin & ~room).astype(jnp.int32),
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

    strength, fresh = table.strength, jnp.ones(number)
    if decay is not None:
        strength = strength * ((1 - decay) ** number)
        fresh = (1 - jnp.asarray(decay)) ** (number - turns)
    return table._replace(
        content=jax.tree.map(put, table.content, entries),
        strength=put(strength.astype(table.strength.dtype), fresh),
        usage=put(table.usage, jnp.zeros(number)),
        written=put(table.written, table.clock + turns),
        last_used=put(table.last_used, table.clock + turns),
        count=table.count + number,
        clock=table.clock + number,
    )


def account_reads(
    table: SlotTable, weights: Array, total: Array, rehearsal: Array | float
) -> SlotTable:
    """Usage, last use and strength after reads with these weights (batch, slots).

    `total` (batch,) is what the |weights| of a read add up to. A slot was used by a read in which
    it carried at least an even share of that, total / count.
    """
    shares = jnp.abs(weights)
    even = total.astype(shares.dtype) / jnp.maximum(table.count, 1).astype(shares.dtype)
    used = jnp.any((shares > 0) & (shares >= 0.999 * even[:, None]), axis=0)
    read = jnp.sum(shares, 0).astype(table.usage.dtype)
    clock = table.clock + 1
    return table._replace(
        strength=table.strength + (rehearsal * read).astype(table.strength.dtype),
        usage=table.usage + read,
        last_used=jnp.where(used, clock, table.last_used),
        clock=clock,
    )


def delete_slots(table: SlotTable, drop: Array) -> SlotTable:
    """The table without the slots where `drop` (slots,) is true; the others move up, in order."""
    slots = table.strength.shape[0]
    place = jnp.arange(slots, dtype=jnp.int32)
    in_order = (place + table.oldest) % slots  # a full fifo becomes a list that begins at slot 0
    gone = (drop | (place >= table.count))[in_order]
    order = in_order[jnp.argsort(gone, stable=True)]
    count = jnp.sum(~gone).astype(jnp.int32)
    used = place < count

    def move(rows: Array) -> Array:
        kept = used.reshape(-1, *[1] * (rows.ndim - 1))
        return jnp.where(kept, rows[order], 0)

    per_slot = ("content", "strength", "usage", "written", "last_used")
    moved = {name: jax.tree.map(move, getattr(table, name)) for name in per_slot}
    return table._replace(**moved, count=count, oldest=jnp.zeros((), jnp.int32))
