"""The network of the in-weight memory: plain functions of its three separate sets of parameters."""

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
    embed_key, head_key, key = jax.random.split(key, 3)
    layers = []
    width = embedding
    for hidden, memory in sizes:
        kernel_key, bias_key, key = jax.random.split(key, 3)
        kernel = _uniform(kernel_key, (width, hidden), width)
        layers.append({"kernel": kernel, "bias": _uniform(bias_key, (hidden,), width)})
        width = hidden + memory
    weights = {
        "embedding": jax.random.normal(embed_key, (vocabulary, embedding)),
        "layers": tuple(layers),
        "readout": _uniform(key, (width, outputs), width),
    }
    return weights, _uniform(head_key, (width, outputs), width)


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


def _uniform(key: Array, shape: tuple[int, ...], fan_in: int) -> Array:
    bound = fan_in**-0.5
    return jax.random.uniform(key, shape, minval=-bound, maxval=bound)
