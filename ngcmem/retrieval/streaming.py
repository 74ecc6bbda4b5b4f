"""Retrieval over chunks of slots: the similarities of all slots never exist at once.

The totals of a `Summable` separation are a monoid (top, sums): two sets of slots merge by rescaling
both to the larger top and adding. A loop merges chunks here; devices and memories merge alike.

The derivative is a custom vjp. Given the final top, the sums are plain sums over chunks, so the
backward loop takes the vjp of one chunk after another and recomputes its similarities.
"""

from functools import partial
from typing import Generic, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jax import Array, lax

from ngcmem.retrieval.forward_mode import reverse_mode_only
from ngcmem.retrieval.separation import Separation, Summable, Totals
from ngcmem.retrieval.similarity import Similarity

CHUNK_BYTES = 1 << 20
"""Similarities of one chunk, B * chunk floats, should stay in a core's second-level cache."""


Kind = TypeVar("Kind", bound=Separation)


class Task(NamedTuple, Generic[Kind]):
    """The differentiable arguments of a streamed retrieval that every chunk needs whole."""

    probes: Array
    similarity: Similarity
    separation: Kind
    beta: Array


class Slots(NamedTuple):
    """The stored arrays, whole or one chunk of them. `values` is None where they are `patterns`."""

    patterns: Array
    values: Array | None


class Sums(NamedTuple):
    """Per probe, over some slots and relative to a top: all that outputs and energy depend on."""

    totals: Totals
    values: Array
    """(B, v): sum of density_i value_i."""


class Streamed(NamedTuple):
    """What a streamed retrieval returns, per probe (B first); the penalty is shared."""

    outputs: Array
    potential: Array
    penalty: Array
    matched: Array


def chunk_size(batch: int, slots: int) -> int:
    """Slots at a time: a power of two from 512 to 4096 whose similarities fit the cache."""
    fitting = CHUNK_BYTES // (4 * batch)
    return min(slots, max(512, min(4096, 1 << max(fitting, 1).bit_length() - 1)))


def stream_sums(
    task: Task[Summable], slots: Slots, known: Array | None, count: Array, chunk: int
) -> Streamed:
    """Stream a `Summable` separation; reverse-mode differentiable by `task` and `slots`."""
    task, slots = reverse_mode_only(task), reverse_mode_only(slots)
    sums, top, heaviest = _sum_chunks(chunk, task, slots, known, count)
    top = lax.stop_gradient(top)
    divisor = jax.vmap(task.separation.normaliser)(sums.totals)
    potential = jax.vmap(task.separation.close, (0, None, 0))(sums.totals, task.beta, top)
    penalty = penalty_of(task.similarity, slots.patterns, heaviest, count)
    outputs = sums.values / divisor[:, None]
    return Streamed(outputs, potential, penalty, jax.vmap(task.separation.matched)(sums.totals))


def penalty_of(similarity: Similarity, patterns: Array, slot: Array, count: Array) -> Array:
    """The pattern penalty of one slot; 0 for an empty memory."""
    row = jnp.where(count > 0, lax.dynamic_slice_in_dim(patterns, slot, 1), 0)
    return similarity.pattern_penalties(row)[0]


def read_chunk(slots: Slots, index: Array, count: Array, chunk: int) -> tuple[Slots, Array, Array]:
    """Chunk `index`, the slot it starts at, and which of its rows are used and new (chunk,).

    The last chunk starts early if `chunk` does not divide the capacity; rows it shares with the
    chunk before are not new. Unused rows read as 0, whatever they hold.
    """
    start = jnp.minimum(index * chunk, slots.patterns.shape[0] - chunk)
    slot = start + jnp.arange(chunk, dtype=jnp.int32)
    used = slot < count

    def read(array: Array) -> Array:
        rows = lax.dynamic_slice_in_dim(array, start, chunk)
        return jnp.where(used[:, None], rows, 0)

    return Slots(*jax.tree.map(read, tuple(slots))), start, used & (slot >= index * chunk)


def compare(task: Task, rows: Array, known: Array | None) -> Array:
    """Similarities (B, chunk) of every probe and row."""
    axes = (0, None, None if known is None else 0)
    return jax.vmap(task.similarity, axes)(task.probes, rows, known)


