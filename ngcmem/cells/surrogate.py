"""Surrogate gradients: a spike is a step, and its derivative is replaced by something smooth.

The forward value is exactly 0 or 1. In the backward pass the derivative of the step at
`distance = v - threshold` is taken to be `shape(distance / width) / width`, where `shape` is one
of the functions here or any function of yours with `shape(0) = 1`. Reference: Neftci, Mostafa and
Zenke (2019), IEEE Signal Processing Magazine 36(6):51, arXiv:1901.09948.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import Domain, Interval, did_you_mean, number_in_domain

Shape = Callable[[Array], Array]


def _fast_sigmoid(x: Array) -> Array:
    """1 / (1 + |x|)^2, of SuperSpike (Zenke and Ganguli 2018, arXiv:1705.11146)."""
    return 1.0 / (1.0 + jnp.abs(x)) ** 2


def _sigmoid(x: Array) -> Array:
    """4 s (1 - s), s the logistic function: its derivative, scaled to a peak of 1."""
    s = jax.nn.sigmoid(x)
    return 4.0 * s * (1.0 - s)


def _arctan(x: Array) -> Array:
    """1 / (1 + (pi x / 2)^2) (Fang et al. 2021, arXiv:2007.05785)."""
    return 1.0 / (1.0 + (0.5 * jnp.pi * x) ** 2)


def _gaussian(x: Array) -> Array:
    """exp(-x^2 / 2) (Yin, Corradi and Bohte 2021, arXiv:2103.12593)."""
    return jnp.exp(-0.5 * x**2)


def _triangle(x: Array) -> Array:
    """max(0, 1 - |x|) (Esser et al. 2016, arXiv:1603.08270; Bellec et al. 2018)."""
    return jnp.maximum(0.0, 1.0 - jnp.abs(x))


def _box(x: Array) -> Array:
    """1 where |x| <= 1/2, else 0 (Wu et al. 2018, arXiv:1706.02609)."""
    return (jnp.abs(x) <= 0.5).astype(x.dtype)


def _straight_through(x: Array) -> Array:
    """1 everywhere (Bengio, Leonard and Courville 2013, arXiv:1308.3432)."""
    return jnp.ones_like(x)


_NAMED: tuple[Shape, ...] = (
    _fast_sigmoid,
    _sigmoid,
    _arctan,
    _gaussian,
    _triangle,
    _box,
    _straight_through,
)


def surrogate_shape(surrogate: str | Shape) -> Shape:
    """The function of that name, or the function itself.

    Raises:
        ValueError: no surrogate of that name.
    """
    if callable(surrogate):
        return surrogate
    named = {shape.__name__.removeprefix("_"): shape for shape in _NAMED}
    if surrogate not in named:
        raise ValueError(
            f"surrogate is a function or one of {', '.join(map(repr, named))}, got {surrogate!r}."
            + (did_you_mean(surrogate, named) if isinstance(surrogate, str) else "")
        )
    return named[surrogate]


def spike(distance: Array, width: float | Array = 1.0, surrogate: str | Shape = "arctan") -> Array:
    """1 where `distance >= 0`, else 0, differentiable by a surrogate.

    Args:
        distance: membrane potential minus threshold, any shape.
        width: the scale, in the unit of `distance`, over which the surrogate falls off.
        surrogate: a name or a function; see the module.

    Raises:
        ValueError: a width that is not above 0 (traced: the derivative is NaN).
    """
    width = number_in_domain("spike: width", width, Domain("a number", Interval("(0, inf)"), False))
    return _spike(surrogate_shape(surrogate), distance, jnp.asarray(width, distance.dtype))


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _spike(shape: Shape, distance: Array, width: Array) -> Array:
    return (distance >= 0).astype(distance.dtype)


@_spike.defjvp
def _spike_jvp(
    shape: Shape, primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    distance, width = primals
    slope = shape(distance / width) / width
    return _spike(shape, distance, width), slope * tangents[0]
