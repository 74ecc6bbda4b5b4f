"""The energy of a whole circuit, as a compartment."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Component, Input, PerExample, Real, State


class TotalEnergyState(State):
    terms: Input[Array, ""]  # wire all energies here: a wire adds its sources
    energy: PerExample[Array, ""]


class TotalEnergy(Component[TotalEnergyState]):
    """The sum of a circuit's energies: `wire("low.energy", "high.energy", to="total.terms")`.

        energy = scale * terms

    Reference: Whittington and Bogacz (2017), eq. 2.8, doi:10.1162/NECO_a_00949.
    """

    scale: Real = 1.0

    def init(self, key: Array) -> TotalEnergyState:
        return TotalEnergyState(terms=jnp.zeros(()), energy=jnp.zeros(()))

    def advance_state(self, state: TotalEnergyState, t: Array, dt: Array) -> TotalEnergyState:
        return state.replace(energy=self.scale * state.terms)
