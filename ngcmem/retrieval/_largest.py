"""Streaming of the separations that need only the k most similar slots.

The loop finds which slots they are; it has no derivative. Their rows are then read and compared
again, differentiably.
"""

import jax
import jax.numpy as jnp
from jax import Array, lax

from ngcmem.retrieval._ranking import nan_first
from ngcmem.retrieval._streaming import (
    Slots,
    Streamed,
    Task,
    compare,
    heavier,
    over_chunks,
    penalty_of,
)


def stream_largest(
    task: Task, slots: Slots, known: Array | None, count: Array | None, chunk: int, k: int
) -> Streamed:
    """Apply `task.separation` to the k most similar slots; differentiable in both modes."""
    frozen = lax.stop_gradient((task, slots))
    best, found, heaviest = _find_largest(*frozen, known, count, chunk, k)
    taking_part = best != -jnp.inf

    def one(probe, known, found, taking_part):
        rows = jax.tree.map(lambda array: jnp.where(taking_part[:, None], array[found], 0), slots)
        similarities = task.similarity(probe, rows.patterns, known)
        weights = task.separation(similarities, task.beta, taking_part)
        potential = task.separation.potential(similarities, task.beta, taking_part)
        values = rows.patterns if rows.values is None else rows.values
        return weights @ values.astype(weights.dtype), potential, jnp.any(weights != 0)

    axes = (0, None if known is None else 0, 0, 0)
    outputs, potential, matched = jax.vmap(one, axes)(task.probes, known, found, taking_part)
    penalty = penalty_of(task.similarity, slots.patterns, heaviest, count)
    return Streamed(outputs, potential, penalty, matched)


def _find_largest(
    task: Task, slots: Slots, known: Array | None, count: Array | None, chunk: int, k: int
) -> tuple[Array, Array, Array]:
    """The k largest similarities (B, k), -inf where fewer slots are used, their slots, heaviest."""
    batch, dtype = task.probes.shape[0], task.beta.dtype

    def merge(carry, rows: Slots, start: Array, new: Array | None):
        best, found, heaviest = carry
        similarities = nan_first(compare(task, rows.patterns, known))
        if new is not None:
            similarities = jnp.where(new[None], similarities, -jnp.inf)
        more, place = lax.top_k(similarities, min(k, similarities.shape[1]))
        merged, which = lax.top_k(jnp.concatenate([best, more], axis=1), k)
        candidates = jnp.concatenate([found, start + place.astype(jnp.int32)], axis=1)
        found = jnp.take_along_axis(candidates, which, axis=1)
        return merged, found, heavier(task.similarity, rows.patterns, new, start, heaviest)

    best = jnp.full((batch, k), -jnp.inf, dtype)
    first = (jnp.array(-jnp.inf, dtype), jnp.array(0, jnp.int32))
    start = (best, jnp.zeros((batch, k), jnp.int32), first)
    best, found, heaviest = over_chunks(merge, start, slots, count, chunk)
    return best, found, heaviest[1]
