"""Retrieval over chunks of slots: the similarities of all slots never exist at once.

The totals of a `Summable` separation are a monoid (top, sums): two sets of slots merge by rescaling
both to the larger top and adding. A loop merges chunks here; devices and memories merge alike.

The derivative is a custom vjp. Given the final top, the sums are plain sums over chunks, so the
backward loop takes the vjp of one chunk after another and recomputes its similarities.
"""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jax import Array, lax

from ngcmem.retrieval._forward_mode import reverse_mode_only
from ngcmem.retrieval.separation import Separation, Summable, Totals
from ngcmem.retrieval.similarity import Similarity

CHUNK_BYTES = 2 << 20
"""Similarities of one chunk, B * chunk floats, should stay near a core's second-level cache."""


Kind = TypeVar("Kind", bound=Separation)
Carry = TypeVar("Carry")


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
    """Slots at a time: 512 to 8192 whose similarities fit the cache, the last chunk nearly full."""
    limit = 512 if batch < 8 else max(512, min(8192, CHUNK_BYTES // (4 * batch)))
    even = -(-slots // -(-slots // limit))
    return min(slots, -(-even // 64) * 64)


def stream_sums(
    task: Task[Summable], slots: Slots, known: Array | None, count: Array | None, chunk: int
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


def penalty_of(similarity: Similarity, patterns: Array, slot: Array, count: Array | None) -> Array:
    """The pattern penalty of one slot; 0 for an empty memory."""
    row = lax.dynamic_slice_in_dim(patterns, slot, 1)
    if count is not None:
        row = jnp.where(count > 0, row, 0)
    return similarity.pattern_penalties(row)[0]


def over_chunks(
    merge: Callable[[Carry, Slots, Array, Array | None], Carry],
    carry: Carry,
    slots: Slots,
    count: Array | None,
    chunk: int,
) -> Carry:
    """Fold `merge(carry, rows, start, new)` over the chunks that hold used slots.

    Full chunks pass None for `new`, so they pay for no mask. The last one says which of its rows
    are new (chunk,): neither unused (those read as 0, whatever they hold) nor, where the chunk had
    to start early to end within the capacity, seen before. A `count` of None says that all slots
    are used: the last chunk then has the slots that are left, and no mask.
    """
    capacity = slots.patterns.shape[0]
    full = capacity // chunk if count is None else count // chunk

    def body(index, carry):
        return merge(carry, read_rows(slots, index * chunk, chunk), index * chunk, None)

    carry = lax.fori_loop(0, full, body, carry)
    if count is None:
        rest = capacity % chunk
        start = jnp.asarray(capacity - rest, jnp.int32)
        return merge(carry, read_rows(slots, start, rest), start, None) if rest else carry

    def last(carry):
        start = jnp.minimum(full * chunk, capacity - chunk)
        slot = start + jnp.arange(chunk, dtype=jnp.int32)
        used = (slot < count)[:, None]
        rows = read_rows(slots, start, chunk)
        rows = Slots(*jax.tree.map(lambda array: jnp.where(used, array, 0), tuple(rows)))
        return merge(carry, rows, start, used[:, 0] & (slot >= full * chunk))

    return lax.cond(count > full * chunk, last, lambda carry: carry, carry)


def read_rows(slots: Slots, start: Array, chunk: int) -> Slots:
    """`chunk` rows of every stored array."""
    return Slots(
        *jax.tree.map(lambda array: lax.dynamic_slice_in_dim(array, start, chunk), tuple(slots))
    )


def compare(task: Task, rows: Array, known: Array | None) -> Array:
    """Similarities (B, chunk) of every probe and row."""
    axes = (0, None, None if known is None else 0)
    return jax.vmap(task.similarity, axes)(task.probes, rows, known)


def heavier(
    similarity: Similarity, rows: Array, new: Array | None, start: Array, best: tuple[Array, Array]
) -> tuple[Array, Array]:
    """The largest pattern penalty so far and its slot, after this chunk."""
    penalties = similarity.pattern_penalties(rows)
    if new is not None:
        penalties = jnp.where(new, penalties, -jnp.inf)
    row = jnp.argmax(penalties).astype(jnp.int32)
    better = penalties[row] > best[0]
    return jnp.where(better, penalties[row], best[0]), jnp.where(better, start + row, best[1])


def sums_of(
    task: Task[Summable], similarities: Array, values: Array, used: Array | None, top: Array
) -> tuple[Sums, Array]:
    """The sums of some slots relative to `top` (B,), and the densities (B, slots)."""
    totals_of = jax.vmap(task.separation.totals, (0, None, None, 0))
    density, totals = totals_of(similarities, task.beta, used, top)
    return Sums(totals, density @ values.astype(density.dtype)), density


def taking_part(similarity: Similarity, used: Array | None, slots: int) -> Array | None:
    """The used slots (slots,); None if they are all used and none can be taken out."""
    return jnp.ones(slots, bool) if used is None and similarity.excludes else used


def _sums(
    task: Task[Summable], similarities: Array, rows: Slots, new: Array | None, top: Array
) -> Sums:
    values = rows.patterns if rows.values is None else rows.values
    return sums_of(task, similarities, values, new, top)[0]


def _raise(task: Task[Summable], sums: Sums, old_top: Array, new_top: Array) -> Sums:
    """Sums relative to a higher top; how many slots there are does not depend on it."""
    factor = task.separation.rescale(task.beta, old_top, new_top)
    totals = task.separation.raised(sums.totals, task.beta, old_top, new_top)
    return Sums(totals, factor[:, None] * sums.values)


def _add(sums: Sums, lost: Sums, more: Sums) -> tuple[Sums, Sums]:
    """Sums plus more, and what rounding lost of it (Kahan 1965): a thousand chunks add exactly."""
    corrected = jax.tree.map(jnp.subtract, more, lost)
    total = jax.tree.map(jnp.add, sums, corrected)
    lost = jax.tree.map(lambda after, before, new: (after - before) - new, total, sums, corrected)
    return total, lost


def _fold_sums(
    chunk: int, task: Task[Summable], slots: Slots, known: Array | None, count: Array | None
) -> tuple[Sums, Array, Array]:
    """Sums over all used slots, the top (B,) they are relative to, and the heaviest slot ()."""
    batch = task.probes.shape[0]
    dtype = task.beta.dtype
    width = (slots.patterns if slots.values is None else slots.values).shape[1]
    nothing = jnp.zeros(batch, dtype)
    sums = Sums(Totals(nothing, nothing, nothing), jnp.zeros((batch, width), dtype))
    bottom = jnp.full(batch, jnp.finfo(dtype).min if task.separation.relative else 0, dtype)

    def merge(carry, rows: Slots, start: Array, new: Array | None):
        sums, lost, top, heaviest = carry
        similarities = compare(task, rows.patterns, known)
        new = taking_part(task.similarity, new, len(rows.patterns))
        raised = jnp.maximum(top, jax.vmap(task.separation.top, (0, None))(similarities, new))
        more = _sums(task, similarities, rows, new, raised)
        sums, lost = (_raise(task, part, top, raised) for part in (sums, lost))
        sums, lost = _add(sums, lost, more)
        return sums, lost, raised, heavier(task.similarity, rows.patterns, new, start, heaviest)

    first = (jnp.array(-jnp.inf, dtype), jnp.array(0, jnp.int32))
    carry = (sums, sums, bottom, first)
    sums, _, top, heaviest = over_chunks(merge, carry, slots, count, chunk)
    return sums, top, heaviest[1]


def _sum_chunks_forward(
    chunk: int, task: Task[Summable], slots: Slots, known: Array | None, count: Array | None
):
    result = _fold_sums(chunk, task, slots, known, count)
    return result, (task, slots, known, count, result[1])


def _sum_chunks_backward(chunk: int, residuals, cotangents):
    task, slots, known, count, top = residuals
    sums_cotangent = cotangents[0]

    def merge(carry, rows: Slots, start: Array, new: Array | None):
        task_cotangent, slots_cotangent = carry

        new = taking_part(task.similarity, new, len(rows.patterns))

        def sums(task: Task[Summable], rows: Slots) -> Sums:
            return _sums(task, compare(task, rows.patterns, known), rows, new, top)

        more_task, more_rows = jax.vjp(sums, task, rows)[1](sums_cotangent)

        def write(whole: Array, more: Array) -> Array:
            before = lax.dynamic_slice_in_dim(whole, start, len(more))
            return lax.dynamic_update_slice_in_dim(whole, before + more, start, 0)

        added = jax.tree.map(jnp.add, task_cotangent, more_task)
        return added, jax.tree.map(write, slots_cotangent, more_rows)

    zeros = jax.tree.map(jnp.zeros_like, (task, slots))
    task_cotangent, slots_cotangent = over_chunks(merge, zeros, slots, count, chunk)
    return task_cotangent, slots_cotangent, None, None


_sum_chunks = jax.custom_vjp(_fold_sums, nondiff_argnums=(0,))
_sum_chunks.defvjp(_sum_chunks_forward, _sum_chunks_backward)
