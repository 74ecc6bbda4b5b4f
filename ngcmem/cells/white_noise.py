"""White noise, as what it adds to a membrane in a step."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Component,
    NonNegative,
    PerExample,
    Real,
    State,
    Units,
    as_normal,
    next_bits,
    seeded,
    shape_of,
    zeros_per_unit,
)


class WhiteNoiseState(State):
    outputs: PerExample[Array, "units"]  # increment of this step, mV
    generators: PerExample[Array, "4 units"]  # uint32: of random numbers, one per unit


class WhiteNoise(Component[WhiteNoiseState]):
    """The increments of a Wiener process with drift, each unit its own.

        outputs = mean dt + sigma sqrt(dt) n,     n standard normal, new in every step

    Wire them to `jump` of a leaky cell: tau dv = (v_rest - v) dt + s sqrt(tau) dW of a membrane is
    sigma = s / sqrt(tau), whose free variance is s^2 / 2 for dt << tau. The numbers come from a
    generator of each unit's own (`ngcmem.core.generators`), at a tenth of the cost of those of
    `OrnsteinUhlenbeck`; they end at +-5.4. `nm.reset` lets them run on. Units: mV, ms. Reference:
    Gillespie (1996), Physical Review E 54:2084, doi:10.1103/PhysRevE.54.2084.
    """

    units: Units
    sigma: NonNegative = 1.0  # mV / sqrt(ms)
    mean: Real = 0.0  # mV / ms

    def init(self, key: Array) -> WhiteNoiseState:
        return WhiteNoiseState(
            outputs=zeros_per_unit(self), generators=seeded(key, shape_of(self.units))
        )

    def advance_state(self, state: WhiteNoiseState, t: Array, dt: Array) -> WhiteNoiseState:
        bits, generators = next_bits(state.generators)
        normal = as_normal(bits).astype(state.outputs.dtype)
        increment = self.mean * dt + self.sigma * jnp.sqrt(dt) * normal
        return state.replace(outputs=increment, generators=generators)
