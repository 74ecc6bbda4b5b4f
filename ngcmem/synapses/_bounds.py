"""Weight bounds and normalisation, for any synaptic rule."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

BOUNDS = ("none", "hard", "soft")


def slowed(grown: Array, shrunk: Array, weights: Array, lowest: Any, highest: Any) -> Array:
    """Soft bounds: growth scaled by the room above, decline by the room below.

        grown (highest - W) - shrunk (W - lowest)

    so that steps shrink towards a bound. Both parts are >= 0, each the mean over its events.
    Reference: van Rossum, Bi and Turrigiano (2000), Journal of Neuroscience 20:8812; Morrison,
    Diesmann and Gerstner (2008), section 4.1.4.
    """
    return grown * (highest - weights) - shrunk * (weights - lowest)


def crossed(lowest: Any, highest: Any) -> bool:
    """Whether a lower bound lies above an upper one; False for what is no number (yet)."""
    bounds = (lowest, highest)
    if any(isinstance(one, Tracer) for one in bounds):
        return False
    if not all(isinstance(one, (int, float, np.number, np.ndarray, Array)) for one in bounds):
        return False
    if not all(getattr(one, "is_fully_addressable", True) for one in bounds):
        return False
    try:
        return bool(np.any(np.asarray(lowest) > np.asarray(highest)))
    except ValueError:  # shapes that do not go together are another error
        return False


def clipped(weights: Array, lowest: Any, highest: Any) -> Array:
    """Weights held to their bounds; NaN where the lower one lies above the upper one."""
    return jnp.clip(weights, jnp.where(lowest <= highest, lowest, jnp.nan), highest)


def normalised(weights: Array, total: Any, incoming: tuple[int, ...]) -> Array:
    """Every output's incoming weights, along those axes, scaled to add up to `total`.

    Outputs whose weights add up to zero or less are left alone. Reference: Diehl and Cook (2015).
    """
    sums = jnp.sum(weights, axis=incoming, keepdims=True)
    return weights * jnp.where(sums > 0, total / jnp.where(sums > 0, sums, 1.0), 1.0)
