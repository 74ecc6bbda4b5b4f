"""Many steps of a linear fast-weight memory at once, exactly: plain functions of one example.

Within a chunk the memory is a known linear function of where it began and of one impulse k_i e_i^T
per pair, e_i the error at that pair. Its scalar coefficients follow from the gates alone, so the
errors solve one triangular system (the WY form of Yang et al. 2024, arXiv:2406.06484, with
decay and momentum) and all outputs are matrix products. Least squares has the same structure
with a Cholesky factor in the place of the coefficients.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import solve_triangular


class Chunk(NamedTuple):
    """The steps of a chunk; a step without a key has s = 0 and r = 1."""

    queries: Array  # (steps, features)
    keys: Array  # (steps, features)
    values: Array  # (steps, values)
    s: Array  # (steps,) strength of the write
    r: Array  # (steps,) what is retained
    some: Array  # (steps,) whether there is a key
    before: bool  # read before the write


def hebb_chunk(weights: Array, fast: Array, chunk: Chunk) -> tuple[Array, Array]:
    """Fast weights after the chunk, and the outputs during it (steps, values)."""
    nothing = jnp.zeros_like(fast)
    rows, _ = _coefficients(chunk, 0.0)
    return _mixed(weights, (fast, nothing), chunk, rows, chunk.values)


def delta_chunk(weights: Array, fast: Array, chunk: Chunk) -> tuple[Array, Array]:
    """Likewise; the error of a pair is that of the memory after the decay, before writing."""
    began = (fast, jnp.zeros_like(fast))
    rows, _ = _coefficients(chunk, 0.0)
    errors = _errors(weights, began, chunk, chunk.r[:, None] * rows[:-1])
    return _mixed(weights, began, chunk, rows, errors)


def momentum_chunk(
    weights: Array, fast: Array, speed: Array, chunk: Chunk, momentum: Any
) -> tuple[Array, Array, Array]:
    """Fast weights and speed after the chunk, and the outputs during it."""
    began = (fast, speed)
    rows, last_speed = _coefficients(chunk, momentum)
    errors = _errors(weights, began, chunk, rows[:-1])
    fast, outputs = _mixed(weights, began, chunk, rows, errors)
    return fast, _total(began, chunk, last_speed, errors), outputs


def least_squares_chunk(
    weights: Array, fast: Array, covariance: Array, chunk: Chunk
) -> tuple[Array, Array, Array]:
    """Fast weights and inverse covariance after the chunk, and the outputs during it.

    Pairs count relative to the chunk's start, 1 / retained: float32 loses a digit for every
    factor of ten that the chunk forgets.
    """
    retained = jnp.cumprod(chunk.r)
    # Never 0, where the root has no slope: a shut gate too has a gradient.
    scale = jnp.sqrt((chunk.s + 1e-12) / retained)[:, None]
    start = weights + fast
    keys, errors = scale * chunk.keys, scale * (chunk.values - chunk.keys @ start)
    spread = keys @ covariance
    factor = jnp.linalg.cholesky(jnp.eye(len(keys), dtype=fast.dtype) + spread @ keys.T)
    white = solve_triangular(factor, spread, lower=True)
    news = solve_triangular(factor, errors, lower=True)
    mask = jnp.tril(jnp.ones_like(factor), -1 if chunk.before else 0)
    outputs = chunk.queries @ start + (mask * (chunk.queries @ white.T)) @ news
    return fast + white.T @ news, (covariance - white.T @ white) / retained[-1], outputs


def _coefficients(chunk: Chunk, momentum: Any) -> tuple[Array, Array]:
    """The memory before and after every step as coefficients of its beginnings and impulses.

    Returns:
        Rows (steps + 1, 2 + steps), columns: fast weights at the start, speed at the start, one
        impulse per pair; and the same for the speed at the end.
    """
    steps, dtype = len(chunk.s), chunk.s.dtype
    impulses = chunk.s[:, None] * jnp.eye(steps, 2 + steps, 2, dtype=dtype)
    basis = jnp.eye(2, 2 + steps, dtype=dtype)

    def step(rows: tuple[Array, Array], x: Any) -> tuple[tuple[Array, Array], Array]:
        memory, speed = rows
        impulse, retained, event = x
        speed = jnp.where(event, momentum * speed + impulse, speed)
        memory = jnp.where(event, retained * memory + speed, memory)
        return (memory, speed), memory

    (_, speed), rows = jax.lax.scan(step, (basis[0], basis[1]), (impulses, chunk.r, chunk.some))
    return jnp.concatenate([basis[:1], rows]), speed


def _errors(weights: Array, began: tuple[Array, Array], chunk: Chunk, at: Array) -> Array:
    """v_i - m(k_i) of every pair, m the memory with the coefficients `at` (steps, 2 + steps)."""
    fast, speed = began
    known = chunk.values - chunk.keys @ weights
    known -= at[:, :1] * (chunk.keys @ fast) + at[:, 1:2] * (chunk.keys @ speed)
    system = jnp.eye(len(at), dtype=fast.dtype) + at[:, 2:] * (chunk.keys @ chunk.keys.T)
    return solve_triangular(system, known, lower=True, unit_diagonal=True)


def _mixed(
    weights: Array, began: tuple[Array, Array], chunk: Chunk, rows: Array, errors: Array
) -> tuple[Array, Array]:
    """Fast weights after the chunk, and the answers to its queries."""
    read, queries = rows[:-1] if chunk.before else rows[1:], chunk.queries
    fast, speed = began
    outputs = queries @ weights
    outputs += read[:, :1] * (queries @ fast) + read[:, 1:2] * (queries @ speed)
    outputs += (read[:, 2:] * (queries @ chunk.keys.T)) @ errors
    return _total(began, chunk, rows[-1], errors), outputs


def _total(began: tuple[Array, Array], chunk: Chunk, row: Array, errors: Array) -> Array:
    fast, speed = began
    return row[0] * fast + row[1] * speed + (row[2:, None] * chunk.keys).T @ errors
