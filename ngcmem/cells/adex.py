"""Adaptive exponential integrate-and-fire cell."""

import jax.numpy as jnp
from jax import Array

from ngcmem.cells._integrate import SCHEMES, Values, integrate
from ngcmem.cells.surrogate import Shape, spike, surrogate_shape
from ngcmem.core import (
    Component,
    Input,
    NonNegative,
    PerExample,
    Positive,
    PositiveOrInf,
    Real,
    State,
    Static,
    Units,
    check_choice,
    zeros_per_unit,
)

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
    min(v, v_peak), so that no stage of a step overflows. `slope` 0 is the limit of a sharp
    threshold: no upstroke below v_threshold, and a spike as soon as v reaches it. Spikes fall on
    whole steps: use dt <= 0.1 ms. The defaults are the cortical cell of the reference. Units: mV,
    ms, pA, pF, nS. Reference: Brette and Gerstner (2005), Journal of Neurophysiology 94:3637,
    doi:10.1152/jn.00686.2005.

    Raises:
        ValueError: an unknown `integration` or `surrogate`.
    """

    units: Units
    capacitance: Positive = 281.0  # pF
    g_leak: NonNegative = 30.0  # nS
    v_leak: Real = -70.6  # mV
    v_threshold: Real = -50.4  # mV
    slope: NonNegative = 2.0  # mV
    tau_w: PositiveOrInf = 144.0  # ms
    a: Real = 4.0  # nS
    b: Real = 80.5  # pA
    v_reset: Real = -70.6  # mV
    v_peak: Real = 20.0  # mV
    surrogate_width: Positive = 5.0  # mV
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
        sharp = jnp.asarray(self.slope) == 0
        slope = jnp.where(sharp, 1.0, self.slope)
        v_peak = jnp.where(sharp, jnp.minimum(self.v_threshold, self.v_peak), self.v_peak)

        def derivative(y: Values) -> Values:
            v, w = jnp.minimum(y[0], v_peak), y[1]
            height = jnp.minimum((v - self.v_threshold) / slope, LARGEST_EXPONENT)
            upstroke = jnp.where(sharp, 0.0, slope * jnp.exp(height))
            leak = self.g_leak * (upstroke - (v - self.v_leak))
            return (
                (leak - w + state.current) / self.capacitance,
                (self.a * (v - self.v_leak) - w) / self.tau_w,
            )

        v, w = integrate(self.integration, derivative, (state.v, state.w), dt)
        spikes = spike(v - v_peak, self.surrogate_width, self.surrogate)
        fired = spikes > 0
        return state.replace(
            v=jnp.where(fired, self.v_reset, v),
            w=jnp.where(fired, w + self.b, w),
            spikes=spikes,
        )
