"""Temporal predictive coding: a memory of sequences in one layer of transitions."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from ngcmem.core import (
    Input,
    LearningInput,
    Memory,
    MemoryState,
    NonNegative,
    PerExample,
    Shared,
    Static,
)
from ngcmem.plasticity import apply_change, check_learning, init_optimizer, solve_gram


class TemporalPCState(MemoryState):
    inputs: Input[Array, "features"]  # the frame now
    following: LearningInput[Array, "features"]  # the frame after it, for evolve
    outputs: PerExample[Array, "features"]  # the predicted next frame
    energy: PerExample[Array, ""]  # of `following` as it was when the step began
    weights: Shared[Array, "features features"]
    bias: Shared[Array, "features"]
    gram: Shared[Array, "terms terms"]  # sum of f outer f over stored transitions, f with a 1
    cross: Shared[Array, "features terms"]  # sum of next frame outer f
    count: Shared[Array, ""]  # transitions stored
    optimizer_state: Shared[Any, ""]


class TemporalPC(Memory[TemporalPCState]):
    """Predicts the next frame of a sequence; recall step k gives the k-th frame after the cue.

        outputs = W f(inputs) + bias,     E = |x_{t+1} - W f(x_t) - bias|^2 / 2

    `store` keeps one sequence per call, its frames as rows in order (or pairs, with `targets`),
    and sets W to the minimum of the summed energies of all transitions so far,

        [W bias] = cross (gram + ridge I)^-1,

    the resting point of the local rule dW = error outer f(x_t) that `evolve` applies. That is the
    asymmetric Hopfield memory with its inputs whitened, which is why correlated frames do not
    disturb each other; frames that occur twice with different successors need
    `DeepTemporalPC`. Reference: Tang, Barron and Bogacz (2023), arXiv:2305.11982.

    Attributes:
        activation: f, of the frame now.
        output: of the prediction; `jnp.sign` where frames are of -1 and 1.
        ridge: added to the gram matrix, as a fraction of its mean diagonal.

    Raises:
        ValueError: both `eta` and `optimizer` are given.
    """

    features: Static[int]
    ridge: NonNegative = 1e-6
    activation: Static[Callable[[Array], Array]] = jnp.positive
    output_activation: Static[Callable[[Array], Array]] = jnp.positive
    eta: NonNegative | None = None
    optimizer: Static[optax.GradientTransformation | None] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_learning("TemporalPC", self.eta, self.optimizer)

    def init(self, key: Array) -> TemporalPCState:
        frame, terms = jnp.zeros(self.features), self.features + 1
        weights = jnp.zeros((self.features, self.features))
        learned = {"weights": weights, "bias": frame}
        return TemporalPCState(
            inputs=frame,
            following=frame,
            outputs=frame,
            energy=jnp.zeros(()),
            gram=jnp.zeros((terms, terms)),
            cross=jnp.zeros((self.features, terms)),
            count=jnp.zeros((), jnp.int32),
            optimizer_state=init_optimizer(self.optimizer, learned),
            **learned,
        )

    def advance_state(self, state: TemporalPCState, t: Array, dt: Array) -> TemporalPCState:
        predicted = state.weights @ self.activation(state.inputs) + state.bias
        return state.recalled(
            outputs=self.output_activation(predicted),
            energy=0.5 * jnp.sum((state.following - predicted) ** 2),
            matched=state.count > 0,
        )

    def store(self, state: TemporalPCState, inputs: Any, targets: Any, key: Any) -> TemporalPCState:
        if targets is None:
            if inputs.shape[0] < 2:
                raise ValueError("store: a sequence has at least two frames, got one row.")
            inputs, targets = inputs[:-1], inputs[1:]
        terms = self._terms(inputs)
        gram, cross = state.gram + terms.T @ terms, state.cross + targets.T @ terms
        ridge = self.ridge * jnp.trace(gram) / gram.shape[0]

        def from_sums() -> Array:
            regular = gram + ridge * jnp.eye(gram.shape[0], dtype=gram.dtype)
            return solve_gram(regular, cross.T, definite=None).weights.T

        def from_frames() -> Array:
            """The same from K = U S V^T, at twice the digits: a Gram matrix squares S."""
            u, s, vt = jnp.linalg.svd(terms, full_matrices=False)
            some = s > jnp.finfo(s.dtype).eps * max(terms.shape) * s[0]  # ridge 0: K^+
            factors = jnp.where(some, s / jnp.where(some, s**2 + ridge, 1), 0)
            return (targets.T @ u * factors[None]) @ vt

        if len(terms) > len(gram):
            solved = from_sums()
        else:
            solved = jax.lax.cond(state.count == 0, from_frames, from_sums)
        return state.replace(
            weights=solved[:, :-1],
            bias=solved[:, -1],
            gram=gram,
            cross=cross,
            count=state.count + inputs.shape[0],
        )

    def _terms(self, frames: Array) -> Array:
        return jnp.concatenate([self.activation(frames), jnp.ones_like(frames[:, :1])], 1)

    def weight_changes(self, state: TemporalPCState, t: Array, dt: Array) -> dict[str, Array]:
        rates = self.activation(state.inputs)
        error = state.following - (rates @ state.weights.T + state.bias[None])
        return {"weights": error.T @ rates / len(error), "bias": error.mean(0)}

    def evolve(self, state: TemporalPCState, t: Array, dt: Array) -> TemporalPCState:
        learned, optimizer_state = apply_change(
            {"weights": state.weights, "bias": state.bias},
            self.weight_changes(state, t, dt),
            state.optimizer_state,
            eta=self.eta,
            optimizer=self.optimizer,
        )
        return state.replace(**learned, optimizer_state=optimizer_state)
