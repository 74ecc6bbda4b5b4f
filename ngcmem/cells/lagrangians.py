"""Lagrangians: convex functions of a layer's state, whose gradient is the layer's activation.

    g = dL/dx,   E = x . g - L(x)   (the Legendre transform; the Hessian of L makes E descend)

Each takes the state x of one layer of one example, (units,), and gives a number. Reference: Krotov
and Hopfield (2021), arXiv:2008.06996.
"""

import abc

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import Positive, Pytree, Real, Static, check_whole


class Lagrangian(Pytree, abc.ABC):
    """`lagrangian(x (units,)) -> ()`, convex in x."""

    @abc.abstractmethod
    def __call__(self, x: Array) -> Array:
        """L(x)."""

    def activation_and_energy(self, x: Array) -> tuple[Array, Array]:
        """g = dL/dx, (units,), and E = x . g - L(x)."""
        value, activation = jax.value_and_grad(self.__call__)(x)
        return activation, x @ activation - value


class QuadraticLagrangian(Lagrangian):
    """L = x . x / 2: g = x, E = g . g / 2."""

    def __call__(self, x: Array) -> Array:
        return 0.5 * (x @ x)


class ReluLagrangian(Lagrangian):
    """L = sum max(x, 0)^n / n: g = max(x, 0)^(n - 1), n = `exponent`, at least 2.

    Raises:
        ValueError: an `exponent` below 2, whose activation is no function.
    """

    exponent: Static[int] = 2

    def __post_init__(self) -> None:
        if self.exponent < 2:
            raise ValueError(
                f"ReluLagrangian: exponent is a whole number of at least 2, got {self.exponent!r}."
            )

    def __call__(self, x: Array) -> Array:
        return jnp.sum(jnp.maximum(x, 0.0) ** self.exponent) / self.exponent


class TanhLagrangian(Lagrangian):
    """L = sum log cosh(beta x) / beta: g = tanh(beta x)."""

    beta: Positive = 1.0

    def __call__(self, x: Array) -> Array:
        scaled = self.beta * x
        return jnp.sum(jnp.logaddexp(scaled, -scaled) - jnp.log(2.0)) / self.beta


class SigmoidLagrangian(Lagrangian):
    """L = sum softplus(x): g = 1 / (1 + exp(-x)), E = minus the entropy of each unit."""

    def __call__(self, x: Array) -> Array:
        return jnp.sum(jax.nn.softplus(x))


class SoftmaxLagrangian(Lagrangian):
    """L = sum over groups of ln(sum exp(beta x)) / beta: g = softmax(beta x), E = -entropy / beta.

    The units are `groups` of equal size, one after the other; each has its own softmax. A shift of
    all x of a group moves neither g nor E: test convergence on g.

    Raises:
        ValueError: `groups` is no whole number of at least 1.
    """

    beta: Positive = 1.0
    groups: Static[int] = 1

    def __call__(self, x: Array) -> Array:
        grouped = _grouped("SoftmaxLagrangian", x, self.groups)
        return jnp.sum(jax.nn.logsumexp(self.beta * grouped, axis=1)) / self.beta


class LayerNormLagrangian(Lagrangian):
    """L = sum over groups of D gain sqrt(var(x) + eps) + shift . x: g is the layer norm of x.

        g = gain (x - mean) / sqrt(var + eps) + shift,   D the size of a group (a token)

    Raises:
        ValueError: `groups` is no whole number of at least 1.
    """

    gain: Positive = 1.0
    shift: Real = 0.0
    eps: Positive = 1e-5
    groups: Static[int] = 1

    def __call__(self, x: Array) -> Array:
        grouped = _grouped("LayerNormLagrangian", x, self.groups)
        spread = jnp.sqrt(jnp.var(grouped, axis=1) + self.eps)
        return grouped.shape[1] * self.gain * jnp.sum(spread) + self.shift * jnp.sum(x)


class SphericalLagrangian(Lagrangian):
    """L = sum over groups of sqrt(x . x + eps): g = x / sqrt(x . x + eps).

    Raises:
        ValueError: `groups` is no whole number of at least 1.
    """

    eps: Positive = 1e-5
    groups: Static[int] = 1

    def __call__(self, x: Array) -> Array:
        grouped = _grouped("SphericalLagrangian", x, self.groups)
        return jnp.sum(jnp.sqrt(jnp.sum(grouped**2, axis=1) + self.eps))


def _grouped(owner: str, x: Array, groups: int) -> Array:
    """x, (groups, units / groups)."""
    check_whole(f"{owner}: groups", groups)
    if x.shape[0] % groups:
        raise ValueError(
            f"{owner}: {x.shape[0]} units do not make groups={groups} of equal size. Write "
            f"groups={_divisor(x.shape[0], groups)}."
        )
    return x.reshape(groups, -1)


def _divisor(units: int, groups: int) -> int:
    """The largest divisor of `units` up to `groups`."""
    return next(n for n in range(min(units, groups), 0, -1) if units % n == 0)
