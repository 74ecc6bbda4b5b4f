"""One step of an ordinary differential equation, and the rest after a spike.

The states are tuples of arrays. The schemes and their orders of convergence: `euler` 1,
`midpoint` 2 (Runge's second-order method), `rk4` 4 (the classical Runge-Kutta method). Reference:
Hairer, Norsett and Wanner (1993), Solving Ordinary Differential Equations I, section II.1.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

from ngcmem.core import whole_steps

Values = tuple[Array, ...]
Derivative = Callable[[Values], Values]

SCHEMES = ("euler", "midpoint", "rk4")


def integrate(scheme: str, derivative: Derivative, y: Values, dt: Array) -> Values:
    """y(t + dt) from y(t) by one step of a Runge-Kutta scheme."""

    def moved(slope: Values, length: Array) -> Values:
        return tuple(a + length * b for a, b in zip(y, slope, strict=True))

    first = derivative(y)
    if scheme == "euler":
        return moved(first, dt)
    second = derivative(moved(first, 0.5 * dt))
    if scheme == "midpoint":
        return moved(second, dt)
    third = derivative(moved(second, 0.5 * dt))
    fourth = derivative(moved(third, dt))
    slopes = zip(first, second, third, fourth, strict=True)
    return moved(tuple(a + 2.0 * b + 2.0 * c + d for a, b, c, d in slopes), dt / 6.0)


def is_refractory(remaining: Array, dt: Array) -> Array:
    """Whether a cell still rests: the time left is at least one whole step, see `whole_steps`."""
    return whole_steps(remaining, dt) > 0


def rest_after(fired: Array, remaining: Array, period: float | Array, dt: Array) -> Array:
    """The time left of the refractory period, ms, after this step.

    A whole number of steps is left, counted anew from the time left, so that nothing adds up and
    another dt in the middle of the rest keeps its end.
    """
    left = jnp.maximum(whole_steps(remaining, dt) - 1, 0).astype(dt.dtype) * dt
    return jnp.where(fired, period, left)
