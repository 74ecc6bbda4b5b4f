"""`run`: the library's one scan, as fast as one written by hand.

Three decisions make it so. Only compartments that the next step reads are carried; the last step
stands outside the scan, so that what nobody reads or records is dead code inside it; and
hyper-parameters, dt, inputs and clamps are arguments, so that other values compile nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import jax
import jax.extend as jex
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ngcmem.core.batch import advance_batch, step_times
from ngcmem.core.circuit import Circuit
from ngcmem.core.compartments import AnyState
from ngcmem.core.component import Component
from ngcmem.core.contract import check_state, evolve_batch
from ngcmem.core.run_checks import check_driven, check_record, check_steps
from ngcmem.core.transforms import as_scalar, as_time, checked

S = TypeVar("S", bound=AnyState)
Step = Callable[[list[Array], dict[str, Any], Array], tuple[list[Array], dict[str, Any]]]


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
        donate: let the given state's memory be reused; the given state is then gone.

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
    program = _run_donating if donate else _run
    return program(
        component,
        state,
        as_scalar(dt),
        as_time(state, t),
        driven,
        held,
        steps=steps,
        names=names,
        learn=bool(learn),
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
        before = jax.tree.unflatten(structure, leaves).set({**held, **arriving})
        now = step_times(before, t + i.astype(dt.dtype) * dt)
        after = advance_batch(component, before, now, dt)
        seen = {name: _recorded(component, after, name, now, dt) for name in names}
        if learn:
            after = evolve_batch(component, after, now, dt)
        return jax.tree.leaves(after), seen

    first = {path: value[0] for path, value in driven.items()}
    traced, carried = _traced_once(step, leaves, first)
    advance = _Loop(traced, leaves, carried, driven)
    final, seen = advance.record(steps, every)
    return jax.tree.unflatten(structure, final), seen


_STATIC = ("steps", "names", "learn", "every")
_run = jax.jit(_simulate, static_argnames=_STATIC)
_run_donating = jax.jit(_simulate, static_argnames=_STATIC, donate_argnames="state")


def _recorded(component: Component, state: Any, name: str, t: Array, dt: Array) -> Any:
    owner, _, last = name.rpartition(".")
    if last != "weight_changes":
        return state[name]
    part = component[owner] if owner else component  # pyright: ignore[reportIndexIssue]
    return part.weight_changes(state[owner] if owner else state, t, dt)


def _traced_once(step: Step, leaves: list[Array], first: dict[str, Any]) -> tuple[Step, list[int]]:
    """The step as a fixed program, and which leaves must be carried from step to step.

    A leaf is carried when the step reads it as it was at its start and leaves it changed. What is
    rewritten before it is read (wired or clamped inputs, read-outs) and what never changes
    (weights that do not learn) stays outside the loop.
    """
    count = jnp.zeros((), jnp.int32)
    closed, shape = jax.make_jaxpr(step, return_shape=True)(leaves, first, count)
    program = jex.core.jaxpr_as_fun(closed)
    structure = jax.tree.structure(shape)

    def replay(*args: Any) -> Any:
        return jax.tree.unflatten(structure, program(*jax.tree.leaves(args)))

    jaxpr = closed.jaxpr
    begin, end = jaxpr.invars[: len(leaves)], jaxpr.outvars[: len(leaves)]
    read = {id(var) for equation in jaxpr.eqns for var in equation.invars}
    read |= {id(var) for var in jaxpr.outvars[len(leaves) :]}
    read |= {id(out) for i, out in enumerate(end) if out is not begin[i]}
    carried = [i for i, var in enumerate(begin) if id(var) in read and end[i] is not var]
    return replay, carried


class _Loop:
    """Repeats a step, carrying only what it must; holds nothing but its arguments."""

    def __init__(
        self, step: Step, leaves: list[Array], carried: list[int], driven: dict[str, Array]
    ):
        self.step, self.leaves, self.carried, self.driven = step, leaves, carried, driven

    def _full(self, carry: list[Array]) -> list[Array]:
        leaves = list(self.leaves)
        for i, leaf in zip(self.carried, carry, strict=True):
            leaves[i] = leaf
        return leaves

    def _one(self, carry: list[Array], x: Any) -> tuple[list[Array], dict[str, Any]]:
        i, arriving = x
        after, seen = self.step(self._full(carry), arriving, i)
        return [after[k] for k in self.carried], seen

    def _quiet(self, carry: list[Array], xs: Any) -> list[Array]:
        """Steps of which nothing is recorded."""
        return jax.lax.scan(lambda c, x: (self._one(c, x)[0], None), carry, xs)[0]

    def _block(self, carry: list[Array], xs: Any) -> tuple[list[Array], dict[str, Any]]:
        """Steps of which only the last is recorded."""
        carry = self._quiet(carry, jax.tree.map(lambda a: a[:-1], xs))
        return self._one(carry, jax.tree.map(lambda a: a[-1], xs))

    def record(self, steps: int, every: int) -> tuple[list[Array], dict[str, Any]]:
        """All the steps; the last one outside the scan, in full."""
        xs = (jnp.arange(steps, dtype=jnp.int32), self.driven)
        records, rest = divmod(steps, every)
        looped = records - (rest == 0)
        carry = [self.leaves[i] for i in self.carried]
        cut = looped * every
        blocks = jax.tree.map(lambda a: a[:cut].reshape(looped, every, *a.shape[1:]), xs)
        if every == 1:
            carry, seen = jax.lax.scan(self._one, carry, jax.tree.map(lambda a: a[:cut], xs))
        else:
            carry, seen = jax.lax.scan(self._block, carry, blocks)
        carry = self._quiet(carry, jax.tree.map(lambda a: a[cut : steps - 1], xs))
        i, arriving = jax.tree.map(lambda a: a[steps - 1], xs)
        final, last = self.step(self._full(carry), arriving, i)
        if rest == 0:
            seen = jax.tree.map(lambda a, b: jnp.concatenate([a, b[None]]), seen, last)
        return final, seen
