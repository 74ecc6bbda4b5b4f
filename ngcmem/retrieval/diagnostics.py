"""What kind of recall it was: how many memories took part, where it ended, how far it reaches.

All functions are pure and can be jitted, vmapped and, where they are smooth, differentiated.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax

from ngcmem.core import euclidean_norm, magnitude

STORED, MIXTURE, SPURIOUS = 0, 1, 2
"""Classes of a fixed point."""


def entropy(weights: Array) -> Array:
    """Shannon entropy -sum w ln w in nats, over the last axis; 0 for an empty memory."""
    positive = weights > 0
    return -jnp.sum(jnp.where(positive, weights * jnp.log(jnp.where(positive, weights, 1)), 0), -1)


def effective_memories(weights: Array) -> Array:
    """exp(entropy): 1 if one memory is recalled, k for an even mixture of k."""
    return jnp.exp(entropy(weights))


def classify(
    state: Array, patterns: Array, weights: Array, *, count: Array | int, tolerance: float = 1e-3
) -> Array:
    """STORED, MIXTURE or SPURIOUS, for one fixed point (d,) with its weights (N,).

    Stored: a used pattern lies within `tolerance` times the largest pattern norm. Mixture: none
    does, but the weighted mean of the patterns that have weight does. Spurious: neither, a state
    that the recall's own weights do not explain.
    """
    used = jnp.arange(patterns.shape[0]) < count
    patterns = jnp.where(used[:, None], patterns, 0)
    weights = jnp.where(used, weights, 0)
    allowed = tolerance * jnp.max(euclidean_norm(patterns))
    distances = euclidean_norm(patterns - state[None])
    stored = jnp.any(used & (distances <= allowed))
    total = jnp.sum(weights)
    mean = weights @ patterns / jnp.where(total > 0, total, 1)
    explained = (total > 0) & (euclidean_norm(mean - state) <= allowed)
    return jnp.where(stored, STORED, jnp.where(explained, MIXTURE, SPURIOUS))


def basin_radius(
    recall: Callable[[Array], Array],
    pattern: Array,
    direction: Array,
    *,
    largest: Array | float,
    tolerance: Array | float,
    steps: int = 20,
) -> Array:
    """How far from `pattern` (d,) along `direction` (d,) recall still returns to it, by bisection.

    `recall` maps a probe (d,) to where it settles; it has returned if that lies within `tolerance`
    of the pattern. The answer is exact to `largest` / 2^steps where the basin is an interval along
    the direction; it is 0 if the pattern itself is not recalled, `largest` if that far still is.
    """
    direction = direction / magnitude(direction)
    direction = direction / euclidean_norm(direction)

    def returns(radius: Array) -> Array:
        settled = recall(pattern + radius * direction)
        return euclidean_norm(settled - pattern) <= tolerance

    def halve(_, bracket):
        low, high = bracket
        middle = (low + high) / 2
        inside = returns(middle)
        return jnp.where(inside, middle, low), jnp.where(inside, high, middle)

    zero = jnp.zeros((), pattern.dtype)
    far = jnp.asarray(largest).astype(pattern.dtype)
    low, _ = lax.fori_loop(0, steps, halve, (zero, far))
    return jnp.where(returns(far), far, jnp.where(returns(zero), low, 0))


def basin_radii(
    recall: Callable[[Array], Array],
    patterns: Array,
    directions: Array,
    *,
    largest: Array | float,
    tolerance: Array | float,
    steps: int = 20,
) -> Array:
    """`basin_radius` of every pattern (N, d) along every direction (K, d): (N, K)."""

    def one(pattern: Array, direction: Array) -> Array:
        return basin_radius(
            recall, pattern, direction, largest=largest, tolerance=tolerance, steps=steps
        )

    return jax.vmap(jax.vmap(one, (None, 0)), (0, None))(patterns, directions)
