"""Rules that write key-value pairs into a matrix: correlation, delta, exact.

A rule is a pytree of constants with two functions of plain arrays. Keys (n, d) and values (n, m)
are rows, the weights (d, m) map `key @ weights` to a value, and writing n rows at once gives what
n writes of one row give. What a rule has to remember besides the weights is a dict of arrays.
"""

import abc
from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Interval,
    NonNegative,
    Positive,
    PositivePart,
    Probability,
    Pytree,
    Real,
    Static,
    counted,
    magnitude,
)
from ngcmem.plasticity import linear_solvers as solvers
from ngcmem.plasticity.covariance import covariance_step

Statistics = dict[str, Array]


class LinearRule(Pytree, abc.ABC):
    """How pairs get into the weights of a linear memory."""

    tracks_span: ClassVar[bool] = False
    """Whether the statistics hold `complement`, the projector onto what no key reaches."""

    @abc.abstractmethod
    def init(self, inputs: int, outputs: int) -> Statistics:
        """What the rule remembers of no pairs."""

    @abc.abstractmethod
    def write(
        self, weights: Array, statistics: Statistics, keys: Array, values: Array
    ) -> tuple[Array, Statistics]:
        """Weights and statistics after these pairs, in order."""

    def capacity(self, inputs: int) -> int | None:
        """The largest number of pairs this rule can hold, or None."""
        return None


class Correlation(LinearRule):
    """The correlation matrix memory: W <- forgetting W + eta k v^T.

    Exact for orthonormal keys; otherwise every other pair adds cross-talk: at n random pairs of
    N(0, 1) entries the cosine is 1 / sqrt(1 + (n - 1) / d). Kohonen (1972), IEEE Trans. Computers
    C-21, 353; Anderson (1972), Math. Biosciences 14, 197.
    """

    eta: Real = 1.0
    forgetting: PositivePart = 1.0  # 1 forgets nothing

    def init(self, inputs: int, outputs: int) -> Statistics:
        return {}

    def write(
        self, weights: Array, statistics: Statistics, keys: Array, values: Array
    ) -> tuple[Array, Statistics]:
        n = keys.shape[0]
        age = jnp.arange(n - 1, -1, -1, dtype=keys.dtype)
        fresh = (keys * (self.forgetting**age)[:, None]).T @ values
        return weights * self.forgetting**n + self.eta * fresh, statistics


class WidrowHoff(LinearRule):
    """The delta rule: W <- W + eta k (v - k W)^T, divided by |k|^2 when `normalised` is 1.

    Widrow and Hoff (1960), IRE WESCON 4, 96; the normalised form is Kaczmarz's (1937) projection
    and forgets whatever does not fit: with eta = 1 the latest pair is always exact.
    """

    eta: NonNegative = 1.0
    normalised: Probability = 1.0  # 0 for the plain rule, which needs eta < 2 / max|k|^2

    def init(self, inputs: int, outputs: int) -> Statistics:
        return {}

    def write(
        self, weights: Array, statistics: Statistics, keys: Array, values: Array
    ) -> tuple[Array, Statistics]:
        size = jnp.where(jnp.asarray(self.normalised) > 0, magnitude(keys)[:, 0], 1.0)
        norms = jnp.sum((keys / size[:, None]) ** 2, axis=1)
        scale = jnp.where(self.normalised > 0, jnp.where(norms > 0, norms, 1.0), 1.0)
        steps = (self.eta / scale)[:, None] * (keys / size[:, None]) / size[:, None]

        def one(w: Array, pair: tuple[Array, Array, Array]) -> tuple[Array, None]:
            key, value, step = pair
            return w + step[:, None] * (value - key @ w)[None], None

        return jax.lax.scan(one, weights, (keys, values, steps))[0], statistics


