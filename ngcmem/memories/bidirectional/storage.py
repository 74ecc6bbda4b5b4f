"""Storage for bidirectional associative memories: from pairs of +-1 patterns to one matrix."""

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.plasticity import check_pairs, solve


def correlate(first: Array, second: Array, strengths: Array | None = None) -> Array:
    """sum_mu q_mu x_mu y_mu^T, (n, p): Hebb's rule, with strengths q (ones by default).

    Kosko (1988), IEEE Trans. Systems, Man and Cybernetics 18, 49.
    """
    check_pairs(first, second)
    weighted = first if strengths is None else first * strengths[:, None]
    return weighted.T @ second


def multiple_training(first: Array, second: Array, rounds: int = 100) -> tuple[Array, Array, Array]:
    """Raise the strength of every pair that is not recalled both ways, until all are.

    Wang, Cruz and Mulligan (1990), IEEE Trans. Neural Networks 1, 81. Converges only when
    strengths with that property exist.

    Returns:
        The matrix (n, p), the strengths (pairs,), and how many pairs are still not recalled.
    """

    def failing(strengths: Array) -> Array:
        w = correlate(first, second, strengths)
        wrong_second = jnp.any(second * (first @ w) <= 0, axis=1)
        return wrong_second | jnp.any(first * (second @ w.T) <= 0, axis=1)

    def step(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        strengths, wrong, count = carry
        strengths = strengths + wrong.astype(strengths.dtype)
        return strengths, failing(strengths), count + 1

    start = jnp.ones(first.shape[0], first.dtype)
    strengths, wrong, _ = jax.lax.while_loop(
        lambda carry: jnp.any(carry[1]) & (carry[2] < rounds),
        step,
        (start, failing(start), jnp.zeros((), jnp.int32)),
    )
    return correlate(first, second, strengths), strengths, jnp.sum(wrong, dtype=jnp.int32)


def project(first: Array, second: Array) -> Array:
    """X^+ Y + (Y^+ X)^T, (n, p): every pair of independent patterns pulls its partner exactly.

    Each half recalls one direction without cross-talk; the sum is read both ways, so recall keeps
    its energy, and each half disturbs the other's direction a little. Compare Wang, Cruz and
    Mulligan (1991), IEEE Trans. Neural Networks 2, 559.
    """
    check_pairs(first, second)
    return solve(first, second).weights + solve(second, first).weights.T
