"""How `Episodic` scores a query and reads it out, whole or by chunks of slots."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from ngcmem.core import examples_axis
from ngcmem.memories.episodic._options import widths_of
from ngcmem.retrieval import (
    FieldSimilarity,
    Separation,
    Similarity,
    Summable,
    choose,
    mask_scores,
    participants,
    retrieve,
    score_fields,
)


def scores_of(memory: Any, query: Any, keys: Any, known: Any) -> Array:
    """The score of every slot, (slots,), used or not."""

    def compared(tree: Any) -> list[Array]:
        return [_joined(tree)] if memory.concatenate else jax.tree.leaves(tree)

    return score_fields(compared(query), compared(keys), compared(known), *_comparison(memory))


def likeness(memory: Any, entry: Any, keys: Any) -> Array:
    """How like every slot's keys an entry's are, (slots,): the weighted mean over the fields.

    The score over the sum of the field weights, so that identical entries reach the similarity of
    a pattern with itself, 1 for cosine, whatever the number of fields and their weights.
    """
    known = jax.tree.map(jnp.ones_like, entry)
    total = sum(jnp.abs(jnp.asarray(weight)) for weight in _comparison(memory)[1])
    return scores_of(memory, entry, keys, known) / jnp.where(total > 0, total, 1)


class Reading(NamedTuple):
    """What a query finds in the slots."""

    scores: Array  # (slots,)
    weights: Array  # (slots,)
    total: Array  # () of the weights
    best: Array  # () the largest score of a used slot, 0 if there is none


def weighed(memory: Any, state: Any, used: Array) -> Reading:
    """The scores and weights of all slots, of which some are used."""
    scores = scores_of(memory, state.inputs, state.keys, state.known)
    masked = mask_scores(scores, memory.threshold, memory.absolute_threshold)
    beta = memory.beta
    if memory.adaptive_gain is not None:
        beta = beta * memory.adaptive_gain(masked, used & (masked > -jnp.inf))
    weights, total = _with_total(memory.separation, masked, beta, used)
    # In the words of `Summable.top`: without a threshold XLA finds both maxima to be one.
    taking_part, finite = participants(scores, used)
    best = jnp.max(jnp.where(taking_part, finite, jnp.finfo(scores.dtype).min))
    return Reading(scores, weights, total, jnp.where(state.count > 0, best, 0))


def _with_total(separation: Separation, scores: Array, beta: Any, used: Array) -> Any:
    """The weights and their sum, which needs no second pass over the slots where it is known."""
    weights = separation(scores, beta, used)
    if not isinstance(separation, Summable):
        return weights, jnp.sum(weights)
    _, totals = separation.totals(scores, beta, used, separation.top(scores, used))
    if separation.laws().normalised:
        return weights, (totals.density > 0).astype(weights.dtype)
    return weights, totals.density / separation.normaliser(totals)


_NARROW = 12
"""Rows of fewer features are read by a loop, which XLA fuses: for one query its product of a vector
and a matrix takes longer (1,000 rows of 11 features: 8 against 6 us; of 16: 6 against 14)."""


def projected(memory: Any, state: Any, weights: Array) -> Any:
    """sum_i p_i value_i of every field retrieved."""

    def read(rows: Array, answer: Array) -> Array:
        shares = weights.astype(rows.dtype)
        found = rows.T @ shares if rows.shape[1] < _NARROW else shares @ rows
        return found.astype(answer.dtype)

    return jax.tree.map(read, _retrieved(memory, state), state.outputs)


def completed(memory: Any, state: Any) -> Any:
    """The queries of a batch, with features that are not known as retrieved, 0 if nothing was."""

    def fill(given: Array, known: Array, found: Array) -> Array:
        return jnp.where(known > 0, given, found.astype(given.dtype))

    if memory.values is None:
        return jax.tree.map(fill, state.inputs, state.known, state.outputs)

    def by_keys(inputs: Any, known: Any, keys: Any) -> Any:
        shares = state.memory_weights
        return jax.tree.map(
            lambda g, k, x: fill(g, k, shares.astype(x.dtype) @ x), inputs, known, keys
        )

    # Who knows all of every query does not pay for a second projection.
    whole = jnp.stack([jnp.all(known > 0) for known in jax.tree.leaves(state.known)]).all()
    every = state.inputs, state.known, state.keys
    return lax.cond(whole, lambda inputs, *_: inputs, by_keys, *every)


def streamed(memory: Any, state: Any) -> Any:
    """The outputs by chunks of slots, or None where all scores at once are no burden."""
    axis = examples_axis()
    batch = 1 if axis is None else lax.axis_size(axis)
    method = memory.method
    if method == "auto":
        whole = memory.sample or memory.adaptive_gain is not None
        method = "materialised" if whole else choose(batch, memory.slots, memory.separation)
    if method == "materialised":
        return None
    similarities, weights = _comparison(memory)
    widths = widths_of(memory.keys)
    outputs = retrieve(
        _joined(state.inputs),
        _joined(state.keys),
        values=_joined(_retrieved(memory, state)),
        count=state.count,
        similarity=FieldSimilarity(
            widths=(sum(widths),) if memory.concatenate else widths,
            similarities=similarities,
            weights=weights,
            threshold=memory.threshold,
            absolute=memory.absolute_threshold,
        ),
        separation=memory.separation,
        beta=memory.beta,
        known=_joined(state.known),
        method="streamed",
        axis_name=axis,
    ).outputs
    leaves, structure = jax.tree.flatten(state.outputs)
    ends = [sum(leaf.shape[-1] for leaf in leaves[: i + 1]) for i in range(len(leaves) - 1)]
    return jax.tree.unflatten(structure, jnp.split(outputs, ends, axis=-1))


def _comparison(memory: Any) -> tuple[tuple[Similarity, ...], tuple[Any, ...]]:
    """A similarity and a weight for every compared field."""
    number = 1 if memory.concatenate else len(widths_of(memory.keys))

    def by_field(given: Any) -> tuple[Any, ...]:
        if isinstance(given, dict):
            return tuple(given[name] for name in sorted(given))
        return (given,) * number

    return by_field(memory.similarity), by_field(memory.field_weights)


def _retrieved(memory: Any, state: Any) -> Any:
    return state.keys if memory.values is None else state.values


def _joined(tree: Any) -> Array:
    leaves = jax.tree.leaves(tree)
    return leaves[0] if len(leaves) == 1 else jnp.concatenate(leaves, axis=-1)