class PseudoInverse(LinearRule):
    """W = K^+ V of all pairs so far, exactly: Kohonen's optimal linear associative memory.

    An empty memory is solved from the keys themselves (`linear_solvers.solve`); later pairs are
    added to K^T K and K^T V and solved from those, at half the digits; the keys need not span the
    space, however many there are. `error` is a bound on how far the weights are off: infinite
    where a direction was dropped that keys may have reached, if more weakly than rounding can
    tell. With a ridge, W = (K^T K + ridge I)^-1 K^T V, and the span of the keys is not tracked:
    `LinearAssociative`'s novelty is then the key itself. A forgetting factor below 1 weighs the
    pair written t writes ago by forgetting^t; pairs whose key is 0 say nothing and do not count.
    Keys of 1e-17 to 1e18 are in the range of float32, whose squares are summed.

    With `on_demand` writing only adds up (a matrix product per batch of pairs) and the weights
    wait for `nm.LinearAssociative.solve`; until then `error` is infinite and nothing `matched`.

    Kohonen and Ruohonen (1973), IEEE Trans. Computers C-22, 701.
    """

    ridge: NonNegative = 0.0
    forgetting: PositivePart = 1.0
    on_demand: Static[bool] = False

    tracks_span: ClassVar[bool] = True

    def init(self, inputs: int, outputs: int) -> Statistics:
        return {
            "gram": jnp.zeros((inputs, inputs)),  # sum of k k^T
            "cross": jnp.zeros((inputs, outputs)),  # sum of k v^T
            "complement": jnp.eye(inputs),  # the projector onto what no key reaches
            "square": jnp.zeros(()),  # sum of |v|^2
            "pairs": jnp.zeros((), jnp.int32),  # whose key is not 0
            "waiting": jnp.zeros((), jnp.int32),  # of them, those the weights do not know yet
            "error": jnp.zeros(()),  # |W - W_exact| / |W_exact|, at most
        }

    def write(
        self, weights: Array, statistics: Statistics, keys: Array, values: Array
    ) -> tuple[Array, Statistics]:
        d = keys.shape[1]
        some = jnp.any(keys != 0, axis=1)
        number = jnp.sum(some, dtype=jnp.int32)
        later = (number - jnp.cumsum(some, dtype=jnp.int32)).astype(keys.dtype)
        forgetting = jnp.asarray(self.forgetting, keys.dtype)
        weighing = jnp.where(some, forgetting**later, 0)[:, None]
        kept = forgetting ** number.astype(keys.dtype)
        moments = keys.T @ (jnp.concatenate([keys, values], axis=1) * weighing)
        added = statistics | {
            "gram": statistics["gram"] * kept + moments[:, :d],
            "cross": statistics["cross"] * kept + moments[:, d:],
            "square": statistics["square"] * kept + jnp.sum(weighing * values**2),
            "pairs": counted(statistics["pairs"], number),
            "waiting": counted(statistics["waiting"], number),
        }
        if self.on_demand:
            return weights, added | {"error": jnp.full_like(added["error"], jnp.inf)}
        first = (statistics["pairs"] == 0) & (jnp.asarray(self.ridge) <= 0)
        root = jnp.sqrt(weighing)
        from_keys = lambda: solvers.solve(keys * root, values * root)  # noqa: E731
        fit = jax.lax.cond(first, from_keys, lambda: self._fit(added))
        return self._solved(added, fit)

    def waiting(self, statistics: Statistics) -> Array:
        """Whether pairs were added that the weights do not know yet."""
        return statistics["waiting"] > 0

    def solve(self, statistics: Statistics) -> tuple[Array, Statistics]:
        """The weights of all pairs added up so far, and the statistics with their error."""
        return self._solved(statistics, self._fit(statistics))

    def _fit(self, statistics: Statistics) -> solvers.LinearFit:
        gram, cross = statistics["gram"], statistics["cross"]
        size = gram.shape[0]
        full = gram + self.ridge * jnp.eye(size, dtype=gram.dtype)
        rank = jnp.where(jnp.asarray(self.ridge) > 0, size, statistics["pairs"])
        length = jnp.sqrt(statistics["square"])
        return solvers.solve_gram(full, cross, definite=None, rank=rank, length=length)

    def _solved(self, statistics: Statistics, fit: solvers.LinearFit) -> tuple[Array, Statistics]:
        regular = jnp.asarray(self.ridge) > 0
        complement = jnp.where(regular, statistics["complement"], fit.complement)
        known = {"complement": complement, "waiting": jnp.zeros_like(statistics["waiting"])}
        return fit.weights, statistics | known | {"error": fit.error}


