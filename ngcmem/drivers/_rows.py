"""Patterns as `nm.store` and `nm.read` take them: rows, in the shape and dtype of a compartment."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ngcmem.core import Memory, MemoryState, as_array, conform, did_you_mean


def as_rows(memory: Any, state: Any, given: Any, name: str, verb: str, like: Any = None) -> Any:
    """Values with a first axis of their own, in the shape and dtype of the compartment `name`.

    Args:
        like: values whose number of rows is wanted.

    Raises:
        TypeError: not (memory, state, ...).
        ValueError: other fields or shapes; the text says what to write.
    """
    if not isinstance(memory, Memory) or not isinstance(state, MemoryState):
        line = f"nm.{verb}(circuit['memory'], state['memory'], inputs)"
        if verb == "store":
            line = f"state = state.set({{'memory': {line}}})"
        raise TypeError(
            f"nm.{verb} takes (memory, state, inputs), got {type(memory).__name__} and "
            f"{type(state).__name__}. In a circuit: {line}."
        )
    argument = "targets" if (verb, name) == ("store", "outputs") else name
    place, now = f"{verb}: {argument}", state[name]
    if isinstance(given, (list, tuple)) and not isinstance(now, (list, tuple)):
        given = np.asarray(given)
    if isinstance(given, Mapping):
        given = {k: np.asarray(v) if isinstance(v, (list, tuple)) else v for k, v in given.items()}
    if isinstance(now, dict):
        _check_fields(place, argument, now, given)
    elif isinstance(given, Mapping):
        raise ValueError(
            f"{place} is one array, this {type(memory).__name__} has no named fields; got a dict. "
            f"Write {argument}[{next(iter(given), 'field')!r}]."
        )
    if domain := state.specs()[name].domain:
        domain.check(place, given, state)
    counted = jax.tree.leaves(given if like is None else like)
    count = jnp.shape(counted[0])[:1] if counted else (0,)

    def fit(one: Any, rows: Any, field: str = "") -> Any:
        rows = as_array(f"{place}{field}", rows, f"{argument}{field}")
        expected = (*count, *one.shape[1:])
        if rows.shape == one.shape[1:]:
            raise ValueError(
                f"{place}{field} is one pattern of shape {rows.shape}; they are rows: write "
                f"{argument}{field}[None]."
            )
        if rows.shape == (0, *one.shape[1:]):
            raise ValueError(f"{place}{field} has shape {rows.shape}: give at least one row.")
        if rows.shape != expected or not count:
            axes = f"({'rows' if like is None else count[0]}, {', '.join(map(str, one.shape[1:]))})"
            given = "is None" if rows.dtype == object else f"has shape {rows.shape}"
            raise ValueError(f"{place}{field} {given}, expected {axes}.")
        return conform(f"{place}{field}", jax.ShapeDtypeStruct(expected, one.dtype), rows)

    if isinstance(now, dict):
        return {name: fit(one, given[name], f"[{name!r}]") for name, one in now.items()}
    return jax.tree.map(fit, now, given)


def _check_fields(place: str, argument: str, now: dict[str, Any], given: Any) -> None:
    fields = f"a dict of the fields {', '.join(now)}"
    if not isinstance(given, Mapping):
        line = ", ".join(f"{name!r}: ..." for name in now)
        raise ValueError(f"{place} is {fields}, got no dict. Write {argument}={{{line}}}.")
    for name in given:
        if name not in now:
            raise ValueError(f"{place} is {fields}, got {name!r}.{did_you_mean(name, now)}")
    if missing := [name for name in now if name not in given]:
        raise ValueError(f"{place} is {fields}; {', '.join(map(repr, missing))} is missing.")
