"""Populations: how many units they have, in which shape, and what fits them.

units: Units                       # an int, or a tuple: (height, width, channels)
v: PerExample[Array, "units"]      # has those axes, under one name
"""

from collections.abc import Sequence
from typing import Annotated, Any

import jax.numpy as jnp
from jax import Array

from ngcmem.core.domains import Whole
from ngcmem.core.errors import is_whole
from ngcmem.core.pytree import Static

Units = Annotated[Static[int | tuple[int, ...]], Whole(several=True)]
"""The size of a population: one number, or a tuple for one with a shape."""
UnitsOrNone = Annotated[Static[int | tuple[int, ...] | None], Whole(several=True)]
"""The same, where something else may say it."""


def shape_of(units: int | tuple[int, ...]) -> tuple[int, ...]:
    """The axes of a population of this size."""
    return units if isinstance(units, tuple) else (units,)


def zeros_per_unit(component: Any) -> Array:
    """Zeros of the shape of `units`, for an `init`, once every hyper-parameter fits them.

    One value, or one per unit; in a population with a shape an axis of length 1 stands for all.

    Raises:
        ValueError: a hyper-parameter of another shape.
    """
    units = shape_of(component.units)
    for name in component.leaf_names:
        if (given := getattr(component, name)) is None:
            continue
        shape = jnp.shape(given)
        if shape in ((), units) or (len(units) > 1 and _stands_for(shape, units)):
            continue
        raise ValueError(
            f"{type(component).__name__}: {name} has shape {shape}; give one value or one per "
            f"unit, shape {units}{_along_an_axis(units)}. Copies with values of their own are "
            f"nm.Population(member=..., varying=({name!r},)), sweeps jax.vmap."
        )
    return jnp.zeros(units)


def _stands_for(shape: tuple[int, ...], units: tuple[int, ...]) -> bool:
    return len(shape) == len(units) and all(a in (1, b) for a, b in zip(shape, units, strict=True))


def _along_an_axis(units: tuple[int, ...]) -> str:
    last = (*[1] * (len(units) - 1), units[-1])
    return f", or one along some axes, such as {last}" if len(units) > 1 else ""


def named_sizes(
    component: Any, path: str, axes: Sequence[str], shape: tuple[int, ...]
) -> list[tuple[str, tuple[int, ...]]] | None:
    """Each axis of the compartment at a path with its sizes: several in a population with a shape.

    None where the shape has other axes than declared.
    """
    sizes, at = [], 0
    for axis in axes:
        own = component.axis_size(path, axis)
        shaped = isinstance(own, tuple) and all(map(is_whole, own))
        taken = len(own) if shaped else 1
        if own != ():  # an axis that this component does without
            sizes.append((axis, tuple(shape[at : at + taken])))
        at += taken
    return sizes if at == len(shape) and all(size for _, size in sizes) else None


def shown_sizes(
    component: Any, path: str, axes: Sequence[str], shape: tuple[int, ...]
) -> str | None:
    """As `print` shows them: `"steps=17 units=16x16x32"`; None as in `named_sizes`."""
    named = named_sizes(component, path, axes, shape)
    if named is None:
        return None
    return " ".join(f"{axis}={'x'.join(map(str, sizes))}" for axis, sizes in named)
