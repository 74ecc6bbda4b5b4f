"""Izhikevich's simple model of a spiking cell."""

from types import MappingProxyType

import jax.numpy as jnp
from jax import Array

from ngcmem.cells._integrate import SCHEMES, Values, integrate
from ngcmem.cells.surrogate import Shape, spike, surrogate_shape
from ngcmem.core import (
    Component,
    Input,
    PerExample,
    Positive,
    Real,
    State,
    Static,
    Units,
    check_choice,
    did_you_mean,
    zeros_per_unit,
)

_ABBREVIATIONS = {  # of the figure, in every paper since
    "RS": "regular_spiking",
    "IB": "intrinsically_bursting",
    "CH": "chattering",
    "FS": "fast_spiking",
    "LTS": "low_threshold_spiking",
    "RZ": "resonator",
}


class _Patterns(dict[str, dict[str, float]]):
    """Patterns by name; asking for another says which there are."""

    def __missing__(self, name: str) -> dict[str, float]:
        meant = _ABBREVIATIONS.get(str(name).upper())
        hint = f" Write {meant!r}." if meant else did_you_mean(str(name), self)
        raise KeyError(f"IZHIKEVICH_PATTERNS has no {name!r}.{hint}")


IZHIKEVICH_PATTERNS = MappingProxyType(
    _Patterns(
        regular_spiking=dict(a=0.02, b=0.2, c=-65.0, d=8.0),
        intrinsically_bursting=dict(a=0.02, b=0.2, c=-55.0, d=4.0),
        chattering=dict(a=0.02, b=0.2, c=-50.0, d=2.0),
        fast_spiking=dict(a=0.1, b=0.2, c=-65.0, d=2.0),
        low_threshold_spiking=dict(a=0.02, b=0.25, c=-65.0, d=2.0),
        resonator=dict(a=0.1, b=0.26, c=-65.0, d=2.0),
    )
)
"""Figure 2 of the reference: `Izhikevich(units=1, **IZHIKEVICH_PATTERNS["chattering"])`."""


class IzhikevichState(State):
    current: Input[Array, "units"]  # input current, in the model's own unit
    v: PerExample[Array, "units"]  # membrane potential, mV
    u: PerExample[Array, "units"]  # recovery variable, mV / ms
    spikes: PerExample[Array, "units"]  # 0 or 1


class Izhikevich(Component[IzhikevichState]):
    """Two equations that show the firing patterns of cortical cells.

        dv/dt = 0.04 v^2 + 5 v + 140 - u + current;   du/dt = a (b v - u)
        v >= v_peak: spike, v <- c, u <- u + d

    Integrated by `integration` ("rk4", "midpoint" or "euler") with the square evaluated at
    min(v, v_peak). Spikes fall on whole steps, so dt <= 0.5 ms; above `longest_dt` = 1 ms, where
    firing rates go wrong, a step is refused. `integration="half_steps"` is the published program's
    scheme, for its networks at dt = 1 ms: two Euler steps of v of half the length with u held, then
    one of u with the new v, and no limit on the square. The cell begins at `v_start` with
    u = b v_start, as in the published program. Units: mV, ms. Reference: Izhikevich (2003), IEEE
    Transactions on Neural Networks 14:1569, doi:10.1109/TNN.2003.820440.

    Raises:
        ValueError: an unknown `integration` or `surrogate`.
    """

    units: Units
    a: Real = 0.02  # 1 / ms
    b: Real = 0.2  # 1 / ms
    c: Real = -65.0  # mV
    d: Real = 8.0  # mV / ms
    v_peak: Real = 30.0  # mV
    v_start: Real = -65.0  # mV
    surrogate_width: Positive = 5.0  # mV
    surrogate: Static[str | Shape] = "arctan"
    integration: Static[str] = "rk4"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("Izhikevich", "integration", self.integration, (*SCHEMES, "half_steps"))
        surrogate_shape(self.surrogate)

    @property
    def longest_dt(self) -> float:
        return 1.0

    def init(self, key: Array) -> IzhikevichState:
        zeros = zeros_per_unit(self)
        v = zeros + self.v_start
        return IzhikevichState(current=zeros, v=v, u=self.b * v, spikes=zeros)

    def advance_state(self, state: IzhikevichState, t: Array, dt: Array) -> IzhikevichState:
        def derivative(y: Values) -> Values:
            v, u = jnp.minimum(y[0], self.v_peak), y[1]
            dv = (0.04 * v + 5.0) * v + 140.0 - u + state.current
            return dv, self.a * (self.b * v - u)

        if self.integration == "half_steps":
            v, u = state.v, state.u
            for _ in range(2):
                v = v + 0.5 * dt * ((0.04 * v + 5.0) * v + 140.0 - u + state.current)
            u = u + dt * self.a * (self.b * v - u)
        else:
            v, u = integrate(self.integration, derivative, (state.v, state.u), dt)
        spikes = spike(v - self.v_peak, self.surrogate_width, self.surrogate)
        fired = spikes > 0
        return state.replace(
            v=jnp.where(fired, self.c, v), u=jnp.where(fired, u + self.d, u), spikes=spikes
        )
