"""Bernoulli spike encoder."""

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import Component, Input, PerExample, State, Units, ZeroToOne, shape_of, widen


class BernoulliState(State):
    inputs: Input[Array, "units", ZeroToOne()]  # probability of a spike per step, 0..1
    spikes: PerExample[Array, "units"]  # 0 or 1
    key: PerExample[Array, ""]


class Bernoulli(Component[BernoulliState]):
    """A coin per unit and step: P(spike) = inputs, whatever dt is.

    Inputs below 0 never fire, inputs of 1 and above always do. For a rate in Hz, whose count does
    not depend on dt, use `Poisson(counts=True)`. Reference: Dayan and Abbott (2001), Theoretical
    Neuroscience, section 1.4.
    """

    units: Units

    def init(self, key: Array) -> BernoulliState:
        silent = jnp.zeros(self.units)
        return BernoulliState(inputs=silent, spikes=silent, key=key)

    def advance_state(self, state: BernoulliState, t: Array, dt: Array) -> BernoulliState:
        key, draw = jax.random.split(state.key)
        chance = widen(state.inputs)  # bfloat16: 128 values
        uniform = jax.random.uniform(draw, shape_of(self.units), chance.dtype)
        return state.replace(spikes=uniform < chance, key=key)
