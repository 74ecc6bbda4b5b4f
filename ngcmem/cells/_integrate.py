"""One step of an ordinary differential equation, and the leaky membrane all spiking cells share.

The states are tuples of arrays. The schemes and their orders of convergence: `euler` 1,
`midpoint` 2 (Runge's second-order method), `rk4` 4 (the classical Runge-Kutta method). Reference:
Hairer, Norsett and Wanner (1993), Solving Ordinary Differential Equations I, section II.1.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

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


def relax(scheme: str, v: Array, v_inf: Array, tau: float | Array, dt: Array) -> Array:
    """tau dv/dt = v_inf - v over one step: `exact` for a constant v_inf, or `euler`."""
    if scheme == "exact":
        return v_inf + (v - v_inf) * jnp.exp(-dt / tau)
    return v + (v_inf - v) * (dt / tau)


def is_refractory(remaining: Array, dt: Array) -> Array:
    """Whether a cell still rests: half a step of slack, a sum of steps is never the period."""
    return remaining > 0.5 * dt


def rest_after(fired: Array, remaining: Array, period: float | Array, dt: Array) -> Array:
    """The time left of the refractory period, ms, after this step."""
    return jnp.where(fired, period, jnp.maximum(remaining - dt, 0.0))
