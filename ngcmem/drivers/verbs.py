"""The verbs: jitted, batched, the same for a component and a circuit."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ngcmem.core import (
    EXAMPLES,
    AnyState,
    Component,
    Role,
    advance_example,
    check_state,
    check_whole,
    evolve_batch,
    init_example,
    map_by_role,
    trained_paths,
)
from ngcmem.drivers.arguments import as_duration, as_time, checked, typed_key
from ngcmem.drivers.program import Program, canonical

S = TypeVar("S", bound=AnyState)


def init(component: Component[S], key: Array, batch: int = 1) -> S:
    """The state of `batch` examples before anything happened.

    Args:
        component: a component or a circuit.
        key: a random key, `jax.random.key(0)`. A circuit folds it in by component name.
        batch: the number of examples; every per-example compartment has this first axis.

    Raises:
        TypeError: the first argument is no component, or the key is no random key.
        ValueError: `batch` is not a whole number of at least 1.
    """
    batch = check_whole("init: batch", batch)
    return init_batch(canonical(checked(component)), typed_key(key), batch)


def init_batch(component: Component[S], key: Array, batch: int) -> S:
    """`batch` examples with keys of their own, one set of Shared compartments.

    Components of one kind share one compiled program, so large circuits start fast; example i
    is the same whatever the batch size.
    """
    return component.init_with(partial(_init_kind, batch=batch), key, axes=1)


@partial(jax.jit, static_argnames="batch")
def _init_kind(component: Component[S], key: Array, *, batch: int) -> S:
    def begun(role: Role, one: Array, many: Array) -> Array:
        """Without jax's weak type, so that the first step does not change the state's type."""
        leaf = many if role.batched else one
        return jax.lax.convert_element_type(leaf, leaf.dtype) if leaf.weak_type else leaf

    one = init_example(component, key)
    keys = jax.vmap(partial(jax.random.fold_in, key))(jnp.arange(batch))
    return map_by_role(begun, one, jax.vmap(component.init)(keys))


def advance_state(
    component: Component[S], state: S, *, t: ArrayLike | None = None, dt: ArrayLike = 1.0
) -> S:
    """One step of the dynamics of every example.

    Args:
        component: a component or a circuit.
        state: its state, from `init`.
        t: the time at which the step begins, ms (a bare component only; a circuit uses, and
            advances, `state.t`).
        dt: the length of the step, ms.

    Raises:
        ValueError: a state of another component, or `t` given for a circuit.
    """
    return _advance(checked(component), state, as_time(state, t), as_duration(dt, component))[0]


def evolve(
    component: Component[S], state: S, *, t: ArrayLike | None = None, dt: ArrayLike = 1.0
) -> S:
    """One step of learning, from what the step before it computed; arguments as above."""
    return _evolve(checked(component), state, as_time(state, t), as_duration(dt, component))[0]


def weight_changes(
    component: Component[S], state: S, *, t: ArrayLike | None = None, dt: ArrayLike = 1.0
) -> Any:
    """The changes of the weights that `evolve` would want, without applying them.

    Returns:
        One component: its dWeights, before the learning rate where it has one; for a component
        that wrote `evolve` alone, the difference that makes in its Shared compartments of floating
        arrays, a dict by name. A circuit: a dict of them by component path.

    Raises:
        TypeError: a component that learns nothing.
    """
    time, duration = as_time(state, t), as_duration(dt, component)
    return _weight_changes(checked(component), state, time, duration)[1]


def reset(component: Component[S], state: S) -> S:
    """Per-example compartments as after `init`, time 0; what was learned and keys are kept."""
    return _reset(checked(component), state)[0]


@Program
def _advance(component: Component[S], state: S, t: Array, dt: Array) -> tuple[S, None]:
    check_state(component, state)
    return advance_batch(component, state, step_time(state, t), dt), None


@Program
def _evolve(component: Component[S], state: S, t: Array, dt: Array) -> tuple[S, None]:
    check_state(component, state)
    return evolve_batch(component, state, _learning_time(state, t), dt), None


@Program
def _weight_changes(component: Component[S], state: S, t: Array, dt: Array) -> tuple[S, Any]:
    check_state(component, state)
    return state, component.weight_changes(state, _learning_time(state, t), dt)


@Program
def _reset(component: Component[S], state: S) -> tuple[S, None]:
    check_state(component, state)
    return _over_examples(component.reset, state), None


def advance_batch(component: Component[S], state: S, t: Array, dt: Array) -> S:
    """One step of every example, usable inside any trace."""
    return _over_examples(lambda one: advance_example(component, one, t, dt), state)


def _over_examples(function: Callable[[S], S], state: S) -> S:
    """Apply a function of one example's state to all; Shared compartments stay as they are."""
    axes = map_by_role(lambda role, _: 0 if role.batched else None, state)
    new = jax.vmap(function, in_axes=(axes,), out_axes=axes, axis_name=EXAMPLES)(state)
    return map_by_role(lambda role, old, leaf: old if role is Role.SHARED else leaf, state, new)


def step_time(state: AnyState, t: Array) -> Array:
    """When the next step begins: a circuit keeps its own time."""
    return t if state.own_clock is None else state.own_clock.t


def _learning_time(state: AnyState, t: Array) -> Array:
    """When the step began whose outcome is to be learned from."""
    return t if state.own_clock is None else state.own_clock.began


def parameters(state: AnyState, names: Any = None) -> dict[str, Any]:
    """The learned compartments by path: what `jax.grad` and optax train.

    Args:
        state: a state; put the result back with `state.set(params)`.
        names: paths to take; all Shared compartments of floating arrays by default, without
            optimiser states (keys and counters are not differentiable).

    Raises:
        ValueError: a name that is not such a compartment.
    """
    found = trained_paths(state)
    wanted = found if names is None else [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in found:
            known = f"The parameters are: {', '.join(found)}." if found else "This state has none."
            raise ValueError(f"{name!r} is no parameter. {known}")
    return {name: state[name] for name in wanted}
