"""What every component owes its driver, checked while tracing: never at run time."""

from collections.abc import Iterable
from typing import Any, TypeVar

import jax
from jax import Array
from jax.tree_util import GetAttrKey

from ngcmem.core.compartments import AnyState, Role
from ngcmem.core.component import Component
from ngcmem.core.errors import WiringError

S = TypeVar("S", bound=AnyState)


def leaf_paths(state: AnyState) -> list[str]:
    """A readable path for every leaf, in the order of `jax.tree.leaves`."""
    return [path_of(keys) for keys, _ in jax.tree_util.tree_flatten_with_path(state)[0]]


def path_of(keys: Iterable[Any]) -> str:
    """A leaf's path as users know it: names alone, without the field a circuit keeps them in."""
    named = [key for key in keys if key != GetAttrKey("components")]
    return jax.tree_util.keystr(tuple(named), simple=True, separator=".")


def advance_example(component: Component[S], state: S, t: Array, dt: Array) -> S:
    """`component.advance_state` for one example, held to its contract.

    Raises:
        WiringError: the state returned has another structure, shape or dtype, or a Shared
            compartment was written.
    """
    new = component.advance_state(state, t, dt)
    same_kind(component, "advance_state", state, new)
    for path, role, old_leaf, new_leaf in zip(
        leaf_paths(state),
        state.leaf_roles(),
        jax.tree.leaves(state),
        jax.tree.leaves(new),
        strict=True,
    ):
        if role is Role.SHARED and new_leaf is not old_leaf:
            raise WiringError(
                f"{type(component).__name__}.advance_state writes {path!r}, a Shared compartment: "
                f"one array for the whole batch, which one example may not change. "
                f"Write it in evolve, or declare it {path}: PerExample[...]."
            )
    return new


def evolve_batch(component: Component[S], state: S, t: Array, dt: Array) -> S:
    """`component.evolve` on a batched state, held to the same contract."""
    new = component.evolve(state, t, dt)
    same_kind(component, "evolve", state, new)
    return new


def same_kind(component: Component, verb: str, old: AnyState, new: Any) -> None:
    """What a verb returned is a state of the kind it was given, or an error that names it."""
    where = f"{type(component).__name__}.{verb}"
    if jax.tree.structure(old) != jax.tree.structure(new):
        raise WiringError(
            f"{where} returned {type(new).__name__} of another structure than the state it was "
            f"given. End it with: return state.replace(...)."
        )
    for path, a, b in zip(leaf_paths(old), jax.tree.leaves(old), jax.tree.leaves(new), strict=True):
        if a.shape != b.shape or a.dtype != b.dtype:
            raise WiringError(
                f"{where} changed {path!r} from {a.dtype}{list(a.shape)} to "
                f"{b.dtype}{list(b.shape)}. A compartment keeps the shape and dtype it began with."
            )


def check_state(component: Component[S], state: Any) -> None:
    """Whether a state is one of this component, batched.

    Raises:
        ValueError: the state of another component or of other sizes.
    """
    name = type(component).__name__
    fresh = jax.eval_shape(component.init, jax.random.key(0))
    if not isinstance(state, AnyState):
        raise ValueError(
            f"{name} was given {type(state).__name__} where its state belongs. The order is "
            f"(component, state): state = nm.init(component, jax.random.key(0))."
        )
    if jax.tree.structure(fresh) != jax.tree.structure(state):
        if type(fresh) is type(state) and (path := _other_kind(fresh, state)):
            raise ValueError(
                f"{name}: {path!r} of this state was made with other options than {name} has now "
                f"(it is {_kind(state[path])}, expected {_kind(fresh[path])}); they decide what is "
                f"kept. Make a new state: nm.init(component, jax.random.key(0), batch=...)."
            )
        raise ValueError(
            f"This {type(state).__name__} is not a state of {name}, or of other parts or sizes. "
            f"Make it with state = nm.init(component, jax.random.key(0), batch=...)."
        )
    batch = None
    leaves = zip(
        leaf_paths(fresh),
        fresh.leaf_roles(),
        jax.tree.leaves(fresh),
        jax.tree.leaves(state),
        strict=True,
    )
    for path, role, expected, given in leaves:
        inner = given.shape[1:] if role.batched else given.shape
        if inner != expected.shape or (role.batched and given.ndim == 0):
            axes = ("batch", *expected.shape) if role.batched else expected.shape
            raise ValueError(
                f"{name}: {path!r} has shape {given.shape}, "
                f"expected ({', '.join(map(str, axes))}). "
                f"The state belongs to a component of other sizes: make it with "
                f"nm.init(component, jax.random.key(0), batch=...)."
            )
        if role.batched:
            batch = batch or given.shape[0]
            if given.shape[0] != batch:
                raise ValueError(
                    f"{name}: {path!r} has batch {given.shape[0]}, other compartments {batch}."
                )


def _other_kind(fresh: AnyState, state: AnyState) -> str | None:
    """The first compartment that is another tree of arrays in one state than in the other."""
    names = fresh.specs().keys() & state.specs().keys()
    trees = ((name, jax.tree.structure(fresh[name])) for name in fresh.specs() if name in names)
    return next((name for name, tree in trees if tree != jax.tree.structure(state[name])), None)


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    return "one array" if hasattr(value, "shape") else f"{len(jax.tree.leaves(value))} arrays"
