"""How `Episodic` scores a query and reads it out, whole or by chunks of slots."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from ngcmem.core.component import examples_axis
from ngcmem.memories.episodic_options import widths_of
from ngcmem.retrieval.fields import FieldSimilarity, mask_scores, score_fields
from ngcmem.retrieval.retrieve import choose, retrieve
from ngcmem.retrieval.similarity import Similarity


def scores_of(memory: Any, query: Any, keys: Any, known: Any) -> Array:
    """The score of every slot, (slots,), used or not."""

    def compared(tree: Any) -> list[Array]:
        return [_joined(tree)] if memory.concatenate else jax.tree.leaves(tree)

    return score_fields(compared(query), compared(keys), compared(known), *_comparison(memory))


def weighed(memory: Any, state: Any, used: Array) -> tuple[Array, Array]:
    """Scores and weights of every slot, (slots,)."""
    scores = scores_of(memory, state.inputs, state.keys, state.known)
    masked = mask_scores(scores, memory.threshold, memory.absolute_threshold)
    beta = memory.beta
    if memory.adaptive_gain is not None:
        beta = beta * memory.adaptive_gain(masked, used & (masked > -jnp.inf))
    return scores, memory.separation(masked, beta, used)


def projected(memory: Any, state: Any, weights: Array) -> Any:
    """sum_i p_i value_i of every field retrieved."""
    return jax.tree.map(
        lambda rows, answer: (weights.astype(rows.dtype) @ rows).astype(answer.dtype),
        _retrieved(memory, state),
        state.outputs,
    )


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
