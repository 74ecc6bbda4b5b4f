"""An echo-state reservoir: recurrent cells whose fixed random weights remember recent inputs."""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Component,
    Input,
    NonNegative,
    PerExample,
    Real,
    Shared,
    State,
    Static,
    approach,
    check_choice,
)

TOPOLOGIES = ("gaussian", "orthogonal", "cycle")


class ReservoirState(State):
    inputs: Input[Array, "inputs"]
    outputs: PerExample[Array, "units"]  # the cells' activity x
    outputs_rounding: PerExample[Array, "units"]  # what the digits of the outputs do not hold
    weights: Shared[Array, "units units"]
    input_weights: Shared[Array, "inputs units"]
    bias: Shared[Array, "units"]


class Reservoir(Component[ReservoirState]):
    """Recurrent cells with fixed random weights, whose activity echoes the recent past.

        x <- x + a (f(x W + inputs V + bias) - x),    a = 1 - exp(-dt / tau),  1 for tau = 0

    Only a read-out of `outputs` is trained, by least squares (`nm.analysis.memory_capacity`,
    `nm.LinearAssociative`). W has the spectral radius `spectral_radius`: exactly for
    "orthogonal" (random) and "cycle" (a ring), and on average for many units for "gaussian"
    (entries of variance 1 / units, the circular law). Below 1 the echo fades whatever the start;
    linear reservoirs remember at most as many inputs as they have units. V is uniform in
    +-`input_scale`. Units: ms. References: Jaeger (2001), GMD report 148, and (2002), report 152
    (memory); Rodan and Tino (2011), doi:10.1109/TNN.2010.2089641 (cycle).

    Attributes:
        activation: f, a function of arrays; `nm.cells.linear` for a linear reservoir.

    Raises:
        ValueError: an unknown `topology`.
    """

    inputs: Static[int]
    units: Static[int]
    spectral_radius: NonNegative = 0.95
    input_scale: Real = 1.0
    bias_scale: Real = 0.0
    tau: NonNegative = 0.0  # ms; 0: every step replaces the activity
    topology: Static[Literal["gaussian", "orthogonal", "cycle"]] = "orthogonal"
    activation: Static[Callable[[Array], Array]] = jnp.tanh

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("Reservoir", "topology", self.topology, TOPOLOGIES)

    def init(self, key: Array) -> ReservoirState:
        of_weights, of_inputs, of_bias = jax.random.split(key, 3)
        units = self.units
        if self.topology == "gaussian":
            weights = jax.random.normal(of_weights, (units, units)) / units**0.5
        elif self.topology == "orthogonal":
            weights = jax.random.orthogonal(of_weights, units)
        else:
            weights = jnp.roll(jnp.eye(units), 1, axis=1)
        uniform = jax.nn.initializers.uniform(2.0)
        return ReservoirState(
            inputs=jnp.zeros(self.inputs),
            outputs=jnp.zeros(units),
            outputs_rounding=jnp.zeros(units),
            weights=self.spectral_radius * weights,
            input_weights=self.input_scale * (uniform(of_inputs, (self.inputs, units)) - 1.0),
            bias=self.bias_scale * (uniform(of_bias, (units,)) - 1.0),
        )

    def advance_state(self, state: ReservoirState, t: Array, dt: Array) -> ReservoirState:
        drive = state.outputs @ state.weights + state.inputs @ state.input_weights + state.bias
        target, lags = self.activation(drive), jnp.asarray(self.tau) > 0
        near, lost = approach(
            state.outputs, state.outputs_rounding, target, jnp.where(lags, self.tau, 1.0), dt
        )
        return state.replace(
            outputs=jnp.where(lags, near, target), outputs_rounding=jnp.where(lags, lost, 0.0)
        )


def linear(x: Array) -> Array:
    """x itself, as an `activation`."""
    return x
