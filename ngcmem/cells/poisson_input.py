"""Spikes of many cells that are not simulated, as what they add to a membrane in a step."""

import jax
import jax.numpy as jnp
from jax import Array, lax

from ngcmem.core import (
    Component,
    NonNegative,
    PerExample,
    Real,
    State,
    Units,
    as_uniform,
    next_bits,
    seeded,
    shape_of,
    zeros_per_unit,
)

MOST = 255
"""The largest number of spikes of a unit in a step."""
LARGEST_MEAN = 128.0


class PoissonInputState(State):
    outputs: PerExample[Array, "units"]  # what arrives in this step, unit of the weight
    generators: PerExample[Array, "4 units"]  # uint32: of random numbers, one per unit


class PoissonInput(Component[PoissonInputState]):
    """Every unit hears `sources` Poisson cells of its own, through synapses of one weight.

        outputs = weight * k,     k ~ Poisson(sources * rate * dt / 1000)

    Wire them to `jump` of a leaky cell (delta synapses) or to the `inputs` of a `Conductance`. k is
    exact to 2^-24 for means up to 128 a step, above that NaN. Drawn by a table of the distribution
    function, with a generator of each unit's own (`ngcmem.core.generators`). Units: Hz, ms; rate
    and sources are one value for all units. References: Brunel (2000),
    doi:10.1023/A:1008925309027 (external input); Chen and Asau (1974),
    doi:10.1080/05695557408974949 (guide tables).

    Raises:
        ValueError: a rate or a number of sources per unit.
    """

    units: Units
    sources: NonNegative = 1.0
    rate: NonNegative = 10.0  # Hz
    weight: Real = 1.0

    def init(self, key: Array) -> PoissonInputState:
        outputs = zeros_per_unit(self)
        for name in ("sources", "rate"):
            if jnp.shape(getattr(self, name)) != ():
                raise ValueError(
                    f"PoissonInput: {name} is one value for all units, got the shape "
                    f"{jnp.shape(getattr(self, name))}. Units that differ are several components."
                )
        return PoissonInputState(outputs=outputs, generators=seeded(key, shape_of(self.units)))

    def advance_state(self, state: PoissonInputState, t: Array, dt: Array) -> PoissonInputState:
        bits, generators = next_bits(state.generators)
        mean = jnp.asarray(self.sources * self.rate * dt / 1000.0)
        number = poisson_counts(as_uniform(bits), mean).astype(state.outputs.dtype)
        possible = mean <= LARGEST_MEAN
        outputs = jnp.where(possible, self.weight * number, jnp.nan)
        return state.replace(outputs=outputs, generators=generators)

    def reset(self, state: PoissonInputState) -> PoissonInputState:
        return state.replace(outputs=jnp.zeros_like(state.outputs))


def poisson_counts(uniform: Array, mean: Array) -> Array:
    """The Poisson numbers, int32, whose distribution function passes numbers in [0, 1).

    A guide table of 4,096 parts gives a number that is not too large, the distribution function
    the steps that are left; both are the same for a whole run.
    """
    most = jnp.arange(MOST + 1, dtype=mean.dtype)
    passed = jnp.where(most < MOST, jax.scipy.special.gammaincc(most + 1.0, mean), 2.0)
    parts = 4096
    guide = jnp.searchsorted(passed, jnp.arange(parts, dtype=mean.dtype) / parts, side="right")
    number = guide.astype(jnp.int32)[(uniform * parts).astype(jnp.int32)]

    def short(number: Array) -> Array:
        return uniform >= passed[number].astype(uniform.dtype)

    def raised(state: tuple[Array, Array]) -> tuple[Array, Array]:
        number = state[0] + state[1].astype(jnp.int32)
        return number, short(number)

    return lax.while_loop(lambda state: jnp.any(state[1]), raised, (number, short(number)))[0]
