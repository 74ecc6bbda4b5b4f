"""Leaky integrate-and-fire cell with conductances."""

import jax.numpy as jnp
from jax import Array

from ngcmem.cells._integrate import is_refractory, rest_after
from ngcmem.cells.leaky import LeakyCell, LeakyState
from ngcmem.core import Input, NonNegative, PerExample, approach


class ConductanceLIFState(LeakyState):
    conductance: Input[Array, "units"]  # sum of g, in units of the leak's
    drive: Input[Array, "units"]  # sum of g E, mV
    refractory: PerExample[Array, "units"]  # time left of the refractory period, ms


class ConductanceLIF(LeakyCell[ConductanceLIFState]):
    """A `LIF` whose membrane is also pulled by synaptic conductances.

        tau dv/dt = v_rest - v + sum_s g_s (E_s - v) + resistance * current

    with every g in units of the leak conductance. It is one exponential approach, whose time
    constant the conductances shorten, and exact for conductances held during the step:

        v <- v + (v_inf - v) (1 - exp(-(1 + g) dt / tau)),
        v_inf = (v_rest + sum_s g_s E_s + resistance * current) / (1 + g),    g = sum_s g_s

    stable whatever g is. Wire `g` and `drive` of one or several `Conductance`s to `conductance` and
    `drive`. Threshold, reset and refractory time as in `LIF`. Units: mV, ms. References:
    Vogels and Abbott (2005), doi:10.1523/JNEUROSCI.3508-05.2005; Brette et al. (2007),
    doi:10.1007/s10827-007-0038-6, benchmark 1.

    Raises:
        ValueError: an unknown `integration` or `surrogate`.
    """

    refractory_time: NonNegative = 5.0  # ms

    def init(self, key: Array) -> ConductanceLIFState:
        common = self.init_common()
        zeros = jnp.zeros_like(common["current"])
        return ConductanceLIFState(conductance=zeros, drive=zeros, refractory=zeros, **common)

    def advance_state(self, state: ConductanceLIFState, t: Array, dt: Array) -> ConductanceLIFState:
        resting = is_refractory(state.refractory, dt)
        total = 1.0 + state.conductance
        v_inf = (self.v_rest + state.drive + self.resistance * state.current) / total
        charged, rounding = approach(
            state.v,
            state.v_rounding,
            v_inf,
            self.tau / total,
            dt,
            jump=state.jump,
            integration=self.integration,
        )
        v = jnp.where(resting, self.v_reset, charged)
        spikes = self.fires(v - self.v_threshold)
        return state.replace(
            **self.after_reset(resting | (spikes > 0), v, rounding),
            spikes=spikes,
            refractory=rest_after(spikes > 0, state.refractory, self.refractory_time, dt),
        )
