"""Minimum probability flow: couplings under which no pattern flows to its neighbours."""

from typing import Annotated

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import Interval, NonNegative, Static
from ngcmem.plasticity.hopfield_storage import (
    HopfieldRule,
    Statistics,
    keep,
    kept_patterns,
    without_diagonal,
)


class MinimumProbabilityFlow(HopfieldRule):
    """Gradient descent on the probability flow from the patterns to their one-bit neighbours,

        K(W) = mean_mu sum_i exp(-x_i (W x)_i)

    convex in W; `steps` steps over all patterns kept (`slots` at most), of size `eta` as long as
    K falls. A step that would raise it is not taken: the next ones change no exponent by more than
    1, 1/2, 1/4 ... until K falls, then twice as much each until `eta` fits again. (After a write
    the couplings are large, and a new pattern has gradients like exp(10) under them.) Hillar,
    Sohl-Dickstein and Koepsell (2012), arXiv:1204.2916.
    """

    slots: Static[int]
    eta: NonNegative = 0.1
    steps: Annotated[float | Array, Interval("[0, 1e9]")] = 500.0

    def init(self, features: int) -> Statistics:
        return kept_patterns(self.slots, features)

    def capacity(self, features: int) -> int | None:
        return self.slots

    def write(
        self, weights: Array, statistics: Statistics, patterns: Array
    ) -> tuple[Array, Statistics]:
        statistics, rows, used = keep(statistics, patterns)
        used = used[:, None]
        number = jnp.maximum(jnp.sum(used), 1).astype(rows.dtype)
        tiny = jnp.finfo(rows.dtype).tiny

        def step(_: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            w, exponents, limit = carry  # -x_i (W x)_i, and by how much one may change
            top = jnp.maximum(jnp.max(exponents, where=used, initial=0.0), 0.0)
            pull = jnp.where(used, rows * jnp.exp(exponents - top), 0)
            change = without_diagonal(pull.T @ rows) / number
            change = 0.5 * (change + change.T)
            shift = jnp.where(used, -rows * (rows @ change), 0)
            reach = jnp.maximum(jnp.max(jnp.abs(shift)), tiny)
            size = jnp.minimum(self.eta * jnp.exp(jnp.minimum(top, 60.0)), limit / reach)
            moved = exponents + size * shift
            falls = _log_flow(moved, used) <= _log_flow(exponents, used)
            smaller = jnp.minimum(0.5 * size * reach, 1.0)
            return (
                jnp.where(falls, w + size * change, w),
                jnp.where(falls, moved, exponents),
                jnp.where(falls, 2.0 * limit, smaller),
            )

        steps = jnp.asarray(self.steps).astype(jnp.int32)
        start = (weights, -rows * (rows @ weights), jnp.full((), jnp.inf, rows.dtype))
        return jax.lax.fori_loop(0, steps, step, start)[0], statistics


def _log_flow(exponents: Array, used: Array) -> Array:
    return jax.scipy.special.logsumexp(jnp.where(used, exponents, -jnp.inf))
