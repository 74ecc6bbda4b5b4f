"""A leaky rate cell."""

from collections.abc import Callable

import jax
from jax import Array

from ngcmem.cells._integrate import relax
from ngcmem.core import (
    Component,
    Input,
    PerExample,
    PositiveOrInf,
    State,
    Static,
    check_choice,
    zeros_per_unit,
)


class RateCellState(State):
    inputs: Input[Array, "units"]  # drive, any unit
    z: PerExample[Array, "units"]  # internal activity, in the unit of the inputs
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

    units: Static[int]
    tau: PositiveOrInf = 10.0  # ms
    activation: Static[Callable[[Array], Array]] = jax.nn.relu
    integration: Static[str] = "exact"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("RateCell", "integration", self.integration, ("exact", "euler"))

    def init(self, key: Array) -> RateCellState:
        zeros = zeros_per_unit(self)
        return RateCellState(inputs=zeros, z=zeros, outputs=self.activation(zeros))

    def advance_state(self, state: RateCellState, t: Array, dt: Array) -> RateCellState:
        z = relax(self.integration, state.z, state.inputs, self.tau, dt)
        return state.replace(z=z, outputs=self.activation(z))
