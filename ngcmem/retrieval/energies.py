"""The energy of a probe, and for which pairs recall is proved never to raise it.

    E(q) = R(q) - Phi(s(q)) + max_i R(x_i)

Phi is the separation's potential, 0 at zero similarity, and R the similarity's penalty:
|q|^2 / 2 for `Dot`, 0 otherwise. For dot and softmax this is equation 2 of Ramsauer et al. 2021
(arXiv 2008.02217), -lse(beta s)/beta + |q|^2/2 + ln(N)/beta + max_i |x_i|^2/2.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from ngcmem.retrieval.separation import LogSumRelu, Separation
from ngcmem.retrieval.similarity import Cosine, Dot, Euclidean, Hamming, Manhattan, Similarity


class Descent(NamedTuple):
    """Whether replacing a probe by what it recalls is proved never to raise its energy."""

    holds: bool
    bounded: bool
    """The energy has a lower bound; without one a descending recall may still diverge."""
    reason: str
    """The theorem, or why there is none."""


def energy(
    similarity: Similarity,
    probe: Array,
    potential: Array,
    largest_penalty: Array,
    count: Array | int,
    known: Array | None = None,
) -> Array:
    """E of one probe, from Phi and the largest pattern penalty; 0 for an empty memory."""
    value = similarity.probe_penalty(probe, known) - potential + largest_penalty
    return jnp.where(count > 0, value, 0)


_NO_THEOREM = {
    Cosine: "the gradient of the cosine is not the pattern, so recall is not a step downhill",
    Manhattan: "its minimiser is a weighted median of the patterns, but recall takes their mean",
    Hamming: "the overlap is piecewise constant, so the energy says nothing about the step",
}


def descends(similarity: Similarity, separation: Separation) -> Descent:
    """Whether recall descends, as a theorem, for this pair (auto-associative, all features known).

    Dot: Phi convex makes q <- X^T w a concave-convex step. Euclidean: weights that sum to 1 and
    bound Phi from below make q <- X^T w a mean-shift step.
    """
    name, laws = type(separation).__name__, separation.laws()
    if isinstance(similarity, Dot):
        if not laws.convex:
            return Descent(False, False, f"{name} is not the gradient of a convex potential")
        theorem = "the potential is convex, so each recall is a concave-convex step"
        return Descent(True, laws.bounded, theorem)
    if isinstance(similarity, Euclidean):
        if not laws.normalised:
            return Descent(False, False, f"{name} weights do not sum to 1, so recall is not a mean")
        if not (laws.convex or isinstance(separation, LogSumRelu)):
            return Descent(False, False, f"{name} is not the gradient of a convex potential")
        return Descent(True, True, "each recall is a mean-shift step on the potential")
    reason = _NO_THEOREM.get(type(similarity), "no theorem is known for it")
    return Descent(False, False, f"{type(similarity).__name__}: {reason}")
