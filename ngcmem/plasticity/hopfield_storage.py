"""Storage rules of the classical Hopfield network: from +-1 patterns to symmetric couplings.

A rule is a pytree of constants. `write(weights, statistics, patterns)` takes couplings (N, N) and
patterns (P, N) as rows and returns couplings for them and all before. For `OuterProduct`,
`Storkey` and `Projection` that is what P writes of one row give; `Perceptron` and
`MinimumProbabilityFlow` go over all patterns they kept in every write, so where they end depends on
how rows were grouped.
What a rule has to remember besides the couplings is a dict of arrays. Couplings have no diagonal
unless `self_coupling` says so, which only Storkey's rule and the projection offer.
"""

import abc
from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Domain,
    Interval,
    NonNegative,
    Pytree,
    Real,
    Static,
    euclidean_norm,
    magnitude,
    number_in_domain,
)
from ngcmem.plasticity.slots import Slots, append

Statistics = dict[str, Array]


class HopfieldRule(Pytree, abc.ABC):
    """How patterns get into the couplings."""

    self_coupling: ClassVar[bool] = False

    @property
    def symmetric(self) -> bool:
        """Whether the couplings are symmetric, so that asynchronous recall has an energy."""
        return True

    @property
    def negative_diagonal(self) -> bool:
        """Whether a unit may be coupled to itself with a negative weight, which ends descent."""
        return False

    def init(self, features: int) -> Statistics:
        """What the rule remembers of no patterns."""
        return {}

    @abc.abstractmethod
    def write(
        self, weights: Array, statistics: Statistics, patterns: Array
    ) -> tuple[Array, Statistics]:
        """Couplings and statistics after these patterns, in order."""

    def capacity(self, features: int) -> int | None:
        """The largest number of patterns this rule can take, or None."""
        return None


class OuterProduct(HopfieldRule):
    """W <- W + eta/N sum_mu x x^T, without diagonal.

    One step from a stored pattern flips a bit with probability erfc(sqrt(N / 2P)) / 2; recall
    breaks down at P = 0.138 N. A negative eta unlearns. Hopfield (1982), PNAS 79, 2554; Amit,
    Gutfreund and Sompolinsky (1985), Phys. Rev. Lett. 55, 1530.
    """

    eta: Real = 1.0

    def write(
        self, weights: Array, statistics: Statistics, patterns: Array
    ) -> tuple[Array, Statistics]:
        return weights + self.eta * _hebb(patterns), statistics


class Storkey(HopfieldRule):
    """W <- W + (x x^T - x h^T - h x^T) / N with the local field h_ij = sum_{k != i, j} W_ik x_k.

    Still local and incremental, holds about N / sqrt(2 ln N) patterns exactly. With
    `self_coupling` the diagonal, which gains (1 - 2 x_i h_i) / N, may be negative: recall may then
    cycle. Storkey and Valabregue (1999), Neural Networks 12, 869.
    """

    self_coupling: Static[bool] = False  # pyright: ignore[reportIncompatibleVariableOverride]

    @property
    def negative_diagonal(self) -> bool:
        return self.self_coupling

    def write(
        self, weights: Array, statistics: Statistics, patterns: Array
    ) -> tuple[Array, Statistics]:
        size = patterns.shape[1]

        def one(w: Array, x: Array) -> tuple[Array, None]:
            field, diagonal = w @ x, jnp.diagonal(w)
            local = field[:, None] - (diagonal * x)[:, None] - w * x[None]
            local = jnp.fill_diagonal(local, field - diagonal * x, inplace=False)
            drawn = local * x[None]
            change = x[:, None] * x[None] - (drawn + drawn.T)  # in these words exactly symmetric
            w = w + change / size
            return (w if self.self_coupling else without_diagonal(w)), None

        return jax.lax.scan(one, weights, patterns)[0], statistics


class Projection(HopfieldRule):
    """W = X^+ X, the projector onto the stored patterns: all of them are exact up to P < N.

    Written one by one: W gains r r^T / |r|^2 for the part r = x - W x that is new; a pattern
    already in the span (|r| <= rtol |x|) adds nothing. Without `self_coupling` the diagonal
    is left out of the couplings, which leaves the patterns fixed and widens their basins.

    Personnaz, Guyon and Dreyfus (1986), Phys. Rev. A 34, 4217; Kanter and Sompolinsky (1987),
    Phys. Rev. A 35, 380, for the diagonal.
    """

    self_coupling: Static[bool] = False  # pyright: ignore[reportIncompatibleVariableOverride]
    rtol: Annotated[float | Array, Interval("(0, 1)")] = 1e-3

    def init(self, features: int) -> Statistics:
        return {"projector": jnp.zeros((features, features))}

    def capacity(self, features: int) -> int | None:
        return features

    def write(
        self, weights: Array, statistics: Statistics, patterns: Array
    ) -> tuple[Array, Statistics]:
        def one(projector: Array, x: Array) -> tuple[Array, None]:
            x = x / magnitude(x)
            rest = x - projector @ x
            rest = rest - projector @ rest  # twice, against rounding
            size = jnp.sum(rest**2)
            new = size > self.rtol**2 * jnp.sum(x**2)
            rate = jnp.where(new, 1.0 / jnp.where(new, size, 1.0), 0.0)
            return projector + rate * rest[:, None] * rest[None], None

        projector = jax.lax.scan(one, statistics["projector"], patterns)[0]
        weights = projector if self.self_coupling else without_diagonal(projector)
        return weights, {"projector": projector}


