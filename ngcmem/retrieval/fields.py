"""Similarity of entries with several fields: a weighted sum, before any separation."""

from collections.abc import Sequence
from typing import Annotated

import jax.numpy as jnp
import numpy as np
from jax import Array

from ngcmem.core import Interval, Real, Static
from ngcmem.retrieval.similarity import Similarity


def score_fields(
    probes: Sequence[Array],
    patterns: Sequence[Array],
    known: Sequence[Array | None],
    similarities: Sequence[Similarity],
    weights: Sequence[Array | float],
) -> Array:
    """sum_f weight_f similarity_f(probe_f, patterns_f), (N,); the weights are used as they are.

    Args:
        probes: (d_f,) per field.
        patterns: (N, d_f) per field.
        known: (d_f,) per field, 1 where the probe is known; None if all of it is.
        similarities: one per field.
        weights: one number per field.
    """
    total = None
    for probe, rows, mask, similarity, weight in zip(
        probes, patterns, known, similarities, weights, strict=True
    ):
        term = similarity(probe, rows, mask)
        weight = jnp.asarray(weight).astype(term.dtype)
        # What is not compared may hold anything.
        term = weight * jnp.where((weight != 0) | jnp.isfinite(term), term, 0)
        total = term if total is None else total + term
    assert total is not None
    return total


def mask_scores(scores: Array, threshold: Array | float | None, absolute: bool = False) -> Array:
    """Scores that are not above the threshold become minus infinity: they take no part.

    `absolute` compares |score|, so that strong negative scores stay in.
    """
    if threshold is None:
        return scores
    compared = jnp.abs(scores) if absolute else scores
    # In these words NaN stays in and is seen.
    return jnp.where(compared <= jnp.asarray(threshold).astype(scores.dtype), -jnp.inf, scores)


class FieldSimilarity(Similarity):
    """`score_fields` of patterns whose fields stand side by side, then `mask_scores`.

    With it every method of retrieval, streaming too, reads entries of several fields.
    """

    widths: Static[tuple[int, ...]]
    similarities: tuple[Similarity, ...]
    weights: Annotated[tuple[Array | float, ...], Interval("(-inf, inf)")]
    threshold: Real | None = None
    absolute: Static[bool] = False

    @property
    def excludes(self) -> bool:
        return self.threshold is not None or any(one.excludes for one in self.similarities)

    def reads(self, features: int, known: Array | None) -> Array:
        cuts = np.cumsum(self.widths)[:-1]
        masks = [None] * len(self.widths) if known is None else jnp.split(known, cuts)
        fields = zip(self.widths, masks, self.similarities, self.weights, strict=True)
        return jnp.concatenate(
            [one.reads(width, mask) & (jnp.asarray(w) != 0) for width, mask, one, w in fields]
        )

    def __call__(self, probe: Array, patterns: Array, known: Array | None = None) -> Array:
        cuts = np.cumsum(self.widths)[:-1]
        masks = [None] * len(self.widths) if known is None else jnp.split(known, cuts)
        scores = score_fields(
            jnp.split(probe, cuts),
            jnp.split(patterns, cuts, axis=1),
            masks,
            self.similarities,
            self.weights,
        )
        return mask_scores(scores, self.threshold, self.absolute)
