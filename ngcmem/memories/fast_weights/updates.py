"""How a fast-weight memory takes in one pair (k, v): four rules of test-time regression.

In all of them s is the strength of the write (learning rate x gate), r = 1 - decay what is
retained, and m(k) the prediction from slow and fast weights together.
"""

import abc
import math
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import Positive, Probability, Pytree
from ngcmem.memories.fast_weights._chunks import (
    Chunk,
    delta_chunk,
    hebb_chunk,
    least_squares_chunk,
    momentum_chunk,
)

Predict = Callable[[Any, Array], Array]
"""`predict(fast_weights, key)`: the regressor on slow plus fast weights."""


class Update(Pytree, abc.ABC):
    """A rule that changes fast weights by one pair; what else it remembers is its own state.

    `step` is enough. A rule that can also take many steps of a linear memory at once says how many
    at most in `longest_chunk` and defines `chunk`, with the same result.
    """

    longest_chunk: ClassVar[float] = 0
    least_retained: ClassVar[float] = 0.0
    """The smallest r that `FastWeights` hands to the rule, whatever the gates say."""

    def init(self, weights: Any) -> Any:
        """What the rule remembers besides the fast weights."""
        return ()

    @abc.abstractmethod
    def step(
        self, predict: Predict, fast: Any, own: Any, pair: tuple[Array, Array], s: Array, r: Array
    ) -> tuple[Any, Any]:
        """The fast weights and the rule's own state after one pair."""

    def chunk(self, weights: Array, fast: Any, own: Any, chunk: Chunk) -> tuple[Any, Any, Array]:
        """Fast weights and own state after a chunk, and the outputs during it."""
        raise TypeError(f"{type(self).__name__} has no chunk form: it takes one step at a time.")


class AdditiveUpdate(Update):
    """M <- r M + s d<v, m(k)>/dM: for a linear memory M <- r M + s k v^T, linear attention.

    References: Schmidhuber (1992), Neural Computation 4:131; Katharopoulos et al. (2020),
    arXiv:2006.16236.
    """

    longest_chunk: ClassVar[float] = math.inf

    def step(
        self, predict: Predict, fast: Any, own: Any, pair: tuple[Array, Array], s: Array, r: Array
    ) -> tuple[Any, Any]:
        key, value = pair
        change = jax.grad(lambda weights: jnp.vdot(value, predict(weights, key)))(fast)
        return jax.tree.map(lambda m, c: r * m + s * c, fast, change), own

    def chunk(self, weights: Array, fast: Any, own: Any, chunk: Chunk) -> tuple[Any, Any, Array]:
        fast, outputs = hebb_chunk(weights, fast, chunk)
        return fast, own, outputs


class DeltaUpdate(Update):
    """M <- r M; M <- M - s d(|v - m(k)|^2 / 2)/dM: for a linear memory the (gated) delta rule.

    References: Widrow and Hoff (1960); Schlag, Irie and Schmidhuber (2021), arXiv:2102.11174;
    Yang, Kautz and Hatamizadeh (2024), arXiv:2412.06464.
    """

    longest_chunk: ClassVar[float] = math.inf

    def step(
        self, predict: Predict, fast: Any, own: Any, pair: tuple[Array, Array], s: Array, r: Array
    ) -> tuple[Any, Any]:
        fast = jax.tree.map(lambda m: r * m, fast)
        return jax.tree.map(lambda m, g: m - s * g, fast, _slope(predict, fast, pair)), own

    def chunk(self, weights: Array, fast: Any, own: Any, chunk: Chunk) -> tuple[Any, Any, Array]:
        fast, outputs = delta_chunk(weights, fast, chunk)
        return fast, own, outputs


class MomentumUpdate(Update):
    """S <- momentum S - s d(|v - m(k)|^2 / 2)/dM; M <- r M + S.

    Surprise with momentum and decay. Reference: Behrouz, Zhong and Mirrokni (2025), Titans,
    arXiv:2501.00663, equations 13 and 14 (there the loss has no half, so s is twice their theta).
    """

    longest_chunk: ClassVar[float] = math.inf

    momentum: Probability = 0.9

    def init(self, weights: Any) -> Any:
        return jax.tree.map(jnp.zeros_like, weights)

    def step(
        self, predict: Predict, fast: Any, own: Any, pair: tuple[Array, Array], s: Array, r: Array
    ) -> tuple[Any, Any]:
        slope = _slope(predict, fast, pair)
        own = jax.tree.map(lambda v, g: self.momentum * v - s * g, own, slope)
        return jax.tree.map(lambda m, v: r * m + v, fast, own), own

    def chunk(self, weights: Array, fast: Any, own: Any, chunk: Chunk) -> tuple[Any, Any, Array]:
        return momentum_chunk(weights, fast, own, chunk, self.momentum)


class LeastSquaresUpdate(Update):
    """Recursive least squares: the exact minimum over all pairs so far, linear memories only.

        M_t = argmin  sum_i s_i (prod_{j>i} r_j) |v_i - m(k_i)|^2  +  ridge (prod_j r_j) |M|^2

    kept by P <- P / r; g = s P k / (1 + s k^T P k); M <- M + g (v - m(k))^T; P <- P - g k^T P.
    A step forgets at most half, r >= 1/2: with r = 0 nothing would be left to divide by, and eight
    halves, a chunk, are as many digits as float32 can spare. The pairs of the last 1 / decay
    steps have to span the keys, or P grows without bound.
    References: Haykin (2002), Adaptive Filter Theory, chapter 9; as a layer: von Oswald et al.
    (2023), arXiv:2309.05858.
    """

    longest_chunk: ClassVar[float] = 8
    least_retained: ClassVar[float] = 0.5

    ridge: Positive = 1.0

    def init(self, weights: Any) -> Array:
        return jnp.eye(weights.shape[0], dtype=weights.dtype) / self.ridge

    def step(
        self, predict: Predict, fast: Any, own: Any, pair: tuple[Array, Array], s: Array, r: Array
    ) -> tuple[Any, Any]:
        key, value = pair
        covariance = own / r
        spread = covariance @ key
        scale = s / (1.0 + s * jnp.vdot(key, spread))
        fast = fast + scale * jnp.outer(spread, value - predict(fast, key))
        # Exactly symmetric: an antisymmetric rounding error would grow like 1 / r per step.
        return fast, covariance - scale * jnp.outer(spread, spread)

    def chunk(self, weights: Array, fast: Any, own: Any, chunk: Chunk) -> tuple[Any, Any, Array]:
        return least_squares_chunk(weights, fast, own, chunk)


def _slope(predict: Predict, fast: Any, pair: tuple[Array, Array]) -> Any:
    key, value = pair
    return jax.grad(lambda weights: 0.5 * jnp.sum((value - predict(weights, key)) ** 2))(fast)
