"""Quotients that are 1 at 0, with all their digits and derivatives there."""

import jax
import jax.numpy as jnp
from jax import Array

_SMALL = 0.125
_TERMS = {4: 8, 8: 17}  # by bytes: the next term of either series is below rounding


def expm1_ratio(x: Array) -> Array:
    """(exp(x) - 1) / x, elementwise; 1 at 0."""
    near, away, series = _split(x)
    factors = [1.0 / (k + 2.0) for k in range(series)]
    total = jnp.ones_like(x)
    for factor in reversed(factors):  # 1 + x/2 (1 + x/3 (1 + ...))
        total = 1.0 + factor * near * total
    return jnp.where(jnp.abs(x) < _SMALL, total, (jnp.exp(away) - 1.0) / away)


@jax.custom_jvp
def expm1_quotient(x: Array, factor: Array) -> Array:
    """(exp(factor x) - 1) / factor, elementwise; x at a factor of 0.

    What x times `expm1_ratio(factor x)` is, for one factor () and many x: nothing but the factor is
    divided by, since a division for every x takes longer than its exponential.
    """
    power = factor * x
    total = jnp.ones_like(power)
    for k in reversed(range({4: 6, 8: 12}[max(4, power.dtype.itemsize)])):
        total = 1.0 + (1.0 / (k + 2.0)) * power * total
    inverse = 1.0 / jnp.where(factor == 0, 1.0, factor)
    return jnp.where(jnp.abs(power) < 0.25, x * total, (jnp.exp(power) - 1.0) * inverse)


@expm1_quotient.defjvp
def _expm1_quotient_jvp(
    primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    x, factor = primals
    by_factor = jax.jvp(lambda factor: x * expm1_ratio(factor * x), (factor,), tangents[1:])[1]
    return expm1_quotient(x, factor), jnp.exp(factor * x) * tangents[0] + by_factor


def log1p_ratio(x: Array) -> Array:
    """ln(1 + x) / x, elementwise; 1 at 0."""
    near, away, series = _split(x)
    total = jnp.full_like(x, 1.0 / (series + 1.0))
    for k in reversed(range(1, series + 1)):
        total = 1.0 / k - near * total
    return jnp.where(jnp.abs(x) < _SMALL, total, jnp.log1p(away) / away)


def _split(x: Array) -> tuple[Array, Array, int]:
    """x near 0 and x away from it, each harmless elsewhere, and the terms its digits need."""
    small = jnp.abs(x) < _SMALL
    return jnp.where(small, x, 0.0), jnp.where(small, 1.0, x), _TERMS[max(4, x.dtype.itemsize)]
