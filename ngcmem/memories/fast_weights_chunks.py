"""A whole sequence through a linear fast-weight memory, many steps at a time, exactly.

Within a chunk the memory is a known linear function of where it began and of one impulse k_i e_i^T
per pair, e_i the error at that pair. Its scalar coefficients follow from the gates alone, so the
errors solve one triangular system (the WY form of Yang et al. 2024, arXiv:2406.06484, with
forgetting and momentum) and all outputs are matrix products. Least squares has the same structure
with a Cholesky factor in the place of the coefficients.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import solve_triangular

from ngcmem.memories.fast_weights import FastWeights
from ngcmem.memories.fast_weights_updates import HebbUpdate, LeastSquaresUpdate, MomentumUpdate


def chunk_step(memory: FastWeights, weights: Array, carry: Any, chunk: Any) -> tuple[Any, Array]:
    """One example's fast weights and rule state after a chunk, and the outputs during it."""
    queries, keys, values, s, r = chunk
    some = jnp.any(keys != 0, axis=-1)
    s, r = jnp.where(some, s, 0.0), jnp.where(some, r, 1.0)
    if isinstance(memory.update, LeastSquaresUpdate):
        return _least_squares(memory, weights, carry, (queries, keys, values, s, r))
    return _descent(memory, weights, carry, (queries, keys, values, s, r), some)


def _descent(
    memory: FastWeights, weights: Array, carry: Any, chunk: Any, some: Array
) -> tuple[Any, Array]:
    queries, keys, values, s, r = chunk
    fast, own = carry
    moving = isinstance(memory.update, MomentumUpdate)
    momentum = memory.update.momentum if isinstance(memory.update, MomentumUpdate) else 0.0
    speed = own if moving else jnp.zeros_like(fast)
    rows, last_speed = _coefficients(s, r, momentum, some)
    before, after = rows[:-1], rows[1:]

    if isinstance(memory.update, HebbUpdate):
        errors = values
    else:
        at = before if moving else r[:, None] * before  # where the slope is taken
        known = values - keys @ weights
        known -= at[:, :1] * (keys @ fast) + at[:, 1:2] * (keys @ speed)
        system = jnp.eye(len(s), dtype=fast.dtype) + at[:, 2:] * (keys @ keys.T)
        errors = solve_triangular(system, known, lower=True, unit_diagonal=True)

    def total(row: Array) -> Array:
        return row[0] * fast + row[1] * speed + (row[2:, None] * keys).T @ errors

    read = before if memory.read_before_write else after
    outputs = queries @ weights
    outputs += read[:, :1] * (queries @ fast) + read[:, 1:2] * (queries @ speed)
    outputs += (read[:, 2:] * (queries @ keys.T)) @ errors
    return (total(after[-1]), total(last_speed) if moving else own), outputs


def _coefficients(s: Array, r: Array, momentum: Any, some: Array) -> tuple[Array, Array]:
    """The memory before and after every step as coefficients of its beginnings and impulses.

    Returns:
        Rows (steps + 1, 2 + steps), columns: fast weights at the start, momentum at the start,
        one impulse per pair; and the same for the momentum at the end.
    """
    impulses = s[:, None] * jnp.eye(len(s), 2 + len(s), 2, dtype=s.dtype)
    basis = jnp.eye(2, 2 + len(s), dtype=s.dtype)

    def step(rows: tuple[Array, Array], x: Any) -> tuple[tuple[Array, Array], Array]:
        memory, speed = rows
        impulse, retained, event = x
        speed = jnp.where(event, momentum * speed + impulse, speed)
        memory = jnp.where(event, retained * memory + speed, memory)
        return (memory, speed), memory

    (_, speed), rows = jax.lax.scan(step, (basis[0], basis[1]), (impulses, r, some))
    return jnp.concatenate([basis[:1], rows]), speed


def _least_squares(
    memory: FastWeights, weights: Array, carry: Any, chunk: Any
) -> tuple[Any, Array]:
    queries, keys, values, s, r = chunk
    fast, covariance = carry
    retained = jnp.cumprod(r)
    scale = jnp.sqrt(s / retained)[:, None]  # weights of the pairs relative to the chunk's start
    keys, errors = scale * keys, scale * (values - keys @ (weights + fast))
    spread = keys @ covariance
    factor = jnp.linalg.cholesky(jnp.eye(len(s), dtype=fast.dtype) + spread @ keys.T)
    white = solve_triangular(factor, spread, lower=True)
    news = solve_triangular(factor, errors, lower=True)
    mask = jnp.tril(jnp.ones_like(factor), -1 if memory.read_before_write else 0)
    outputs = queries @ (weights + fast) + (mask * (queries @ white.T)) @ news
    covariance = (covariance - white.T @ white) / retained[-1]
    return (fast + white.T @ news, covariance), outputs
