"""Recall of random pairs by linear memories, measured without forming anything n x n.

Measures for `capacity_sweep`: keys and values N(0, 1), `count` pairs of them. Beyond n = d they are
drawn block by block, once to fit and once again to recall, so that one compiled program of a few
blocks' memory serves every load up to its capacity.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax

from ngcmem.analysis.metrics import cosine_similarity, euclidean_distance
from ngcmem.plasticity import inverse_factor, solve_gram

BLOCK = 512

Blocks = Callable[[Array], tuple[Array, Array]]  # the keys and values of block i, rows


def random_blocks(key: Array, count: Array, size: int, capacity: int) -> Blocks:
    """`count` random pairs by blocks of `BLOCK` (or `capacity`) rows, rows of zeros after them."""
    block = min(BLOCK, capacity)

    def draw(i: Array) -> tuple[Array, Array]:
        fresh = jax.random.normal(jax.random.fold_in(key, i), (2, block, size))
        exists = (i * block + jnp.arange(block) < count)[:, None]
        return jnp.where(exists, fresh[0], 0), jnp.where(exists, fresh[1], 0)

    return draw


def random_pairs(key: Array, count: Array, size: int, capacity: int) -> tuple[Array, Array]:
    """All blocks in two arrays (capacity, size); a capacity beyond `BLOCK` is a multiple of it."""
    draw, block = random_blocks(key, count, size, capacity), min(BLOCK, capacity)

    def add(i: Array, pairs: tuple[Array, Array]) -> tuple[Array, Array]:
        keys, values = draw(i)
        at = i * block
        return (
            lax.dynamic_update_slice_in_dim(pairs[0], keys, at, 0),
            lax.dynamic_update_slice_in_dim(pairs[1], values, at, 0),
        )

    zeros = jnp.zeros((capacity, size))
    return lax.fori_loop(0, _blocks(count, capacity), add, (zeros, zeros))


def stored_blocks(keys: Array, values: Array) -> Blocks:
    """The blocks of pairs that are there."""
    block = min(BLOCK, keys.shape[0])

    def read(i: Array) -> tuple[Array, Array]:
        at = i * block
        return (
            lax.dynamic_slice_in_dim(keys, at, block),
            lax.dynamic_slice_in_dim(values, at, block),
        )

    return read


def fit_few(keys: Array, values: Array, count: Array) -> Array:
    """W = K^+ V of at most as many pairs as inputs; absent rows are zeros.

    The keys are made orthonormal by K <- L^-1 K with L L^T = K K^T: once while they are few, hence
    well conditioned, else three times, the first with a shift. Fukaya et al. (2020), SIAM J. Sci.
    Comput. 42, A477. Matrix products only: LAPACK's QR is slow on a busy machine.
    """
    exists = jnp.arange(keys.shape[0]) < count
    eye, few = jnp.eye(keys.shape[0], dtype=keys.dtype), 2 * count <= keys.shape[1]
    tiny = 10.0 * jnp.finfo(keys.dtype).eps * jnp.sum(keys**2)

    def orthonormal(i: Array, pairs: tuple[Array, Array]) -> tuple[Array, Array]:
        rows, targets = pairs
        shift = jnp.where(few | (i > 0), 0.0, tiny)
        inverse = inverse_factor(rows @ rows.T + eye * jnp.where(exists, shift, 1.0)[None])
        return inverse @ rows, inverse @ targets

    rows, targets = lax.fori_loop(0, jnp.where(few, 1, 3), orthonormal, (keys, values))
    return rows.T @ targets


def fit_blocks(pairs: Blocks, count: Array, size: int, capacity: int) -> Array:
    """W = K^+ V of more pairs than inputs, from K^T K and K^T V summed over blocks."""

    def add(i: Array, moments: Array) -> Array:
        keys, values = pairs(i)
        return moments + keys.T @ jnp.concatenate([keys, values], axis=1)

    start = jnp.zeros((size, 2 * size))
    moments = lax.fori_loop(0, _blocks(count, capacity), add, start)
    return solve_gram(moments[:, :size], moments[:, size:], definite=True).weights


def mean_recall(
    recall: Callable[[Array], Array], pairs: Blocks, count: Array, capacity: int
) -> dict[str, Array]:
    """Mean cosine and distance over the pairs that exist, block by block."""
    block = min(BLOCK, capacity)

    def add(i: Array, sums: Array) -> Array:
        keys, values = pairs(i)
        recalled = recall(keys)
        exists = i * block + jnp.arange(block) < count
        scores = jnp.stack(
            [cosine_similarity(recalled, values), euclidean_distance(recalled, values)]
        )
        return sums + jnp.sum(jnp.where(exists, scores, 0), axis=1)

    sums = lax.fori_loop(0, _blocks(count, capacity), add, jnp.zeros(2))
    sums = sums / count.astype(sums.dtype)
    return {"cosine": sums[0], "distance": sums[1]}


def pinv_recall(key: Array, count: Array, *, size: int, capacity: int) -> dict[str, Array]:
    """Mean cosine and distance of W = K^+ V on its own pairs, a measure for `capacity_sweep`.

    A bucket holds loads up to `size` (capacity = size) or loads beyond it, not both.
    """
    if capacity <= size:
        keys, values = random_pairs(key, count, size, capacity)
        weights, pairs = fit_few(keys, values, count), stored_blocks(keys, values)
    else:
        pairs = random_blocks(key, count, size, capacity)
        weights = fit_blocks(pairs, count, size, capacity)
    return mean_recall(lambda k: k @ weights, pairs, count, capacity)


def _blocks(count: Array, capacity: int) -> Array:
    return -(-count // min(BLOCK, capacity))
