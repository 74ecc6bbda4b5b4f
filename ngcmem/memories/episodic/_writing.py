"""How `Episodic` writes entries."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from ngcmem.memories.episodic._policies import Writing, append_block, write_entries
from ngcmem.memories.episodic._reading import likeness
from ngcmem.memories.episodic._slot_table import SlotTable


def draws_numbers(memory: Any) -> bool:
    """Whether writing needs random numbers."""
    chances = (memory.storage_probability, memory.write_noise)
    return memory.when_full == "random" or any(chance is not None for chance in chances)


def write(
    memory: Any, table: SlotTable, entries: Any, accept: Array | None, key: Array | None
) -> SlotTable:
    """Entries (keys, values), rows, written in order.

    Args:
        memory: an `Episodic`.
        table: its slots.
        entries: the pair of keys and values, each with a first axis n.
        accept: (n,) bool, which may be stored; None stores all.
        key: for storage probability, write noise and random eviction; else it is not used.
    """
    chance = noise = policy = None
    if draws_numbers(memory):
        assert key is not None
        chance, noise, policy = jax.random.split(key, 3)
    if noise is not None and memory.write_noise is not None:
        leaves, structure = jax.tree.flatten(entries)
        leaves = [
            leaf + memory.write_noise * jax.random.normal(draw, leaf.shape, leaf.dtype)
            for leaf, draw in zip(leaves, jax.random.split(noise, len(leaves)), strict=True)
        ]
        entries = jax.tree.unflatten(structure, leaves)
    if memory.stop_gradient:
        entries = lax.stop_gradient(entries)
    number = jax.tree.leaves(entries)[0].shape[0]
    certain = accept is None and memory.storage_probability is None
    accepted = jnp.ones(number, bool) if accept is None else accept
    if (
        chance is not None and memory.storage_probability is not None
    ):  # one draw per entry, never per field
        accepted = accepted & (jax.random.uniform(chance, (number,)) < memory.storage_probability)

    def in_turn(table: SlotTable) -> SlotTable:
        return write_entries(table, entries, accepted, _writing(memory), policy)

    if not certain or memory.duplicates != "append" or not 1 < number <= memory.slots:
        return in_turn(table)
    return lax.cond(
        table.count + number <= memory.slots,
        lambda table: append_block(table, entries, memory.decay),
        in_turn,
        table,
    )


def _writing(memory: Any) -> Writing:
    def twin(entry: Any, table: SlotTable) -> tuple[Array, Array]:
        scores = likeness(memory, entry[0], table.content[0])
        scores = jnp.where(
            jnp.arange(memory.slots, dtype=jnp.int32) < table.count, scores, -jnp.inf
        )
        best = jnp.argmax(scores).astype(jnp.int32)
        return best, (table.count > 0) & (scores[best] >= memory.duplicate_threshold)

    def merge(old: Any, new: Any) -> Any:
        moved = jax.tree.map(lambda a, b: a + memory.duplicate_eta * (b - a), old, new)
        return moved if memory.values is None else (old[0], moved[1])

    return Writing(memory.when_full, memory.duplicates, twin, merge, memory.decay)
