"""The checks of `run` and its like: names, shapes and counts, before anything is traced."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ngcmem.core import AnyState, Compartment, Component, as_array, conform, did_you_mean


def check_steps(steps: Any, every: Any, verb: str = "run") -> tuple[int, int]:
    """Both counts as Python ints.

    Raises:
        ValueError: not whole numbers of at least 1, or fewer steps than one record needs.
    """
    for name, value in (("steps", steps), ("record_every", every)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"{verb}: {name} is a whole number of at least 1, got {value!r}.")
    if every > steps:
        raise ValueError(f"run: record_every={every} would record nothing in {steps} steps.")
    return int(steps), int(every)


def check_learn(learn: Any, verb: str = "run") -> bool:
    """Whether to learn.

    Raises:
        TypeError: neither True nor False.
    """
    if not isinstance(learn, (bool, np.bool_)):
        raise TypeError(
            f"{verb}: learn is True or False, got {learn!r}. All components learn or none: give "
            f"one that should not an eta of 0, "
            f"nm.with_parameters(circuit, {{'synapse.eta': 0.0}})."
        )
    return bool(learn)


def spec_of(
    state: AnyState,
    path: str,
    place: str,
    known: Mapping[str, Compartment] | None = None,
    verb: str = "run",
) -> Compartment:
    """The declaration of the compartment at a path, or of the one a path leads into.

    Args:
        known: the compartments to suggest where there is no such one; all by default.

    Raises:
        ValueError: there is no such compartment.
    """
    specs = state.specs()
    found = next((name for name in specs if path == name or path.startswith(name + ".")), None)
    if found is None:
        raise ValueError(f"{verb}: {place} names {path!r}." + did_you_mean(path, known or specs))
    return specs[found]


def _overlap(one: str, other: str) -> bool:
    """Whether one of two paths leads to the other."""
    return one == other or one.startswith(other + ".") or other.startswith(one + ".")


def check_record(component: Component, state: AnyState, names: tuple[str, ...]) -> None:
    """Whether every name can be recorded.

    Raises:
        ValueError: an unknown path, or the weight changes of what learns nothing.
    """
    for name in names:
        owner, _, last = name.rpartition(".")
        if last == "weight_changes":
            part = component[owner] if owner else component  # pyright: ignore[reportIndexIssue]
            if not part.learns:
                raise ValueError(
                    f"run: record names {name!r}, but {type(part).__name__} learns nothing."
                )
        else:
            spec_of(state, name, "record")


def check_driven(
    state: AnyState,
    values: Mapping[str, Any],
    writers: Mapping[str, str],
    place: str,
    steps: int | None = None,
    verb: str = "run",
) -> dict[str, Any]:
    """The values in the shape and dtype of the compartments they are written to.

    Raises:
        ValueError: a path that is no input, has another writer, or a value of another shape.
    """
    checked = {}
    known = {
        name: spec
        for name, spec in state.specs().items()
        if spec.role.writable and not any(_overlap(name, other) for other in writers)
    }
    for path, value in values.items():
        spec = spec_of(state, path, place, known, verb)
        if not spec.role.writable:
            raise ValueError(
                f"{verb}: {place} names {path!r}, which is {spec.role.value}. Only inputs can be "
                f"driven or clamped: what is computed from a clamped value would not know of it. "
                f"To set it once, write state.set({{{path!r}: value}}) before."
            )
        for other, text in writers.items():
            if _overlap(path, other):
                raise ValueError(
                    f"{verb}: {place} names {path!r}, which is driven by {text} already."
                )
        checked[path] = jax.tree.map(
            lambda now, new, path=path: _fit(f"{verb}: {place}[{path!r}]", now, new, steps),
            state[path],
            value,
        )
    return checked


def _fit(place: str, now: Any, new: Any, steps: int | None) -> Any:
    new = as_array(place, new, place.partition(": ")[2])
    shape = now.shape if steps is None else (steps, *now.shape)
    if new.shape != shape:
        axes = "(batch, ...)" if steps is None else "(steps, batch, ...)"
        raise ValueError(
            f"{place} has shape {new.shape}, expected {shape}: {axes}."
            + _other_batch(new, shape, now)
        )
    return jnp.asarray(conform(place, jax.ShapeDtypeStruct(shape, now.dtype), new))


def _other_batch(new: Any, shape: tuple[int, ...], now: Any) -> str:
    """What to write where only the batch differs."""
    axis = len(shape) - now.ndim
    if new.ndim != len(shape) or now.ndim == 0:
        return ""
    others = [i for i in range(len(shape)) if new.shape[i] != shape[i]]
    if others != [axis]:
        return ""
    return f" For another batch size write nm.rebatch(component, state, batch={new.shape[axis]})."