class Greville(LinearRule):
    """The exact pseudo-inverse, one pair at a time, for at most as many pairs as inputs.

        h = (I - K^+ K) k;   W <- W + h / |h|^2 (v - k W)^T;   I - K^+ K loses the direction h

    A key already in the span (|h| <= rtol |k|) brings no new direction: it is refused, and
    `refused` counts such pairs. Greville (1960), SIAM Review 2, 15.
    """

    rtol: Annotated[float | Array, Interval("(0, 1)")] = 1e-3

    tracks_span: ClassVar[bool] = True

    def init(self, inputs: int, outputs: int) -> Statistics:
        return {"complement": jnp.eye(inputs), "refused": jnp.zeros((), jnp.int32)}

    def capacity(self, inputs: int) -> int | None:
        return inputs

    def write(
        self, weights: Array, statistics: Statistics, keys: Array, values: Array
    ) -> tuple[Array, Statistics]:
        def one(carry: tuple[Array, Array, Array], pair: tuple[Array, Array]) -> tuple:
            w, complement, refused = carry
            key, value = pair
            scale = magnitude(key)
            unit = key / scale
            h = complement @ (complement @ unit)  # twice, against rounding
            size = jnp.sum(h**2)
            fresh = size > (self.rtol**2) * jnp.sum(unit**2)
            rate = jnp.where(fresh, 1.0 / jnp.where(fresh, size, 1.0), 0.0)
            w = w + rate * h[:, None] * ((value - key @ w) / scale)[None]
            complement = complement - rate * h[:, None] * h[None]
            return (w, complement, refused + (~fresh).astype(refused.dtype)), None

        start = (weights, statistics["complement"], statistics["refused"])
        (weights, complement, refused), _ = jax.lax.scan(one, start, (keys, values))
        return weights, {"complement": complement, "refused": refused}


class RecursiveLeastSquares(LinearRule):
    """Ridge regression, one pair at a time, with P = (K^T K + ridge I)^-1.

        g = P k / (forgetting + k^T P k)
        W <- W + g (v - k W)^T;   P <- (P - g k^T P) / forgetting

    With forgetting below 1 the trace of P never exceeds inputs / ridge, where it begins: a step
    that would wind it up forgets in the key's own direction alone, or nothing
    (`covariance_step`, with references). A key of zeros changes nothing. P stays symmetric; without
    that, or with a ridge below about 1e-2 (1e-5 |k|^2 of larger keys) in single precision, the
    recursion blows up on long streams. Plackett (1950), Biometrika 37, 149; Haykin (2002),
    Adaptive Filter Theory, chapter 9.
    """

    ridge: Positive = 1e-2
    forgetting: PositivePart = 1.0

    def init(self, inputs: int, outputs: int) -> Statistics:
        return {"inverse": jnp.eye(inputs) / self.ridge}

    def write(
        self, weights: Array, statistics: Statistics, keys: Array, values: Array
    ) -> tuple[Array, Statistics]:
        limit = keys.shape[1] / jnp.asarray(self.ridge, keys.dtype)

        def one(carry: tuple[Array, Array], pair: tuple[Array, Array]) -> tuple:
            w, inverse = carry
            key, value = pair
            gain, inverse = covariance_step(inverse, key, self.forgetting, limit)
            return (w + gain[:, None] * (value - key @ w)[None], inverse), None

        start = (weights, statistics["inverse"])
        (weights, inverse), _ = jax.lax.scan(one, start, (keys, values))
        return weights, {"inverse": inverse}
