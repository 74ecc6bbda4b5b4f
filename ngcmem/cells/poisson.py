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
    Units,
    ZeroToOne,
    shape_of,
    zeros_per_unit,
)


class PoissonState(State):
    inputs: Input[Array, "units", ZeroToOne()]  # intensity, 0..1 of the maximal rate
    spikes: PerExample[Array, "units"]  # 0 or 1
    key: PerExample[Array, ""]


class Poisson(Component[PoissonState]):
    """Spikes of a Poisson process whose rate follows the input.

        p(spike in a step) = 1 - exp(-m),   m = inputs * rate * dt / 1000

    the exact probability of at least one event in the step (rate in Hz, dt in ms). As a step holds
    one spike at most, the count falls short of the rate by the factor (1 - exp(-m)) / m: by 5 % at
    m = 0.1, by 37 % at m = 1. With `counts=True` `spikes` is the number of events in the step,
    Poisson(m): 0, 1, 2, ..., whose mean over any time does not depend on dt. Negative inputs never
    fire. Reference: Dayan and Abbott (2001), Theoretical Neuroscience, section 1.4.
    """

    units: Units
    rate: NonNegative = 63.75  # Hz at input 1
    counts: Static[bool] = False  # several spikes in a step

    def init(self, key: Array) -> PoissonState:
        silent = zeros_per_unit(self)
        return PoissonState(inputs=silent, spikes=silent, key=key)

    def advance_state(self, state: PoissonState, t: Array, dt: Array) -> PoissonState:
        key, draw = jax.random.split(state.key)
        mean = state.inputs * self.rate * dt / 1000.0
        if self.counts:
            number = jax.random.poisson(draw, jnp.maximum(mean, 0.0), shape_of(self.units))
            return state.replace(spikes=number.astype(state.spikes.dtype), key=key)
        chance = -jnp.expm1(-mean)
        spikes = jax.random.uniform(draw, shape_of(self.units), chance.dtype) < chance
        return state.replace(spikes=spikes, key=key)
