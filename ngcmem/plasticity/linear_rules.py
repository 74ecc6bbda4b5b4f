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
)
from ngcmem.plasticity import linear_solvers as solvers

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
        norms = jnp.sum(keys**2, axis=1)
        scale = jnp.where(self.normalised > 0, jnp.where(norms > 0, norms, 1.0), 1.0)
        rates = self.eta / scale

        def one(w: Array, pair: tuple[Array, Array, Array]) -> tuple[Array, None]:
            key, value, rate = pair
            return w + rate * key[:, None] * (value - key @ w)[None], None

        return jax.lax.scan(one, weights, (keys, values, rates))[0], statistics


class PseudoInverse(LinearRule):
    """W = K^+ V of all pairs so far, exactly: Kohonen's optimal linear associative memory.

    An empty memory is solved from the keys themselves (`linear_solvers.solve`); later pairs are
    added to K^T K and K^T V and solved from those, at half the digits; the keys need not span the
    space, however many there are. `error` says how far the weights may be off. With a ridge,
    W = (K^T K + ridge I)^-1 K^T V, and the span of the keys is not tracked: `LinearAssociative`'s
    novelty is then the key itself. A forgetting factor below 1 weighs the pair written t writes
    ago by forgetting^t.

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
            "pairs": jnp.zeros((), jnp.int32),
            "error": jnp.zeros(()),  # |W - W_exact| / |W_exact|, estimated
        }

    def write(
        self, weights: Array, statistics: Statistics, keys: Array, values: Array
    ) -> tuple[Array, Statistics]:
        n, d = keys.shape
        age = jnp.arange(n - 1, -1, -1, dtype=keys.dtype)
        weighing = (jnp.asarray(self.forgetting, keys.dtype) ** age)[:, None]
        moments = keys.T @ (jnp.concatenate([keys, values], axis=1) * weighing)
        added = statistics | {
            "gram": statistics["gram"] * self.forgetting**n + moments[:, :d],
            "cross": statistics["cross"] * self.forgetting**n + moments[:, d:],
            "pairs": statistics["pairs"] + n,
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
        return jnp.isinf(statistics["error"]) & self.on_demand

    def solve(self, statistics: Statistics) -> tuple[Array, Statistics]:
        """The weights of all pairs added up so far, and the statistics with their error."""
        return self._solved(statistics, self._fit(statistics))

    def _fit(self, statistics: Statistics) -> solvers.LinearFit:
        gram, cross = statistics["gram"], statistics["cross"]
        size = gram.shape[0]
        full = gram + self.ridge * jnp.eye(size, dtype=gram.dtype)
        return solvers.solve_gram(full, cross, definite=None)

    def _solved(self, statistics: Statistics, fit: solvers.LinearFit) -> tuple[Array, Statistics]:
        regular = jnp.asarray(self.ridge) > 0
        complement = jnp.where(regular, statistics["complement"], fit.complement)
        return fit.weights, statistics | {"complement": complement, "error": fit.error}


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
            h = complement @ (complement @ key)  # twice, against rounding
            size = jnp.sum(h**2)
            fresh = size > (self.rtol**2) * jnp.sum(key**2)
            rate = jnp.where(fresh, 1.0 / jnp.where(fresh, size, 1.0), 0.0)
            w = w + rate * h[:, None] * (value - key @ w)[None]
            complement = complement - rate * h[:, None] * h[None]
            return (w, complement, refused + (~fresh).astype(refused.dtype)), None

        start = (weights, statistics["complement"], statistics["refused"])
        (weights, complement, refused), _ = jax.lax.scan(one, start, (keys, values))
        return weights, {"complement": complement, "refused": refused}


class RecursiveLeastSquares(LinearRule):
    """Ridge regression, one pair at a time, with P = (K^T K + ridge I)^-1.

        g = P k / (forgetting + k^T P k)
        W <- W + g (v - k W)^T;   P <- (P - g k^T P) / forgetting

    P is made symmetric after every pair; without that, or with a ridge below about 1e-2 in single
    precision, the recursion blows up on long streams. Plackett (1950), Biometrika 37, 149; Haykin
    (2002), Adaptive Filter Theory, chapter 9.
    """

    ridge: Positive = 1e-2
    forgetting: PositivePart = 1.0

    def init(self, inputs: int, outputs: int) -> Statistics:
        return {"inverse": jnp.eye(inputs) / self.ridge}

    def write(
        self, weights: Array, statistics: Statistics, keys: Array, values: Array
    ) -> tuple[Array, Statistics]:
        def one(carry: tuple[Array, Array], pair: tuple[Array, Array]) -> tuple:
            w, inverse = carry
            key, value = pair
            reach = inverse @ key
            gain = reach / (self.forgetting + key @ reach)
            w = w + gain[:, None] * (value - key @ w)[None]
            shrink = reach[:, None] * reach[None] / (self.forgetting + key @ reach)
            return (w, (inverse - shrink) / self.forgetting), None

        start = (weights, statistics["inverse"])
        (weights, inverse), _ = jax.lax.scan(one, start, (keys, values))
        return weights, {"inverse": inverse}
