"""Spiking cells of which at most one fires at a time."""

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.cells.leaky import LeakyCell, LeakyState


class WinnerTakeAllState(LeakyState):
    """`spikes` holds at most one 1."""


class WinnerTakeAll(LeakyCell[WinnerTakeAllState]):
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

    def init(self, key: Array) -> WinnerTakeAllState:
        return WinnerTakeAllState(**self.init_common())

    def advance_state(self, state: WinnerTakeAllState, t: Array, dt: Array) -> WinnerTakeAllState:
        v, rounding = self.charged(state, dt)
        winner = jax.nn.one_hot(jnp.argmax(v), v.size, dtype=v.dtype).reshape(v.shape)
        spikes = winner * self.fires(v - self.v_threshold)
        return state.replace(**self.after_reset(jnp.any(spikes > 0), v, rounding), spikes=spikes)
