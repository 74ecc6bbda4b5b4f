"""Separations: what weight each stored pattern gets from how similar it is to the probe.

A separation is called for one probe. Slots that are not `used`, and similarities of minus
infinity, take no part; if nothing takes part every weight is 0. `used` None says that all slots are
used and all similarities finite, and saves the masks.

`potential(similarities, beta, used)` is the function Phi whose gradient the weights are, with the
constant that makes Phi = 0 where every similarity is 0 (for softmax: the log-mean-exp). Energies
are built from it (`ngcmem.retrieval.energies`).
"""

from abc import abstractmethod
from typing import ClassVar, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from ngcmem.core import Positive, Pytree, Real, Static, expm1_quotient, expm1_ratio, log1p_ratio


class Laws(NamedTuple):
    """What is proved of a separation; which recalls descend follows from it."""

    convex: bool = True
    """The weights are a (sub)gradient of a convex potential."""
    monotone: bool = True
    """Weights are never negative, so the potential rises with every similarity."""
    normalised: bool = False
    """Weights sum to 1 whenever any slot has one, as mean shift needs."""
    bounded: bool = True
    """The potential grows at most linearly, so the energy |q|^2/2 - potential has a minimum."""


class Separation(Pytree):
    """`separation(similarities (N,), beta, used (N,) bool) -> weights (N,)`."""

    @abstractmethod
    def laws(self) -> Laws:
        """What is proved of it."""

    @abstractmethod
    def __call__(self, similarities: Array, beta: Array | float, used: Array | None) -> Array:
        """Weights (N,), 0 in slots that take no part."""

    @abstractmethod
    def potential(self, similarities: Array, beta: Array | float, used: Array | None) -> Array:
        """Phi, a scalar; 0 where nothing takes part."""


class Totals(NamedTuple):
    """Sums over slots from which a `Summable` separation's weights and potential follow."""

    density: Array
    term: Array
    slots: Array


def participants(similarities: Array, used: Array | None) -> tuple[Array, Array]:
    """The slots that take part, and finite similarities (0 in the others: safe gradients).

    `used` None says that every slot takes part and every similarity is finite. NaN takes part, so
    that it shows in what is retrieved.
    """
    if used is None:
        return jnp.ones(similarities.shape, bool), similarities
    taking_part = used & (similarities != -jnp.inf)
    largest = jnp.finfo(similarities.dtype).max
    return taking_part, jnp.minimum(jnp.where(taking_part, similarities, 0), largest)


