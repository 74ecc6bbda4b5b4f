"""Leaky integrate-and-fire cell."""

import jax.numpy as jnp
from jax import Array

from ngcmem.cells.integrate import is_refractory, relax, rest_after
from ngcmem.cells.surrogate import Shape, spike, surrogate_shape
from ngcmem.core.compartments import Input, PerExample, State
from ngcmem.core.component import Component
from ngcmem.core.errors import check_choice
from ngcmem.core.pytree import Static


class LIFState(State):
    current: Input[Array, "units"]  # input current, nA
    v: PerExample[Array, "units"]  # membrane potential, mV
    spikes: PerExample[Array, "units"]  # 0 or 1
    refractory: PerExample[Array, "units"]  # time left of the refractory period, ms


class LIF(Component[LIFState]):
    """A leaky membrane that spikes and is reset when it reaches its threshold.

        tau dv/dt = v_rest - v + resistance * current;   v >= v_threshold: spike, v <- v_reset

    `integration="exact"` solves this for a current held during the step, with v_inf = v_rest + R I,

        v <- v_inf + (v - v_inf) exp(-dt / tau)

    and `"euler"` is the forward Euler step (first order, stable for dt < 2 tau). While refractory
    the membrane stays at `v_reset`; `refractory_time` is rounded to whole steps. A held current
    fires every `refractory_time + tau ln((v_inf - v_reset) / (v_inf - v_threshold))` ms, rounded
    up to the step. Spikes have a surrogate gradient (`ngcmem.cells.surrogate`); the reset has none.
    Units: mV, ms, nA, MOhm. Reference: Gerstner, Kistler, Naud and Paninski (2014), Neuronal
    Dynamics, section 1.3, doi:10.1017/CBO9781107447615.

    Raises:
        ValueError: an unknown `integration` or `surrogate`.
    """

    units: Static[int]
    tau: float | Array = 20.0  # ms
    resistance: float | Array = 1.0  # MOhm
    v_rest: float | Array = -65.0  # mV
    v_reset: float | Array = -65.0  # mV
    v_threshold: float | Array = -52.0  # mV
    refractory_time: float | Array = 5.0  # ms
    surrogate_width: float | Array = 5.0  # mV
    surrogate: Static[str | Shape] = "arctan"
    integration: Static[str] = "exact"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("LIF", "integration", self.integration, ("exact", "euler"))
        surrogate_shape(self.surrogate)

    def init(self, key: Array) -> LIFState:
        zeros = jnp.zeros(self.units)
        return LIFState(current=zeros, v=zeros + self.v_rest, spikes=zeros, refractory=zeros)

    def advance_state(self, state: LIFState, t: Array, dt: Array) -> LIFState:
        v_inf = self.v_rest + self.resistance * state.current
        v = relax(self.integration, state.v, v_inf, self.tau, dt)
        v = jnp.where(is_refractory(state.refractory, dt), self.v_reset, v)
        spikes = spike(v - self.v_threshold, self.surrogate_width, self.surrogate)
        return state.replace(
            v=jnp.where(spikes > 0, self.v_reset, v),
            spikes=spikes,
            refractory=rest_after(spikes > 0, state.refractory, self.refractory_time, dt),
        )
