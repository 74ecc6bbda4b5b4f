"""Predictive-coding recurrent network with hidden causes: a memory of sequences."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from ngcmem.core import (
    Component,
    Input,
    NonNegative,
    PerExample,
    Positive,
    PositiveOrInf,
    Shared,
    State,
    Static,
    euclidean_norm,
    log_sum_exp,
)
from ngcmem.plasticity import apply_change, check_learning, init_optimizer

LOG_FLOOR = -92.10340371976183  # log 1e-40, too small for a float32 that is no logarithm
LEARNED = ("w_o", "b_o", "w_c", "w_r", "b_r")


class PredictiveCodingRNNState(State):
    inputs: Input[Array, "outputs"]  # the target x of this step; unread while alpha_x is 0
    noise: Input[Array, "causes"]  # standard-normal draws made elsewhere, added to its own
    outputs: PerExample[Array, "outputs"]  # the prediction of x
    error: PerExample[Array, "outputs"]  # outputs - inputs
    hidden_prior: PerExample[Array, "states"]
    hidden_post: PerExample[Array, "states"]
    causes: PerExample[Array, "causes"]
    begun: PerExample[Array, ""]  # 0 until the first step, which starts from h_init
    hidden_before: PerExample[Array, "states"]  # hidden_post of the step before, for evolve
    causes_before: PerExample[Array, "causes"]
    energy: PerExample[Array, ""]
    key: PerExample[Array, ""]
    w_o: Shared[Array, "outputs states"]
    b_o: Shared[Array, "outputs"]
    w_c: Shared[Array, "states causes"]
    w_r: Shared[Array, "states states"]
    b_r: Shared[Array, "states"]
    h_init: Shared[Array, "states"]
    mus: Shared[Array, "patterns causes"]  # the cause of each stored sequence
    optimizer_state: Shared[Any, ""]


class PredictiveCodingRNN(Component[PredictiveCodingRNNState]):
    """PC-RNN-HC-A: hidden causes c steer a recurrent network that generates a sequence.

    Top-down, with k = dt / tau:

        hidden_prior = (1 - k) h + k (w_r tanh(h) + w_c c + b_r),   h the last hidden_post
        outputs      = w_o tanh(hidden_prior) + b_o,   error = outputs - inputs

    and bottom-up, which infers the causes of a target (`alpha_x` = 0: generation, none of it but
    the prior's pull):

        hidden_post = hidden_prior - alpha_x tanh'(hidden_prior) w_o^T error
        e_h         = hidden_prior - hidden_post
        c <- c - alpha_h w_c^T e_h + sigma_r |e_h|^noise_exponent noise
        c <- c - alpha_c sum_k r_k (c - mus_k) / (2 sigma_c^2)

    r: responsibilities of a Gaussian mixture around `mus` whose densities are at least 1e-40, so
    that a cause far from every mu is drawn to their mean. The last term is HALF the gradient of
    -log p(c), as published; double alpha_c for all of it. The new c acts at the next step. Energy:

        |error|^2 / 2 + |e_h|^2 / 2 - log sum_k exp(-|c - mus_k|^2 / (2 sigma_c^2)) / patterns

    `evolve` is its local learning rule (descent of the first two terms at the hidden states as
    inferred); `train_sequences` learns by back-propagation through time. A sequence begins with
    `h_init`, after `init` and after `reset`. With `own_noise=False` only `noise` is used. Source:
    Annabi, Pitti and Quoy (2022), Continual sequence modeling with predictive coding,
    doi:10.3389/fnbot.2022.845955.

    Raises:
        ValueError: both `eta` and `optimizer` are given.
    """

    outputs: Static[int]
    states: Static[int]
    causes: Static[int]
    n_patterns: Static[int]
    tau: PositiveOrInf = 50.0  # ms; a step of the published model is 1 ms
    alpha_x: NonNegative | None = 0.1
    alpha_h: NonNegative = 0.019
    alpha_c: NonNegative | None = 0.0085
    sigma_r: NonNegative = 2.6
    noise_exponent: Positive = 1.0
    sigma_c: Positive = 0.096
    eta: NonNegative | None = None
    optimizer: Static[optax.GradientTransformation | None] = None
    own_noise: Static[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_learning("PredictiveCodingRNN", self.eta, self.optimizer)

    def init(self, key: Array) -> PredictiveCodingRNNState:
        keys = jax.random.split(key, 8)
        normal = jax.random.normal
        out, units = jnp.zeros(self.outputs), jnp.zeros(self.states)
        cause = jnp.zeros(self.causes)
        weights = dict(
            w_o=normal(keys[0], (self.outputs, self.states)) / self.states,
            b_o=normal(keys[1], (self.outputs,)) / 10.0,
            w_c=normal(keys[2], (self.states, self.causes)) / self.causes,
            w_r=normal(keys[3], (self.states, self.states)) / self.states,
            b_r=normal(keys[4], (self.states,)) / 10.0,
        )
        return PredictiveCodingRNNState(
            inputs=out,
            noise=cause,
            outputs=out,
            error=out,
            hidden_prior=units,
            hidden_post=units,
            causes=cause,
            begun=jnp.zeros(()),
            hidden_before=units,
            causes_before=cause,
            energy=jnp.zeros(()),
            key=keys[7],
            h_init=normal(keys[5], (self.states,)),
            mus=0.01 * normal(keys[6], (self.n_patterns, self.causes)),
            optimizer_state=init_optimizer(self.optimizer, weights),
            **weights,
        )

    def advance_state(
        self, state: PredictiveCodingRNNState, t: Array, dt: Array
    ) -> PredictiveCodingRNNState:
        before = jnp.where(state.begun > 0, state.hidden_post, state.h_init)
        causes = state.causes
        prior = self.prior(state, before, self.drive(state, causes), dt)
        outputs = self.read_out(state, prior)
        error = outputs - state.inputs

        post, inferred, key = prior, causes, state.key
        if self.alpha_x is not None:
            infers = self.alpha_x > 0.0
            pull = self.alpha_x * (1.0 - jnp.tanh(prior) ** 2) * (error @ state.w_o)
            post = jnp.where(infers, prior - pull, prior)
            key, noise = self._noise(state)
            mismatch = prior - post
            moved = causes - self.alpha_h * (mismatch @ state.w_c)
            moved = moved + self.sigma_r * _norm(mismatch, self.noise_exponent) * noise
            inferred = jnp.where(infers, moved, causes)
        if self.alpha_c is not None:
            pull = self.complexity(jax.lax.stop_gradient(inferred), state.mus)
            inferred = jnp.where(self.alpha_c > 0.0, inferred + self.alpha_c * pull, inferred)
        return state.replace(
            outputs=outputs,
            error=error,
            hidden_prior=prior,
            hidden_post=post,
            causes=inferred,
            begun=jnp.ones_like(state.begun),
            hidden_before=before,
            causes_before=causes,
            energy=self._energy(error, prior - post, inferred, state.mus),
            key=key,
        )

    def drive(self, state: PredictiveCodingRNNState, causes: Array) -> Array:
        """What causes (..., causes) add to the hidden states' input, (..., states)."""
        return _plus(causes @ state.w_c.T, state.b_r)

    def prior(
        self, state: PredictiveCodingRNNState, hidden: Array, drive: Array, dt: Array
    ) -> Array:
        """The hidden states a step later, top-down: (..., states) to (..., states)."""
        k = dt / self.tau
        return (1.0 - k) * hidden + k * (jnp.tanh(hidden) @ state.w_r.T + drive)

    def read_out(self, state: PredictiveCodingRNNState, hidden: Array) -> Array:
        """The prediction of hidden states, (..., states) to (..., outputs)."""
        return _plus(jnp.tanh(hidden) @ state.w_o.T, state.b_o)

    def complexity(self, causes: Array, mus: Array) -> Array:
        """Half the gradient of log p(causes), the mixture's pull on one example's causes."""
        away = causes[:, None] - mus.T  # (causes, patterns): long rows are the fast ones
        squares, width = jnp.sum(away**2, 0), 2.0 * self.sigma_c**2
        nearest = jnp.min(squares)
        best = -nearest / width
        logits = (nearest - squares) / width + jnp.minimum(best - LOG_FLOOR, 0.0)
        density = jnp.exp(logits) + jnp.exp(jnp.minimum(LOG_FLOOR - best, 0.0))
        return -(away @ density) / (jnp.sum(density) * width)

    def _noise(self, state: PredictiveCodingRNNState) -> tuple[Array, Array]:
        if not self.own_noise:
            return state.key, state.noise
        key, draw = jax.random.split(state.key)
        own = jax.random.normal(draw, state.noise.shape, state.noise.dtype)
        return key, state.noise + own

    def _energy(self, error: Array, mismatch: Array, causes: Array, mus: Array) -> Array:
        distance = jnp.sum((causes[None] - mus) ** 2, -1)
        prior = log_sum_exp(-distance, 1.0 / (2.0 * self.sigma_c**2)) - jnp.log(len(mus))
        return 0.5 * jnp.sum(error**2) + 0.5 * jnp.sum(mismatch**2) - prior

    def weight_changes(
        self, state: PredictiveCodingRNNState, t: Array, dt: Array
    ) -> dict[str, Array]:
        count, k = state.error.shape[0], dt / self.tau
        mismatch = k * (state.hidden_prior - state.hidden_post)
        return {
            "w_o": -state.error.T @ jnp.tanh(state.hidden_prior) / count,
            "b_o": -state.error.mean(0),
            "w_c": -mismatch.T @ state.causes_before / count,
            "w_r": -mismatch.T @ jnp.tanh(state.hidden_before) / count,
            "b_r": -mismatch.mean(0),
        }

    def evolve(
        self, state: PredictiveCodingRNNState, t: Array, dt: Array
    ) -> PredictiveCodingRNNState:
        weights, optimizer_state = apply_change(
            {name: state[name] for name in LEARNED},
            self.weight_changes(state, t, dt),
            state.optimizer_state,
            eta=self.eta,
            optimizer=self.optimizer,
        )
        return state.replace(**weights, optimizer_state=optimizer_state)


def _plus(products: Array, bias: Array) -> Array:
    """(..., n) and (n,) added."""
    return products + jnp.broadcast_to(bias, products.shape)


def _norm(x: Array, exponent: float | Array) -> Array:
    """|x|^exponent, with gradient 0 at 0."""
    norm = euclidean_norm(x, None)
    logarithm = jnp.log(jnp.where(norm == 0.0, 1.0, norm))
    return jnp.where(norm == 0.0, 0.0, jnp.exp(exponent * logarithm))