class Summable(Separation):
    """A separation whose every weight is `density_i / normaliser(sum of densities)`.

    Density and potential are sums over slots, so slots can be taken a chunk at a time.
    """

    relative: ClassVar[bool] = False
    """Densities are those of the lead, s - top with the largest s for top; otherwise top is 0."""

    @abstractmethod
    def density(self, lead: Array, beta: Array) -> tuple[Array, Array]:
        """Elementwise: each slot's unnormalised weight, and its term of the potential."""

    def normaliser(self, totals: Totals) -> Array:
        """What densities are divided by; never 0."""
        return jnp.ones_like(totals.density)

    def close(self, totals: Totals, beta: Array, top: Array) -> Array:
        """The potential from the sums: by default the sum of the terms."""
        del beta, top
        return totals.term

    def rescale(self, beta: Array, old_top: Array, new_top: Array) -> Array:
        """The factor that turns densities relative to `old_top` into those of `new_top`."""
        del beta, new_top
        return jnp.ones_like(old_top)

    def raised(self, totals: Totals, beta: Array, old_top: Array, new_top: Array) -> Totals:
        """Totals relative to `old_top` made relative to `new_top`, which is not below it."""
        factor = self.rescale(beta, old_top, new_top)
        return Totals(factor * totals.density, factor * totals.term, totals.slots)

    def matched(self, totals: Totals) -> Array:
        """Whether any slot has a weight other than 0 (negative densities have positive terms)."""
        return (totals.density != 0) | (totals.term > 0)

    def top(self, similarities: Array, used: Array | None) -> Array:
        """The largest similarity taking part, the lowest float if none does; 0 if not needed."""
        if not self.relative:
            return jnp.zeros((), similarities.dtype)
        taking_part, similarities = participants(similarities, used)
        lowest = jnp.finfo(similarities.dtype).min
        return lax.stop_gradient(jnp.max(jnp.where(taking_part, similarities, lowest)))

    def totals(
        self, similarities: Array, beta: Array | float, used: Array | None, top: Array
    ) -> tuple[Array, Totals]:
        """Densities (N,) relative to `top`, 0 in slots that take no part, and their totals."""
        taking_part, similarities = participants(similarities, used)
        beta = jnp.asarray(beta).astype(similarities.dtype)
        density, term = self.density(jnp.where(taking_part, similarities - top, 0), beta)
        density, term = jnp.where(taking_part, density, 0), jnp.where(taking_part, term, 0)
        slots = jnp.sum(taking_part.astype(similarities.dtype))
        return density, Totals(jnp.sum(density), jnp.sum(term), slots)

    def __call__(self, similarities: Array, beta: Array | float, used: Array | None) -> Array:
        density, totals = self.totals(similarities, beta, used, self.top(similarities, used))
        return density / self.normaliser(totals)

    def potential(self, similarities: Array, beta: Array | float, used: Array | None) -> Array:
        top = self.top(similarities, used)
        _, totals = self.totals(similarities, beta, used, top)
        return self.close(totals, jnp.asarray(beta).astype(similarities.dtype), top)


class Identity(Summable):
    """w = beta s; Phi = beta sum s^2 / 2. Linear associative memory (Kohonen 1972)."""

    def laws(self) -> Laws:
        return Laws(monotone=False, bounded=False)

    def density(self, lead: Array, beta: Array) -> tuple[Array, Array]:
        return beta * lead, beta * lead**2 / 2


class Relu(Summable):
    """w = beta max(s, 0); Phi = beta sum max(s, 0)^2 / 2."""

    def laws(self) -> Laws:
        return Laws(bounded=False)

    def density(self, lead: Array, beta: Array) -> tuple[Array, Array]:
        positive = jnp.maximum(lead, 0)
        return beta * positive, beta * positive**2 / 2


class Power(Summable):
    """w = (beta s)^n; Phi = sum (beta s)^(n+1) / (beta (n+1)); s is max(s, 0) if `rectified`.

    n = 3 is the cube of MINERVA 2 (Hintzman 1984, doi:10.3758/BF03202365); a dense associative
    memory with F(s) = s^k / k has n = k - 1 (Krotov and Hopfield 2016, arXiv 1606.01164). Phi is
    convex only for odd n or if rectified.

    Raises:
        ValueError: `exponent` is not a whole number of at least 1.
    """

    exponent: Static[int] = 3
    rectified: Static[bool] = False

    def laws(self) -> Laws:
        return Laws(
            convex=self.rectified or self.exponent % 2 == 1,
            monotone=self.rectified or self.exponent % 2 == 0,
            bounded=False,
        )

    def density(self, lead: Array, beta: Array) -> tuple[Array, Array]:
        base = jnp.maximum(lead, 0) if self.rectified else lead
        weight = (beta * base) ** self.exponent
        return weight, weight * base / (self.exponent + 1)


class Threshold(Summable):
    """w = [s >= threshold], whatever beta; Phi = sum max(s - threshold, 0) for thresholds >= 0.

    The activation of sparse distributed memory with `Hamming`: threshold = features - radius
    (Kanerva 1988). For a negative threshold Phi's constant is subtracted: Phi(0) = 0.
    """

    threshold: Real

    def laws(self) -> Laws:
        return Laws()

    def density(self, lead: Array, beta: Array) -> tuple[Array, Array]:
        del beta
        threshold = jnp.asarray(self.threshold).astype(lead.dtype)
        active = jnp.where(jnp.isnan(lead), lead, (lead >= threshold).astype(lead.dtype))
        at_zero = jnp.maximum(-threshold, 0)
        return active, jnp.maximum(lead - threshold, 0) - at_zero


