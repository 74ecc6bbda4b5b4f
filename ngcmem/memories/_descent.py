"""Gradient descent with momentum on the values of a predictive-coding network."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

Values = tuple[Array, ...]


def moved(
    values: Values, velocity: Values, slopes: Values, step_size: Any, momentum: Any
) -> tuple[Values, Values]:
    """One step: v <- momentum v - step_size slope, value <- value + v."""
    velocity = tuple(
        (momentum * v - step_size * s).astype(v.dtype)
        for v, s in zip(velocity, slopes, strict=True)
    )
    return tuple(x + v for x, v in zip(values, velocity, strict=True)), velocity


def settled(
    slope: Callable[[Values], Values], values: Values, *, steps: int, step_size: Any, momentum: Any
) -> Values:
    """The values after `steps` steps from rest."""

    def step(carry: tuple[Values, Values], _: None) -> tuple[tuple[Values, Values], None]:
        now, velocity = carry
        return moved(now, velocity, slope(now), step_size, momentum), None

    still = jax.tree.map(jnp.zeros_like, values)
    return jax.lax.scan(step, (values, still), length=steps)[0][0]


def lowest(
    energy: Callable[[Values], Array],
    scales: Values,
    values: Values,
    *,
    steps: int,
    step_size: Any,
    momentum: Any,
) -> Values:
    """Where the energy (of one example) was lowest in `steps` steps from rest along its slope.

    Where the energy has kinks or narrow valleys such a descent does not come to rest; with more
    steps the energy of what is returned never rises, but for rounding. Of places that differ by no
    more than that, the last. The slope of every array is multiplied by its entry in `scales`.
    """

    def step(carry: Any, _: None) -> tuple[Any, None]:
        now, velocity, least, best = carry
        height, pull = jax.value_and_grad(energy)(now)
        slopes = tuple(scale * p for scale, p in zip(scales, pull, strict=True))
        onward = moved(now, velocity, slopes, step_size, momentum)
        return (*onward, *better(height, now, least, best)), None

    def better(height: Array, now: Values, least: Array, best: Values) -> tuple[Array, Values]:
        rounding = 8 * jnp.finfo(height.dtype).eps * (1.0 + jnp.abs(least))
        lower = height <= least + rounding
        best = tuple(jnp.where(lower, n, b) for n, b in zip(now, best, strict=True))
        return jnp.fmin(height, least), best

    still = jax.tree.map(jnp.zeros_like, values)
    start = (values, still, energy(values), values)
    now, _, least, best = jax.lax.scan(step, start, length=steps)[0]
    return better(energy(now), now, least, best)[1]
