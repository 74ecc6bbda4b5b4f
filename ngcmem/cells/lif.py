"""Leaky integrate-and-fire cell."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core.compartments import Input, PerExample, State
from ngcmem.core.component import Component
from ngcmem.core.pytree import Static


class LIFState(State):
    current: Input[Array, "units"]  # input current, nA
    v: PerExample[Array, "units"]  # membrane potential, mV
    spikes: PerExample[Array, "units"]  # 0 or 1
    refractory: PerExample[Array, "units"]  # time left of the refractory period, ms


class LIF(Component[LIFState]):
    """A leaky membrane that spikes and is reset when it reaches its threshold.

        tau dv/dt = v_rest - v + resistance * current;   v >= v_threshold: spike, v <- v_reset

    integrated exactly for a current held during the step: with v_inf = v_rest + R I,

        v <- v_inf + (v - v_inf) exp(-dt / tau)

    While refractory the membrane stays at `v_reset`. Units: mV, ms, nA, MOhm. Reference: Gerstner,
    Kistler, Naud and Paninski (2014), Neuronal Dynamics, section 1.3.
    """

    units: Static[int]
    tau: float | Array = 20.0  # ms
    resistance: float | Array = 1.0  # MOhm
    v_rest: float | Array = -65.0  # mV
    v_reset: float | Array = -65.0  # mV
    v_threshold: float | Array = -52.0  # mV
    refractory_time: float | Array = 5.0  # ms

    def init(self, key: Array) -> LIFState:
        zeros = jnp.zeros(self.units)
        return LIFState(current=zeros, v=zeros + self.v_rest, spikes=zeros, refractory=zeros)

    def advance_state(self, state: LIFState, t: Array, dt: Array) -> LIFState:
        v_inf = self.v_rest + self.resistance * state.current
        v = v_inf + (state.v - v_inf) * jnp.exp(-dt / self.tau)
        held = state.refractory > 0.5 * dt  # half a step: a sum of steps is never quite the period
        v = jnp.where(held, self.v_reset, v)
        fired = v >= self.v_threshold
        return state.replace(
            v=jnp.where(fired, self.v_reset, v),
            spikes=fired,
            refractory=jnp.where(
                fired, self.refractory_time, jnp.maximum(state.refractory - dt, 0.0)
            ),
        )
