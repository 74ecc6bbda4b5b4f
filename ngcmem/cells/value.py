"""Value cell of a predictive-coding circuit."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import Component, Input, PerExample, PositiveOrInf, State, Static, Units, carry


class ValueState(State):
    drive: Input[Array, "units"]  # -dE/d(value): what pulls on the value itself
    feedback: Input[Array, "units"]  # -dE/d(outputs): what pulls on f(value)
    free: Input[Array, "units"]  # 1: settles; 0: clamped, does not move
    value: PerExample[Array, "units"]
    rounding: PerExample[Array, "units"]  # what the digits of a free value do not hold
    outputs: PerExample[Array, "units"]  # f(value)


class Value(Component[ValueState]):
    """A value that settles by gradient descent on the energy of its circuit.

        tau d(value)/dt = free * (drive + f'(value) * feedback);     outputs = f(value)

    one Euler step of dt / tau per step. Error cells bring `drive` (wire "-error.target_gradient")
    and, through `Feedback` synapses, `feedback`; both lag one step, `delayed(...)`, which makes a
    circuit of these cells exact gradient descent on the sum of its error cells' energies: the
    energy read after a step is that of the values after the step. Clamp by setting `value` and
    `free` = 0, per unit. References: Rao and Ballard (1999), doi:10.1038/4580; Whittington and
    Bogacz (2017), doi:10.1162/NECO_a_00949.
    """

    units: Units
    tau: PositiveOrInf = 10.0  # ms; dt / tau is the step size of the descent
    activation: Static[Callable[[Array], Array]] = jnp.tanh

    def init(self, key: Array) -> ValueState:
        zeros = jnp.zeros(self.units)
        return ValueState(
            drive=zeros,
            feedback=zeros,
            free=jnp.ones(self.units),
            value=zeros,
            rounding=zeros,
            outputs=self.activation(zeros),
        )

    def advance_state(self, state: ValueState, t: Array, dt: Array) -> ValueState:
        _, pull_back = jax.vjp(self.activation, state.value)
        slope = state.drive + pull_back(state.feedback)[0]
        carried = jnp.where(state.free > 0, state.rounding, 0.0)  # a clamped value does not move
        held = (state.free == 0) & ~jnp.isfinite(slope)  # whatever pulls on a clamped value
        step = (dt / self.tau) * state.free * jnp.where(held, 0, slope)
        value, rounding = carry(state.value, carried, step)
        return state.replace(value=value, rounding=rounding, outputs=self.activation(value))
