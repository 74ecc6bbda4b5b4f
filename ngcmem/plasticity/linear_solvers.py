"""Least squares for linear memories: the weights that map keys to values, with an error estimate.

Rows are pairs: keys (n, d), values (n, m), weights (d, m), so that `keys @ weights ~ values`. All
solvers give the solution of least norm, W = K^+ V (in Kohonen's column convention W = V K^+), and
say how far rounding may have moved it.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.linalg import solve_triangular

from ngcmem.core import magnitude

Method = Literal["auto", "svd", "qr", "cholesky"]
METHODS = ("auto", "svd", "qr", "cholesky")
SMALL = 256  # rows of a Gram matrix factored at once


class LinearFit(NamedTuple):
    """Weights, and what is known about them."""

    weights: Array  # (d, m)
    error: Array  # (), |W - W_exact| / |W_exact| (Frobenius norms) is at most about this
    complement: Array  # (d, d), the projector onto what no key reaches


def solve(
    keys: Array, values: Array, *, method: Method = "auto", rtol: float | Array | None = None
) -> LinearFit:
    """The least-squares weights of least norm.

    "auto" takes the Gram matrix (d x d or n x n, whichever is smaller) and a Cholesky factor while
    its error, eps cond(K)^2, stays below sqrt(eps); else QR, with eps cond(K); else, when the keys
    are dependent, the SVD. All of it inside jit; under vmap all three are computed.

    Args:
        keys: (n, d).
        values: (n, m).
        method: "auto", "cholesky", "qr" or "svd".
        rtol: singular values below rtol times the largest count as zero ("svd" and "auto");
            max(n, d) eps by default, as torch's `pinv` (jax's own default is ten times that).

    Raises:
        ValueError: an unknown method, or keys and values that are not as many rows each.
    """
    check_pairs(keys, values)
    if method not in METHODS:
        raise ValueError(f"solve: method is one of {', '.join(METHODS)}, got {method!r}.")
    unit, scale = magnitude(keys, None), magnitude(values, None)  # no square is out of range
    keys, values = keys / unit, values / scale
    match method:
        case "svd":
            fit = _svd(keys, values, rtol)
        case "qr":
            fit = _qr(keys, values)
        case "cholesky":
            fit = _cholesky(keys, values)
        case "auto":
            fit = _auto(keys, values, rtol)
    return fit._replace(weights=fit.weights / unit * scale)


def ridge(keys: Array, values: Array, strength: float | Array) -> LinearFit:
    """argmin |K W - V|^2 + strength |W|^2, by Cholesky of the smaller Gram matrix.

    Reference: Hoerl and Kennard (1970), Technometrics 12, 55.
    """
    check_pairs(keys, values)
    unit, scale = magnitude(keys, None), magnitude(values, None)
    fit = _cholesky(keys / unit, values / scale, strength / unit / unit)
    return fit._replace(weights=fit.weights / unit * scale)


def solve_gram(
    gram: Array,
    cross: Array,
    *,
    definite: bool | None,
    rank: Array | int | None = None,
    length: Array | None = None,
) -> LinearFit:
    """The weights from K^T K and K^T V alone: what a stream of pairs leaves behind.

    The error is eps cond(K)^2: a Gram matrix holds half the digits of the keys it came from. It
    is infinite where directions were dropped that keys may have reached, however weakly: what
    they would have added to the weights has no bound.

    Args:
        gram: (d, d), the sum of k k^T, ridge added.
        cross: (d, m), the sum of k v^T.
        definite: whether to trust that the Gram matrix has full rank (Cholesky); else an
            eigendecomposition drops the directions that no key reached. None: as long as the
            error of the Cholesky factor stays below sqrt(eps).
        rank: how many directions the keys reach at most; by default those of a diagonal above 0.
        length: |V|, the root of the sum of all |v|^2; None if the weights explain all values.
    """
    if definite is None:
        first = solve_gram(gram, cross, definite=True, length=length)
        return jax.lax.cond(
            first.error <= jnp.finfo(gram.dtype).eps ** 0.5,
            lambda: first,
            lambda: solve_gram(gram, cross, definite=False, rank=rank, length=length),
        )
    size, eps = gram.shape[0], _unit(gram)
    if definite:
        inverse = inverse_factor(gram)
        weights = inverse.T @ (inverse @ cross)
        top, condition = _condition(gram, inverse)
        error = _gram_error(eps * condition, jnp.sqrt(top), weights, length)
        return LinearFit(weights, error, jnp.zeros_like(gram))
    spectrum, vectors = jnp.linalg.eigh(gram)
    top = jnp.maximum(spectrum[-1], jnp.finfo(gram.dtype).tiny)
    kept = spectrum > size * jnp.finfo(gram.dtype).eps * top
    inverse = jnp.where(kept, 1.0 / jnp.where(kept, spectrum, 1.0), 0.0)
    span = jnp.where(kept, vectors, 0)
    weights = vectors @ (inverse[:, None] * (vectors.T @ cross))
    lowest = jnp.min(jnp.where(kept, spectrum, top))
    error = _gram_error(eps * top / lowest, jnp.sqrt(top), weights, length)
    reached = jnp.sum(jnp.diagonal(gram) > 0, dtype=jnp.int32)
    bound = reached if rank is None else jnp.minimum(rank, reached)
    missing = jnp.sum(kept, dtype=jnp.int32) < bound
    error = jnp.where(missing, jnp.inf, error)
    return LinearFit(weights, error, jnp.eye(size, dtype=gram.dtype) - span @ span.T)


def check_pairs(keys: Array, values: Array) -> None:
    """Raise ValueError unless keys and values are matrices with as many rows each."""
    if keys.ndim != 2 or values.ndim != 2 or keys.shape[0] != values.shape[0]:
        raise ValueError(
            f"Pairs are rows: keys (n, d) and values (n, m), got {keys.shape} and "
            f"{values.shape}. For columns, as in W = V K^+, write keys.T and values.T."
        )


def _auto(keys: Array, values: Array, rtol: float | Array | None) -> LinearFit:
    eps = jnp.finfo(keys.dtype).eps

    def careful(first: LinearFit) -> LinearFit:
        second = _qr(keys, values)
        dependent = ~(second.error < 1.0 / max(keys.shape))
        return jax.lax.cond(dependent, lambda: _svd(keys, values, rtol), lambda: second)

    first = _cholesky(keys, values)
    return jax.lax.cond(first.error <= eps**0.5, lambda fit: fit, careful, first)


def _cholesky(keys: Array, values: Array, strength: float | Array = 0.0) -> LinearFit:
    n, d = keys.shape
    wide = n < d
    gram = keys @ keys.T if wide else keys.T @ keys
    gram = gram + strength * jnp.eye(gram.shape[0], dtype=gram.dtype)
    inverse = inverse_factor(gram)
    top, condition = _condition(gram, inverse)
    error = _gram_error(_unit(keys) * condition, jnp.sqrt(top))
    if wide:
        basis = inverse @ keys  # orthonormal rows
        weights = basis.T @ (inverse @ values)
        return LinearFit(weights, error, jnp.eye(d, dtype=keys.dtype) - basis.T @ basis)
    weights = inverse.T @ (inverse @ (keys.T @ values))
    error = _gram_error(error, jnp.sqrt(top), weights, jnp.linalg.norm(values))
    return LinearFit(weights, error, jnp.zeros((d, d), keys.dtype))


def _qr(keys: Array, values: Array) -> LinearFit:
    n, d = keys.shape
    eps = _unit(keys)
    if n < d:
        q, r = jnp.linalg.qr(keys.T)
        inverse = _inverse(r.T, lower=True)
        weights = q @ (inverse @ values)
        left_over = jnp.zeros((), keys.dtype)
        complement = jnp.eye(d, dtype=keys.dtype) - q @ q.T
    else:
        q, r = jnp.linalg.qr(keys)
        projected = q.T @ values
        inverse = _inverse(r, lower=False)
        weights = inverse @ projected
        left_over = jnp.sqrt(jnp.maximum(jnp.sum(values**2) - jnp.sum(projected**2), 0.0))
        complement = jnp.zeros((d, d), keys.dtype)
    error = _stable_error(eps, _spread(r, inverse), left_over, weights)
    return LinearFit(weights, error, complement)


def _svd(keys: Array, values: Array, rtol: float | Array | None) -> LinearFit:
    n, d = keys.shape
    eps = _unit(keys)
    u, s, vt = jnp.linalg.svd(keys, full_matrices=False)
    kept = s > (max(n, d) * jnp.finfo(keys.dtype).eps if rtol is None else rtol) * s[0]
    projected = u.T @ values
    weights = vt.T @ (jnp.where(kept, 1.0 / jnp.where(kept, s, 1.0), 0.0)[:, None] * projected)
    left_over = jnp.sqrt(jnp.maximum(jnp.sum(values**2) - jnp.sum(projected**2), 0.0))
    span = jnp.where(kept, vt.T, 0)
    spread = (s[0], jnp.min(jnp.where(kept, s, s[0])))
    error = _stable_error(eps, spread, left_over, weights)
    missing = jnp.sum(kept) < jnp.minimum(*(jnp.sum(jnp.any(keys != 0, axis=i)) for i in (0, 1)))
    error = jnp.where(missing, jnp.inf, error)
    return LinearFit(weights, error, jnp.eye(d, dtype=keys.dtype) - span @ span.T)


def _stable_error(
    eps: Array, spread: tuple[Array, Array], left_over: Array, weights: Array
) -> Array:
    """eps (cond + cond^2 rho): Wedin's bound, rho = |residual| / (|K| |W|)."""
    condition = spread[0] / spread[1]
    size = jnp.maximum(spread[0] * jnp.linalg.norm(weights), jnp.finfo(weights.dtype).tiny)
    return _finite(eps * condition * (1.0 + condition * left_over / size))


