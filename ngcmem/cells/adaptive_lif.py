"""Leaky integrate-and-fire cell whose threshold rises with its own firing."""

import jax.numpy as jnp
from jax import Array

from ngcmem.cells._integrate import is_refractory, rest_after
from ngcmem.cells.leaky import LeakyCell, LeakyState
from ngcmem.core import (
    NonNegative,
    NonNegativeOrInf,
    PerExample,
    Real,
    Shared,
    approach,
    part,
    shape_of,
)


class AdaptiveLIFState(LeakyState):
    refractory: PerExample[Array, "units"]  # time left of the refractory period, ms
    adaptation: PerExample[Array, "units"]  # fast rise of the threshold, mV; reset clears it
    adaptation_rounding: PerExample[Array, "units"]  # what its digits do not hold, mV
    homeostasis_sum: Shared[Array, "units 2"]  # homeostasis, and what its digits do not hold, mV
    homeostasis = part("homeostasis_sum", 0, axes="units")  # slow, learned; kept


class AdaptiveLIF(LeakyCell[AdaptiveLIFState]):
    """A leaky integrate-and-fire cell with the threshold v_threshold + adaptation + homeostasis.

        tau dv/dt = v_rest - v + resistance * current;   v >= threshold: spike, v <- v_reset
        adaptation  <- adaptation exp(-dt / tau_adaptation) + adaptation_increment * spikes
        homeostasis <- homeostasis exp(-dt / tau_homeostasis)
                       + homeostasis_increment * mean over the batch of spikes      (in `evolve`)

    Adaptation is a cell's memory of its own recent spikes, one per example (Bellec, Salaj,
    Subramoney, Legenstein and Maass 2018, arXiv:1803.09574). Homeostasis is learned: it keeps
    any one cell from winning every input, changes only with `learn=True`, and belongs to the
    whole batch (Diehl and Cook 2015, doi:10.3389/fncom.2015.00099). Either is off with an
    increment of 0. Integration, resets and surrogate gradients as in `LIF`; with a held current
    the threshold settles where one interval's decay equals one increment:
    adaptation just after a spike -> increment / (1 - exp(-interval / tau_adaptation)).
    Adaptation and homeostasis keep the digits that single precision would round off, so that
    time constants of hours decay as they should (`nm.core.carry`).
    Units: mV, ms, nA, MOhm.

    Raises:
        ValueError: an unknown `integration` or `surrogate`.
    """

    refractory_time: NonNegative = 5.0  # ms
    tau_adaptation: NonNegativeOrInf = 200.0  # ms
    adaptation_increment: Real = 1.0  # mV per spike
    tau_homeostasis: NonNegativeOrInf = 1e7  # ms
    homeostasis_increment: Real = 0.0  # mV per spike

    def init(self, key: Array) -> AdaptiveLIFState:
        zeros = jnp.zeros(self.units)
        return AdaptiveLIFState(
            refractory=zeros,
            adaptation=zeros,
            adaptation_rounding=zeros,
            homeostasis_sum=jnp.zeros((*shape_of(self.units), 2)),
            **self.init_common(),
        )

    def advance_state(self, state: AdaptiveLIFState, t: Array, dt: Array) -> AdaptiveLIFState:
        resting = is_refractory(state.refractory, dt)
        charged, rounding = self.charged(state, dt)
        v = jnp.where(resting, self.v_reset, charged)
        threshold = self.v_threshold + state.adaptation + state.homeostasis
        spikes = self.fires(v - threshold)
        adaptation, lost = approach(
            state.adaptation,
            state.adaptation_rounding,
            0.0,
            self.tau_adaptation,
            dt,
            jump=self.adaptation_increment * spikes,
        )
        return state.replace(
            **self.after_reset(resting | (spikes > 0), v, rounding),
            spikes=spikes,
            refractory=rest_after(spikes > 0, state.refractory, self.refractory_time, dt),
            adaptation=adaptation,
            adaptation_rounding=lost,
        )

    def evolve(self, state: AdaptiveLIFState, t: Array, dt: Array) -> AdaptiveLIFState:
        risen = self.homeostasis_increment * jnp.mean(state.spikes, axis=0)
        homeostasis, lost = jnp.moveaxis(state.homeostasis_sum, -1, 0)
        slow = approach(homeostasis, lost, 0.0, self.tau_homeostasis, dt, jump=risen)
        return state.replace(homeostasis_sum=jnp.stack(slow, axis=-1))
