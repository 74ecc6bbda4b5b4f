"""Leaky integrate-and-fire cell with an exponential synaptic current."""

import jax.numpy as jnp
from jax import Array

from ngcmem.cells._integrate import is_refractory, rest_after
from ngcmem.cells.leaky import LeakyCell, LeakyState
from ngcmem.core import Input, NonNegative, PerExample, Positive, approach, expm1_ratio


class CubaLIFState(LeakyState):
    inputs: Input[Array, "units"]  # what arrives in this step: the jump of the synaptic current, nA
    synaptic: PerExample[Array, "units"]  # synaptic current, nA
    synaptic_rounding: PerExample[Array, "units"]  # what its digits do not hold, nA
    refractory: PerExample[Array, "units"]  # time left of the refractory period, ms


class CubaLIF(LeakyCell[CubaLIFState]):
    """A `LIF` behind a synaptic current that decays exponentially, integrated exactly.

        tau_synapse dI/dt = -I,                                   I <- I + inputs
        tau dv/dt = v_rest - v + resistance (I + current);        v >= v_threshold: spike, reset

    Within a step the current decays, which a current held during it would miss:

        v <- v_inf + (v - v_inf) P + resistance I tau_synapse / (tau - tau_synapse) (P - Q)
        I <- I Q + inputs,      P = exp(-dt / tau), Q = exp(-dt / tau_synapse)

    with v_inf = v_rest + resistance * current. The synaptic current runs on while the membrane
    rests; `jump` and refractory time as in `LIF`. `integration` is "exact" only. Units: mV, ms, nA,
    MOhm (or pA and GOhm). References: Rotter and Diesmann (1999), doi:10.1007/s004220050570;
    Vogels and Abbott (2005), doi:10.1523/JNEUROSCI.3508-05.2005.

    Raises:
        ValueError: another `integration`, or an unknown `surrogate`.
    """

    tau_synapse: Positive = 5.0  # ms
    refractory_time: NonNegative = 5.0  # ms

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.integration != "exact":
            raise ValueError(
                f"CubaLIF is integrated exactly, got integration={self.integration!r}: leave it "
                f"out."
            )

    def init(self, key: Array) -> CubaLIFState:
        common = self.init_common()
        zeros = jnp.zeros_like(common["current"])
        return CubaLIFState(
            inputs=zeros, synaptic=zeros, synaptic_rounding=zeros, refractory=zeros, **common
        )

    def advance_state(self, state: CubaLIFState, t: Array, dt: Array) -> CubaLIFState:
        resting = is_refractory(state.refractory, dt)
        # (P - Q) tau_synapse / (tau - tau_synapse) = dt / tau exp(-dt / slower) (1 - exp(-x)) / x,
        # x = dt |1 / tau_synapse - 1 / tau|: right where both constants are equal, too.
        tau, synapse = jnp.asarray(self.tau), jnp.asarray(self.tau_synapse)
        slower = jnp.exp(-dt / jnp.maximum(tau, synapse))
        apart = jnp.abs(dt / synapse - dt / tau)
        gain = self.resistance * (dt / tau) * slower * expm1_ratio(-apart)
        synaptic, lost = approach(
            state.synaptic, state.synaptic_rounding, 0.0, synapse, dt, jump=state.inputs
        )
        charged, rounding = self.charged(state.replace(jump=state.jump + gain * state.synaptic), dt)
        v = jnp.where(resting, self.v_reset, charged)
        spikes = self.fires(v - self.v_threshold)
        return state.replace(
            **self.after_reset(resting | (spikes > 0), v, rounding),
            spikes=spikes,
            synaptic=synaptic,
            synaptic_rounding=lost,
            refractory=rest_after(spikes > 0, state.refractory, self.refractory_time, dt),
        )
