"""What every component owes its driver, checked while tracing: never at run time."""

import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import jax
from jax import Array
from jax.errors import (
    ConcretizationTypeError,
    TracerArrayConversionError,
    TracerIntegerConversionError,
)
from jax.tree_util import GetAttrKey

from ngcmem.core.compartments import AnyState, Role
from ngcmem.core.errors import WiringError
from ngcmem.core.populations import named_sizes

if TYPE_CHECKING:
    from ngcmem.core.component import Component

S = TypeVar("S", bound=AnyState)


def leaf_paths(state: AnyState) -> list[str]:
    """A readable path for every leaf, in the order of `jax.tree.leaves`."""
    return [path_of(keys) for keys, _ in jax.tree_util.tree_flatten_with_path(state)[0]]


def path_of(keys: Iterable[Any]) -> str:
    """A leaf's path as users know it: names alone, without the field a circuit keeps them in."""
    named = [key for key in keys if key != GetAttrKey("components")]
    return jax.tree_util.keystr(tuple(named), simple=True, separator=".")


def init_example(component: "Component[S]", key: Array) -> S:
    """`component.init` for one example, held to its contract.

    Raises:
        WiringError: no state is returned, or a compartment has other axes than declared.
    """
    where = f"{type(component).__name__}.init"
    state = _traced(where, component.init, key)
    if not isinstance(state, AnyState):
        raise WiringError(
            f"{where} returned {type(state).__name__}: it ends with return SomeState(...)."
        )
    for path, spec in state.specs().items():
        shape = getattr(state[path], "shape", None)
        if not spec.axes or shape is None:
            continue
        if named_sizes(component, path, spec.axes, shape) is None:
            raise WiringError(
                f"{where} gives {path!r} the shape {shape}, declared with the axes "
                f'"{" ".join(spec.axes)}". init is written for one example: write it without the '
                f"batch axis, which nm.init adds."
            )
    return state  # pyright: ignore[reportReturnType]


def advance_example(component: "Component[S]", state: S, t: Array, dt: Array) -> S:
    """`component.advance_state` for one example, held to its contract.

    Raises:
        WiringError: the state returned has another structure, shape or dtype, or a Shared
            compartment was written.
    """
    where = f"{type(component).__name__}.advance_state"
    new = _traced(where, component.advance_state, state, t, dt)
    same_kind(where, state, new)
    if path := _written(state, new, lambda role: role is Role.SHARED):
        raise WiringError(
            f"{where} writes {path!r}, a Shared compartment: one array for the whole batch, which "
            f"one example may not change. Write it in evolve, or declare it {path}: "
            f"PerExample[...]."
        )
    return new


def evolve_batch(component: "Component[S]", state: S, t: Array, dt: Array) -> S:
    """`component.evolve` on a batched state, held to its contract.

    Raises:
        WiringError: the state returned has another structure, shape or dtype, or another than a
            Shared compartment was written.
    """
    where = f"{type(component).__name__}.evolve"
    new = _traced(where, component.evolve, state, t, dt)
    same_kind(where, state, new)
    if path := _written(state, new, lambda role: role is not Role.SHARED):
        raise WiringError(
            f"{where} writes {path!r}, which is not Shared: learning changes what the whole batch "
            f"has in common. Write it in advance_state, or declare it {path}: Shared[...]."
        )
    return new


def _written(old: AnyState, new: AnyState, forbidden: Callable[[Role], bool]) -> str | None:
    """The path of the first leaf of a forbidden role that is another one than it was."""
    leaves = zip(jax.tree.leaves(old), jax.tree.leaves(new), old.leaf_roles(), strict=True)
    places = [i for i, (a, b, role) in enumerate(leaves) if a is not b and forbidden(role)]
    return leaf_paths(old)[places[0]] if places else None


def _traced(where: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """The function's result, or an error that says how to write what tracing cannot follow."""
    try:
        return function(*arguments)
    except (
        ConcretizationTypeError,
        TracerArrayConversionError,
        TracerIntegerConversionError,
    ) as error:
        frames = traceback.extract_tb(error.__traceback__)
        line = [f.line for f in frames if not f.filename.startswith(jax.__path__[0])][-1]
        raise TypeError(
            f"{where} asks for a number that is known only when the program runs, in the line "
            f"`{line}`. Write jnp.where(condition, a, b) instead of `if`, jnp functions instead of "
            f"np and math; declare a hyper-parameter that never varies as Static[...]."
        ) from error


def same_kind(where: str, old: AnyState, new: Any) -> None:
    """Whether what a function returned is a state like the one it was given.

    Raises:
        WiringError: another structure, or a compartment of another shape or dtype.
    """
    if jax.tree.structure(old) != jax.tree.structure(new):
        raise WiringError(
            f"{where} returned {type(new).__name__} of another structure than the state it was "
            f"given. End it with: return state.replace(...)."
        )
    for i, (a, b) in enumerate(zip(jax.tree.leaves(old), jax.tree.leaves(new), strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            raise WiringError(
                f"{where} changed {leaf_paths(old)[i]!r} from {a.dtype}{list(a.shape)} to "
                f"{b.dtype}{list(b.shape)}. A compartment keeps the shape and dtype it began with."
            )


def check_state(component: "Component[S]", state: Any) -> None:
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
    leaves = zip(fresh.leaf_roles(), jax.tree.leaves(fresh), jax.tree.leaves(state), strict=True)
    for i, (role, expected, given) in enumerate(leaves):
        inner = given.shape[1:] if role.batched else given.shape
        if inner != expected.shape or (role.batched and given.ndim == 0):
            axes = ("batch", *expected.shape) if role.batched else expected.shape
            raise ValueError(
                f"{name}: {leaf_paths(fresh)[i]!r} has shape {given.shape}, "
                f"expected ({', '.join(map(str, axes))}). "
                f"The state belongs to a component of other sizes: make it with "
                f"nm.init(component, jax.random.key(0), batch=...)."
            )
        if role.batched:
            batch = batch or given.shape[0]
            if given.shape[0] != batch:
                raise ValueError(
                    f"{name}: {leaf_paths(fresh)[i]!r} has batch {given.shape[0]}, other "
                    f"compartments {batch}."
                )


def _other_kind(fresh: AnyState, state: AnyState) -> str | None:
    """The first compartment that is another tree of arrays in one state than in the other."""
    names = [name for name in fresh.specs() if name in state.specs()]
    trees = ((name, *(jax.tree.structure(one[name]) for one in (fresh, state))) for name in names)
    return next((name for name, new, old in trees if new != old), None)


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    return "one array" if hasattr(value, "shape") else f"{len(jax.tree.leaves(value))} arrays"
