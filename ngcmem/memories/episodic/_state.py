"""The compartments of `Episodic`, and its slots as the table that policies write to."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Input, LearningInput, MemoryState, PerExample, Shared, part
from ngcmem.memories.episodic._slot_table import SlotTable, opened, stored, where


class EpisodicState(MemoryState):
    inputs: Input[Any, "features"]  # the query, a dict of key fields if keys are named
    known: Input[Any, "features"]  # 1 where the query is known
    targets: LearningInput[Any, "value_features"]  # values that evolve stores with the inputs
    gate: LearningInput[Array, ""]  # evolve stores the example where this is above 1/2
    outputs: PerExample[Any, "value_features"]  # the values retrieved, or keys without values
    similarities: PerExample[Array, "slots"]  # scores, 0 in unused slots
    memory_weights: PerExample[Array, "slots"]
    outcome: PerExample[Array, "5"]  # pyright: ignore  # begins as every memory's does
    best_similarity = part("outcome", 3)  # the largest score of a used slot, 0 if there is none
    intensity = part("outcome", 4)  # the sum of the weights (MINERVA's echo intensity)
    key: PerExample[Array | None, ""]  # of reads that sample
    keys: Shared[Any, "slots features"]
    values: Shared[Any, "slots value_features"]
    standing: Shared[Array, "2 slots"]
    strength = part("standing", *where["strength"], axes="slots")  # 1 when written; decays, grows
    usage = part("standing", *where["usage"], axes="slots")  # weight read since it was written
    ledger: Shared[Array, "2 slots+3"]  # int32
    count = part("ledger", *where["count"])  # slots in use, the first ones
    oldest = part("ledger", *where["oldest"])  # where a full fifo stands
    clock = part("ledger", *where["clock"])  # writes and accounted reads so far
    refused = part("ledger", *where["refused"])  # entries refused by a full memory
    skipped = part("ledger", *where["skipped"])  # duplicates that were not stored
    merged = part("ledger", *where["merged"])  # duplicates that changed the entry they equal
    written = part("ledger", *where["written"], axes="slots")  # the clock then
    last_used = part("ledger", *where["last_used"], axes="slots")  # last read or written
    learning_key: Shared[
        Array | None, ""
    ]  # of storage probability, write noise and random eviction


def outcome(matched: Array, best_similarity: Array, intensity: Array) -> Array:
    """The compartment of a new read, not yet of several steps."""
    none = jnp.zeros_like(intensity)
    return jnp.stack([matched.astype(none.dtype), none, none, best_similarity, intensity])


def slot_table(state: EpisodicState) -> SlotTable:
    """The slots of a state."""
    return opened((state.keys, state.values), state.standing, state.ledger)


def compartments(table: SlotTable) -> dict[str, Any]:
    """The counterpart of `slot_table`, for `state.replace`."""
    (keys, values), standing, ledger = stored(table)
    return dict(keys=keys, values=values, standing=standing, ledger=ledger)
