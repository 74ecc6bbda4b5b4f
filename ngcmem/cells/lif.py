"""Leaky integrate-and-fire cell."""

import jax.numpy as jnp
from jax import Array

from ngcmem.cells._integrate import is_refractory, rest_after
from ngcmem.cells.leaky import LeakyCell, LeakyState
from ngcmem.core import NonNegative, PerExample


class LIFState(LeakyState):
    refractory: PerExample[Array, "units"]  # time left of the refractory period, ms


class LIF(LeakyCell[LIFState]):
    """A leaky membrane that spikes and is reset when it reaches its threshold.

        tau dv/dt = v_rest - v + resistance * current;   v >= v_threshold: spike, v <- v_reset

    `integration="exact"` solves this for a current held during the step, with v_inf = v_rest + R I,

        v <- v + (v_inf - v) (1 - exp(-dt / tau))

    and `"euler"` is the forward Euler step (first order, stable for dt < 2 tau). While refractory
    the membrane stays at `v_reset`; `refractory_time` is rounded to whole steps, halves up
    (`nm.core.whole_steps`). A held current
    fires every `refractory_time + tau ln((v_inf - v_reset) / (v_inf - v_threshold))` ms, rounded
    up to the step. Spikes have a surrogate gradient (`ngcmem.cells.surrogate`); the reset has none.
    Membrane, threshold and surrogate are the hyper-parameters of `LeakyCell`. Units: mV, ms, nA,
    MOhm. Reference: Gerstner, Kistler, Naud and Paninski (2014), Neuronal Dynamics, section 1.3,
    doi:10.1017/CBO9781107447615.

    Raises:
        ValueError: an unknown `integration` or `surrogate`.
    """

    refractory_time: NonNegative = 5.0  # ms

    def init(self, key: Array) -> LIFState:
        return LIFState(refractory=jnp.zeros(self.units), **self.init_common())

    def advance_state(self, state: LIFState, t: Array, dt: Array) -> LIFState:
        resting = is_refractory(state.refractory, dt)
        charged, rounding = self.charged(state, dt)
        v = jnp.where(resting, self.v_reset, charged)
        spikes = self.fires(v - self.v_threshold)
        return state.replace(
            **self.after_reset(resting | (spikes > 0), v, rounding),
            spikes=spikes,
            refractory=rest_after(spikes > 0, state.refractory, self.refractory_time, dt),
        )
