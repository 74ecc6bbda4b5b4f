"""Hodgkin and Huxley's model of the squid giant axon."""

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.cells._integrate import SCHEMES, Values, integrate
from ngcmem.core import (
    Component,
    Input,
    NonNegative,
    PerExample,
    Positive,
    Real,
    State,
    Static,
    Units,
    check_choice,
    zeros_per_unit,
)


class HodgkinHuxleyState(State):
    current: Input[Array, "units"]  # input current density, uA / cm^2
    v: PerExample[Array, "units"]  # membrane potential, mV
    n: PerExample[Array, "units"]  # potassium activation, 0..1
    m: PerExample[Array, "units"]  # sodium activation, 0..1
    h: PerExample[Array, "units"]  # sodium inactivation, 0..1
    spikes: PerExample[Array, "units"]  # 1 in the step in which v rises through v_spike


class HodgkinHuxley(Component[HodgkinHuxleyState]):
    """A membrane with sodium, potassium and leak conductances; spikes need no reset.

        C dv/dt = I - g_sodium m^3 h (v - v_sodium) - g_potassium n^4 (v - v_potassium)
                  - g_leak (v - v_leak)
        dx/dt   = alpha_x(v) (1 - x) - beta_x(v) x      for x = n, m, h

        alpha_n = 0.1 E(-(v + 55) / 10)     beta_n = 0.125 exp(-(v + 65) / 80)
        alpha_m = E(-(v + 40) / 10)         beta_m = 4 exp(-(v + 65) / 18)
        alpha_h = 0.07 exp(-(v + 65) / 20)  beta_h = 1 / (1 + exp(-(v + 35) / 10))

    with E(x) = x / (exp(x) - 1), in today's sign and with rest near -65 mV. Integrated by
    `integration` ("rk4", fourth order, by default), stable to `longest_dt` = 0.05 ms: a longer dt,
    the default of 1 ms too, is refused. `spikes` is an
    event, without gradient: differentiate `v`, which is smooth. Units: mV, ms, uA/cm^2, mS/cm^2,
    uF/cm^2. Reference: Hodgkin and Huxley (1952), Journal of Physiology 117:500,
    doi:10.1113/jphysiol.1952.sp004764.

    Raises:
        ValueError: an unknown `integration`.
    """

    units: Units
    capacitance: Positive = 1.0  # uF / cm^2
    g_sodium: NonNegative = 120.0  # mS / cm^2
    g_potassium: NonNegative = 36.0  # mS / cm^2
    g_leak: NonNegative = 0.3  # mS / cm^2
    v_sodium: Real = 50.0  # mV
    v_potassium: Real = -77.0  # mV
    v_leak: Real = -54.387  # mV
    v_start: Real = -65.0  # mV
    v_spike: Real = 0.0  # mV
    integration: Static[str] = "rk4"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("HodgkinHuxley", "integration", self.integration, SCHEMES)

    @property
    def longest_dt(self) -> float:
        return 0.05

    def init(self, key: Array) -> HodgkinHuxleyState:
        zeros = zeros_per_unit(self)
        v = zeros + self.v_start
        n, m, h = (alpha / (alpha + beta) for alpha, beta in gate_rates(v))
        return HodgkinHuxleyState(current=zeros, v=v, n=n, m=m, h=h, spikes=zeros)

    def advance_state(self, state: HodgkinHuxleyState, t: Array, dt: Array) -> HodgkinHuxleyState:
        def derivative(y: Values) -> Values:
            v, n, m, h = y
            sodium = self.g_sodium * m**3 * h * (v - self.v_sodium)
            potassium = self.g_potassium * n**4 * (v - self.v_potassium)
            leak = self.g_leak * (v - self.v_leak)
            gates = zip(gate_rates(v), (n, m, h), strict=True)
            return (
                (state.current - sodium - potassium - leak) / self.capacitance,
                *(alpha * (1.0 - x) - beta * x for (alpha, beta), x in gates),
            )

        before = (state.v, state.n, state.m, state.h)
        v, n, m, h = integrate(self.integration, derivative, before, dt)
        fired = (v >= self.v_spike) & (state.v < self.v_spike)
        return state.replace(v=v, n=n, m=m, h=h, spikes=fired)


def gate_rates(v: Array) -> tuple[tuple[Array, Array], ...]:
    """(alpha, beta) of n, m and h, 1 / ms, at membrane potentials v, mV."""
    return (
        (0.1 * _bernoulli(-(v + 55.0) / 10.0), 0.125 * jnp.exp(-(v + 65.0) / 80.0)),
        (_bernoulli(-(v + 40.0) / 10.0), 4.0 * jnp.exp(-(v + 65.0) / 18.0)),
        (0.07 * jnp.exp(-(v + 65.0) / 20.0), jax.nn.sigmoid((v + 35.0) / 10.0)),
    )


def _bernoulli(x: Array) -> Array:
    """x / (exp(x) - 1), which is 1 at 0, with a finite gradient there."""
    small = jnp.abs(x) < 1e-3
    near, away = jnp.where(small, x, 0.0), jnp.where(small, 1.0, jnp.abs(x))
    # By exp(-|x|), which does not overflow: nor does then the gradient.
    falling = jnp.exp(-away)
    far = away / -jnp.expm1(-away) * jnp.where(x > 0, falling, 1.0)
    return jnp.where(small, 1.0 - 0.5 * near + near * near / 12.0, far)
