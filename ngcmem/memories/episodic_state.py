"""The compartments of `Episodic`, and its slots as the table that policies write to."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from ngcmem.core.compartments import Input, LearningInput, PerExample, Shared
from ngcmem.core.memory import MemoryState
from ngcmem.core.parts import part
from ngcmem.plasticity.slot_policies import SlotTable


class EpisodicState(MemoryState):
    inputs: Input[Any, "features"]  # the query, a dict of key fields if keys are named
    known: Input[Any, "features"]  # 1 where the query is known
    targets: LearningInput[Any, "value_features"]  # values that evolve stores with the inputs
    gate: LearningInput[Array, ""]  # evolve stores the example where this is above 1/2
    outputs: PerExample[Any, "value_features"]  # the values retrieved, or keys without values
    similarities: PerExample[Array, "slots"]  # scores, 0 in unused slots
    memory_weights: PerExample[Array, "slots"]
    readings: PerExample[Array, "2"]
    best_similarity = part("readings", 0)  # the largest score of a used slot, 0 if there is none
    intensity = part("readings", 1)  # the sum of the weights (MINERVA's echo intensity)
    key: PerExample[Array | None, ""]  # of reads that sample
    keys: Shared[Any, "slots features"]
    values: Shared[Any, "slots value_features"]
    standing: Shared[Array, "2 slots"]
    strength = part("standing", 0, slice(None), axes="slots")  # 1 when written; decays, grows
    usage = part("standing", 1, slice(None), axes="slots")  # weight read since it was written
    ledger: Shared[Array, "2 slots+2"]  # int32
    count = part("ledger", 0, 0)  # slots in use, the first ones
    oldest = part("ledger", 0, 1)  # where a full fifo stands
    clock = part("ledger", 1, 0)  # writes and accounted reads so far
    refused = part("ledger", 1, 1)  # entries that found the memory full (when_full="refuse")
    written = part("ledger", 0, slice(2, None), axes="slots")  # the clock when it was written
    last_used = part("ledger", 1, slice(2, None), axes="slots")  # ... last read or written
    learning_key: Shared[
        Array | None, ""
    ]  # of storage probability, write noise and random eviction


def slot_table(state: EpisodicState) -> SlotTable:
    """The slots of a state."""
    numbers = {name: getattr(state, name) for name in SlotTable._fields[1:]}
    return SlotTable(content=(state.keys, state.values), **numbers)


def compartments(table: SlotTable) -> dict[str, Any]:
    """The counterpart of `slot_table`, for `state.replace`."""
    keys, values = table.content
    counters = jnp.stack([table.count, table.oldest, table.clock, table.refused]).reshape(2, 2)
    stamps = jnp.stack([table.written, table.last_used])
    return dict(
        keys=keys,
        values=values,
        standing=jnp.stack([table.strength, table.usage]),
        ledger=jnp.concatenate([counters, stamps], axis=1),
    )
