"""`where_not_finite`: which number of a run stopped being one, and when."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ngcmem.core import (
    AnyState,
    Component,
    Role,
    check_state,
    check_whole,
    evolve_batch,
    leaf_paths,
)
from ngcmem.drivers._loop import repeat
from ngcmem.drivers.arguments import as_duration, as_time, checked
from ngcmem.drivers.program import Program, canonical
from ngcmem.drivers.simulation import check_driven, check_learn, stepped
from ngcmem.drivers.verbs import init_batch

S = TypeVar("S", bound=AnyState)

VERB = "where_not_finite"


class NotFinite(NamedTuple):
    """The first compartment with NaN or an infinite value in it, and when it had."""

    component: str  # its path in the circuit, "" for a bare component
    compartment: str  # its path, "cell.v"
    step: int  # the number of the step, from 0; -1 where the given state held it already
    verb: str  # "advance_state" or "evolve", which wrote it; "" where it was given

    def __str__(self) -> str:
        if self.step < 0:
            return f"{self.compartment!r} of the given state is not finite"
        return f"{self.compartment!r} stops being finite in step {self.step}, in {self.verb}"


def where_not_finite(
    component: Component[S],
    state: S,
    *,
    steps: int,
    dt: ArrayLike = 1.0,
    t: ArrayLike | None = None,
    inputs: Mapping[str, ArrayLike] | None = None,
    clamp: Mapping[str, ArrayLike] | None = None,
    learn: bool = False,
) -> NotFinite | None:
    """Where a run first goes wrong: arguments as for `nm.run`, in one compiled program like it.

    The run is repeated with a look at every compartment after every step and, with `learn`, after
    `evolve`. Of several in one step the first in the order of execution is named, so that what a
    wire carried on is not taken for its source. A compartment that is infinite after `init` (a
    time that has not come) is looked at for NaN alone.

    Args:
        component: a component (names without prefix) or a circuit.
        state: the state the run begins with.
        steps: the number of steps.
        dt: the length of a step, ms.
        t: the starting time of a bare component, ms; a circuit keeps its own.
        inputs: time-major values by Input path, (steps, batch, ...).
        clamp: values by Input path held during all steps, (batch, ...).
        learn: whether `evolve` follows every step.

    Returns:
        The first place, or None where every value stayed finite.

    Raises:
        ValueError: names, shapes or counts that do not fit; the text says which.
    """
    component = checked(component)
    check_state(component, state)
    fresh = init_batch(canonical(component), jax.random.key(0), 1)
    steps = check_whole(f"{VERB}: steps", steps)
    wired = component.driven()
    driven = check_driven(state, inputs or {}, wired, "inputs", steps, VERB)
    taken = {**wired, **{k: "inputs=" for k in driven}}
    held = check_driven(state, clamp or {}, taken, "clamp", verb=VERB)
    may_be_infinite = tuple(
        _is_float(leaf) and bool(jnp.isinf(leaf).any()) for leaf in jax.tree.leaves(fresh)
    )
    _, (before, first) = _search(
        component,
        state,
        as_duration(dt, component),
        as_time(state, t),
        driven,
        held,
        steps=steps,
        learn=check_learn(learn, VERB),
        may_be_infinite=may_be_infinite,
    )
    order = _in_order(component, state)
    paths = leaf_paths(state)

    def found(i: int, step: int, verb: str) -> NotFinite:
        owner, compartment = _compartment(component, state, paths[i])
        return NotFinite(owner, compartment, step, verb)

    for i in order:
        if before[i]:
            return found(i, -1, "")
    step = int(first.min())
    for row, verb in enumerate(("advance_state", "evolve")):
        for i in order:
            if step < steps and first[row, i] == step:
                return found(i, step, verb)
    return None


def _looked_at(
    component: Component[S],
    state: S,
    dt: Array,
    t: Array,
    driven: dict[str, Array],
    held: dict[str, Array],
    *,
    steps: int,
    learn: bool,
    may_be_infinite: tuple[bool, ...],
) -> tuple[S, tuple[Array, Array]]:
    """Which leaves are not finite now, (n,), and in which step each first is, (2, n)."""
    leaves, structure = jax.tree.flatten(state)

    def wrong(leaves: list[Any]) -> Array:
        return jnp.stack(
            [_wrong(leaf, infinite) for leaf, infinite in zip(leaves, may_be_infinite, strict=True)]
        )

    def step(carry: list[Array], arriving: dict[str, Any], i: Array) -> tuple[list[Array], Any]:
        *leaves, first = carry
        before = jax.tree.unflatten(structure, leaves)
        after, now = stepped(component, before, state, i, t, dt, {**held, **arriving})
        flags = [wrong(jax.tree.leaves(after))]
        if learn:
            after = evolve_batch(component, after, now, dt)
        flags.append(wrong(jax.tree.leaves(after)))
        first = jnp.minimum(first, jnp.where(jnp.stack(flags), i, steps))
        return [*jax.tree.leaves(after), first], ()

    never = jnp.full((2, len(leaves)), steps, jnp.int32)
    final, _ = repeat(step, [*leaves, never], driven, steps=steps, every=1)
    return state, (wrong(leaves), final[-1])


_search = Program(_looked_at, options=("steps", "learn", "may_be_infinite"))


def _is_float(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jnp.inexact)


def _wrong(leaf: Any, may_be_infinite: bool) -> Array:
    if not _is_float(leaf):
        return jnp.zeros((), bool)
    return jnp.isnan(leaf).any() if may_be_infinite else ~jnp.isfinite(leaf).all()


def _in_order(component: Component, state: AnyState) -> list[int]:
    """The numbers of the leaves in the order in which a step writes them.

    What a wire brings for learning comes last: it is written when all components are done.
    """
    parts = list(_parts(component))
    roles = state.leaf_roles()

    def rank(i: int, path: str) -> tuple[bool, int, bool, int]:
        owner = next((n for n, part in enumerate(parts) if _leads(part, path)), len(parts))
        return roles[i] is Role.LEARNING_INPUT, owner, roles[i] is not Role.INPUT, i

    return [i for *_, i in sorted(rank(i, path) for i, path in enumerate(leaf_paths(state)))]


def _parts(component: Component, prefix: str = "") -> Iterator[str]:
    """The paths of the components that are no circuits, in the order of execution."""
    if not component.parts:
        yield prefix
    for name, part in component.parts.items():
        yield from _parts(part, f"{prefix}.{name}" if prefix else name)


def _leads(part: str, path: str) -> bool:
    return not part or path == part or path.startswith(part + ".")


def _compartment(component: Component, state: AnyState, path: str) -> tuple[str, str]:
    """The component and the compartment that a leaf belongs to."""
    owner = next((part for part in _parts(component) if _leads(part, path)), "")
    specs = [name for name in state.specs() if path == name or path.startswith(name + ".")]
    return owner, specs[0] if specs else path