class Softmax(Summable):
    """w = softmax(beta s); Phi = ln(mean exp(beta s)) / beta, the log-mean-exp.

    At beta = 0 all weights are equal and Phi is the mean of s. Modern Hopfield networks (Ramsauer
    et al. 2021, arXiv 2008.02217).
    """

    relative = True

    def laws(self) -> Laws:
        return Laws(normalised=True)

    def density(self, lead: Array, beta: Array) -> tuple[Array, Array]:
        return jnp.exp(beta * lead), expm1_quotient(lead, beta)

    def normaliser(self, totals: Totals) -> Array:
        return jnp.where(totals.density > 0, totals.density, 1)

    def close(self, totals: Totals, beta: Array, top: Array) -> Array:
        """top + ln(mean of densities) / beta; from the terms where that is near ln 1.

        The terms are (density - 1) / beta, so a small beta costs no digits, and 0 is the limit.
        """
        some = totals.slots > 0
        slots = jnp.where(some, totals.slots, 1)
        mean = jnp.where(some, totals.density, 1) / slots
        near = mean > 0.5
        excess = jnp.where(near, totals.term / slots, 0)
        far = jnp.log(jnp.where(near, 1, mean)) / jnp.where(near, 1, beta)
        lead = jnp.where(near, excess * log1p_ratio(beta * excess), far)
        return jnp.where(some, top, 0) + lead

    def rescale(self, beta: Array, old_top: Array, new_top: Array) -> Array:
        # Finite, and its square too, so that 0 times either is 0 in first and second derivatives.
        lowest = -jnp.sqrt(jnp.finfo(new_top.dtype).max) / 4
        return jnp.exp(beta * jnp.maximum(old_top - new_top, lowest))

    def raised(self, totals: Totals, beta: Array, old_top: Array, new_top: Array) -> Totals:
        rescaled = super().raised(totals, beta, old_top, new_top)
        lower = jnp.where(totals.slots > 0, old_top - new_top, 0)
        shift = totals.slots * lower * expm1_ratio(beta * lower)
        return rescaled._replace(term=rescaled.term + shift)


class LogSumRelu(Summable):
    """w = [1 + beta s > 0] / (how many); Phi = ln((e + sum max(1 + beta s, 0)) / (e + N)) / beta.

    With `Euclidean` the Epanechnikov energy (Hoover et al. 2025, arXiv 2506.10801): only patterns
    within sqrt(2 / beta) of the probe take part, and a fixed point is their mean. The weights are
    Phi's gradient up to a positive factor, which is what mean shift needs. `epsilon` e keeps the
    energy finite where no pattern is active.
    """

    epsilon: Positive = 1e-6

    def laws(self) -> Laws:
        return Laws(convex=False, normalised=True)

    def density(self, lead: Array, beta: Array) -> tuple[Array, Array]:
        kernel = 1 + beta * lead
        active = jnp.where(jnp.isnan(kernel), kernel, (kernel > 0).astype(lead.dtype))
        return active, jnp.where(active == 0, 0, lead)

    def normaliser(self, totals: Totals) -> Array:
        return jnp.where(totals.density > 0, totals.density, 1)

    def close(self, totals: Totals, beta: Array, top: Array) -> Array:
        """From the sum of s where all are active: a small beta costs no digits, 0 neither."""
        del top
        epsilon = jnp.asarray(self.epsilon).astype(totals.term.dtype)
        everything = epsilon + totals.slots
        mean = totals.term / everything
        near = (totals.density == totals.slots) & (beta * mean > -0.5)
        kernels = jnp.maximum(totals.density + jnp.where(near, 0, beta * totals.term), 0)
        far = (jnp.log(epsilon + kernels) - jnp.log(everything)) / jnp.where(near, 1, beta)
        mean = jnp.where(near, mean, 0)
        return jnp.where(near, mean * log1p_ratio(beta * mean), far)