def heavier(
    similarity: Similarity, rows: Array, new: Array, start: Array, best: tuple[Array, Array]
) -> tuple[Array, Array]:
    """The largest pattern penalty so far and its slot, after this chunk."""
    penalties = jnp.where(new, similarity.pattern_penalties(rows), -jnp.inf)
    row = jnp.argmax(penalties).astype(jnp.int32)
    better = penalties[row] > best[0]
    return jnp.where(better, penalties[row], best[0]), jnp.where(better, start + row, best[1])


def _sums(task: Task[Summable], similarities: Array, rows: Slots, new: Array, top: Array) -> Sums:
    """The sums of one chunk relative to `top` (B,)."""
    totals_of = jax.vmap(task.separation.totals, (0, None, None, 0))
    density, totals = totals_of(similarities, task.beta, new, top)
    values = rows.patterns if rows.values is None else rows.values
    return Sums(totals, density @ values.astype(density.dtype))


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _sum_chunks(
    chunk: int, task: Task[Summable], slots: Slots, known: Array | None, count: Array
) -> tuple[Sums, Array, Array]:
    """Sums over all used slots, the top (B,) they are relative to, and the heaviest slot ()."""
    batch = task.probes.shape[0]
    dtype = task.beta.dtype
    width = (slots.patterns if slots.values is None else slots.values).shape[1]
    nothing = jnp.zeros(batch, dtype)
    sums = Sums(Totals(nothing, nothing, nothing), jnp.zeros((batch, width), dtype))
    bottom = jnp.full(batch, jnp.finfo(dtype).min if task.separation.relative else 0, dtype)

    def body(index, carry):
        sums, top, heaviest = carry
        rows, start, new = read_chunk(slots, index, count, chunk)
        similarities = compare(task, rows.patterns, known)
        raised = jnp.maximum(top, jax.vmap(task.separation.top, (0, None))(similarities, new))
        factor = task.separation.rescale(task.beta, top, raised)
        more = _sums(task, similarities, rows, new, raised)
        totals = Totals(
            factor * sums.totals.density + more.totals.density,
            factor * sums.totals.term + more.totals.term,
            sums.totals.slots + more.totals.slots,
        )
        sums = Sums(totals, factor[:, None] * sums.values + more.values)
        return sums, raised, heavier(task.similarity, rows.patterns, new, start, heaviest)

    first = (jnp.array(-jnp.inf, dtype), jnp.array(0, jnp.int32))
    sums, top, heaviest = lax.fori_loop(0, chunks_of(count, chunk), body, (sums, bottom, first))
    return sums, top, heaviest[1]


def chunks_of(count: Array, chunk: int) -> Array:
    return (count + chunk - 1) // chunk


def _sum_chunks_forward(
    chunk: int, task: Task[Summable], slots: Slots, known: Array | None, count: Array
):
    result = _sum_chunks(chunk, task, slots, known, count)
    return result, (task, slots, known, count, result[1])


def _sum_chunks_backward(chunk: int, residuals, cotangents):
    task, slots, known, count, top = residuals
    sums_cotangent = cotangents[0]

    def body(index, carry):
        task_cotangent, slots_cotangent = carry
        rows, start, new = read_chunk(slots, index, count, chunk)

        def sums(task: Task[Summable], rows: Slots) -> Sums:
            return _sums(task, compare(task, rows.patterns, known), rows, new, top)

        more_task, more_rows = jax.vjp(sums, task, rows)[1](sums_cotangent)

        def write(whole: Array, more: Array) -> Array:
            before = lax.dynamic_slice_in_dim(whole, start, chunk)
            return lax.dynamic_update_slice_in_dim(whole, before + more, start, 0)

        added = jax.tree.map(jnp.add, task_cotangent, more_task)
        return added, jax.tree.map(write, slots_cotangent, more_rows)

    zeros = jax.tree.map(jnp.zeros_like, (task, slots))
    task_cotangent, slots_cotangent = lax.fori_loop(0, chunks_of(count, chunk), body, zeros)
    return task_cotangent, slots_cotangent, None, None


_sum_chunks.defvjp(_sum_chunks_forward, _sum_chunks_backward)
