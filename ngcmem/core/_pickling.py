"""Functions in a pickle by name, jitted ones too, which pickle itself takes apart and refuses."""

import importlib
import types
from typing import Any, NamedTuple


class Named(NamedTuple):
    """Where a function is defined."""

    module: str
    name: str


def by_name(value: Any) -> Any:
    """`Named` for a function such as `jnp.tanh`; anything else, plain functions too, as it is."""
    if not callable(value) or isinstance(value, (type, types.FunctionType)):
        return value
    place = Named(getattr(value, "__module__", "") or "", getattr(value, "__qualname__", ""))
    if place.module in ("", "__main__"):
        return value
    try:
        return place if found(place) is value else value
    except (ImportError, AttributeError):
        return value


def found(value: Any) -> Any:
    """The counterpart of `by_name`."""
    if not isinstance(value, Named):
        return value
    place = importlib.import_module(value.module)
    for name in value.name.split("."):
        place = getattr(place, name)
    return place
