"""Lateral inhibition without a weight matrix."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Component, Input, PerExample, Real, State, Units, zeros_per_unit


class LateralInhibitionState(State):
    inputs: Input[Array, "units"]  # spikes or rates of the layer, usually delayed
    outputs: PerExample[Array, "units"]  # to be subtracted from the layer's current


class LateralInhibition(Component[LateralInhibitionState]):
    """Every unit inhibits all others equally.

        outputs_i = strength * sum_{j != i} inputs_j

    the product with strength (1 - I), at the cost of one sum; two spikes inhibit twice. Close the
    loop with a lag and a minus sign: wire(delayed("cell.spikes"), to="inhibition.inputs") and
    wire("synapse.outputs", "-inhibition.outputs", to="cell.current"). Reference: Diehl and Cook
    (2015), doi:10.3389/fncom.2015.00099, whose inhibitory layer this sums up.
    """

    units: Units
    strength: Real = 1.0

    def init(self, key: Array) -> LateralInhibitionState:
        zeros = zeros_per_unit(self)
        return LateralInhibitionState(inputs=zeros, outputs=zeros)

    def advance_state(
        self, state: LateralInhibitionState, t: Array, dt: Array
    ) -> LateralInhibitionState:
        others = jnp.sum(state.inputs) - state.inputs
        return state.replace(outputs=self.strength * others)
