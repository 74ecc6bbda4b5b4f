"""The course in time of what arrives: conductances and currents behind any synapse."""

from typing import Literal

import jax
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
from ngcmem.synapses._courses import risen_and_decayed


class ConductanceState(State):
    inputs: Input[Array, "units"]  # what arrives in this step: the jump of g, or its later peak
    v: Input[Array, "units"]  # membrane potential of the target, mV; for a current or NMDA
    conductance: PerExample[Array, "units"]  # before the magnesium block, in the unit of the inputs
    conductance_rounding: PerExample[Array, "units"]  # what its digits do not hold
    rising: PerExample[Array, "units"]  # what feeds the conductance; 0 if it jumps
    rising_rounding: PerExample[Array, "units"]  # what its digits do not hold
    g: PerExample[Array, "units"]  # what the target sees
    drive: PerExample[Array, "units"]  # g times the reversal potential
    outputs: PerExample[Array, "units"]  # g (reversal - v)


class Conductance(Component[ConductanceState]):
    """A conductance that rises and decays with what arrives, whichever synapse brings it.

        exponential:         dg/dt = -g / tau,                                  g += inputs
        alpha:               g(t) = inputs e (t / tau) exp(-t / tau)
        double_exponential:  g(t) = inputs (exp(-t / tau) - exp(-t / tau_rise)) / its maximum

    each the exact solution for arrivals at the end of a step, as in `ExponentialSynapse` and
    `DoubleExponentialSynapse`; one arrival of 1 peaks at 1. The
    current is g (reversal - v): wire `wire(delayed("cell.v"), to="conductance.v")` and `outputs` to
    the cell's current, or `g` and `drive` to `conductance` and `drive` of a `ConductanceLIF`, which
    integrates them exactly. With `magnesium` (mM) it is that of NMDA receptors, g times

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
            conductance_rounding=zeros,
            rising=zeros,
            rising_rounding=zeros,
            g=zeros,
            drive=zeros,
            outputs=zeros,
        )

    def advance_state(self, state: ConductanceState, t: Array, dt: Array) -> ConductanceState:
        if self.course == "exponential":
            near, lost = approach(
                state.conductance,
                state.conductance_rounding,
                0.0,
                self.tau,
                dt,
                jump=state.inputs,
            )
            course = dict(conductance=near, conductance_rounding=lost)
        else:
            rise = self.tau if self.course == "alpha" else self.tau_rise
            course = risen_and_decayed(state, rise, self.tau, state.inputs, dt)
        g = course["conductance"]
        if self.magnesium is not None:
            # 1 / (1 + m exp(-x)) with exp(-x) = sigmoid(-x) / sigmoid(x), which never overflows.
            free, blocked = jax.nn.sigmoid(0.062 * state.v), jax.nn.sigmoid(-0.062 * state.v)
            g = g * free / (free + self.magnesium / 3.57 * blocked)
        return state.replace(
            g=g, drive=g * self.reversal, outputs=g * (self.reversal - state.v), **course
        )
