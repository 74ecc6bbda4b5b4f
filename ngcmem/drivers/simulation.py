"""`run`: many steps of a component or circuit in one compiled program."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.typing import ArrayLike

from ngcmem.circuits import split, with_clocks
from ngcmem.core import (
    AnyState,
    Component,
    as_array,
    check_whole,
    compartment_of,
    conform,
    did_you_mean,
    evolve_batch,
    map_by_role,
    overlapping,
)
from ngcmem.drivers._loop import repeat
from ngcmem.drivers._measured import Measured
from ngcmem.drivers._recording import (
    as_measures,
    check_measures,
    check_record,
    path_of_record,
    recorded,
)
from ngcmem.drivers.arguments import as_duration, as_time, checked
from ngcmem.drivers.measures import Measure
from ngcmem.drivers.program import Program
from ngcmem.drivers.rebatching import batch_of
from ngcmem.drivers.verbs import advance_batch, step_time

S = TypeVar("S", bound=AnyState)


def run(
    component: Component[S],
    state: S,
    *,
    steps: int | None = None,
    duration: float | None = None,
    dt: ArrayLike = 1.0,
    t: ArrayLike | None = None,
    inputs: Mapping[str, ArrayLike] | None = None,
    clamp: Mapping[str, ArrayLike] | None = None,
    lengths: ArrayLike | None = None,
    record: str | Sequence[str] | Mapping[str, str | Measure] = (),
    learn: bool = False,
    record_every: int = 1,
    donate: bool = False,
) -> tuple[S, dict[str, Any]]:
    """Advance `steps` times, learning after each step if asked; record what is named.

    Args:
        component: a component (names without prefix) or a circuit.
        state: its state, from `init`.
        steps: the number of steps...
        duration: ... or how long, ms: a whole number of steps of dt.
        dt: the length of a step, ms.
        t: the starting time of a bare component, ms; a circuit keeps its own.
        inputs: time-major values by Input path, (steps, batch, ...).
        clamp: values by Input path held during all steps, (batch, ...).
        lengths: for sequences of unequal length, how many steps each example takes, (batch,)
            whole numbers from 0 to `steps`. An example rests after its end: its state stays as
            its last step left it, and its records are 0 (False) from there on, so a sum over time
            needs no mask, and a mean is the sum divided by its length. Inputs after its end do
            not count. Not with `learn`: rules take the mean over all examples.
        record: paths to record; `"memory.weight_changes"` too, and parts as Python slices the axes
            of one example, `"cell.v[:10]"`. A dict names them, and may ask for less than all
            values: `{"spikes": nm.drivers.Events("cell.spikes", most=100_000)}`, likewise `Sum`,
            `Mean`, `Variance`, `PopulationMean`.
        learn: whether `evolve` follows every step.
        record_every: record after every so many steps.
        donate: let the given state's memory be reused. The given state is then gone, and so is
            every array in it: weights at rest that an older state shares, arrays of yours put in
            by `set` or by an earlier call's `clamp=`. Keep what you need with
            `jax.tree.map(jnp.copy, state)`.

    Returns:
        The final state, and `{path: (steps // record_every, batch, ...)}` (Shared compartments
        without the batch axis), or by the names of a dict what its measures return.

    Raises:
        ValueError: names, shapes or counts that do not fit; the text says which.
    """
    component = checked(component)
    every = check_whole("run: record_every", record_every)
    steps = number_of_steps("run", steps, duration, dt)
    if every > steps:
        raise ValueError(f"run: record_every={every} would record nothing in {steps} steps.")
    measures = as_measures(record)
    names = tuple(path_of_record(one) for _, one in measures)
    check_record(component, state, names)
    check_measures(state, measures, every, lengths)
    writers = component.driven()
    driven = check_driven(state, inputs or {}, writers, "inputs", steps)
    held = check_driven(
        state, clamp or {}, {**writers, **dict.fromkeys(driven, "inputs=")}, "clamp"
    )
    step, time = as_duration(dt, component), as_time(state, t)
    ends = None if lengths is None else _check_lengths(state, lengths, steps, learn, names)
    options: dict[str, Any] = dict(
        steps=steps, record=measures, learn=check_learn(learn), every=every
    )
    return _run(component, state, step, time, driven, held, ends, donate=donate, **options)


def number_of_steps(verb: str, steps: Any, duration: Any, dt: Any) -> int:
    """The number of steps from `steps`, or from a `duration` in ms.

    Raises:
        ValueError: both or neither, or a duration that is no whole number of steps.
    """
    if (steps is None) == (duration is None):
        given = "neither" if steps is None else "both"
        raise ValueError(
            f"{verb}: give the number of steps (steps=200) or the time in ms (duration=200.0), "
            f"got {given}."
        )
    if duration is None:
        return check_whole(f"{verb}: steps", steps)
    if isinstance(dt, Tracer) or isinstance(duration, Tracer):
        raise ValueError(
            f"{verb}: duration= needs numbers, as the steps are counted before compiling. Where dt "
            f"or the duration is traced write steps=."
        )
    exact = float(duration) / float(dt)
    count = round(exact) if np.isfinite(exact) else 0
    if count < 1 or abs(exact - count) > 1e-6 * count:
        raise ValueError(
            f"{verb}: duration={duration!r} ms is {exact:.6g} steps of dt={dt!r} ms, and a run "
            f"takes a whole number of at least 1. Write for example "
            f"duration={max(count, 1) * float(dt):.10g}."
        )
    return count


def _check_lengths(
    state: AnyState, lengths: Any, steps: int, learn: Any, names: tuple[str, ...]
) -> Any:
    """The number of steps of every example, int32.

    Raises:
        ValueError: lengths of another shape, kind or range, or any form of learning.
    """
    if learn or any(split(name)[0].rpartition(".")[2] == "weight_changes" for name in names):
        raise ValueError(
            "run: lengths= does not go with learn=True or recorded weight_changes: a rule takes "
            "the mean over all examples, and those at rest would count. Run the examples of each "
            "length by themselves."
        )
    batch = batch_of(state)
    dtype = getattr(lengths, "dtype", None) or np.asarray(lengths).dtype
    if np.shape(lengths) != (batch,) or not jnp.issubdtype(dtype, jnp.integer):
        raise ValueError(
            f"run: lengths is one whole number for every example, shape ({batch},), got "
            f"{np.shape(lengths)} of {dtype}."
        )
    if not isinstance(lengths, Tracer):
        lengths = np.asarray(lengths)
        if lengths.min() < 0 or lengths.max() > steps:
            raise ValueError(
                f"run: lengths are from 0 to steps={steps}, got {lengths.min()} to {lengths.max()}."
            )
    return jnp.asarray(lengths, jnp.int32)


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
    ends: Array | None,
    *,
    steps: int,
    record: tuple[tuple[str, str | Measure], ...],
    learn: bool,
    every: int,
) -> tuple[S, dict[str, Any]]:
    leaves, structure = jax.tree.flatten(state)
    paths = {name: path_of_record(one) for name, one in record}

    def step(leaves: list[Array], arriving: dict[str, Any], i: Array) -> Any:
        before = jax.tree.unflatten(structure, leaves)
        after, now = stepped(component, before, state, i, t, dt, {**held, **arriving})
        seen = {k: recorded(component, after, path, now, dt) for k, path in paths.items()}
        if ends is not None:
            after, seen = _resting(before, after, seen, paths, i < ends)
        if learn:
            after = evolve_batch(component, after, now, dt)
        return jax.tree.leaves(after), seen

    keeping = Measured({k: one for k, one in record if isinstance(one, Measure)})
    final, seen = repeat(step, leaves, driven, steps=steps, every=every, keeping=keeping)
    return jax.tree.unflatten(structure, final), seen


def _resting(
    before: S, after: S, seen: dict[str, Any], paths: dict[str, str], going: Array
) -> tuple[S, dict[str, Any]]:
    """Examples past their end: their state as before, their records 0."""

    def of_example(new: Array, old: Array) -> Array:
        return jnp.where(going.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    state = map_by_role(
        lambda role, new, old: of_example(new, old) if role.batched else new, after, before
    )
    shared = {name for name, spec in after.specs().items() if not spec.role.batched}
    records = {
        name: values
        if compartment_of(split(paths[name])[0], shared)
        else jax.tree.map(lambda x: of_example(x, jnp.zeros_like(x)), values)
        for name, values in seen.items()
    }
    return state, records


def stepped(
    component: Component[S], before: S, start: S, i: Array, t: Array, dt: Array, given: Any
) -> tuple[S, Array]:
    """The state after step `i` of a run that began with `start`, and when that step began."""
    before = with_clocks(before, start, i, dt).set(given)
    now = step_time(before, t + i.astype(dt.dtype) * dt)
    return advance_batch(component, before, now, dt), now


_run = Program(_simulate, options=("steps", "record", "learn", "every"))
