"""A leaky rate cell."""

from collections.abc import Callable

import jax
from jax import Array

from ngcmem.core import (
    Component,
    Input,
    PerExample,
    PositiveOrInf,
    State,
    Static,
    Units,
    approach,
    check_choice,
    zeros_per_unit,
)


class RateCellState(State):
    inputs: Input[Array, "units"]  # drive, any unit
    z: PerExample[Array, "units"]  # internal activity, in the unit of the inputs
    z_rounding: PerExample[Array, "units"]  # what the digits of z do not hold
    outputs: PerExample[Array, "units"]  # activation(z)


class RateCell(Component[RateCellState]):
    """A cell that follows its input with a lag and passes it through a non-linearity.

        tau dz/dt = inputs - z;   outputs = activation(z)

    `integration="exact"` for inputs held during the step, or `"euler"` (first order, stable for
    dt < 2 tau). `activation` is any function of arrays, such as `jnp.tanh` or `jax.nn.relu`; pass
    one function object, a new lambda per call compiles anew. Units: ms. Reference: Dayan and
    Abbott (2001), Theoretical Neuroscience, section 7.2.

    Raises:
        ValueError: an unknown `integration`.
    """

    units: Units
    tau: PositiveOrInf = 10.0  # ms
    activation: Static[Callable[[Array], Array]] = jax.nn.relu
    integration: Static[str] = "exact"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("RateCell", "integration", self.integration, ("exact", "euler"))

    def init(self, key: Array) -> RateCellState:
        zeros = zeros_per_unit(self)
        return RateCellState(
            inputs=zeros, z=zeros, z_rounding=zeros, outputs=self.activation(zeros)
        )

    def advance_state(self, state: RateCellState, t: Array, dt: Array) -> RateCellState:
        z, rounding = approach(
            state.z, state.z_rounding, state.inputs, self.tau, dt, integration=self.integration
        )
        return state.replace(z=z, z_rounding=rounding, outputs=self.activation(z))
