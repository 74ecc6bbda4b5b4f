"""Sizes of a synapse: those it is given, or those of its projection."""

import math
from typing import Any

from ngcmem.core import Component, shape_of
from ngcmem.synapses.dense import Dense
from ngcmem.synapses.projected import Projected


def take_sizes(owner: Any, *, backwards: bool = False, dense_only: bool = False) -> None:
    """Fill in `inputs` and `outputs` of a synapse from its `projection`, if there is one.

    Raises:
        TypeError: neither sizes nor a projection.
        ValueError: sizes other than those of the projection, or a projection or a shape where the
            rule needs a matrix.
    """
    name, projection = type(owner).__name__, owner.projection
    given = {"inputs": owner.inputs, "outputs": owner.outputs}
    if projection is None:
        for field, size in given.items():
            if size is None:
                raise TypeError(
                    f"{name} needs {field}: write {name}(inputs=100, outputs=10), or give a "
                    f"projection=nm.Conv(...)."
                )
            if dense_only and isinstance(size, tuple):
                raise ValueError(
                    f"{name}: {field} is one number, as the rule needs a matrix of weights, got "
                    f"{size}. Write {field}={math.prod(size)} and reshaped(..., -1) in the wire."
                )
        return
    if not isinstance(projection, Projected) or isinstance(projection, Dense):
        if isinstance(projection, Dense):
            raise TypeError(
                f"{name}: a dense synapse needs no projection. Write {name}(inputs=..., "
                f"outputs=...)."
            )
        if isinstance(projection, Component):
            kind = type(projection).__name__
            raise TypeError(f"{name}: projection is a Conv, Patched or the like, got {kind}.")
        return  # a placeholder of a transformation
    if dense_only:
        raise ValueError(f"{name} takes no projection: its rule needs a matrix of weights.")
    own = [projection.input_shape, projection.output_shape]
    for (field, size), taken in zip(given.items(), own[::-1] if backwards else own, strict=True):
        if size is not None and shape_of(size) != taken:
            raise ValueError(
                f"{name}: {field}={size!r}, but its projection makes them {taken}. Leave {field} "
                f"out."
            )
        object.__setattr__(owner, field, taken)


def via(owner: Any, *, backwards: bool = False) -> Projected:
    """Who reaches whom: as the projection says, or all; of the forward synapse if `backwards`."""
    if owner.projection is not None:
        return owner.projection
    sizes = owner.inputs, owner.outputs
    first, last = sizes[::-1] if backwards else sizes
    return Dense(inputs=first, outputs=last)
