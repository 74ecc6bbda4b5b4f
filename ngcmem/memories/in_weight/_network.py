"""The network of the in-weight memory: plain functions of its three separate sets of parameters."""

import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array


def initial_weights(
    key: Array, vocabulary: int, outputs: int, embedding: int, sizes: list[tuple[int, int]]
) -> tuple[dict[str, Any], Array]:
    """Slow weights and the frozen memory head.

    The embedding is standard normal; a layer with n inputs is uniform in +-1/sqrt(n), its bias
    too. `sizes` holds (hidden, memory) of every layer; a layer reads both of the layer below.
    """
    embed_key, key = jax.random.split(key)
    widths = [embedding, *(hidden + memory for hidden, memory in sizes)]
    shapes = [(w + 1, hidden) for w, (hidden, _) in zip(widths, sizes, strict=False)]
    shapes += [(widths[-1], outputs)] * 2
    cuts = list(itertools.accumulate(math.prod(shape) for shape in shapes))
    # One draw for everything: each call of a random function costs seconds to compile.
    drawn = jax.random.uniform(key, (cuts[-1],), minval=-1.0, maxval=1.0)
    pieces = [
        piece.reshape(shape) * width**-0.5
        for piece, shape, width in zip(
            jnp.split(drawn, cuts[:-1]), shapes, [*widths, widths[-1]], strict=True
        )
    ]
    *layers, readout, head = pieces
    weights = {
        "embedding": jax.random.normal(embed_key, (vocabulary, embedding)),
        "layers": tuple({"kernel": layer[:-1], "bias": layer[-1]} for layer in layers),
        "readout": readout,
    }
    return weights, head


def empty_memory(embedding: int, sizes: list[tuple[int, int]]) -> tuple[dict[str, Array], ...]:
    """Memory weights that hold nothing: all zero."""
    widths = [embedding, *(hidden + memory for hidden, memory in sizes)]
    return tuple(
        {"kernel": jnp.zeros((width, memory)), "bias": jnp.zeros(memory)}
        for width, (_, memory) in zip(widths, sizes, strict=False)
    )


def features(weights: dict[str, Any], memory_weights: Any, cue: Array) -> Array:
    """The last layer's activations: hidden neurons, then memory neurons."""
    z = cue @ weights["embedding"]
    for slow, fast in zip(weights["layers"], memory_weights, strict=True):
        hidden = z @ slow["kernel"] + slow["bias"]
        memory = z @ fast["kernel"] + fast["bias"]
        z = jax.nn.gelu(jnp.concatenate([hidden, memory], axis=-1), approximate=False)
    return z


def cross_entropy(logits: Array, targets: Array) -> Array:
    """-sum targets log softmax(logits); all-zero targets cost nothing and pull nowhere."""
    return -jnp.sum(targets * jax.nn.log_softmax(logits))
