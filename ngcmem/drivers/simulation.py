"""`run`: many steps of a component or circuit in one compiled program."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import jax
from jax import Array
from jax.typing import ArrayLike

from ngcmem.circuits import Circuit, with_clocks
from ngcmem.core import AnyState, Component, check_state, evolve_batch
from ngcmem.drivers._dispatch import Program
from ngcmem.drivers._loop import repeat
from ngcmem.drivers._run_checks import check_driven, check_learn, check_record, check_steps
from ngcmem.drivers.batching import advance_batch, step_times
from ngcmem.drivers.verbs import as_duration, as_time, checked

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
    steps, record_every = check_steps(steps, record_every)
    names = (record,) if isinstance(record, str) else tuple(record)
    wired = dict(component.driven()) if isinstance(component, Circuit) else {}
    check_record(component, state, names)
    driven = check_driven(state, inputs or {}, wired, "inputs", steps)
    held = check_driven(state, clamp or {}, {**wired, **{k: "inputs=" for k in driven}}, "clamp")
    return _run(
        component,
        state,
        as_duration(dt, component),
        as_time(state, t),
        driven,
        held,
        donate=donate,
        steps=steps,
        names=names,
        learn=check_learn(learn),
        every=record_every,
    )


def _simulate(
    component: Component[S],
    state: S,
    dt: Array,
    t: Array,
    driven: dict[str, Array],
    held: dict[str, Array],
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
    now = step_times(before, t + i.astype(dt.dtype) * dt)
    return advance_batch(component, before, now, dt), now


_run = Program(_simulate, options=("steps", "names", "learn", "every"))


def _recorded(component: Component, state: Any, name: str, t: Array, dt: Array) -> Any:
    owner, _, last = name.rpartition(".")
    if last != "weight_changes":
        return state[name]
    part = component[owner] if owner else component  # pyright: ignore[reportIndexIssue]
    return part.weight_changes(state[owner] if owner else state, t, dt)
