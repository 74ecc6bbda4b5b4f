"""Transmission delay, one per line."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Component, Input, PerExample, State, Static, zeros_per_unit


class DelayState(State):
    inputs: Input[Array, "units"]
    outputs: PerExample[Array, "units"]  # the inputs of `delay` ms ago; 0 before that
    buffer: PerExample[Array, "steps units"]  # ring of the latest inputs
    position: PerExample[Array, ""]  # int32: where in the ring the next input goes
    in_range: PerExample[Array, ""]  # 1 while every delay fits into the ring, else 0


class Delay(Component[DelayState]):
    """Lines that transmit what they get, each after its own delay.

        outputs_i(t) = inputs_i(t - delay_i)

    `delay` (ms, one number or one per unit) is a hyper-parameter and is rounded to whole steps of
    dt; `longest` is the size of the ring buffer, in steps. A delay of 0 passes the input through.
    A delay longer than the ring is cut to it and `in_range` turns 0. For one delay of a whole wire
    write `delayed("cell.spikes", steps=k)`, which needs no component. Whatever comes in arrives,
    two spikes of one step as two. Units: ms. Reference:
    Izhikevich (2006), Neural Computation 18:245, doi:10.1162/089976606775093882.
    """

    units: Static[int]
    longest: Static[int]  # steps
    delay: float | Array = 1.0  # ms, () or (units,)

    def init(self, key: Array) -> DelayState:
        zeros = zeros_per_unit(self)
        return DelayState(
            inputs=zeros,
            outputs=zeros,
            buffer=jnp.zeros((self.longest + 1, self.units)),
            position=jnp.zeros((), jnp.int32),
            in_range=jnp.ones(()),
        )

    def advance_state(self, state: DelayState, t: Array, dt: Array) -> DelayState:
        buffer = state.buffer.at[state.position].set(state.inputs)
        wanted = jnp.round(jnp.broadcast_to(self.delay, (self.units,)) / dt).astype(jnp.int32)
        lag = jnp.clip(wanted, 0, self.longest)
        size = self.longest + 1
        return state.replace(
            outputs=buffer[(state.position - lag) % size, jnp.arange(self.units)],
            buffer=buffer,
            position=(state.position + 1) % size,
            in_range=jnp.where(jnp.all(lag == wanted), state.in_range, 0.0),
        )
