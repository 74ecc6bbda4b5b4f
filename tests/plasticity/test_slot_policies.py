"""Writing into slots, as arrays: a block is many writes, and reads are accounted for."""

import jax.numpy as jnp
import numpy as np

from ngcmem.memories.episodic._policies import (
    Writing,
    account_reads,
    append_block,
    delete_slots,
    write_entries,
)
from ngcmem.memories.episodic._slot_table import SlotTable, empty_table

SLOTS = 6


def empty() -> SlotTable:
    return empty_table(jnp.zeros((SLOTS, 2)), SLOTS)


def rows(*numbers: float) -> jnp.ndarray:
    return jnp.repeat(jnp.array(numbers)[:, None], 2, 1)


def test_a_block_is_so_many_writes() -> None:
    entries, accept = rows(1.0, 2.0, 3.0), jnp.ones(3, bool)
    writing = Writing("fifo", decay=0.25)
    for start in (empty(), append_block(empty(), rows(9.0), 0.25)):
        block = append_block(start, entries, 0.25)
        for a, b in zip(block, write_entries(start, entries, accept, writing, None), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)
    np.testing.assert_allclose(block.strength[:4], [0.75**3, 0.75**2, 0.75, 1.0])
    np.testing.assert_array_equal(block.written[:4], [1, 2, 3, 4])


def test_refused_entries_are_counted_and_leave_no_trace() -> None:
    full = append_block(empty(), rows(*range(1, 7)), None)
    accept = jnp.array([True, False])
    after = write_entries(full, rows(7.0, 8.0), accept, Writing("refuse"), None)
    np.testing.assert_array_equal(after.content, full.content)
    assert int(after.refused) == 1 and int(after.count) == SLOTS


def test_a_slot_is_used_by_a_read_with_an_even_share() -> None:
    table = append_block(empty(), rows(1.0, 2.0, 3.0, 4.0), None)
    weights = jnp.array([[0.5, 0.3, 0.1, 0.1, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]])
    after = account_reads(table, weights, jnp.ones(2), 0.5)
    np.testing.assert_array_equal(after.last_used, [5, 5, 3, 5, 0, 0])
    np.testing.assert_allclose(after.usage, [0.5, 0.3, 0.1, 1.1, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(after.strength, [1.25, 1.15, 1.05, 1.55, 0, 0], rtol=1e-6)
    nothing = account_reads(table, jnp.zeros((1, SLOTS)), jnp.zeros(1), 0.5)
    np.testing.assert_array_equal(nothing.last_used, table.last_used)


def test_deleting_from_a_full_fifo_keeps_its_order() -> None:
    entries = rows(*map(float, range(1, 9)))  # 7 and 8 stand in slots 0 and 1
    table = write_entries(empty(), entries, jnp.ones(8, bool), Writing("fifo"), None)
    left = delete_slots(table, jnp.arange(SLOTS) == 3)  # entry 4
    np.testing.assert_array_equal(left.content[:, 0], [3, 5, 6, 7, 8, 0])
    np.testing.assert_array_equal(left.written, [3, 5, 6, 7, 8, 0])
    two = write_entries(left, rows(9.0, 10.0), jnp.ones(2, bool), Writing("fifo"), None)
    np.testing.assert_array_equal(two.content[:, 0], [10, 5, 6, 7, 8, 9])
