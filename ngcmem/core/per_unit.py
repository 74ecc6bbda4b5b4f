"""Zeros per unit, and hyper-parameters that fit the units."""

from typing import Any

import jax.numpy as jnp
from jax import Array


def zeros_per_unit(component: Any) -> Array:
    """Zeros (units,), for an `init`, once every hyper-parameter is one value or one per unit.

    Raises:
        ValueError: a hyper-parameter of another shape.
    """
    units = component.units
    for name in component.leaf_names:
        shape = jnp.shape(getattr(component, name))
        if shape not in ((), (units,)):
            raise ValueError(
                f"{type(component).__name__}: {name} has shape {shape}; give one value or one per "
                f"unit, shape ({units},). Copies with values of their own are "
                f"nm.Population(member=..., varying=({name!r},)), sweeps jax.vmap."
            )
    return jnp.zeros(units)
