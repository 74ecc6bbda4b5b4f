"""Predictive synapse: learns to predict, from the error of its prediction."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import optax
from jax import Array

from ngcmem.core import (
    Component,
    Input,
    LearningInput,
    NonNegative,
    PerExample,
    Shared,
    State,
    Static,
    lecun_normal_weights,
)
from ngcmem.plasticity import apply_change, check_learning, init_optimizer


class PredictiveState(State):
    inputs: Input[Array, "inputs"]
    outputs: PerExample[Array, "outputs"]  # the prediction
    error: LearningInput[Array, "outputs"]  # -dE/d(outputs), from the error cell it predicts for
    weights: Shared[Array, "inputs outputs"]
    bias: Shared[Array, "outputs"]
    optimizer_state: Shared[Any, ""]


class Predictive(Component[PredictiveState]):
    """A dense synapse whose weights descend the energy of its own prediction error.

        outputs = inputs @ weights + bias
        d(weights) = mean over the batch of inputs outer error,     d(bias) = mean of error

    the exact negative gradient of the batch's mean energy, and local: presynaptic activity times
    postsynaptic error. Give `eta=` or `optimizer=`; with neither it does not learn. Reference:
    Whittington and Bogacz (2017), eq. 2.18, doi:10.1162/NECO_a_00949.

    Raises:
        ValueError: both `eta` and `optimizer` are given.
    """

    inputs: Static[int]
    outputs: Static[int]
    eta: NonNegative | None = None
    optimizer: Static[optax.GradientTransformation | None] = None
    weight_init: Static[Callable[..., Array]] = lecun_normal_weights

    def __post_init__(self) -> None:
        super().__post_init__()
        check_learning("Predictive", self.eta, self.optimizer)

    def init(self, key: Array) -> PredictiveState:
        weights = self.weight_init(key, (self.inputs, self.outputs))
        bias = jnp.zeros(self.outputs)
        return PredictiveState(
            inputs=jnp.zeros(self.inputs),
            outputs=bias,
            error=bias,
            weights=weights,
            bias=bias,
            optimizer_state=init_optimizer(self.optimizer, {"weights": weights, "bias": bias}),
        )

    def advance_state(self, state: PredictiveState, t: Array, dt: Array) -> PredictiveState:
        return state.replace(outputs=state.inputs @ state.weights + state.bias)

    def weight_changes(self, state: PredictiveState, t: Array, dt: Array) -> dict[str, Array]:
        count = state.inputs.shape[0]
        return {
            "weights": state.inputs.T @ state.error / count,
            "bias": state.error.mean(0),
        }

    def evolve(self, state: PredictiveState, t: Array, dt: Array) -> PredictiveState:
        learned, optimizer_state = apply_change(
            {"weights": state.weights, "bias": state.bias},
            self.weight_changes(state, t, dt),
            state.optimizer_state,
            eta=self.eta,
            optimizer=self.optimizer,
        )
        return state.replace(**learned, optimizer_state=optimizer_state)
