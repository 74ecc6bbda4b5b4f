"""What `retrieve_batch` checks of its arguments before anything is computed."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from ngcmem.retrieval.similarity import Similarity

METHODS = ("auto", "materialised", "streamed")


def check_arguments(
    probes: Array,
    patterns: Array,
    values: Array | None,
    known: Array | None,
    similarity: Similarity,
    method: str,
    chunk: int | None,
) -> None:
    """Raise ValueError for an argument of another shape, an unknown method, a chunk below 1."""
    if method not in METHODS:
        raise ValueError(f"method={method!r}; it is one of 'auto', 'materialised' and 'streamed'.")
    if chunk is not None and chunk < 1:
        raise ValueError(f"chunk is a number of slots, at least 1, or None; got {chunk!r}.")
    if jnp.ndim(patterns) != 2 or jnp.shape(patterns)[0] == 0:
        raise ValueError(
            f"patterns are rows of shape (slots, features), slots >= 1; got {jnp.shape(patterns)}."
        )
    slots, features = jnp.shape(patterns)
    if jnp.ndim(probes) != 2:
        line = "write probes[None]" if jnp.shape(probes) == (features,) else "they are rows"
        raise ValueError(
            f"probes have shape {jnp.shape(probes)}, expected (batch, features={features}): {line}."
        )
    batch = jnp.shape(probes)[0]
    _check("probes", probes, (batch, features), "(batch, features of the patterns)")
    if known is not None:
        _check("known", known, (batch, features), "(batch, features)")
    if values is not None:
        _check("values", values, (slots, *jnp.shape(values)[1:2]), "(slots of the patterns, width)")
    if (weights := similarity.feature_weights) is not None:
        _check("feature_weights", weights, (features,), "(features of the patterns,)")


def _check(name: str, given: Any, expected: tuple[int, ...], axes: str) -> None:
    if jnp.shape(given) != expected:
        raise ValueError(f"{name} has shape {jnp.shape(given)}, expected {expected}, {axes}.")
