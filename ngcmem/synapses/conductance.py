"""The course in time of what arrives: conductances and currents behind any synapse."""

from typing import Literal

import jax.numpy as jnp
from jax import Array

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
    approach,
    check_choice,
    zeros_per_unit,
)


class ConductanceState(State):
    inputs: Input[Array, "units"]  # what arrives in this step: the jump of g, or of its rise
    v: Input[Array, "units"]  # membrane potential of the target, mV; for a current or NMDA
    conductance: PerExample[Array, "units"]  # g, in the unit of the inputs
    drive: PerExample[Array, "units"]  # g times the reversal potential
    outputs: PerExample[Array, "units"]  # g (reversal - v)
    first: PerExample[Array, "units"]  # of the two variables behind an alpha function
    second: PerExample[Array, "units"]
    rounding: PerExample[Array, "2 units"]  # what their digits do not hold


class Conductance(Component[ConductanceState]):
    """A conductance that rises and decays with what arrives, whichever synapse brings it.

        exponential:         dg/dt = -g / tau,                                  g += inputs
        alpha:               g(t) = inputs e (t / tau) exp(-t / tau)
        double_exponential:  g(t) = inputs (exp(-t / tau) - exp(-t / tau_rise)) / its maximum

    each the exact solution for arrivals at the end of a step; one arrival of 1 peaks at 1. The
    current is g (reversal - v): wire `wire(delayed("cell.v"), to="conductance.v")` and `outputs` to
    the cell's current, or `conductance` and `drive` to a `ConductanceLIF`, which integrates them
    exactly. With `magnesium` (mM) it is that of NMDA receptors, g times

        1 / (1 + magnesium / 3.57 exp(-0.062 v))

    Units: ms, mV. References: Roth and van Rossum (2009), Modeling synapses, in Computational
    Modeling Methods for Neuroscientists; Jahr and Stevens (1990),
    doi:10.1523/JNEUROSCI.10-09-03178.1990.

    Raises:
        ValueError: an unknown `course`.
    """

    units: Units
    tau: Positive = 5.0  # ms, of the decay
    tau_rise: Positive = 1.0  # ms, of the double exponential
    reversal: Real = 0.0  # mV
    magnesium: NonNegative | None = None  # mM
    course: Static[Literal["exponential", "alpha", "double_exponential"]] = "exponential"

    def __post_init__(self) -> None:
        super().__post_init__()
        courses = ("exponential", "alpha", "double_exponential")
        check_choice("Conductance", "course", self.course, courses)

    def init(self, key: Array) -> ConductanceState:
        zeros = zeros_per_unit(self)
        return ConductanceState(
            inputs=zeros,
            v=zeros + (self.reversal - 1.0),
            conductance=zeros,
            drive=zeros,
            outputs=zeros,
            first=zeros,
            second=zeros,
            rounding=jnp.zeros((2, *zeros.shape)),
        )

    def advance_state(self, state: ConductanceState, t: Array, dt: Array) -> ConductanceState:
        first, second, rounding = state.first, state.second, state.rounding
        if self.course == "exponential":
            first, lost = approach(first, rounding[0], 0.0, self.tau, dt, jump=state.inputs)
            rounding, g = rounding.at[0].set(lost), first
        elif self.course == "alpha":
            # second = integral of first: g = e second / tau, of the state at the end of the step
            decay = jnp.exp(-dt / self.tau)
            second = (second + dt * first) * decay
            first = first * decay + state.inputs
            g = jnp.e * second / self.tau
        else:
            first, a = approach(first, rounding[0], 0.0, self.tau, dt, jump=state.inputs)
            second, b = approach(second, rounding[1], 0.0, self.tau_rise, dt, jump=state.inputs)
            rounding = jnp.stack([a, b])
            peak = self.tau * self.tau_rise / (self.tau - self.tau_rise)
            at = peak * jnp.log(self.tau / self.tau_rise)
            most = jnp.exp(-at / self.tau) - jnp.exp(-at / self.tau_rise)
            g = (first - second) / most
        if self.magnesium is not None:
            g = g / (1.0 + self.magnesium / 3.57 * jnp.exp(-0.062 * state.v))
        return state.replace(
            conductance=g,
            drive=g * self.reversal,
            outputs=g * (self.reversal - state.v),
            first=first,
            second=second,
            rounding=rounding,
        )
