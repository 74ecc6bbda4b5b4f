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
    UnitsOrNone,
    lecun_normal_weights,
)
from ngcmem.plasticity import apply_change, check_learning, init_optimizer
from ngcmem.synapses._via import take_sizes, via
from ngcmem.synapses.projected import Projected


class PredictiveState(State):
    inputs: Input[Array, "inputs"]
    outputs: PerExample[Array, "outputs"]  # the prediction
    error: LearningInput[Array, "outputs"]  # -dE/d(outputs), from the error cell it predicts for
    weights: Shared[Array, "inputs outputs"]
    bias: Shared[Array, "outputs"]
    optimizer_state: Shared[Any, ""]


class Predictive(Component[PredictiveState]):
    """A synapse whose weights descend the energy of its own prediction error.

        outputs = inputs @ weights + bias
        d(weights) = dt mean over the batch of inputs outer error,     d(bias) = dt mean of error

    dt times the exact negative gradient of the batch's mean energy, and local: presynaptic activity
    times postsynaptic error. An integral over time as the values' descent is (`Value`), so that
    what is learned while they settle does not depend on dt; `eta` is per ms. Give `eta=` or
    `optimizer=`; with neither it does not learn. Dense, or with the connections of a `projection`
    (`nm.Conv(...)`): a weight that stands at many places gathers the product of each. Reference:
    Whittington and Bogacz (2017), eq. 2.18, doi:10.1162/NECO_a_00949.

    Raises:
        ValueError: both `eta` and `optimizer` are given, an `eta` that is not one value, or sizes
            other than the projection's.
        TypeError: neither sizes nor a projection.
    """

    inputs: UnitsOrNone = None
    outputs: UnitsOrNone = None
    projection: Projected | None = None
    eta: NonNegative | None = None
    optimizer: Static[optax.GradientTransformation | None] = None
    weight_init: Static[Callable[..., Array]] = lecun_normal_weights

    def __post_init__(self) -> None:
        super().__post_init__()
        take_sizes(self)
        check_learning("Predictive", self.eta, self.optimizer)

    def axis_size(self, path: str, axis: str) -> Any:
        return via(self).axis_size(path, axis)

    def init(self, key: Array) -> PredictiveState:
        if self.eta is not None and jnp.shape(self.eta) != ():
            raise ValueError(
                f"Predictive: eta has shape {jnp.shape(self.eta)}; give one value, for weights and "
                f"bias alike."
            )
        weights = via(self).fresh_weights(self, key)
        bias = jnp.zeros(via(self).bias_shape)
        outputs = jnp.zeros(via(self).output_shape)
        return PredictiveState(
            inputs=jnp.zeros(via(self).input_shape),
            outputs=outputs,
            error=outputs,
            weights=weights,
            bias=bias,
            optimizer_state=init_optimizer(self.optimizer, {"weights": weights, "bias": bias}),
        )

    def advance_state(self, state: PredictiveState, t: Array, dt: Array) -> PredictiveState:
        arriving = via(self).transmit(state.inputs, state.weights)
        return state.replace(outputs=via(self).with_bias(arriving, state.bias))

    def weight_changes(self, state: PredictiveState, t: Array, dt: Array) -> dict[str, Array]:
        return {
            "weights": dt * via(self).outer_mean((state.inputs, state.error)),
            "bias": dt * via(self).bias_mean(state.error),
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
