"""Coloured noise."""

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Component,
    Input,
    NonNegative,
    NonNegativeOrInf,
    PerExample,
    State,
    Units,
    approach,
    shape_of,
    zeros_per_unit,
)


class OrnsteinUhlenbeckState(State):
    inputs: Input[Array, "units"]  # the mean the noise reverts to
    outputs: PerExample[Array, "units"]  # the noise, in the unit of the inputs
    rounding: PerExample[Array, "units"]  # what the digits of the outputs do not hold
    key: PerExample[Array, ""]


class OrnsteinUhlenbeck(Component[OrnsteinUhlenbeckState]):
    """Gaussian noise with a memory: a current that fluctuates around its input.

        d outputs = (inputs - outputs) dt / tau + sigma sqrt(2 / tau) dW

    by the exact transition for inputs held during the step, so that the statistics do not depend
    on dt: with e = exp(-dt / tau) and xi standard normal,

        outputs <- inputs + (outputs - inputs) e + sigma sqrt(1 - e^2) xi

    The stationary standard deviation is `sigma`, the autocorrelation exp(-|lag| / tau); outputs
    begin at 0. Units: ms. Reference: Uhlenbeck and Ornstein (1930), Physical Review 36:823,
    doi:10.1103/PhysRev.36.823; Gillespie (1996), Physical Review E 54:2084,
    doi:10.1103/PhysRevE.54.2084.
    """

    units: Units
    tau: NonNegativeOrInf = 5.0  # ms
    sigma: NonNegative = 1.0  # stationary standard deviation, unit of the inputs

    def init(self, key: Array) -> OrnsteinUhlenbeckState:
        zeros = zeros_per_unit(self)
        return OrnsteinUhlenbeckState(inputs=zeros, outputs=zeros, rounding=zeros, key=key)

    def advance_state(
        self, state: OrnsteinUhlenbeckState, t: Array, dt: Array
    ) -> OrnsteinUhlenbeckState:
        key, draw = jax.random.split(state.key)
        noise = jax.random.normal(draw, shape_of(self.units), state.outputs.dtype)
        spread = self.sigma * jnp.sqrt(-jnp.expm1(-2.0 * dt / self.tau))
        outputs, rounding = approach(
            state.outputs, state.rounding, state.inputs, self.tau, dt, jump=spread * noise
        )
        return state.replace(outputs=outputs, rounding=rounding, key=key)
