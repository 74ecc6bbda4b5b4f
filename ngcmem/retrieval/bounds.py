"""What theory promises of a recall: Ramsauer et al. 2021 (arXiv 2008.02217), exact sparse recall.

N patterns, largest norm M, separation Delta_i = min_{j != i} (x_i . x_i - x_i . x_j).

Every function raises ValueError for an argument out of its domain (beta > 0, norms and distances
>= 0, alpha > 1, a whole number of slots); traced, the bound is NaN there.
"""

import math
from typing import Any

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Domain, Interval, is_whole, number_in_domain


def _held(place: str, **given: tuple[Any, str]) -> tuple[Any, ...]:
    """The arguments of a bound, (value, interval) each, held to their intervals."""
    return tuple(
        number_in_domain(f"{place}: {name}", value, Domain("a number", Interval(text), False))
        for name, (value, text) in given.items()
    )


def _check_slots(place: str, slots: Any) -> None:
    if not is_whole(slots, 1):
        raise ValueError(f"{place}: slots is a whole number of at least 1, got {slots!r}.")


POSITIVE, NOT_NEGATIVE = "(0, inf)", "[0, inf)"


def pattern_separation(patterns: Array, count: Array | int | None = None) -> Array:
    """Delta_i (N,) of every used pattern by dot product; +inf in unused slots and if it is alone.

    Rows are compared one block product at a time by XLA: O(N^2 d) time, O(N^2) memory.
    """
    slots = patterns.shape[0]
    used = jnp.arange(slots) < (slots if count is None else count)
    patterns = jnp.where(used[:, None], patterns, 0)
    products = patterns @ patterns.T
    others = used[None] & ~jnp.eye(slots, dtype=bool)
    nearest = jnp.max(jnp.where(others, products, -jnp.inf), axis=1)
    return jnp.where(used, jnp.diagonal(products) - nearest, jnp.inf)


def one_step_error(
    beta: Array | float, delta: Array, distance: Array | float, slots: int, norm: Array | float
) -> Array:
    """Theorem 5: |f(q) - x*| <= 2 (N-1) exp(-beta (Delta_i - 2 distance M)) M.

    `distance` is max(|q - x_i|, |x* - x_i|) with x* the fixed point near x_i, `norm` is M.
    """
    _check_slots("one_step_error", slots)
    beta, distance, norm = _held(
        "one_step_error",
        beta=(beta, POSITIVE),
        distance=(distance, NOT_NEGATIVE),
        norm=(norm, NOT_NEGATIVE),
    )
    return 2 * (slots - 1) * jnp.exp(-beta * (delta - 2 * distance * norm)) * norm


def retrieval_error(beta: Array | float, delta: Array, slots: int, norm: Array | float) -> Array:
    """Theorem 5: |x_i - x*| <= 2 e (N-1) M exp(-beta Delta_i) for a well-separated pattern."""
    _check_slots("retrieval_error", slots)
    beta, norm = _held("retrieval_error", beta=(beta, POSITIVE), norm=(norm, NOT_NEGATIVE))
    return 2 * math.e * (slots - 1) * norm * jnp.exp(-beta * delta)


def well_separated(beta: Array | float, delta: Array, slots: int, norm: Array | float) -> Array:
    """Delta_i >= 2/(beta N) + ln(2 (N-1) N beta M^2)/beta: x_i has a fixed point of its own."""
    _check_slots("well_separated", slots)
    beta, norm = _held("well_separated", beta=(beta, POSITIVE), norm=(norm, NOT_NEGATIVE))
    count = jnp.log(2.0 * (slots - 1) * slots) + jnp.log(beta) + 2 * jnp.log(norm)
    needed = 2 / (beta * slots) + count / beta
    return delta >= needed


def softmax_beta(delta: Array, slots: int, norm: Array | float, error: float) -> Array:
    """The beta at which a stored pattern used as probe is recalled to within `error`.

    One step from x_i returns sum_j w_j x_j, |f(x_i) - x_i| <= 2 M (1 - w_i) and
    1 - w_i <= (N-1) exp(-beta Delta_i), so beta = ln(2 (N-1) M / error) / Delta_i suffices.
    """
    _check_slots("softmax_beta", slots)
    norm, error = _held("softmax_beta", norm=(norm, NOT_NEGATIVE), error=(error, POSITIVE))
    enough = jnp.log(jnp.maximum(2 * (slots - 1) * norm / error, 1)) / delta
    return jnp.where(delta <= 0, jnp.inf, enough)


def entmax_beta(delta: Array, alpha: Array | float) -> Array:
    """The least beta at which alpha-entmax recalls x_i exactly, 1 / ((alpha - 1) Delta_i).

    Exact, not a bound: below it the weight of x_i is less than 1 (Santos et al. 2024, arXiv
    2402.13725). alpha = 2 is sparsemax.
    """
    (alpha,) = _held("entmax_beta", alpha=(alpha, "(1, inf)"))
    return jnp.where(delta <= 0, jnp.inf, 1 / ((alpha - 1) * delta))


def capacity_base(beta: float, radius: float, features: int, failure: float) -> float:
    """c of theorem 3: N >= sqrt(p) c^((d-1)/4) random patterns are retrieved.

    Patterns lie on a sphere of radius K sqrt(d-1); p is the probability of failure.
    c = b / W0(exp(a + ln b)), a = 2/(d-1) (1 + ln(2 beta K^2 p (d-1))), b = 2 K^2 beta / 5.
    """
    beta, radius, failure = _held(
        "capacity_base",
        beta=(beta, POSITIVE),
        radius=(radius, POSITIVE),
        failure=(failure, "(0, 1]"),
    )
    if not is_whole(features, 2):
        raise ValueError(
            f"capacity_base: features is a whole number of at least 2, got {features!r}."
        )
    a = 2 / (features - 1) * (1 + math.log(2 * beta * radius**2 * failure * (features - 1)))
    b = 2 * radius**2 * beta / 5
    return b / _lambert(math.exp(a + math.log(b)))


def _lambert(value: float) -> float:
    """W0 of a positive number: w exp(w) = value, by Newton's method from above."""
    w = math.log1p(value)
    for _ in range(100):
        step = (w * math.exp(w) - value) / (math.exp(w) * (1 + w))
        w -= step
        if abs(step) <= 1e-15 * abs(w):
            break
    return w
