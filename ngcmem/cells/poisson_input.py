"""Spikes of many cells that are not simulated, as what they add to a membrane in a step."""

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
LARGEST_MEAN = 64.0


class PoissonInputState(State):
    outputs: PerExample[Array, "units"]  # what arrives in this step, unit of the weight
    generators: PerExample[Array, "4 units"]  # uint32: of random numbers, one per unit


class PoissonInput(Component[PoissonInputState]):
    """Every unit hears `sources` Poisson cells of its own, through synapses of one weight.

        outputs = weight * k,     k ~ Poisson(sources * rate * dt / 1000)

    Wire them to `jump` of a leaky cell (delta synapses) or to the `inputs` of a `Conductance`. k is
    exact to 1e-7 for means up to 64 a step, above that NaN. Drawn by the distribution function,
    with a generator of each unit's own (`ngcmem.core.generators`): where rate and sources are the
    same for all units by a table of it, else term by term. Units: Hz, ms. References: Brunel
    (2000), doi:10.1023/A:1008925309027 (external input); Chen and Asau (1974),
    doi:10.1080/05695557408974949 (guide tables).
    """

    units: Units
    sources: NonNegative = 1.0
    rate: NonNegative = 10.0  # Hz
    weight: Real = 1.0

    def init(self, key: Array) -> PoissonInputState:
        return PoissonInputState(
            outputs=zeros_per_unit(self), generators=seeded(key, shape_of(self.units))
        )

    def advance_state(self, state: PoissonInputState, t: Array, dt: Array) -> PoissonInputState:
        bits, generators = next_bits(state.generators)
        mean = jnp.asarray(self.sources * self.rate * dt / 1000.0)
        number = poisson_counts(as_uniform(bits), mean).astype(state.outputs.dtype)
        possible = mean <= LARGEST_MEAN
        outputs = jnp.where(possible, self.weight * number, jnp.nan)
        return state.replace(outputs=outputs, generators=generators)


def poisson_counts(uniform: Array, mean: Array) -> Array:
    """The Poisson numbers, int32, whose distribution function passes numbers in [0, 1).

    For one mean a guide table of 4,096 parts gives a number that is not too large, the distribution
    function the steps that are left; both are the same for a whole run. For several means the
    terms of the distribution are added up until they pass.
    """
    if mean.ndim:
        return _term_by_term(uniform, mean)
    passed, parts = _distribution(mean), 4096
    guide = jnp.searchsorted(passed, jnp.arange(parts, dtype=mean.dtype) / parts, side="right")
    number = guide.astype(jnp.int32)[(uniform * parts).astype(jnp.int32)]

    def short(number: Array) -> Array:
        return uniform >= passed[number].astype(uniform.dtype)

    def raised(state: tuple[Array, Array]) -> tuple[Array, Array]:
        number = state[0] + state[1].astype(jnp.int32)
        return number, short(number)

    return lax.while_loop(lambda state: jnp.any(state[1]), raised, (number, short(number)))[0]


def _distribution(mean: Array) -> Array:
    """(MOST + 1,) the Poisson distribution function; the rest after its last term is never passed.

    The terms are multiplied up and down from the most likely one, where they lose few digits.
    """
    k = jnp.arange(MOST + 1, dtype=mean.dtype)
    mode = jnp.floor(mean)
    up = jnp.cumprod(jnp.where(k > mode, mean / jnp.maximum(k, 1.0), 1.0))
    down = jnp.where(k < mode, (k + 1.0) / jnp.maximum(mean, 1.0), 1.0)
    terms = up * jnp.cumprod(down[::-1])[::-1]
    terms = terms / jnp.sum(terms)
    rest = (k > mean) & (terms < 1e-10)  # lost in the digits of the sum
    return jnp.where(rest, 2.0, jnp.cumsum(terms))


def _term_by_term(uniform: Array, mean: Array) -> Array:
    mean = jnp.broadcast_to(mean, uniform.shape).astype(uniform.dtype)

    def short(k: Array, term: Array, passed: Array) -> Array:
        left = (k < mean) | (term > 1e-10)  # the rest of the sum is lost in its digits
        return (uniform >= passed) & left

    def next_term(state: tuple[Array, ...]) -> tuple[Array, ...]:
        k, term, passed, number = state
        going = short(k, term, passed)
        term = term * mean / (k + 1.0)
        return k + 1.0, term, passed + term, number + going.astype(jnp.int32)

    first = jnp.exp(-mean)
    start = (jnp.zeros((), mean.dtype), first, first, jnp.zeros(mean.shape, jnp.int32))
    going = lax.while_loop(lambda state: jnp.any(short(*state[:3])), next_term, start)
    return going[3]
