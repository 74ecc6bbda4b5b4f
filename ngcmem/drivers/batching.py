"""From one example to a batch: the functions behind the jitted verbs, usable inside any trace."""

from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.circuits import Circuit, CircuitState, path_key
from ngcmem.core import EXAMPLES, AnyState, Component, Role, advance_example

S = TypeVar("S", bound=AnyState)


def batch_axis(role: Role) -> int | None:
    """vmap's axis for a compartment of this role."""
    return 0 if role.batched else None


def init_batch(component: Component[S], key: Array, batch: int) -> S:
    """`batch` examples with keys of their own, one set of Shared compartments.

    Components of one kind share one compiled program, so large circuits start fast; example i
    is the same whatever the batch size.
    """
    if isinstance(component, Circuit):
        states = {
            name: init_batch(part, path_key(key, name), batch)
            for name, part in component.components.items()
        }
        return component.assemble(states, batch_axes=1)  # pyright: ignore[reportReturnType]
    return _init_kind(component, key, batch)


@partial(jax.jit, static_argnames="batch")
def _init_kind(component: Component[S], key: Array, batch: int) -> S:
    one = component.init(key)
    keys = jax.vmap(partial(jax.random.fold_in, key))(jnp.arange(batch))
    many = jax.vmap(component.init)(keys)
    leaves = [
        strong(many_leaf if role.batched else one_leaf)
        for one_leaf, many_leaf, role in zip(
            jax.tree.leaves(one), jax.tree.leaves(many), one.leaf_roles(), strict=True
        )
    ]
    return jax.tree.unflatten(jax.tree.structure(one), leaves)


def strong(leaf: Array) -> Array:
    """Without jax's weak type, so that the first step does not change the state's type."""
    return jax.lax.convert_element_type(leaf, leaf.dtype) if leaf.weak_type else leaf


def over_examples(function: Any, state: S) -> S:
    """Apply a function of one example's state to all; Shared compartments stay as they are."""
    leaves, structure = jax.tree.flatten(state)
    roles = state.leaf_roles()
    kept = [role is Role.SHARED for role in roles]

    def one(*leaves: Array) -> list[Array]:
        new = jax.tree.leaves(function(jax.tree.unflatten(structure, leaves)))
        return [leaf for leaf, keep in zip(new, kept, strict=True) if not keep]

    axes = [batch_axis(role) for role in roles]
    out_axes = [axis for axis, keep in zip(axes, kept, strict=True) if not keep]
    new = iter(jax.vmap(one, in_axes=axes, out_axes=out_axes, axis_name=EXAMPLES)(*leaves))
    merged = [leaf if keep else next(new) for leaf, keep in zip(leaves, kept, strict=True)]
    return jax.tree.unflatten(structure, merged)


def advance_batch(component: Component[S], state: S, t: Array, dt: Array) -> S:
    """One step of every example."""
    return over_examples(lambda one: advance_example(component, one, t, dt), state)


def reset_batch(component: Component[S], state: S) -> S:
    """Every example's dynamics as after `init`."""
    return over_examples(component.reset, state)


def step_times(state: AnyState, t: Array) -> Array:
    """When the next step begins: a circuit keeps its own time."""
    return state.t if isinstance(state, CircuitState) else t


def learn_times(state: AnyState, t: Array) -> Array:
    """When the step began whose outcome is to be learned from."""
    return state.clock.began if isinstance(state, CircuitState) else t
