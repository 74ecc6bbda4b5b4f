"""Transmission delay, one per line."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from ngcmem.core import (
    SLACK,
    Component,
    Input,
    NonNegative,
    PerExample,
    State,
    Static,
    Units,
    shape_of,
    whole_steps,
    zeros_per_unit,
)


class DelayState(State):
    inputs: Input[Array, "units"]
    outputs: PerExample[Array, "units"]  # the inputs of `delay` ms ago; 0 before the first
    buffer: PerExample[Array, "steps units"]  # ring of the latest inputs
    position: PerExample[Array, ""]  # int32: where in the ring the next input goes
    step_length: PerExample[Array, ""]  # dt of the latest step, ms; 0 before the first
    alike: PerExample[Array, ""]  # int32: how many steps ago the inputs of this dt begin
    in_range: PerExample[Array, "units"]  # 1 where the output is right, 0 where it is NaN


class Delay(Component[DelayState]):
    """Lines that transmit what they get, each after its own delay.

        outputs_i(t) = inputs_i(t - delay_i)

    `delay` is in ms, one number or one per unit, and lasts a whole number of steps: the nearest,
    halves up (`nm.core.whole_steps`). With `interpolate=True` it is not rounded: the output lies on
    the straight line between the inputs of the two steps it falls between, and has a gradient by
    `delay`, which whole steps have not. A delay of 0 passes the input through.
    Whatever comes in arrives, two spikes of one step as two.

    `max_steps` is the size of the ring buffer: the longest delay over the shortest dt. A delay that
    does not fit is an error before anything is compiled; where `delay` or `dt` is traced, the
    output of that line is NaN and its `in_range` 0. The same happens after dt has changed, to
    what was sent with another dt: it cannot be moved to steps of another length. `nm.reset` empties
    the lines. For one delay of a whole wire, in steps, write `delayed("cell.spikes", steps=k)`,
    which needs no component. Units: ms. Reference: Izhikevich (2006), Neural Computation 18:245,
    doi:10.1162/089976606775093882.

    Raises:
        ValueError: a step so short that `delay` does not fit into `max_steps`.
    """

    units: Units
    max_steps: Static[int]
    delay: NonNegative = 1.0  # ms, () or (units,)
    interpolate: Static[bool] = False

    @property
    def shortest_dt(self) -> float:
        if isinstance(self.delay, (Tracer, jax.ShapeDtypeStruct)):
            return 0.0
        longest = np.max(np.asarray(self.delay, np.float64), initial=0.0)
        if not longest > 0:
            return 0.0
        most = self.max_steps + (0.0 if self.interpolate else 0.5) * (1.0 - 4.0 * SLACK)
        return float(longest) / (most + SLACK)

    @property
    def _kept(self) -> int:
        """How many steps ago the oldest input kept was sent: one more for the slope between two."""
        return self.max_steps + self.interpolate

    def init(self, key: Array) -> DelayState:
        zeros = zeros_per_unit(self)
        return DelayState(
            inputs=zeros,
            outputs=zeros,
            buffer=jnp.zeros((self._kept + 1, *shape_of(self.units))),
            position=jnp.zeros((), jnp.int32),
            step_length=jnp.zeros(()),
            alike=jnp.full((), self._kept, jnp.int32),
            in_range=jnp.ones(self.units),
        )

    def advance_state(self, state: DelayState, t: Array, dt: Array) -> DelayState:
        buffer = state.buffer.at[state.position].set(state.inputs)
        length = dt.astype(state.step_length.dtype)
        changed = (length != state.step_length) & (state.step_length > 0)
        alike = jnp.where(changed, 0, jnp.minimum(state.alike + 1, self._kept))

        delay = jnp.broadcast_to(jnp.asarray(self.delay, dt.dtype), shape_of(self.units))
        exact = delay / dt
        near = whole_steps(delay, dt)
        if self.interpolate:
            whole = jnp.abs(exact - near.astype(dt.dtype)) < SLACK
            lag = jnp.where(whole, near, jnp.floor(exact).astype(jnp.int32))
            reach = jnp.where(whole, lag, lag + 1)
        else:
            lag = reach = near
        fits = (reach <= jnp.minimum(alike, self.max_steps)) & (exact >= 0)
        outputs = self._sent(buffer, state.position, lag)
        if self.interpolate:
            share = jnp.where(lag + 1 <= alike, exact - lag.astype(dt.dtype), 0.0)
            before = self._sent(buffer, state.position, lag + 1)
            outputs = outputs + share * (before - outputs)
        return state.replace(
            outputs=jnp.where(fits, outputs, jnp.nan),
            buffer=buffer,
            position=(state.position + 1) % (self._kept + 1),
            step_length=length,
            alike=alike,
            in_range=fits,
        )

    def _sent(self, buffer: Array, position: Array, lag: Array) -> Array:
        """The inputs of so many steps ago, (units,)."""
        place = (position - jnp.clip(lag, 0, self._kept)) % (self._kept + 1)
        return jnp.take_along_axis(buffer, place[None], axis=0)[0]
