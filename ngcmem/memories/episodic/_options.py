"""The options of `Episodic`: named fields, and what goes together."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer

from ngcmem.core import did_you_mean, is_whole
from ngcmem.memories.episodic._policies import DUPLICATES, WHEN_FULL
from ngcmem.retrieval import resolve_separation, resolve_similarity, streamable

Widths = int | tuple[tuple[str, int], ...]
"""A number of features, or (field, features) pairs in the order of the names."""


def spread(widths: Widths | None, make: Callable[[int], Any]) -> Any:
    """`make(features)`, or a dict of them by field; None for None."""
    if widths is None or isinstance(widths, int):
        return None if widths is None else make(widths)
    return {name: make(width) for name, width in widths}


def widths_of(widths: Widths) -> tuple[int, ...]:
    """The features of every field."""
    return (widths,) if isinstance(widths, int) else tuple(width for _, width in widths)


def check_options(memory: Any) -> dict[str, Any]:
    """The options in the form the memory uses.

    Raises:
        ValueError: what is wrong, and the line to write instead.
    """
    keys = _as_widths("keys", memory.keys)
    values = None if memory.values is None else _as_widths("values", memory.values)
    _check_choice("when_full", memory.when_full, WHEN_FULL)
    _check_choice("duplicates", memory.duplicates, DUPLICATES)
    if memory.duplicates != "append" and memory.duplicate_threshold is None:
        raise ValueError(
            f"Episodic: duplicates={memory.duplicates!r} needs the similarity from which two "
            f"entries are the same: write duplicate_threshold=0.99 (the mean over the key fields, "
            f"weighted by field_weights; 1 for identical entries with cosine). state.skipped and "
            f"state.merged count what was taken for a duplicate."
        )
    fields = [name for name, _ in keys] if isinstance(keys, tuple) else []
    for name in ("field_weights", "similarity"):
        given = getattr(memory, name)
        if isinstance(given, Mapping):
            _check_by_field(name, given, fields)
            if memory.concatenate:
                raise ValueError(
                    f"Episodic: concatenate=True compares all fields as one key, so {name} is "
                    f"one for all: write {name}={next(iter(given.values()))!r}."
                )
    _check_field_weights(memory.field_weights, fields)
    similarity = memory.similarity
    if isinstance(similarity, Mapping):
        similarity = {name: resolve_similarity(one) for name, one in similarity.items()}
    else:
        similarity = resolve_similarity(similarity)
    separation = resolve_separation(memory.separation)
    _check_method(memory, separation)
    _check_initial(memory, keys, values)
    return dict(keys=keys, values=values, similarity=similarity, separation=separation)


def _as_widths(name: str, given: Any) -> Widths:
    pairs = sorted(given.items()) if isinstance(given, Mapping) else given
    if not isinstance(pairs, (list, tuple)):
        return _width(name, given)
    if not pairs:
        raise ValueError(f"Episodic: {name} has no field: write {name}={{'state': 11}}.")
    if not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in pairs):
        raise ValueError(
            f"Episodic: {name} is a number of features or a dict of them by field, got {given!r}. "
            f"Write {name}={{'state': 11}}."
        )
    for field, _ in pairs:
        if not isinstance(field, str) or not field.isidentifier():
            raise ValueError(
                f"Episodic: {name} names a field {field!r}. Fields become paths "
                f"('memory.inputs.state'): use letters, digits and underscores."
            )
    return tuple((field, _width(f"{name}[{field!r}]", width)) for field, width in pairs)


def _width(name: str, width: Any) -> int:
    if not is_whole(width):
        raise ValueError(
            f"Episodic: {name} is a number of features (at least 1) or a dict of them by field, "
            f"got {width!r}."
        )
    return int(width)


def _check_choice(name: str, given: Any, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        raise ValueError(
            f"Episodic: {name}={given!r} is none of {', '.join(map(repr, allowed))}."
            + did_you_mean(str(given), allowed).split(" There is")[0]
        )


def _check_by_field(name: str, given: Mapping[str, Any], fields: list[str]) -> None:
    if not fields:
        raise ValueError(
            f"Episodic: {name} is a dict, but keys is a number of features, one unnamed field. "
            f"Write keys={{'state': ...}} or one value for {name}."
        )
    for field in given:
        if field not in fields:
            raise ValueError(
                f"Episodic: {name} names {field!r}, no key field." + did_you_mean(field, fields)
            )
    if missing := [field for field in fields if field not in given]:
        raise ValueError(
            f"Episodic: {name} says nothing of {missing[0]!r}: add {missing[0]!r} to it "
            f"(a field weight of 0 stores a field without comparing it)."
        )


def _check_field_weights(given: Any, fields: list[str]) -> None:
    """One number, or one for each field by name; arrays pass, they may be a sweep's."""
    for field, weight in (given if isinstance(given, Mapping) else {"": given}).items():
        if type(weight) not in (str, list, tuple):
            continue
        if field or not fields:
            place = f"field_weights[{field!r}]" if field else "field_weights"
            raise ValueError(f"Episodic: {place} is one number, got {weight!r}.")
        line = ", ".join(f"{name!r}: 1.0" for name in fields)
        raise ValueError(
            f"Episodic: field_weights is one number for all key fields or a dict of one for each, "
            f"got {weight!r}. Write field_weights={{{line}}}."
        )


