"""Poisson spike encoder."""

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Component,
    Input,
    NonNegative,
    PerExample,
    State,
    Static,
    ZeroToOne,
    zeros_per_unit,
)


class PoissonState(State):
    inputs: Input[Array, "units", ZeroToOne()]  # intensity, 0..1 of the maximal rate
    spikes: PerExample[Array, "units"]  # 0 or 1
    key: PerExample[Array, ""]


class Poisson(Component[PoissonState]):
    """Spikes of a Poisson process whose rate follows the input.

        p(spike in a step) = 1 - exp(-inputs * rate * dt / 1000)

    the exact probability of at least one event of a Poisson process (rate in Hz, dt in ms), so
    that the count over a long time does not depend on dt while `rate * dt` is small. Negative
    inputs never fire. Reference: Dayan and Abbott (2001), Theoretical Neuroscience, section 1.4.
    """

    units: Static[int]
    rate: NonNegative = 63.75  # Hz at input 1

    def init(self, key: Array) -> PoissonState:
        silent = zeros_per_unit(self)
        return PoissonState(inputs=silent, spikes=silent, key=key)

    def advance_state(self, state: PoissonState, t: Array, dt: Array) -> PoissonState:
        key, draw = jax.random.split(state.key)
        chance = -jnp.expm1(-state.inputs * self.rate * dt / 1000.0)
        spikes = jax.random.uniform(draw, (self.units,), chance.dtype) < chance
        return state.replace(spikes=spikes, key=key)
