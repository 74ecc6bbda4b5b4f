"""When a score has reached a threshold, but for rounding."""

import math

import jax.numpy as jnp
from jax import Array


def lowered(threshold: Array | float, features: int, dtype: jnp.dtype) -> Array:
    """The threshold less the rounding of a sum of `features` products that comes to it.

    A row's cosine with itself is 1 only to rounding: compared with 1 as it stands, about half of
    all rows would not count as equal to themselves. Rounding errors of either sign add up like
    the root of their number: (4 + sqrt(features)) eps |threshold|. A threshold of 0, which
    distances have, stays 0: a row's distance from itself is exact.
    Reference: Higham (2002), Accuracy and Stability of Numerical Algorithms, section 2.8.
    """
    threshold = jnp.asarray(threshold).astype(dtype)
    share = (4 + math.sqrt(features)) * float(jnp.finfo(dtype).eps)
    return threshold * (1 - jnp.sign(threshold) * share)
