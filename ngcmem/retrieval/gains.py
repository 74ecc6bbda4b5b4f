"""Gains that adapt to the scores of a probe: factors on beta, so that many weak matches stay weak.

A softmax over N stored patterns gives the best one a weight that falls like 1/N at a fixed gain.
A gain is called for one probe: `gain(scores (N,), taking_part (N,) bool) -> ()`.
"""

import abc

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import BelowOne, Positive, Pytree, Real


class Gain(Pytree, abc.ABC):
    """`gain(scores (N,), taking_part (N,) bool) -> ()`, the factor on beta."""

    @abc.abstractmethod
    def __call__(self, scores: Array, taking_part: Array) -> Array:
        """The factor for one probe; 1 where fewer than two slots take part."""


class ContrastGain(Gain):
    """The gain at which the best of n scores gets the weight `share` over n - 1 equal others.

        gain = ln((n - 1) share / (1 - share)) / (best - mean of the others)

    It grows with ln n, which keeps the best match's weight as the memory fills. A contrast below
    `smallest` counts as that, so that equal scores do not ask for an infinite gain.
    """

    share: BelowOne = 0.99
    smallest: Positive = 1e-3

    def __call__(self, scores: Array, taking_part: Array) -> Array:
        used = taking_part.astype(scores.dtype)
        others = jnp.maximum(used.sum() - 1, 1)
        scores = jnp.where(taking_part, scores, 0)
        best = jnp.max(jnp.where(taking_part, scores, -jnp.inf))
        best = jnp.where(jnp.isfinite(best), best, 0)
        contrast = jnp.maximum(best - (scores.sum() - best) / others, self.smallest)
        wanted = jnp.log(others * self.share / (1 - self.share))
        gain = jnp.maximum(wanted, 0) / contrast
        return jnp.where(used.sum() > 1, gain, 1).astype(scores.dtype)


class EntropyGain(Gain):
    """PsyNeuLink's adaptive gain: scale (base + weight ln(-sum_i l_i ln l_i)), l = logistic(score).

    Not below 0, where the worst match would win. Reference: PsyNeuLink 0.21, `SoftMax.adapt_gain`.
    """

    scale: Real = 1.0
    base: Real = 1.0
    weight: Real = 0.1

    def __call__(self, scores: Array, taking_part: Array) -> Array:
        scores = jnp.where(taking_part, scores, 0)
        level = jax.nn.sigmoid(scores)
        disorder = -jnp.sum(jnp.where(taking_part, level * jax.nn.log_sigmoid(scores), 0))
        disorder = jnp.where(disorder > 0, disorder, 1)
        gain = jnp.maximum(self.scale * (self.base + self.weight * jnp.log(disorder)), 0)
        return jnp.where(taking_part.sum() > 1, gain, 1).astype(scores.dtype)
