"""`run`: many steps of a component or circuit in one compiled program."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ngcmem.circuits import with_clocks
from ngcmem.core import (
    AnyState,
    Component,
    as_array,
    check_state,
    check_whole,
    conform,
    did_you_mean,
    evolve_batch,
    overlapping,
)
from ngcmem.drivers._loop import repeat
from ngcmem.drivers.arguments import as_duration, as_time, checked
from ngcmem.drivers.program import Program
from ngcmem.drivers.verbs import advance_batch, step_time

S = TypeVar("S", bound=AnyState)


def run(
    component: Component[S],
    state: S,
    *,
    steps: int,
    dt: ArrayLike = 1.0,
    t: ArrayLike | None = None,
    inputs: Mapping[str, ArrayLike] | None = None,
    clamp: Mapping[str, ArrayLike] | None = None,
    record: str | Sequence[str] = (),
    learn: bool = False,
    record_every: int = 1,
    donate: bool = False,
) -> tuple[S, dict[str, Any]]:
    """Advance `steps` times, learning after each step if asked; record what is named.

    Args:
        component: a component (names without prefix) or a circuit.
        state: its state, from `init`.
        steps: the number of steps.
        dt: the length of a step, ms.
        t: the starting time of a bare component, ms; a circuit keeps its own.
        inputs: time-major values by Input path, (steps, batch, ...).
        clamp: values by Input path held during all steps, (batch, ...).
        record: paths to record; `"memory.weight_changes"` too.
        learn: whether `evolve` follows every step.
        record_every: record after every so many steps.
        donate: let the given state's memory be reused. The given state is then gone, and so is
            every array in it: weights at rest that an older state shares, arrays of yours put in
            by `set` or by an earlier call's `clamp=`. Keep what you need with
            `jax.tree.map(jnp.copy, state)`.

    Returns:
        The final state, and `{path: (steps // record_every, batch, ...)}` (Shared compartments
        without the batch axis).

    Raises:
        ValueError: names, shapes or counts that do not fit; the text says which.
    """
    component = checked(component)
    steps, every = (
        check_whole(f"run: {name}", value)
        for name, value in (("steps", steps), ("record_every", record_every))
    )
    if every > steps:
        raise ValueError(f"run: record_every={every} would record nothing in {steps} steps.")
    names = (record,) if isinstance(record, str) else tuple(record)
    _check_record(component, state, names)
    writers = component.driven()
    driven = check_driven(state, inputs or {}, writers, "inputs", steps)
    held = check_driven(
        state, clamp or {}, {**writers, **dict.fromkeys(driven, "inputs=")}, "clamp"
    )
    duration, time = as_duration(dt, component), as_time(state, t)
    return _run(
        component,
        state,
        duration,
        time,
        driven,
        held,
        donate=donate,
        steps=steps,
        names=names,
        learn=check_learn(learn),
        every=every,
    )


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


def _check_record(component: Component, state: AnyState, names: tuple[str, ...]) -> None:
    """Raise ValueError for an unknown path, or the weight changes of what learns nothing."""
    for name in names:
        owner, _, last = name.rpartition(".")
        if last != "weight_changes":
            if state.spec(name) is None:
                raise ValueError(f"run: record names {name!r}." + did_you_mean(name, state.specs()))
        elif not (part := component[owner]).learns:
            raise ValueError(
                f"run: record names {name!r}, but {type(part).__name__} learns nothing."
            )


def check_driven(
    state: AnyState,
    values: Mapping[str, Any],
    writers: Mapping[str, Any],
    place: str,
    steps: int | None = None,
    verb: str = "run",
) -> dict[str, Any]:
    """The values in the shape and dtype of the compartments they are written to.

    Args:
        state: the state they are written into.
        values: by path.
        writers: what writes other compartments already, by path.
        place: the argument's name, for errors.
        steps: the length of the first axis, time, where there is one.
        verb: the name of the caller, for errors.

    Raises:
        ValueError: a path that is no input, has another writer, or a value of another shape.
    """
    checked = {}
    for path, value in values.items():
        spec = state.spec(path)
        if spec is None:
            specs = state.specs()
            free = [
                k for k, spec in specs.items() if spec.role.writable and not overlapping(k, writers)
            ]
            raise ValueError(f"{verb}: {place} names {path!r}." + did_you_mean(path, free or specs))
        if not spec.role.writable:
            raise ValueError(
                f"{verb}: {place} names {path!r}, which is {spec.role.value}. Only inputs "
                f"can be driven or clamped: what is computed from a clamped value would not know "
                f"of it. To set it once, write state.set({{{path!r}: value}}) before."
            )
        if other := overlapping(path, writers):
            raise ValueError(
                f"{verb}: {place} names {path!r}, which is driven by {writers[other]} already."
            )
        if domain := spec.domain:
            domain.check(f"{verb}: {place}[{path!r}]", value, state)
        fit = partial(_fit, f"{verb}: {place}[{path!r}]", steps)
        checked[path] = jax.tree.map(fit, state[path], value)
    return checked


def _fit(place: str, steps: int | None, now: Any, new: Any) -> Any:
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


def _simulate(
    component: Component[S],
    state: S,
    dt: Array,
    t: Array,
    driven: Any,
    held: Any,
    *,
    steps: int,
    names: tuple[str, ...],
    learn: bool,
    every: int,
) -> tuple[S, dict[str, Any]]:
    check_state(component, state)
    leaves, structure = jax.tree.flatten(state)

    def step(leaves: list[Array], arriving: dict[str, Any], i: Array) -> Any:
        before = jax.tree.unflatten(structure, leaves)
        after, now = stepped(component, before, state, i, t, dt, {**held, **arriving})
        seen = {name: _recorded(component, after, name, now, dt) for name in names}
        if learn:
            after = evolve_batch(component, after, now, dt)
        return jax.tree.leaves(after), seen

    final, seen = repeat(step, leaves, driven, steps=steps, every=every)
    return jax.tree.unflatten(structure, final), seen


def stepped(
    component: Component[S], before: S, start: S, i: Array, t: Array, dt: Array, given: Any
) -> tuple[S, Array]:
    """The state after step `i` of a run that began with `start`, and when that step began."""
    before = with_clocks(before, start, i, dt).set(given)
    now = step_time(before, t + i.astype(dt.dtype) * dt)
    return advance_batch(component, before, now, dt), now


_run = Program(_simulate, options=("steps", "names", "learn", "every"))


def _recorded(component: Component, state: Any, name: str, t: Array, dt: Array) -> Any:
    owner, _, last = name.rpartition(".")
    if last != "weight_changes":
        return state[name]
    return component[owner].weight_changes(state[owner] if owner else state, t, dt)
