"""What a run records: names, checks and values."""

from collections.abc import Mapping
from typing import Any

import jax
from jax import Array

from ngcmem.circuits import selected, split
from ngcmem.core import AnyState, Component, did_you_mean, is_key
from ngcmem.drivers.measures import Events, Mean, Measure, Variance


def as_measures(record: Any) -> tuple[tuple[str, str | Measure], ...]:
    """What is recorded, by the name under which it is returned.

    Raises:
        TypeError: a measure without a name, or neither a path nor a measure.
    """
    if isinstance(record, Mapping):
        named = tuple(record.items())
    else:
        given = (record,) if isinstance(record, (str, Measure)) else tuple(record)
        named = tuple((one if isinstance(one, str) else "", one) for one in given)
    for name, one in named:
        if isinstance(one, Measure) and not name:
            kind = type(one).__name__
            raise TypeError(
                f"run: a {kind} is returned under a name: write record={{'spikes': {kind}(...)}}."
            )
        if not isinstance(one, (str, Measure)):
            raise TypeError(f"run: record names paths such as 'cell.v', got {one!r}.")
    return named


def path_of_record(one: str | Measure) -> str:
    """What is recorded: a path, perhaps with a part."""
    return one if isinstance(one, str) else one.path


def check_record(component: Component, state: AnyState, names: tuple[str, ...]) -> None:
    """Raise ValueError for an unknown path, or the weight changes of what learns nothing."""
    for name in names:
        path, where = split(name)
        owner, _, last = path.rpartition(".")
        if last != "weight_changes":
            if (spec := state.spec(path)) is None:
                raise ValueError(f"run: record names {name!r}." + did_you_mean(path, state.specs()))
            shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), state[path])
            try:
                selected(shapes, where, spec.role.batched)
            except ValueError as error:
                raise ValueError(f"run: record names {name!r}, but {error}") from None
        elif not (part := component[owner]).learns:
            raise ValueError(
                f"run: record names {name!r}, but {type(part).__name__} learns nothing."
            )


def check_measures(state: AnyState, measures: Any, every: int, lengths: Any) -> None:
    """Whether the measures fit what they measure, and the run.

    Raises:
        ValueError: one of a compartment that is no array per example, events with a
            `record_every`, or means where examples end early.
    """
    for name, one in measures:
        if isinstance(one, str):
            continue
        path, kind = split(one.path)[0], type(one).__name__
        spec = state.spec(path)
        if spec is None or not spec.role.batched or not _is_numeric(state[path]):
            raise ValueError(
                f"run: record[{name!r}] is a {kind} of {path!r}, which is no array with one value "
                f"per example. Record the path alone."
            )
        if isinstance(one, Events) and every > 1:
            raise ValueError(
                f"run: record_every={every} would miss the spikes of the steps between. Write "
                f"record_every=1: {name!r} takes no more memory."
            )
        if isinstance(one, (Mean, Variance)) and lengths is not None:
            raise ValueError(
                f"run: {name!r} is a {kind} over all steps, and with lengths= examples end early. "
                f"Write Sum({one.path!r}) and divide it by the lengths."
            )


def _is_numeric(value: Any) -> bool:
    return hasattr(value, "dtype") and not is_key(value)


def recorded(component: Component, state: Any, name: str, t: Array, dt: Array) -> Any:
    """The value of a compartment, of a part of one, or of weight changes, after a step."""
    path, where = split(name)
    owner, _, last = path.rpartition(".")
    if last != "weight_changes":
        return selected(state[path], where, state.spec(path).role.batched)
    changes = component[owner].weight_changes(state[owner] if owner else state, t, dt)
    return selected(changes, where)
