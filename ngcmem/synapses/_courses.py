"""The rise and decay of a conductance, whichever component has it."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from ngcmem.core import approach, expm1_ratio


def time_to_peak(rise: Array, decay: Array) -> Array:
    """When a conductance of these time constants is largest, ms."""
    near = jnp.log1p((decay - rise) / rise)  # ln(decay / rise)
    return decay / expm1_ratio(near)


def risen_and_decayed(
    state: Any, tau_rise: Any, tau_decay: Any, arriving: Array, dt: Array
) -> dict[str, Array]:
    """`rising` and `conductance` after a step, with what their digits do not hold."""
    rise, decay = jnp.asarray(tau_rise), jnp.asarray(tau_decay)
    peak = decay * jnp.exp(-time_to_peak(rise, decay) / rise)  # of g fed by r from 1
    apart = jnp.abs(decay - rise) / decay / rise
    slower = jnp.exp(-dt / jnp.maximum(rise, decay))
    fed = dt * slower * expm1_ratio(-dt * apart)
    conductance, conductance_rounding = approach(
        state.conductance,
        state.conductance_rounding,
        0.0,
        decay,
        dt,
        jump=state.rising * (fed / peak),
    )
    rising, rising_rounding = approach(
        state.rising, state.rising_rounding, 0.0, rise, dt, jump=arriving
    )
    return dict(
        rising=rising,
        rising_rounding=rising_rounding,
        conductance=conductance,
        conductance_rounding=conductance_rounding,
    )
