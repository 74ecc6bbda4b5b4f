"""Spike-timing rules. Spikes and traces of inputs are (batch, inputs), of outputs (batch, outputs).

Each returns dWeights, (inputs, outputs), the mean over the batch. A rule of two terms is still one
matrix product: [a; c]^T [b; d] = a^T b + c^T d, the batch axis taken twice as long.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array


def two_terms(grow_pre: Array, grow_post: Array, shrink_pre: Array, shrink_post: Array) -> Array:
    """The batch mean of grow_pre outer grow_post - shrink_pre outer shrink_post."""
    left = jnp.concatenate([grow_pre, shrink_pre])
    right = jnp.concatenate([grow_post, -shrink_post]) / grow_pre.shape[0]
    return left.T @ right


def pair_stdp(
    pre: Array, post: Array, pre_trace: Array, post_trace: Array, a_plus: Any, a_minus: Any
) -> Array:
    """dW = a_plus pre_trace outer post - a_minus pre outer post_trace.

    Reference: Song, Miller and Abbott (2000), Nature Neuroscience 3:919, doi:10.1038/78829.
    """
    return two_terms(pre_trace, a_plus * post, pre, a_minus * post_trace)


def triplet_stdp(
    pre: Array,
    post: Array,
    pre_trace: Array,
    post_trace: Array,
    pre_slow: Array,
    post_slow: Array,
    a_plus: tuple[Any, Any],
    a_minus: tuple[Any, Any],
) -> Array:
    """dW = pre_trace outer post (A2+ + A3+ post_slow) - pre (A2- + A3- pre_slow) outer post_trace.

    The slow traces are those just before the spike. Reference: Pfister and Gerstner (2006),
    Journal of Neuroscience 26:9673, doi:10.1523/JNEUROSCI.1425-06.2006, equations 3 and 4.
    """
    growing = post * (a_plus[0] + a_plus[1] * post_slow)
    shrinking = pre * (a_minus[0] + a_minus[1] * pre_slow)
    return two_terms(pre_trace, growing, shrinking, post_trace)


def inhibitory_stdp(
    pre: Array, post: Array, pre_trace: Array, post_trace: Array, depression: Any
) -> Array:
    """dW = pre_trace outer post + pre outer (post_trace - depression).

    Reference: Vogels, Sprekeler, Zenke, Clopath and Gerstner (2011), Science 334:1569,
    doi:10.1126/science.1211095.
    """
    return two_terms(pre_trace, post, pre, depression - post_trace)
