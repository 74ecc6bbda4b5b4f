"""Simulated time that does not drift: t = origin + (ticks - since) dt, never a running sum."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import Pytree


class Clock(Pytree):
    """Time in ms. Forty steps, or fifteen and then twenty-five, give the same t bit for bit."""

    origin: Array  # (), float, ms: the time after `since` steps
    since: Array  # (), int32: the steps made when dt last changed or the time was set
    dt: Array  # (), float, ms: the length of the latest step
    ticks: Array  # (), int32: steps made, modulo 2^32: rings have sizes that are powers of two

    @classmethod
    def at(cls, t: float | Array = 0.0) -> "Clock":
        """A clock that shows `t` and has made no step."""
        kind = jnp.result_type(float)
        none = jnp.zeros((), jnp.int32)
        return cls(origin=jnp.asarray(t, kind), since=none, dt=jnp.zeros((), kind), ticks=none)

    @property
    def t(self) -> Array:
        """The time now, ms."""
        return self._at(self.ticks)

    @property
    def began(self) -> Array:
        """The time at which the latest step began, ms."""
        return self._at(self.ticks - 1)  # dt is 0 before the first step

    def _at(self, ticks: Array) -> Array:
        return self.origin + (ticks - self.since).astype(self.dt.dtype) * self.dt

    def after(self, steps: int | Array, dt: Array) -> "Clock":
        """The clock so many steps of `dt` later."""
        # Beyond 2^30 steps of one dt the time is counted from a later origin: the difference of two
        # int32 that have gone round is right up to 2^31.
        same = (dt == self.dt) & (self.ticks - self.since < 2**30)
        return self.replace(
            origin=jnp.where(same, self.origin, self.t),
            since=jnp.where(same, self.since, self.ticks),
            dt=jnp.broadcast_to(dt, self.dt.shape),
            ticks=self.ticks + steps,
        )

    def moved_to(self, t: float | Array) -> "Clock":
        """The clock showing another time; the number of steps is kept (ring buffers count it)."""
        return self.replace(origin=jnp.asarray(t, self.origin.dtype), since=self.ticks)


def with_clocks(state: Any, clocks: Any, steps: Array, dt: Array) -> Any:
    """`state` with every clock in it as that of `clocks` so many steps of `dt` later.

    A loop that sets its clocks from the step number need not carry them.
    """

    def later(old: Any, clock: Any) -> Any:
        return clock.after(steps, dt) if isinstance(old, Clock) else old

    return jax.tree.map(later, state, clocks, is_leaf=lambda node: isinstance(node, Clock))