class Perceptron(HopfieldRule):
    """Gardner's rule: repeat W_i += x_i x / N for patterns whose bit i is not stable enough,

        x_i (W x)_i < margin |W_i|

    until none is left or `rounds` have passed; up to 2N random patterns can be made fixed points.
    The rule goes over all patterns again and again, so it keeps them: `slots` at most, later ones
    are refused (and counted). `symmetrised` adds each change to both W_ij and W_ji, which keeps an
    energy; without it a recall may cycle. Gardner (1988), J. Phys. A 21, 257; Krauth and Mezard
    (1987), J. Phys. A 20, L745; Diederich and Opper (1987), Phys. Rev. Lett. 58, 949.
    """

    slots: Static[int]
    margin: NonNegative = 0.5
    rounds: Annotated[float | Array, Interval("[0, 1e9]")] = 1000.0
    symmetrised: Static[bool] = True

    @property
    def symmetric(self) -> bool:
        return self.symmetrised

    def init(self, features: int) -> Statistics:
        return kept_patterns(self.slots, features) | {"unstable": jnp.zeros((), jnp.int32)}

    def capacity(self, features: int) -> int | None:
        return self.slots

    def write(
        self, weights: Array, statistics: Statistics, patterns: Array
    ) -> tuple[Array, Statistics]:
        statistics, rows, used = keep(statistics, patterns)
        size, rounds = rows.shape[1], jnp.asarray(self.rounds).astype(jnp.int32)

        def unstable(w: Array) -> Array:
            norms = euclidean_norm(w)
            return ((rows * (rows @ w.T)) <= (self.margin * norms)[None]) & used[:, None]

        def step(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            w, wrong, count = carry
            change = without_diagonal(jnp.where(wrong, rows, 0).T @ rows) / size
            w = w + (change + change.T if self.symmetrised else change)
            return w, unstable(w), count + 1

        def more(carry: tuple[Array, Array, Array]) -> Array:
            return jnp.any(carry[1]) & (carry[2] < rounds)

        start = (weights, unstable(weights), jnp.zeros((), jnp.int32))
        weights, wrong, _ = jax.lax.while_loop(more, step, start)
        return weights, statistics | {"unstable": jnp.sum(wrong, dtype=jnp.int32)}


def _hebb(patterns: Array) -> Array:
    """sum_mu x x^T / N without diagonal, (N, N)."""
    return without_diagonal(patterns.T @ patterns) / patterns.shape[1]


def unlearn(weights: Array, states: Array, eta: float | Array = 0.01) -> Array:
    """Take a little of the states the network fell into out of its couplings again.

    W <- W - eta/N sum s s^T: spurious states lose more than patterns. Hopfield, Feinstein and
    Palmer (1983), Nature 304, 158.

    Raises:
        ValueError: states that are not rows (states, N) of couplings (N, N), or an eta below 0
            (traced: NaN), which would learn them.
    """
    if jnp.ndim(states) != 2 or jnp.shape(weights) != 2 * jnp.shape(states)[1:]:
        raise ValueError(
            f"unlearn: states are rows (states, N) for couplings (N, N), got {jnp.shape(states)} "
            f"and {jnp.shape(weights)}. For one state write states[None]."
        )
    least = Domain("a number", Interval("[0, inf)"), False)
    return weights - number_in_domain("unlearn: eta", eta, least) * _hebb(states)


def without_diagonal(weights: Array) -> Array:
    """The matrix with zeros on its diagonal."""
    return jnp.where(jnp.eye(weights.shape[0], dtype=bool), 0, weights)


def kept_patterns(slots: int, features: int) -> Statistics:
    """What a rule that goes over its patterns again remembers of no patterns."""
    zero = jnp.zeros((), jnp.int32)
    return {"patterns": jnp.zeros((slots, features)), "used": zero, "refused": zero}


def keep(statistics: Statistics, patterns: Array) -> tuple[Statistics, Array, Array]:
    """Statistics with these patterns, all patterns kept (slots, N), and which slots are used."""
    used, refused = statistics["used"], statistics["refused"]
    slots = append(Slots(statistics["patterns"], used, used, refused), patterns, "refuse")
    kept = {"patterns": slots.weights, "used": slots.count, "refused": slots.refused}
    numbers = jnp.arange(slots.weights.shape[0], dtype=jnp.int32)
    return statistics | kept, slots.weights, numbers < slots.count
