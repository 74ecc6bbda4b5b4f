"""Time in steps: one rule for durations, one for exponential approach, sums that lose nothing."""

import jax
import jax.numpy as jnp
from jax import Array

SLACK = 1e-3
"""Times this share of a step from a border are on it, so that no rounded float decides."""


def whole_steps(duration: float | Array, dt: Array) -> Array:
    """How many steps a duration lasts, int32: the nearest whole number, halves up.

        floor(duration / dt + 1/2)

    the library's one rule for delays and refractory times: 1.5 steps are 2, 2.5 are 3. What lies
    within `SLACK` of a half counts as a half, so 0.3 ms are three steps of 0.1 ms in any float.
    At most 2^30 steps; a duration that is no number gives 0.
    """
    steps = jnp.asarray(duration / dt)
    near = jnp.floor(steps + 0.5 + _slack(steps))
    return jnp.clip(jnp.nan_to_num(near, nan=0.0), 0, 2**30).astype(jnp.int32)


def has_begun(time: Array, step_begin: Array, dt: Array) -> Array:
    """Whether a time lies before the end of the step of length dt that begins at `step_begin`.

    A time within `SLACK` of the step's end belongs to the next step.
    """
    return (time - step_begin) / dt + _slack(step_begin / dt) < 1.0


def _slack(steps: Array) -> Array:
    """`SLACK`, or what float rounding may be off after so many steps, in steps."""
    return SLACK + 4.0 * jnp.finfo(steps.dtype).eps * jnp.abs(steps)


def approach(
    value: Array,
    rounding: Array,
    target: float | Array,
    tau: float | Array,
    dt: Array,
    *,
    jump: float | Array = 0.0,
    integration: str = "exact",
) -> tuple[Array, Array]:
    """One step of tau d(value)/dt = target - value, and a jump at its end.

        value <- value + (target - value) (1 - exp(-dt / tau)) + jump

    exact for a target held during the step; `integration="euler"` has dt / tau for the bracket.
    The bracket is -expm1(-dt / tau), which keeps its digits for tau >> dt, where exp(-dt / tau)
    rounds to 1; see `carry` for the digits of the sum.

    Args:
        value: what is moved, any shape.
        rounding: what `carry` returned with `value`, zeros at first.
        target: what it approaches.
        tau: the time constant, in the unit of dt.
        dt: the length of the step.
        jump: what is added at its end.
        integration: "exact" or "euler".

    Returns:
        The new value and its rounding.
    """
    share = dt / tau if integration == "euler" else -jnp.expm1(-dt / tau)
    # One product to each sum: how two would be fused could differ from one program to the next.
    return carry(value, rounding + jump, (target - value) * share)


def carry(value: Array, rounding: Array, change: Array) -> tuple[Array, Array]:
    """value + change, and what that rounded off, to be given to the next call.

    Ten thousand changes too small for the digits of `value` then add up as they should. The
    gradient goes through the value alone. Reference: Knuth (1997), The Art of Computer
    Programming 2, section 4.2.2, theorem B (the error of a sum, exactly).
    """
    wanted = change + rounding
    total = (value + wanted).astype(value.dtype)
    before, after = value.astype(wanted.dtype), total.astype(wanted.dtype)
    added = after - before
    lost = (before - (after - added)) + (wanted - added)
    return total, jax.lax.stop_gradient(lost)
