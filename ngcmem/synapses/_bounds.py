"""Weight bounds and normalisation, for any synaptic rule."""

from typing import Any

import jax.numpy as jnp
from jax import Array

BOUNDS = ("none", "hard", "soft")


def slowed(grown: Array, shrunk: Array, weights: Array, lowest: Any, highest: Any) -> Array:
    """Soft bounds: growth scaled by the room above, decline by the room below.

        grown (highest - W) - shrunk (W - lowest)

    so that steps shrink towards a bound. Both parts are >= 0, each the mean over its events.
    Reference: van Rossum, Bi and Turrigiano (2000), Journal of Neuroscience 20:8812; Morrison,
    Diesmann and Gerstner (2008), section 4.1.4.
    """
    return grown * (highest - weights) - shrunk * (weights - lowest)


def normalised(weights: Array, total: Any) -> Array:
    """Every output's incoming weights (inputs, outputs) scaled to add up to `total`.

    Outputs whose weights add up to zero or less are left alone. Reference: Diehl and Cook (2015).
    """
    sums = jnp.sum(weights, axis=0, keepdims=True)
    return weights * jnp.where(sums > 0, total / jnp.where(sums > 0, sums, 1.0), 1.0)
