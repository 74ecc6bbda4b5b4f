"""Interactions: the energies of the activations of one layer, two or more.

Each has weights, made by `init_weights(key, sizes)`, and an energy of one example,
`energy(weights, layers)`, where `sizes` and `layers` have an entry for every layer, in the order in
which the hypersynapse names them.
"""

import abc
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import NonNegative, Positive, Pytree, Static, check_choice

Sizes = tuple[int, ...]
Layers = tuple[Array, ...]


class Interaction(Pytree, abc.ABC):
    """An energy of activations; how many layers it joins is `joins`."""

    joins: ClassVar[int] = 2

    @abc.abstractmethod
    def init_weights(self, key: Array, sizes: Sizes) -> Any:
        """The first weights, an array or a pytree of arrays."""

    @abc.abstractmethod
    def energy(self, weights: Any, layers: Layers) -> Array:
        """The energy of one example, a number."""


class DenseInteraction(Interaction):
    """-a W b, weights (a, b): every unit of one layer with every unit of another."""

    def init_weights(self, key: Array, sizes: Sizes) -> Array:
        return _normal(key, sizes, sum(sizes) / 2)

    def energy(self, weights: Array, layers: Layers) -> Array:
        first, second = layers
        return -(first @ weights @ second)


class ThreeWayInteraction(Interaction):
    """-sum T_ijk a_i b_j c_k, weights (a, b, c)."""

    joins: ClassVar[int] = 3

    def init_weights(self, key: Array, sizes: Sizes) -> Array:
        return _normal(key, sizes, sum(sizes) / 3)

    def energy(self, weights: Array, layers: Layers) -> Array:
        return -jnp.einsum("ijk,i,j,k->", weights, *layers)


class ConvolutionInteraction(Interaction):
    """-b . (a * W): an image and its feature maps, weights (height, width, channels, features).

    The first layer is an image of `shape` (height, width, channels), flattened; the second its
    feature maps, (height - h + 1, width - w + 1, features) for a `window` (h, w), flattened.

    Raises:
        ValueError: layers of other sizes.
    """

    shape: Static[tuple[int, int, int]]
    window: Static[tuple[int, int]]
    features: Static[int]

    @property
    def maps(self) -> tuple[int, int, int]:
        """The shape of the second layer."""
        height, width, _ = self.shape
        return height - self.window[0] + 1, width - self.window[1] + 1, self.features

    def init_weights(self, key: Array, sizes: Sizes) -> Array:
        image, (rows, columns, features) = self.shape, self.maps
        needed = (image[0] * image[1] * image[2], rows * columns * features)
        if min(rows, columns) < 1 or sizes != needed:
            raise ValueError(
                f"ConvolutionInteraction: an image {image} and windows {self.window} with "
                f"features={features} join layers of {needed} units, got {sizes}."
            )
        inputs = self.window[0] * self.window[1] * image[2]
        return _normal(key, (*self.window, image[2], features), inputs)

    def energy(self, weights: Array, layers: Layers) -> Array:
        image, maps = layers
        found = jax.lax.conv_general_dilated(
            image.reshape(1, *self.shape),
            weights,
            (1, 1),
            "VALID",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return -(maps @ found.reshape(-1))


class MemoryInteraction(Interaction):
    """Dense memory of one layer, its hidden layer already at rest; weights (slots, units).

        "softmax":    -ln(sum_m exp(beta xi_m . g)) / beta
        "rectified":  -sum_m max(xi_m . g, 0)^exponent / exponent

    With a `QuadraticLagrangian` and dt = tau the first is the update of the modern Hopfield
    network. The second has no lower bound unless g has one (a norm, a tanh).

    Raises:
        ValueError: an unknown `kind`.
    """

    joins: ClassVar[int] = 1

    slots: Static[int]
    beta: Positive = 1.0
    kind: Static[Literal["softmax", "rectified"]] = "softmax"
    exponent: Static[int] = 2

    def __post_init__(self) -> None:
        check_choice("MemoryInteraction", "kind", self.kind, ("softmax", "rectified"))

    def init_weights(self, key: Array, sizes: Sizes) -> Array:
        return _normal(key, (self.slots, *sizes), sizes[0])

    def energy(self, weights: Array, layers: Layers) -> Array:
        overlaps = weights @ layers[0]
        if self.kind == "softmax":
            return -jax.nn.logsumexp(self.beta * overlaps) / self.beta
        return -jnp.sum(jnp.maximum(overlaps, 0.0) ** self.exponent) / self.exponent


class AttentionInteraction(Interaction):
    """The attention of `tokens` in one layer to each other, as an energy (Energy Transformer).

        K = g W_K, Q = g W_Q (per head),   -(1 / beta) sum_heads sum_q ln sum_k exp(beta K_k . Q_q)

    with beta = 1 / sqrt(`width`); a token's attention to itself is left out unless `to_itself`.
    The layer's units are the features of the first token, then those of the second and so on; give
    it a `LayerNormLagrangian(groups=tokens)`. Weights {"key", "query"}, (heads, features, width).
    Reference: Hoover and others (2023), Energy Transformer, arXiv:2302.07253.

    Raises:
        ValueError: units that are no multiple of `tokens`, or a single token.
    """

    joins: ClassVar[int] = 1

    tokens: Static[int]
    heads: Static[int]
    width: Static[int]
    to_itself: Static[bool] = False

    def init_weights(self, key: Array, sizes: Sizes) -> dict[str, Array]:
        if sizes[0] % self.tokens or self.tokens < 2:
            raise ValueError(
                f"AttentionInteraction: {sizes[0]} units are no features of tokens={self.tokens}: "
                f"give it two tokens or more, and a layer of tokens * features units."
            )
        of_key, of_query = jax.random.split(key)
        shape = (self.heads, sizes[0] // self.tokens, self.width)
        return {
            "key": _normal(of_key, shape, shape[1]),
            "query": _normal(of_query, shape, shape[1]),
        }

    def energy(self, weights: dict[str, Array], layers: Layers) -> Array:
        tokens = layers[0].reshape(self.tokens, -1)
        keys = jnp.einsum("td,hdy->hty", tokens, weights["key"])
        queries = jnp.einsum("td,hdy->hty", tokens, weights["query"])
        beta = self.width**-0.5
        scores = beta * jnp.einsum("hky,hqy->hqk", keys, queries)
        if not self.to_itself:
            scores = jnp.where(jnp.eye(self.tokens, dtype=bool)[None], -jnp.inf, scores)
        return -jnp.sum(jax.nn.logsumexp(scores, axis=-1)) / beta


class DifferenceInteraction(Interaction):
    """strength |a - b|^2 / 2, without weights: what nudges a layer towards a target."""

    strength: NonNegative = 1.0

    def init_weights(self, key: Array, sizes: Sizes) -> tuple[()]:
        if sizes[0] != sizes[1]:
            raise ValueError(f"DifferenceInteraction joins layers of one size, got {sizes}.")
        return ()

    def energy(self, weights: tuple[()], layers: Layers) -> Array:
        return 0.5 * self.strength * jnp.sum((layers[0] - layers[1]) ** 2)


def _normal(key: Array, shape: tuple[int, ...], inputs: float) -> Array:
    """Weights of variance 1 / inputs."""
    return jax.random.normal(key, shape) / inputs**0.5
