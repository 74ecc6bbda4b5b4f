"""Spiking cells of which at most one fires at a time."""

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.cells.integrate import relax
from ngcmem.cells.surrogate import Shape, spike, surrogate_shape
from ngcmem.core.compartments import Input, PerExample, State
from ngcmem.core.component import Component
from ngcmem.core.errors import check_choice
from ngcmem.core.pytree import Static


class WinnerTakeAllState(State):
    current: Input[Array, "units"]  # input current, nA
    v: PerExample[Array, "units"]  # membrane potential, mV
    spikes: PerExample[Array, "units"]  # 0 or 1, at most one 1


class WinnerTakeAll(Component[WinnerTakeAllState]):
    """Leaky membranes; the first to reach the threshold fires and inhibits all of them.

        tau dv/dt = v_rest - v + resistance * current
        max v >= v_threshold: the cell with the largest v spikes, every v <- v_reset

    With constant currents the cell with the largest fires alone, with the intervals
    tau ln((v_inf - v_reset) / (v_inf - v_threshold)) of a LIF cell without refractory time. Of
    equal potentials the cell with the lowest index wins. The winner's spike has a surrogate
    gradient. Integration as in `LIF`. Units: mV, ms, nA, MOhm. Reference: Oster, Douglas and Liu
    (2009), Neural Computation 21:2437, doi:10.1162/neco.2009.07-08-829 (global inhibition strong
    enough to reset).

    Raises:
        ValueError: an unknown `integration` or `surrogate`.
    """

    units: Static[int]
    tau: float | Array = 20.0  # ms
    resistance: float | Array = 1.0  # MOhm
    v_rest: float | Array = -65.0  # mV
    v_reset: float | Array = -65.0  # mV
    v_threshold: float | Array = -52.0  # mV
    surrogate_width: float | Array = 5.0  # mV
    surrogate: Static[str | Shape] = "arctan"
    integration: Static[str] = "exact"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("WinnerTakeAll", "integration", self.integration, ("exact", "euler"))
        surrogate_shape(self.surrogate)

    def init(self, key: Array) -> WinnerTakeAllState:
        zeros = jnp.zeros(self.units)
        return WinnerTakeAllState(current=zeros, v=zeros + self.v_rest, spikes=zeros)

    def advance_state(self, state: WinnerTakeAllState, t: Array, dt: Array) -> WinnerTakeAllState:
        v_inf = self.v_rest + self.resistance * state.current
        v = relax(self.integration, state.v, v_inf, self.tau, dt)
        winner = jax.nn.one_hot(jnp.argmax(v), self.units, dtype=v.dtype)
        spikes = winner * spike(v - self.v_threshold, self.surrogate_width, self.surrogate)
        return state.replace(v=jnp.where(jnp.any(spikes > 0), self.v_reset, v), spikes=spikes)