def _check_method(memory: Any, separation: Any) -> None:
    _check_choice("method", memory.method, ("auto", "materialised", "streamed"))
    if memory.method != "streamed":
        return
    if memory.sample or memory.adaptive_gain is not None or not streamable(separation):
        what = "sample=True" if memory.sample else "adaptive_gain"
        what = what if streamable(separation) else type(separation).__name__
        raise ValueError(
            f"Episodic: {what} needs all scores at once and cannot be streamed: "
            f"write method='materialised'."
        )


def _check_initial(memory: Any, keys: Widths, values: Widths | None) -> None:
    if memory.initial_keys is None and memory.initial_values is None:
        return
    number = None
    for name, widths in (("keys", keys), ("values", values)):
        rows = getattr(memory, f"initial_{name}")
        if widths is None:
            if rows is not None:
                raise ValueError(f"Episodic: initial_{name} needs {name}=.")
            continue
        named = isinstance(widths, tuple)
        pairs = widths if named else ((None, widths),)
        if named and set(rows or ()) != {field for field, _ in pairs}:
            fields = ", ".join(str(field) for field, _ in pairs)
            raise ValueError(f"Episodic: initial_{name} is a dict of rows for {fields}.")
        for field, width in pairs:
            shape = jnp.shape(rows[field] if named else rows)  # pyright: ignore
            number = shape[0] if number is None and shape else number
            if shape != (number, width) or number > memory.slots:
                place = f"initial_{name}" + (f"[{field!r}]" if named else "")
                raise ValueError(
                    f"Episodic: {place} has shape {shape}, expected ({number or 'n'}, {width}) "
                    f"with n at most slots={memory.slots}."
                )


def slots_to_drop(given: Any, slots: int) -> jax.Array:
    """(slots,) bool, true where an entry is to go.

    Raises:
        ValueError: neither the number of a slot nor such an array.
    """
    drop = jnp.asarray(given)
    if jnp.issubdtype(drop.dtype, jnp.integer) and drop.ndim == 0:
        if not isinstance(drop, Tracer) and not 0 <= int(drop) < slots:
            raise ValueError(f"delete: the slots are 0 to {slots - 1}, got {given}.")
        return jnp.arange(slots) == drop
    if drop.shape != (slots,) or drop.dtype != bool:
        got = f"{drop.dtype}{list(drop.shape)}" if drop.ndim else repr(given)
        raise ValueError(
            f"delete: slots is the number of one slot or a bool array ({slots},), got {got}. For "
            f"several numbers: jnp.isin(jnp.arange({slots}), numbers)."
        )
    return drop