def _gram_error(
    error: Array, largest: Array, weights: Array | None = None, length: Array | None = None
) -> Array:
    """A first-order error, times |V| / (|K| |W|) where the weights explain little of the values.

    The rounding of K^T V is eps |K| |V|. Errors near 1 are no longer small: e / (1 - e).
    """
    if length is not None:
        size = largest * jnp.linalg.norm(weights)
        error = error * (1 + length / jnp.where(size > 0, size, jnp.inf))
    return _finite(jnp.where(error < 1, error / (1 - jnp.minimum(error, 0.999)), jnp.inf))


def _unit(array: Array) -> Array:
    """Four units of rounding: with it the estimates lay above the error in every case tried."""
    return jnp.asarray(4.0 * jnp.finfo(array.dtype).eps, array.dtype)


def _finite(error: Array) -> Array:
    return jnp.where(jnp.isfinite(error), error, jnp.inf)


def _inverse(triangle: Array, *, lower: bool) -> Array:
    """Formed once: every later use is a matrix product, and the products dominate."""
    return solve_triangular(triangle, jnp.eye(triangle.shape[0], dtype=triangle.dtype), lower=lower)


def inverse_factor(gram: Array) -> Array:
    """L^-1 of gram = L L^T, lower triangular, NaN where gram is not positive.

    Halved down to blocks of `SMALL` rows, and those by loops of our own: LAPACK wakes a second
    thread for them, and on a busy machine waits for it a hundred times as long as it computes.
    """
    size = gram.shape[0]
    if size > SMALL:
        half = size // 2
        first = inverse_factor(gram[:half, :half])
        below = gram[half:, :half] @ first.T
        second = inverse_factor(gram[half:, half:] - below @ below.T)
        corner = -second @ (below @ first)
        return jnp.block([[first, jnp.zeros_like(below.T)], [corner, second]])
    eye, rows = jnp.eye(size, dtype=gram.dtype), jnp.arange(size)

    def column(j: Array, factor: Array) -> Array:
        rest = gram[j] - factor @ factor[j]
        return factor.at[:, j].set(jnp.where(rows >= j, rest / jnp.sqrt(rest[j]), 0))

    def row(i: Array, inverse: Array) -> Array:
        return inverse.at[i].set((eye[i] - factor[i] @ inverse) / factor[i, i])

    factor = jax.lax.fori_loop(0, size, column, jnp.zeros_like(gram))
    return jax.lax.fori_loop(0, size, row, jnp.zeros_like(gram))


