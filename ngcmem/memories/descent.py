"""Gradient descent with momentum on the values of a predictive-coding network."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

Values = tuple[Array, ...]


def moved(
    values: Values, velocity: Values, slopes: Values, rate: Any, momentum: Any
) -> tuple[Values, Values]:
    """One step: v <- momentum v - rate slope, value <- value + v."""
    velocity = tuple(
        (momentum * v - rate * s).astype(v.dtype) for v, s in zip(velocity, slopes, strict=True)
    )
    return tuple(x + v for x, v in zip(values, velocity, strict=True)), velocity


def settled(
    slope: Callable[[Values], Values], values: Values, *, steps: int, rate: Any, momentum: Any
) -> Values:
    """The values after `steps` steps from rest."""

    def step(carry: tuple[Values, Values], _: None) -> tuple[tuple[Values, Values], None]:
        now, velocity = carry
        return moved(now, velocity, slope(now), rate, momentum), None

    still = jax.tree.map(jnp.zeros_like, values)
    return jax.lax.scan(step, (values, still), length=steps)[0][0]
