"""Recall of random pairs by linear memories, measured without forming anything n x n.

Measures for `capacity_sweep`: keys and values N(0, 1), `count` pairs of them, drawn, fitted and
recalled block by block, so that one compiled program serves every load up to its capacity.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.scipy.linalg import solve_triangular

from ngcmem.analysis.metrics import cosine, distance
from ngcmem.plasticity.linear_solvers import solve_gram

BLOCK = 512


def random_pairs(key: Array, count: Array, size: int, capacity: int) -> tuple[Array, Array]:
    """`count` random pairs, rows of zeros after them, drawn block by block.

    A capacity beyond `BLOCK` is a multiple of it.
    """
    block = min(BLOCK, capacity)

    def draw(i: Array, both: Array) -> Array:
        fresh = jax.random.normal(jax.random.fold_in(key, i), (2, block, size))
        exists = (i * block + jnp.arange(block) < count)[:, None]
        return lax.dynamic_update_slice_in_dim(both, jnp.where(exists, fresh, 0), i * block, 1)

    both = lax.fori_loop(0, -(-count // block), draw, jnp.zeros((2, capacity, size)))
    return both[0], both[1]


def block_of(x: Array, i: Array) -> Array:
    """Block i of the rows."""
    block = min(BLOCK, x.shape[0])
    return lax.dynamic_slice_in_dim(x, i * block, block)


def fit_pairs(keys: Array, values: Array, count: Array, size: int) -> Array:
    """W = K^+ V: by QR up to n = d (absent rows are zeros), from the streamed Gram beyond."""
    if keys.shape[0] <= size:
        q, r = jnp.linalg.qr(keys.T)
        r = r + jnp.diag((jnp.arange(keys.shape[0]) >= count).astype(r.dtype))
        return q @ solve_triangular(r.T, values, lower=True)

    def add(i: Array, sums: tuple[Array, Array]) -> tuple[Array, Array]:
        k, v = block_of(keys, i), block_of(values, i)
        return sums[0] + k.T @ k, sums[1] + k.T @ v

    zeros = jnp.zeros((size, size))
    steps = -(-count // min(BLOCK, keys.shape[0]))
    gram, cross = lax.fori_loop(0, steps, add, (zeros, zeros))
    return solve_gram(gram, cross, definite=True).weights


def mean_recall(
    recall: Callable[[Array], Array], keys: Array, values: Array, count: Array
) -> dict[str, Array]:
    """Mean cosine and distance over the pairs that exist, block by block."""
    block = min(BLOCK, keys.shape[0])

    def add(i: Array, sums: Array) -> Array:
        recalled, value = recall(block_of(keys, i)), block_of(values, i)
        exists = i * block + jnp.arange(block) < count
        scores = jnp.stack([cosine(recalled, value), distance(recalled, value)])
        return sums + jnp.sum(jnp.where(exists, scores, 0), axis=1)

    sums = lax.fori_loop(0, -(-count // block), add, jnp.zeros(2))
    sums = sums / count.astype(sums.dtype)
    return {"cosine": sums[0], "distance": sums[1]}


def pinv_recall(key: Array, count: Array, *, size: int, capacity: int) -> dict[str, Array]:
    """Mean cosine and distance of W = K^+ V on its own pairs, a measure for `capacity_sweep`."""
    keys, values = random_pairs(key, count, size, capacity)
    weights = fit_pairs(keys, values, count, size)
    return mean_recall(lambda k: k @ weights, keys, values, count)
