"""Simulated time that does not drift: t = origin + steps * dt, never a running sum."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core.pytree import Pytree


class Clock(Pytree):
    """Time in ms. Forty steps, or fifteen and then twenty-five, give the same t bit for bit."""

    origin: Array  # (), float, ms: the time at which the present dt began
    dt: Array  # (), float, ms
    steps: Array  # (), int32: steps of length dt since the origin
    ticks: Array  # (), int32: steps of any length since the clock was made (ring buffers)

    @classmethod
    def at(cls, t: float | Array = 0.0) -> "Clock":
        """A clock that shows `t` and has made no step."""
        kind = jnp.result_type(float)
        return cls(
            origin=jnp.asarray(t, kind),
            dt=jnp.zeros((), kind),
            steps=jnp.zeros((), jnp.int32),
            ticks=jnp.zeros((), jnp.int32),  # a buffer of its own, so that both can be donated
        )

    @property
    def t(self) -> Array:
        """The time now, ms."""
        return self.origin + self.steps.astype(self.dt.dtype) * self.dt

    @property
    def began(self) -> Array:
        """The time at which the latest step began, ms."""
        return self.origin + jnp.maximum(self.steps - 1, 0).astype(self.dt.dtype) * self.dt

    def after(self, steps: int | Array, dt: Array) -> "Clock":
        """The clock so many steps of `dt` later."""
        same = dt == self.dt
        return self.replace(
            origin=jnp.where(same, self.origin, self.t),
            dt=jnp.broadcast_to(dt, self.dt.shape).astype(self.dt.dtype),
            steps=jnp.where(same, self.steps, 0) + steps,
            ticks=self.ticks + steps,
        )

    def moved_to(self, t: float | Array) -> "Clock":
        """The clock showing another time; the number of ticks is kept."""
        return Clock.at(t).replace(ticks=self.ticks)


def with_clocks(state: Any, clocks: Any, steps: Array, dt: Array) -> Any:
    """`state` with every clock in it as that of `clocks` so many steps of `dt` later.

    A loop that sets its clocks from the step number need not carry them.
    """

    def later(old: Any, clock: Any) -> Any:
        return clock.after(steps, dt) if isinstance(old, Clock) else old

    return jax.tree.map(later, state, clocks, is_leaf=lambda node: isinstance(node, Clock))
