"""Similarities: how alike one probe and every stored pattern are, larger meaning more alike.

Each is written for one probe; `jax.vmap` over probes turns the products into one matrix product.
A feature takes part with its importance `m_j = known_j * feature_weights_j`; a feature of
importance 0 is not read at all, so it may hold NaN.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from ngcmem.core import Interval, Pytree, Real


def accumulation_dtype(*arrays: Array) -> np.dtype:
    """float64 if any array is float64, else float32: half precision is stored, never summed."""
    wide = any(jnp.asarray(array).dtype == np.float64 for array in arrays)
    return np.dtype(np.float64 if wide else np.float32)


class Similarity(Pytree):
    """`similarity(probe (d,), patterns (N, d), known (d,) or None) -> (N,)`, in float32 or wider.

    `feature_weights` (d,): importance of each feature, >= 0; None weighs all alike.
    """

    feature_weights: Annotated[Array, Interval("[0, inf)")] | None = None

    @abstractmethod
    def __call__(self, probe: Array, patterns: Array, known: Array | None = None) -> Array:
        """Similarities (N,). `known` (d,): 1 where the probe is given, 0 where it is not."""

    @property
    def excludes(self) -> bool:
        """Whether it may answer minus infinity, which takes a slot out."""
        return False

    def probe_penalty(self, probe: Array, known: Array | None = None) -> Array:
        """R(q), the part of the energy that depends on the probe alone: 0 unless overridden."""
        del known
        return jnp.zeros((), accumulation_dtype(probe))

    def pattern_penalties(self, patterns: Array) -> Array:
        """(N,): the energy contains the largest of these over used slots: 0 unless overridden."""
        return jnp.zeros(patterns.shape[0], accumulation_dtype(patterns))

    def importance(self, features: int, known: Array | None, dtype: np.dtype) -> Array:
        """m (d,), the known mask times the feature weights."""
        importance = jnp.ones(features, dtype)
        for factor in (known, self.feature_weights):
            if factor is not None:
                importance = importance * jnp.asarray(factor).astype(dtype)
        return importance

    def reads(self, features: int, known: Array | None) -> Array:
        """(d,) bool, the features of a probe that are read; the others may hold anything."""
        return self.importance(features, known, np.dtype(np.float32)) != 0

    def prepare(
        self, probe: Array, patterns: Array, known: Array | None
    ) -> tuple[Array, Array, Array]:
        """Probe (its unread features 0), patterns and importance, in the accumulation dtype."""
        dtype = accumulation_dtype(probe, patterns)
        importance = self.importance(patterns.shape[1], known, dtype)
        probe = jnp.where(importance > 0, probe.astype(dtype), 0)
        return probe, patterns.astype(dtype), importance


class Dot(Similarity):
    """s_i = sum_j m_j q_j x_ij. Energy penalties |q|^2 / 2 and max_i |x_i|^2 / 2, under m."""

    def __call__(self, probe: Array, patterns: Array, known: Array | None = None) -> Array:
        probe, patterns, importance = self.prepare(probe, patterns, known)
        return (importance * probe) @ patterns.T

    def probe_penalty(self, probe: Array, known: Array | None = None) -> Array:
        probe, _, importance = self.prepare(probe, probe[None], known)
        return jnp.sum(importance * probe**2) / 2

    def pattern_penalties(self, patterns: Array) -> Array:
        dtype = accumulation_dtype(patterns)
        return _squares(patterns.astype(dtype), self.importance(patterns.shape[1], None, dtype)) / 2


class Cosine(Similarity):
    """s_i = q . x_i / (|q| |x_i|), product and norms under m; 0 where either norm is 0."""

    def __call__(self, probe: Array, patterns: Array, known: Array | None = None) -> Array:
        probe, patterns, importance = self.prepare(probe, patterns, known)
        direction = probe * _inverse_root(jnp.sum(importance * probe**2))
        return ((importance * direction) @ patterns.T) * _inverse_root(
            _squares(patterns, importance)
        )


class Euclidean(Similarity):
    """s_i = -sum_j m_j (q_j - x_ij)^2 / 2, on the same beta scale as `Dot`.

    It is summed as q.x - |q|^2/2 - |x|^2/2 (one matrix product) about an origin o, the median of
    the first five patterns (of a chunk) feature by feature. The rounding error of s_i is a few
    ulps of |q - o|^2 + |x_i - o|^2: it does not grow with the distance of the coordinate origin,
    and one or two far-off patterns among the five cost no others their digits. A probe that is
    itself far from o, at distance D, tells patterns apart only where s differs by more than about
    1e-7 D^2 in float32: store float64 arrays for clusters farther apart than that.
    """

    def __call__(self, probe: Array, patterns: Array, known: Array | None = None) -> Array:
        probe, patterns, importance = self.prepare(probe, patterns, known)
        origin = _middle(lax.stop_gradient(patterns[:5]))
        patterns = patterns - origin[None]
        probe = jnp.where(importance > 0, probe - origin, 0)
        product = (importance * probe) @ patterns.T
        return product - (_squares(patterns, importance) + jnp.sum(importance * probe**2)) / 2


class Manhattan(Similarity):
    """s_i = -sum_j m_j |q_j - x_ij|. One-shot recall only: its iteration need not descend."""

    def __call__(self, probe: Array, patterns: Array, known: Array | None = None) -> Array:
        probe, patterns, importance = self.prepare(probe, patterns, known)
        return -jnp.sum(importance[None] * jnp.abs(probe[None] - patterns), axis=1)


class Hamming(Similarity):
    """s_i = sum_j m_j [bit(q_j) = bit(x_ij)], the overlap, where bit(a) = [a > threshold].

    With the default threshold 0 it counts agreements of -1/+1 and of 0/1 codes alike; the Hamming
    distance is the number of compared features minus s. Piecewise constant: its gradient is 0.
    """

    threshold: Real = 0.0

    def __call__(self, probe: Array, patterns: Array, known: Array | None = None) -> Array:
        probe, patterns, importance = self.prepare(probe, patterns, known)
        threshold = jnp.asarray(self.threshold).astype(probe.dtype)
        probe = jnp.where(probe > threshold, 1.0, -1.0).astype(probe.dtype)
        bits = jnp.where(patterns > threshold, 1.0, -1.0).astype(probe.dtype)
        patterns = jnp.where(jnp.isnan(patterns), patterns, bits)
        return ((importance * probe) @ patterns.T + jnp.sum(importance)) / 2


def expand_fields(field_weights: Mapping[str, float], field_sizes: Mapping[str, int]) -> Array:
    """Feature weights (d,) from one weight per named field, in the order of `field_sizes`.

    Raises ValueError if the two name different fields.
    """
    if set(field_weights) != set(field_sizes):
        raise ValueError(
            f"field_weights names {sorted(field_weights)} but the fields are {sorted(field_sizes)}."
        )
    return jnp.concatenate(
        [jnp.full(size, field_weights[name]) for name, size in field_sizes.items()]
    )


def _middle(rows: Array) -> Array:
    """The median of every feature, without trailing rows of 0 (they may be unused) and NaN.

    Of the two in the middle of an even number the one nearer to 0.
    """
    number = jnp.arange(1, rows.shape[0] + 1)
    last = jnp.maximum(jnp.max(jnp.where(jnp.any(rows != 0, axis=1), number, 0)), 1)
    counts = (number <= last)[:, None] & jnp.isfinite(rows)
    many = jnp.maximum(jnp.sum(counts, axis=0), 1)
    ranked = jnp.sort(jnp.where(counts, rows, jnp.inf), axis=0)
    low, high = (
        jnp.take_along_axis(ranked, index[None], axis=0)[0]
        for index in ((many - 1) // 2, many // 2)
    )
    nearer = jnp.where(jnp.abs(low) <= jnp.abs(high), low, high)
    return jnp.where(jnp.isfinite(nearer), nearer, 0)


def _squares(patterns: Array, importance: Array) -> Array:
    """sum_j m_j x_ij^2, (N,). As a sum XLA fuses it; as a product it would first store x^2."""
    return jnp.sum(importance[None] * patterns**2, axis=1)


def _inverse_root(square: Array) -> Array:
    positive = square > 0
    return jnp.where(positive, jnp.where(positive, square, 1) ** -0.5, 0)
