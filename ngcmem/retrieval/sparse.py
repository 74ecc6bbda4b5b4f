"""Separations that give most slots no weight at all: top-k, the maximum, sparsemax, entmax."""

from typing import Annotated, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from ngcmem.core import Interval, Static, expm1_ratio, log1p_ratio
from ngcmem.retrieval._ranking import nan_first
from ngcmem.retrieval.separation import Laws, Separation, Softmax, participants


class TopK(Separation):
    """`separation` among the k most similar slots, 0 elsewhere; ties go to the lower slot.

    For softmax Phi_k = max over k-subsets S of lse_S, a maximum of convex functions; the same
    holds for every convex separation whose weights are never negative.

    Raises:
        ValueError: `k` is not a whole number of at least 1, or an unknown `separation`.
    """

    k: Static[int]
    separation: str | Separation = Softmax()

    def __post_init__(self) -> None:
        from ngcmem.retrieval.names import resolve_separation  # which knows TopK itself

        object.__setattr__(self, "separation", resolve_separation(self.separation))

    @property
    def _among(self) -> Separation:
        assert isinstance(self.separation, Separation)
        return self.separation

    def laws(self) -> Laws:
        among = self._among.laws()
        return among._replace(convex=among.convex and among.monotone)

    def select(self, similarities: Array, used: Array | None) -> tuple[Array, Array, Array]:
        """The k largest similarities, the slots they stand in, and whether each takes part."""
        taking_part, finite = participants(similarities, used)
        k = min(self.k, similarities.shape[0])
        _, slots = lax.top_k(jnp.where(taking_part, nan_first(finite), -jnp.inf), k)
        return finite[slots], slots, taking_part[slots]

    def __call__(self, similarities: Array, beta: Array | float, used: Array | None) -> Array:
        largest, slots, taking_part = self.select(similarities, used)
        weights = self._among(largest, beta, taking_part)
        return jnp.zeros_like(similarities).at[slots].set(weights)

    def potential(self, similarities: Array, beta: Array | float, used: Array | None) -> Array:
        largest, _, taking_part = self.select(similarities, used)
        return self._among.potential(largest, beta, taking_part)


class Max(Separation):
    """All weight on the most similar slot (the lowest of equals); Phi = max s."""

    def laws(self) -> Laws:
        return Laws(normalised=True)

    def __call__(self, similarities: Array, beta: Array | float, used: Array | None) -> Array:
        return TopK(k=1)(similarities, beta, used)

    def potential(self, similarities: Array, beta: Array | float, used: Array | None) -> Array:
        return TopK(k=1).potential(similarities, beta, used)


class Entmax(Separation):
    """w = argmax_p <p, beta s> + H_alpha(p), with H_alpha(p) = (1 - sum p^alpha)/(alpha (alpha-1)).

    alpha >= 1, a leaf: 2 is sparsemax, 1 the limit softmax. Phi is that maximum over beta, minus
    its value at s = 0. A pattern whose similarity leads by 1 / (beta (alpha - 1)) gets weight
    exactly 1 (Peters, Niculae and Martins 2019, arXiv 1905.05702; Santos et al. 2024, arXiv
    2402.13725).

    For alpha above 2 a weight rises from 0 as the root 1 / (alpha - 1) of how far its similarity
    lies above the edge of the support, where what rounding leaves of similarities moves it by up to
    4 eps^(1 / (alpha - 1)): in float32 .001 at alpha 3, .02 at 4, .15 at 6, in float64 5e-8, 2e-5
    and .003. At alpha 2 and below it is a few eps.
    """

    alpha: Annotated[float | Array, Interval("[1, inf)")] = 1.5

    def laws(self) -> Laws:
        return Laws(normalised=True)

    def __call__(self, similarities: Array, beta: Array | float, used: Array | None) -> Array:
        return entmax_weights(similarities, beta, self.alpha, used)

    def potential(self, similarities: Array, beta: Array | float, used: Array | None) -> Array:
        return _entmax_potential(similarities, beta, self.alpha, used)


class Sparsemax(Separation):
    """w = the point of the simplex nearest beta s; `Entmax` with alpha = 2.

    Martins and Astudillo 2016, arXiv 1602.02068.
    """

    def laws(self) -> Laws:
        return Laws(normalised=True)

    def __call__(self, similarities: Array, beta: Array | float, used: Array | None) -> Array:
        return entmax_weights(similarities, beta, 2.0, used)

    def potential(self, similarities: Array, beta: Array | float, used: Array | None) -> Array:
        return _entmax_potential(similarities, beta, 2.0, used)


def entmax_weights(
    similarities: Array, beta: Array | float, alpha: Array | float, used: Array | None
) -> Array:
    """w_i = max(u_i - tau, 0)^(1/(alpha-1)) with u = (alpha-1) beta (s - max s) and sum w = 1.

    tau is found by a bracketed Newton iteration to the last bit; its first and second derivatives
    are those of two further Newton steps from the solution (the implicit function theorem).
    """
    weights, _ = _entmax(similarities, beta, alpha, used)
    return weights


class _Solution(NamedTuple):
    """What the potential needs besides the weights."""

    leads: Array  # s - top, 0 in slots that take no part
    logs: Array  # ln(w n), 0 where w is 0
    slots: Array  # n, how many take part, at least 1
    top: Array  # the largest s, 0 if nothing takes part