def _condition(gram: Array, inverse: Array) -> tuple[Array, Array]:
    """|K|^2 and cond(K)^2 by a few steps of power iteration on the Gram matrix and its inverse."""
    top = _power(lambda v: gram @ v, gram.shape[0], gram.dtype)
    return top, top * _power(lambda v: inverse.T @ (inverse @ v), gram.shape[0], gram.dtype)


def _spread(r: Array, inverse: Array) -> tuple[Array, Array]:
    """The largest and smallest singular value of a triangular factor, by power iteration."""
    top = _power(lambda v: r.T @ (r @ v), r.shape[0], r.dtype)
    low = _power(lambda v: inverse.T @ (inverse @ v), r.shape[0], r.dtype)
    return jnp.sqrt(top), 1.0 / jnp.sqrt(low)


def _power(
    apply: Callable[[Array], Array], size: int, dtype: jnp.dtype, steps: int = 6, width: int = 4
) -> Array:
    """The largest eigenvalue of a positive operator, from below, by a block of power iterations."""
    start = jnp.asarray(np.random.default_rng(0).normal(size=(size, min(width, size))), dtype)

    def step(_: Array, v: Array) -> Array:
        return apply(v / jnp.linalg.norm(v, axis=0, keepdims=True))

    last = jnp.asarray(jax.lax.fori_loop(0, steps, step, start))
    return jnp.sqrt(jnp.max(jnp.sum(last**2, axis=0)))
