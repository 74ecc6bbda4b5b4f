"""Simulated time that does not drift: t = origin + steps * dt, never a running sum."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core.pytree import Pytree


class Clock(Pytree):
    """Time in ms. Forty steps, or fifteen and then twenty-five, give the same t bit for bit."""

    origin: Array  # (), float, ms: when the first step began, had all been of length dt
    dt: Array  # (), float, ms: the length of the latest step
    ticks: Array  # (), int32: steps made

    @classmethod
    def at(cls, t: float | Array = 0.0) -> "Clock":
        """A clock that shows `t` and has made no step."""
        kind = jnp.result_type(float)
        none = jnp.zeros((), jnp.int32)
        return cls(origin=jnp.asarray(t, kind), dt=jnp.zeros((), kind), ticks=none)

    @property
    def t(self) -> Array:
        """The time now, ms."""
        return self.origin + self.ticks.astype(self.dt.dtype) * self.dt

    @property
    def began(self) -> Array:
        """The time at which the latest step began, ms."""
        return self.origin + jnp.maximum(self.ticks - 1, 0).astype(self.dt.dtype) * self.dt

    def after(self, steps: int | Array, dt: Array) -> "Clock":
        """The clock so many steps of `dt` later."""
        rebased = self.t - self.ticks.astype(self.dt.dtype) * dt
        return self.replace(
            origin=jnp.where(dt == self.dt, self.origin, rebased),
            dt=jnp.broadcast_to(dt, self.dt.shape),
            ticks=self.ticks + steps,
        )

    def moved_to(self, t: float | Array) -> "Clock":
        """The clock showing another time; the number of steps is kept (ring buffers count it)."""
        t = jnp.asarray(t, self.origin.dtype)
        return self.replace(origin=t - self.ticks.astype(self.dt.dtype) * self.dt)


def with_clocks(state: Any, clocks: Any, steps: Array, dt: Array) -> Any:
    """`state` with every clock in it as that of `clocks` so many steps of `dt` later.

    A loop that sets its clocks from the step number need not carry them.
    """

    def later(old: Any, clock: Any) -> Any:
        return clock.after(steps, dt) if isinstance(old, Clock) else old

    return jax.tree.map(later, state, clocks, is_leaf=lambda node: isinstance(node, Clock))
