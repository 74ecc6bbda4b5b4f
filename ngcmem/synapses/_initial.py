"""First weights: an initializer's, of the shape that was asked for."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

Initializer = Callable[..., Array]


def initial(owner: Any, name: str, key: Array, shape: tuple[int, ...]) -> Array:
    """What the initializer `owner.name` gives for a key and a shape.

    Raises:
        ValueError: it is no function, or its array has another shape.
    """
    initializer = getattr(owner, name)
    where = f"{type(owner).__name__}: {name}"
    if not callable(initializer):
        raise ValueError(
            f"{where} is a function of a key and a shape, got {type(initializer).__name__}. Write "
            f"{name}=jax.nn.initializers.constant(0.5), or set arrays of your own in the state."
        )
    values: Array = getattr(owner, name)(key, shape)
    if jnp.shape(values) != shape:
        raise ValueError(
            f"{where} gave an array of shape {jnp.shape(values)} where {shape} was asked for; "
            f"it is called with a key and that shape."
        )
    return values
