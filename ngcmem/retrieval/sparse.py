"""Separations that give most slots no weight at all: top-k, the maximum, sparsemax, entmax."""

import jax.numpy as jnp
from jax import Array, lax

from ngcmem.core import Static
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

        if isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 1:
            raise ValueError(f"TopK: k is a number of slots, at least 1, got {self.k!r}.")
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

    alpha > 1, a leaf: 2 is sparsemax, alpha -> 1 softmax. Phi is that maximum over beta, minus its
    value at s = 0. A pattern whose similarity leads by 1 / (beta (alpha - 1)) gets weight exactly
    1 (Peters, Niculae and Martins 2019, arXiv 1905.05702; Santos et al. 2024, arXiv 2402.13725).

    Raises:
        ValueError: `alpha` is not above 1.
    """

    alpha: Array | float = 1.5

    def __post_init__(self) -> None:
        if isinstance(self.alpha, (int, float)) and not self.alpha > 1:
            raise ValueError(f"Entmax: alpha > 1, got {self.alpha!r}; alpha -> 1 is Softmax().")

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

    tau is found by a bracketed Newton iteration to the last bit; its derivative comes from one
    further Newton step from the solution, which is the implicit function theorem.
    """
    dtype = similarities.dtype
    taking_part, finite = participants(similarities, used)
    top = jnp.max(jnp.where(taking_part, finite, -jnp.inf))
    top = lax.stop_gradient(jnp.where(jnp.any(taking_part), top, 0))
    alpha, beta = jnp.asarray(alpha).astype(dtype), jnp.asarray(beta).astype(dtype)
    lead = (alpha - 1) * beta * jnp.where(taking_part, finite - top, 0)
    exponent = 1 / (alpha - 1)
    tau = _solve(*map(lax.stop_gradient, (lead, exponent, taking_part)))
    total, slope = _mass(lead, exponent, taking_part, tau)
    tau = tau + (total - 1) / slope
    weights = _rectified_power(lead - tau, exponent, taking_part)
    total = jnp.sum(weights)
    return weights / jnp.where(total > 0, total, jnp.where(jnp.isnan(top), top, 1))


def _rectified_power(base: Array, exponent: Array, taking_part: Array) -> Array:
    positive = taking_part & (base > 0)
    return jnp.where(positive, jnp.where(positive, base, 1) ** exponent, 0)


def _mass(lead: Array, exponent: Array, taking_part: Array, tau: Array) -> tuple[Array, Array]:
    """sum_i w_i at this tau, and minus its derivative by tau (1 if nothing takes part)."""
    base = lead - tau
    weights = _rectified_power(base, exponent, taking_part)
    slope = exponent * jnp.sum(jnp.where(weights > 0, weights / jnp.where(base > 0, base, 1), 0))
    return jnp.sum(weights), jnp.where(slope > 0, slope, 1)


def _solve(lead: Array, exponent: Array, taking_part: Array) -> Array:
    """tau in [-1, 0) with sum_i max(lead_i - tau, 0)^exponent = 1; the largest lead is 0."""
    tolerance = jnp.finfo(lead.dtype).eps / 2

    def unfinished(carry):
        low, high, tau, steps = carry
        total, _ = _mass(lead, exponent, taking_part, tau)
        return (jnp.abs(total - 1) > tolerance) & (high - low > tolerance) & (steps < 64)

    def step(carry):
        low, high, tau, steps = carry
        total, slope = _mass(lead, exponent, taking_part, tau)
        low, high = jnp.where(total >= 1, tau, low), jnp.where(total >= 1, high, tau)
        newton = tau + (total - 1) / slope
        inside = (newton > low) & (newton < high)
        return low, high, jnp.where(inside, newton, (low + high) / 2), steps + 1

    start = (-jnp.ones((), lead.dtype), jnp.zeros((), lead.dtype), -jnp.ones((), lead.dtype), 0)
    return lax.while_loop(unfinished, step, start)[2]


def _entmax_potential(
    similarities: Array, beta: Array | float, alpha: Array | float, used: Array | None
) -> Array:
    weights = entmax_weights(similarities, beta, alpha, used)
    taking_part, finite = participants(similarities, used)
    dtype = similarities.dtype
    alpha, beta = jnp.asarray(alpha).astype(dtype), jnp.asarray(beta).astype(dtype)
    top = lax.stop_gradient(jnp.max(jnp.where(taking_part, finite, -jnp.inf)))
    some = jnp.any(taking_part)
    top = jnp.where(some, top, 0)
    mean = top + jnp.sum(weights * jnp.where(taking_part, finite - top, 0))
    slots = jnp.maximum(jnp.sum(taking_part.astype(dtype)), 1)
    concentration = jnp.sum(_rectified_power(weights, alpha, taking_part))
    excess = (slots ** (1 - alpha) - concentration) / (alpha * (alpha - 1) * beta)
    return jnp.where(some, mean + excess, 0)
