"""Adaptive exponential integrate-and-fire cell."""

import jax.numpy as jnp
from jax import Array

from ngcmem.cells._integrate import SCHEMES, Values, integrate
from ngcmem.cells.surrogate import Shape, spike, surrogate_shape
from ngcmem.core import Component, Input, PerExample, State, Static, check_choice, zeros_per_unit

LARGEST_EXPONENT = 60.0
"""Of the upstroke: it takes v past any peak in one step, and has a finite gradient there."""


class AdExState(State):
    current: Input[Array, "units"]  # input current, pA
    v: PerExample[Array, "units"]  # membrane potential, mV
    w: PerExample[Array, "units"]  # adaptation current, pA
    spikes: PerExample[Array, "units"]  # 0 or 1


class AdEx(Component[AdExState]):
    """A membrane with an exponential upstroke and an adaptation current.

        C dv/dt     = -g_leak (v - v_leak) + g_leak slope exp((v - v_threshold) / slope) - w + I
        tau_w dw/dt = a (v - v_leak) - w
        v >= v_peak: spike, v <- v_reset, w <- w + b

    Integrated by `integration` ("rk4", "midpoint" or "euler"); the exponential is evaluated at
    min(v, v_peak), so that no stage of a step overflows. Spikes fall on whole steps: use dt <= 0.1
    ms. The defaults are the cortical cell of the reference. Units: mV, ms, pA, pF, nS. Reference:
    Brette and Gerstner (2005), Journal of Neurophysiology 94:3637, doi:10.1152/jn.00686.2005.

    Raises:
        ValueError: an unknown `integration` or `surrogate`.
    """

    units: Static[int]
    capacitance: float | Array = 281.0  # pF
    g_leak: float | Array = 30.0  # nS
    v_leak: float | Array = -70.6  # mV
    v_threshold: float | Array = -50.4  # mV
    slope: float | Array = 2.0  # mV
    tau_w: float | Array = 144.0  # ms
    a: float | Array = 4.0  # nS
    b: float | Array = 80.5  # pA
    v_reset: float | Array = -70.6  # mV
    v_peak: float | Array = 20.0  # mV
    surrogate_width: float | Array = 5.0  # mV
    surrogate: Static[str | Shape] = "arctan"
    integration: Static[str] = "rk4"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("AdEx", "integration", self.integration, SCHEMES)
        surrogate_shape(self.surrogate)

    def init(self, key: Array) -> AdExState:
        zeros = zeros_per_unit(self)
        return AdExState(current=zeros, v=zeros + self.v_leak, w=zeros, spikes=zeros)

    def advance_state(self, state: AdExState, t: Array, dt: Array) -> AdExState:
        def derivative(y: Values) -> Values:
            v, w = jnp.minimum(y[0], self.v_peak), y[1]
            height = jnp.minimum((v - self.v_threshold) / self.slope, LARGEST_EXPONENT)
            upstroke = self.slope * jnp.exp(height)
            leak = self.g_leak * (upstroke - (v - self.v_leak))
            return (
                (leak - w + state.current) / self.capacitance,
                (self.a * (v - self.v_leak) - w) / self.tau_w,
            )

        v, w = integrate(self.integration, derivative, (state.v, state.w), dt)
        spikes = spike(v - self.v_peak, self.surrogate_width, self.surrogate)
        fired = spikes > 0
        return state.replace(
            v=jnp.where(fired, self.v_reset, v),
            w=jnp.where(fired, w + self.b, w),
            spikes=spikes,
        )
