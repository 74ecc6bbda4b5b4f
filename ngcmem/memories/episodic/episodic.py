"""Episodic memory: one-shot storage of entries with keys and values in explicit slots."""

from typing import Annotated, Any

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import Interval, Memory, NonNegative, Probability, Real, RealOrInf, Static
from ngcmem.memories.episodic._options import check_options, slots_to_drop, spread
from ngcmem.memories.episodic._policies import (
    Duplicates,
    WhenFull,
    account_reads,
    append_block,
    delete_slots,
)
from ngcmem.memories.episodic._reading import completed, projected, streamed, weighed
from ngcmem.memories.episodic._slot_table import SlotTable, empty_table
from ngcmem.memories.episodic._state import EpisodicState, compartments, outcome, slot_table
from ngcmem.memories.episodic._writing import draws_numbers, write
from ngcmem.retrieval import Gain, Separation, Similarity
from ngcmem.retrieval.retrieve import Method


class Episodic(Memory[EpisodicState]):
    """Entries with any number of named fields, written once and retrieved by similarity.

        score_i = sum_f weight_f similarity(query_f, key_{f,i})       used slots i
        outputs = sum_i p_i value_i,   p = separation(beta score)

    `advance_state` reads. `evolve` accounts for the read (usage, last use, rehearsal) and then
    stores `inputs` with `targets` of every example whose `gate` is above 1/2, features that are
    not `known` as retrieved: a batch of B is B reads, then B sequential writes. `nm.store` writes
    rows. Only the first `count` slots exist for a read; if none takes part the outputs are 0 and
    `matched` is False.

    Without `values` the memory is auto-associative: it retrieves the key fields, completed, and
    takes no targets. A field of weight 0 is stored and retrieved, but not compared.

    References: McClelland, McNaughton and O'Reilly (1995), Psychological Review 102:419;
    Pritzel et al. (2017), arXiv:1703.01988 (averaged duplicates, least recently used);
    Giallanza, Campbell and Cohen (2024), Open Mind 8:688 (several fields, one softmax).

    Attributes:
        slots: the most entries there can be.
        keys, values: a number of features, or `{field: features}`.
        beta: the gain on the scores.
        field_weights: one number for every key field, or `{field: number}`; never normalised.
        similarity: a name or instance of the retrieval layer, or `{field: similarity}`.
        separation: likewise; "softmax", "max" (the best entry), `TopK(k=...)`, `Power()`, ...
        sample: draw one entry with probability p instead of averaging all.
        threshold: scores not above it take no part. `absolute_threshold` compares |score|.
        adaptive_gain: a factor on beta for each query, `ContrastGain()` or `EntropyGain()`.
        concatenate: compare all key fields as one long key (their weights are then equal).
        when_full: "fifo", "weakest", "least_recently_used", "random", or "refuse", which counts
            what it refuses in `refused`. Among equals the earliest written gives way.
        duplicates: "append", "overwrite", "skip" or "average", for a new entry whose likeness to
            a stored one, sum_f weight_f similarity_f / sum_f |weight_f|, is at least
            `duplicate_threshold`: a mean over the key fields, for cosine 1 between identical
            entries. Hint: entries that share one of two fields are about 0.5 alike; compare
            `skipped` (not stored) and `merged` (overwritten or averaged) with what was given, and
            raise the threshold where distinct entries are counted. "average" moves the values by
            `duplicate_eta` of the difference and keeps the keys (it moves the keys of a memory
            without values); both keep the entry's place in the fifo.
        storage_probability: of every entry, all its fields together; None stores always.
        write_noise: standard deviation of Gaussian noise on what is stored. Every `store` or
            `evolve` draws once for all its rows: the same rows in other calls, or with another
            number of rows to a call, meet other draws of the same distribution.
        decay: the part of every strength lost with every entry written. Contents never decay.
        rehearsal: strength gained per unit of weight read; None gains none.
        stop_gradient: whether gradients end at what is stored.
        initial_keys, initial_values: entries that `init` stores, rows of every field.
        method: "auto", "materialised" or "streamed" (large memories), see `ngcmem.retrieval`.

    Raises:
        ValueError: an option outside of its choices, a field that `keys` or `values` does not
            have, a probability outside 0..1, or options that exclude each other.
    """

    slots: Static[int]
    keys: Static[Any]
    values: Static[Any] = None
    beta: NonNegative = 10.0
    field_weights: Annotated[Any, Interval("(-inf, inf)")] = 1.0
    similarity: str | Similarity | dict[str, Any] = "cosine"
    separation: str | Separation = "softmax"
    sample: Static[bool] = False
    threshold: Real | None = None
    absolute_threshold: Static[bool] = False
    adaptive_gain: Gain | None = None
    concatenate: Static[bool] = False
    when_full: Static[WhenFull] = "fifo"
    duplicates: Static[Duplicates] = "append"
    duplicate_threshold: RealOrInf | None = None
    duplicate_eta: Probability = 0.1
    storage_probability: Probability | None = None
    write_noise: NonNegative | None = None
    decay: Probability | None = None
    rehearsal: NonNegative | None = None
    stop_gradient: Static[bool] = False
    initial_keys: Annotated[Any, Interval("(-inf, inf)")] = None
    initial_values: Annotated[Any, Interval("(-inf, inf)")] = None
    method: Static[Method] = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in check_options(self).items():
            object.__setattr__(self, name, value)

    @property
    def autoassociative(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.values is None

    def no_convergence(self) -> str | None:
        return "Episodic promises no descent (nm.Hopfield does)."

    def init(self, key: Array) -> EpisodicState:
        def rows(width: int) -> Array:
            return jnp.zeros((self.slots, width))

        query, answer = spread(self.keys, jnp.zeros), spread(self.values, jnp.zeros)
        slots = jnp.zeros(self.slots)
        table = empty_table((spread(self.keys, rows), spread(self.values, rows)), self.slots)
        if self.initial_keys is not None:
            table = append_block(table, (self.initial_keys, self.initial_values), None)
        reading, learning = jax.random.split(key)
        return EpisodicState(
            inputs=query,
            known=jax.tree.map(jnp.ones_like, query),
            targets=answer,
            gate=jnp.ones(()),
            outputs=query if self.values is None else answer,
            similarities=slots,
            memory_weights=slots,
            outcome=jnp.zeros(5),
            key=reading if self.sample else None,
            learning_key=learning if draws_numbers(self) else None,
            **compartments(table),
        )

    def advance_state(self, state: EpisodicState, t: Array, dt: Array) -> EpisodicState:
        used = jnp.arange(self.slots, dtype=jnp.int32) < state.count
        scores, weights, intensity, best = weighed(self, state, used)
        kept = state.key
        matched = intensity > 0 if self._never_negative() else jnp.any(weights != 0)
        if state.key is not None:
            kept, draw = jax.random.split(state.key)
            drawn = jax.random.categorical(draw, jnp.log(jnp.maximum(weights, 0)))
            chosen = (jnp.arange(self.slots) == drawn) & matched
            weights = chosen.astype(weights.dtype)
        outputs = streamed(self, state)
        return state.recalled(
            matched,
            outputs=projected(self, state, weights) if outputs is None else outputs,
            similarities=jnp.where(used, scores, 0),
            memory_weights=weights,
            outcome=outcome(matched, best, intensity),
            key=kept,
        )

    def evolve(self, state: EpisodicState, t: Array, dt: Array) -> EpisodicState:
        weights = state.memory_weights
        if self.separation.laws().normalised:  # pyright: ignore[reportAttributeAccessIssue]
            total = jnp.ones_like(weights[:, 0])
        else:
            total = jnp.abs(weights).sum(1)
        # The slots to write depend on what was read (never true): so XLA writes after the read,
        # in place. Otherwise it copies all keys and values, twice, in every step.
        first = jax.tree.leaves(state.outputs)[0][0, 0]
        never = (first < -jnp.inf).astype(jnp.int32)
        slots = slot_table(state)._replace(count=state.count + never)
        table = account_reads(slots, weights, total, self.rehearsal)
        entries = completed(self, state), state.targets
        return self._write(state, table, entries, state.gate > 0.5, None)

    def store(
        self, state: EpisodicState, inputs: Any, targets: Any, key: Array | None
    ) -> EpisodicState:
        if self.values is None and targets is not None:
            raise ValueError(
                "store: this Episodic has no values, it recalls the keys it stored: leave out "
                "targets, or make it with values=<number of features>."
            )
        if self.values is not None and targets is None:
            raise ValueError(
                "store: this Episodic recalls values: write nm.store(memory, state, keys, values)."
            )
        return self._write(state, slot_table(state), (inputs, targets), None, key)

    def delete(self, state: EpisodicState, slots: Any) -> EpisodicState:
        """The state without some entries; later slots move up, ages are kept.

        Args:
            state: a state of any batch.
            slots: the number of a slot, or (slots,) bool, true where the entry is to go.

        Raises:
            ValueError: several numbers, a number that is not whole, or no slot's (of a traced
                number only the dtype is looked at).
        """
        drop = slots_to_drop(slots, self.slots)
        return state.replace(**compartments(delete_slots(slot_table(state), drop)))

    def cleared(self, state: EpisodicState, fresh: EpisodicState) -> EpisodicState:
        empty = jax.tree.map(jnp.zeros_like, slot_table(state))
        return state.replace(**compartments(empty))

    def age(self, state: EpisodicState) -> Array:
        """How many writes and reads ago every entry was written, (slots,); 0 in unused slots."""
        return jnp.where(
            jnp.arange(self.slots, dtype=jnp.int32) < state.count, state.clock - state.written, 0
        )

    def _never_negative(self) -> bool:
        return self.separation.laws().monotone  # pyright: ignore[reportAttributeAccessIssue]

    def _write(
        self,
        state: EpisodicState,
        table: SlotTable,
        entries: tuple[Any, Any],
        accept: Array | None,
        key: Array | None,
    ) -> EpisodicState:
        kept, draw = state.learning_key, key
        if key is None and state.learning_key is not None:
            kept, draw = jax.random.split(state.learning_key)
        table = write(self, table, entries, accept, draw)
        return state.replace(learning_key=kept, **compartments(table))
