"""Rules that move the patterns of a slot memory. Each returns dWeights, the change it wants.

A rule is called with

- a batched state: `inputs`, `known`, `outputs` (batch, features), `memory_weights` (batch, slots),
  `weights` (slots, features) and the gate `learn` (batch,), how much is learned from each example;
- `retrieve(weights, probes) -> RetrievalResult`: outputs, memory weights and energies of
  a batch of probes;
- a random key, if it is `stochastic`;

and returns dWeights (slots, features). Unknown features of a probe are filled with what was
recalled, so nothing is learned from them, whatever the probe holds there (NaN too); nor from an
example whose `learn` is 0.
"""

import abc
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import NonNegative, Positive, Pytree, Static

Retrieve = Callable[[Array, Array], Any]


class SlotRule(Pytree, abc.ABC):
    """The change of the weights wanted after a batch of probes."""

    stochastic: ClassVar[bool] = False

    @abc.abstractmethod
    def __call__(self, state: Any, retrieve: Retrieve, key: Array | None) -> Array:
        """dWeights, (slots, features)."""


def filled(state: Any) -> Array:
    """The probes with unknown features as recalled, (batch, features)."""
    return _heard(state, jnp.where(state.known > 0, state.inputs, state.outputs))


class Delta(SlotRule):
    """The prescribed-error (delta) rule: dW = mean over the batch of s outer (x - x_hat).

    A step against the gradient of |x - x_hat|^2 / 2 at fixed memory weights s. Reference: Widrow
    and Hoff (1960), Adaptive switching circuits.
    """

    def __call__(self, state: Any, retrieve: Retrieve, key: Array | None) -> Array:
        return _outer_mean(state, state.memory_weights, filled(state) - state.outputs)


class Contrastive(SlotRule):
    """Contrastive Hebbian rule: dW = mean of s outer x - s_hat outer x_hat.

    The negative phase starts from the recalled probe x_hat and takes `steps` retrievals
    s_hat = sep(beta sim(W, x_hat)), x_hat <- W^T s_hat between them, each at the memory's own
    beta. With `winners` = k only the k largest of s_hat take part, with weight 1/k each.
    Reference: Movellan (1991), Contrastive Hebbian learning in the continuous Hopfield model.

    Raises:
        ValueError: `steps` or `winners` is not a whole number of at least 1.
    """

    steps: Static[int] = 1
    winners: Static[int | None] = None

    def __call__(self, state: Any, retrieve: Retrieve, key: Array | None) -> Array:
        probes = state.outputs
        for _ in range(self.steps - 1):
            probes = retrieve(state.weights, probes).outputs
        negative = retrieve(state.weights, probes).weights
        if self.winners is not None:
            _, best = jax.lax.top_k(negative, self.winners)
            shares = jax.nn.one_hot(best, negative.shape[-1], dtype=negative.dtype).sum(-2)
            negative = shares / self.winners
        positive = _outer_mean(state, state.memory_weights, filled(state))
        return positive - _outer_mean(state, negative, probes)


class EnergyGradient(SlotRule):
    """Descent on the energy of the probes: dW = -d(mean E)/dW, exactly, by differentiation.

    For dot similarity and softmax this is mean of s outer x, minus the row of the longest pattern
    (the energy's constant max|x|^2 / 2). Reference: Ramsauer et al. (2021), arXiv:2008.02217.
    """

    def __call__(self, state: Any, retrieve: Retrieve, key: Array | None) -> Array:
        probes = filled(state)

        def mean_energy(weights: Array) -> Array:
            return (state.learn * retrieve(weights, probes).energy).mean()

        return -jax.grad(mean_energy)(state.weights)


class Perturbation(SlotRule):
    """A rule without derivatives: two noisy copies of the weights, and which recalled better.

        dW = -(L(W + sigma Z) - L(W - sigma Z)) / (2 sigma) Z,   Z ~ N(0, 1)

    with L the mean of |x - x_hat|^2 / 2. Its mean over Z is -dL/dW up to O(sigma^2). Reference:
    Spall (1992), IEEE Trans. Automatic Control 37:332, doi:10.1109/9.119632.
    """

    stochastic = True
    sigma: Positive = 1e-2

    def __call__(self, state: Any, retrieve: Retrieve, key: Array | None) -> Array:
        assert key is not None
        probes = filled(state)
        noise = jax.random.normal(key, state.weights.shape, state.weights.dtype)

        def loss(sign: float) -> Array:
            outputs = retrieve(state.weights + sign * self.sigma * noise, probes).outputs
            return (state.learn * 0.5 * jnp.sum((probes - outputs) ** 2, -1)).mean()

        return -(loss(1.0) - loss(-1.0)) / (2.0 * self.sigma) * noise


class Noisy(SlotRule):
    """Another rule with Gaussian noise of standard deviation `sigma` added to its change."""

    stochastic = True
    rule: SlotRule
    sigma: NonNegative = 1e-3

    def __call__(self, state: Any, retrieve: Retrieve, key: Array | None) -> Array:
        assert key is not None
        own, inner = jax.random.split(key)
        change = self.rule(state, retrieve, inner)
        return change + self.sigma * jax.random.normal(own, change.shape, change.dtype)


def _outer_mean(state: Any, pre: Array, post: Array) -> Array:
    """The gated mean over the batch of pre outer post: one matrix product."""
    pre, post = _heard(state, pre), _heard(state, post)
    return (state.learn[:, None] * pre).T @ post / pre.shape[0]


def _heard(state: Any, rows: Array) -> Array:
    """The rows (batch, n), without NaN and infinities of examples that nothing is learned from."""
    silent = (state.learn == 0)[:, None]
    return jnp.where(silent & ~jnp.isfinite(rows), 0, rows)