def _entmax(
    similarities: Array, beta: Array | float, alpha: Array | float, used: Array | None
) -> tuple[Array, _Solution]:
    """The weights, from their logarithms relative to equal weights 1 / n,

        ln(w_i n) = c + ln(1 + a r_i) / a,     a = alpha - 1,   r_i = beta (s_i - top) n^a e^(-a c),

    with c = ln(w_top n), 0 to ln n, solved for: so a -> 0 is softmax, and a small beta and an alpha
    near 1 cost no digits.
    """
    dtype = similarities.dtype
    taking_part, finite = participants(similarities, used)
    top = jnp.max(jnp.where(taking_part, finite, -jnp.inf))
    top = lax.stop_gradient(jnp.where(jnp.any(taking_part), top, 0))
    a, beta = jnp.asarray(alpha).astype(dtype) - 1, jnp.asarray(beta).astype(dtype)
    leads = jnp.where(taking_part, finite - top, 0)
    slots = jnp.maximum(jnp.sum(taking_part.astype(dtype)), 1)
    z = beta * leads
    c = _solve(*map(lax.stop_gradient, (z, a, slots, taking_part)))
    for _ in range(2):  # the first makes first derivatives right, the second second ones
        missing, slope, _ = _balance(z, a, slots, taking_part, c)
        step = missing / slope
        c = c - (step - lax.stop_gradient(step))  # the step itself may leap over a steep edge
    positive, logs, _ = _logs(z, a, slots, taking_part, c)
    weights = jnp.where(positive, jnp.exp(logs), 0)
    total = jnp.sum(weights)
    divisor = jnp.where(total > 0, total, jnp.where(jnp.isnan(top), top, 1))
    # A single weight is 1 exactly, which a product with the inverse of the sum need not be.
    shares = jnp.where((weights == total) & (total > 0), 1, weights / divisor)
    return shares.astype(dtype), _Solution(leads, logs, slots, top)


def _logs(
    z: Array, a: Array, slots: Array, taking_part: Array, c: Array
) -> tuple[Array, Array, Array]:
    """Which slots have a weight, ln(w_i n), and 1 + a r_i, its inverse derivative by c."""
    largest = jnp.log(jnp.finfo(z.dtype).max) / 2
    ratio = z * jnp.exp(jnp.minimum(a * (jnp.log(slots) - c), largest))
    room = 1 + a * ratio
    positive = taking_part & (room > 0)
    ratio = jnp.where(positive, ratio, 0)
    logs = jnp.where(positive, c + ratio * log1p_ratio(a * ratio), 0)
    return positive, logs, jnp.where(positive, room, 1)


def _balance(
    z: Array, a: Array, slots: Array, taking_part: Array, c: Array
) -> tuple[Array, Array, Array]:
    """mean of w n - 1, which c makes 0; its derivative by c; and the mean of |w n - 1|."""
    positive, logs, room = _logs(z, a, slots, taking_part, c)
    excess = jnp.where(positive, logs * expm1_ratio(logs), jnp.where(taking_part, -1.0, 0.0))
    slope = jnp.sum(jnp.where(positive, jnp.exp(logs) / room, 0)) / slots
    size = jnp.sum(jnp.abs(lax.stop_gradient(excess))) / slots
    return jnp.sum(excess) / slots, jnp.where(slope > 0, slope, 1), size


def _solve(z: Array, a: Array, slots: Array, taking_part: Array) -> Array:
    """c in [0, ln n] with a mean of w n of 1, from where softmax has it."""
    rounding = jnp.finfo(z.dtype).eps / 2

    def judged(low: Array, high: Array, c: Array, steps: Array) -> tuple[Array, ...]:
        """The state of the search, with the step from c and whether to take it.

        Whether to go on is decided once and carried: a condition computed again, which under
        `vmap` happens in the test and in the step, may round differently and never end.
        """
        missing, slope, size = _balance(z, a, slots, taking_part, c)
        low, high = jnp.where(missing <= 0, c, low), jnp.where(missing <= 0, high, c)
        onward = (jnp.abs(missing) > rounding * size) & (high - low > rounding * high)
        return low, high, c, c - missing / slope, onward & (steps < 64), steps

    def step(carry: tuple[Array, ...]) -> tuple[Array, ...]:
        low, high, _, newton, _, steps = carry
        inside = (newton > low) & (newton < high)
        return judged(low, high, jnp.where(inside, newton, (low + high) / 2), steps + 1)

    mean = jnp.sum(jnp.where(taking_part, jnp.exp(z), 0)) / slots
    high = jnp.log(slots)
    begin = jnp.clip(-jnp.log(jnp.where(mean > 0, mean, 1)), 0, high)
    start = judged(jnp.zeros_like(high), high, begin, jnp.zeros((), jnp.int32))
    return lax.while_loop(lambda carry: carry[4], step, start)[2]


def _entmax_potential(
    similarities: Array, beta: Array | float, alpha: Array | float, used: Array | None
) -> Array:
    weights, solution = _entmax(similarities, beta, alpha, used)
    dtype = similarities.dtype
    alpha, beta = jnp.asarray(alpha).astype(dtype), jnp.asarray(beta).astype(dtype)
    mean = solution.top + jnp.sum(weights * solution.leads)
    # sum w^alpha - n^(1 - alpha) over alpha - 1, without a difference of nearly equal numbers.
    gained = weights * solution.logs * expm1_ratio((alpha - 1) * solution.logs)
    concentration = jnp.sum(gained) * solution.slots ** (1 - alpha)
    excess = jnp.where(beta == 0, 0, concentration / (alpha * jnp.where(beta == 0, 1, beta)))
    return jnp.where(jnp.any(weights != 0), mean - excess, 0)
