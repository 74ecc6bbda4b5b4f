"""`rebatch`: another number of examples, with all that was learned."""

from typing import TypeVar

import jax
from jax import Array

from ngcmem.core import (
    AnyState,
    Component,
    Role,
    check_state,
    check_whole,
    first_key,
    map_by_role,
)
from ngcmem.drivers.arguments import checked, typed_key
from ngcmem.drivers.program import canonical
from ngcmem.drivers.verbs import init_batch

S = TypeVar("S", bound=AnyState)


def rebatch(component: Component[S], state: S, batch: int, *, key: Array | None = None) -> S:
    """A state of another number of examples that keeps everything learned or stored.

    Shared compartments (weights, stored rows, usage, optimiser states, keys of learning) are the
    very arrays of `state`. Everything that is one per example begins anew, as after `reset`: the
    dynamics, delays, and the time, 0. Fast weights (`nm.FastWeights`, the memory layers of
    `nm.InWeight`) are one per example too and begin empty: what they held is not carried over, as
    there is no saying which of the new examples would have it.

    Args:
        component: a component or a circuit.
        state: its state, of any batch.
        batch: the number of examples of the new state.
        key: of the new examples' noise; by default one drawn from the state's own keys.

    Raises:
        ValueError: `batch` is not a whole number of at least 1, or a state of another component.
    """
    component = checked(component)
    number = check_whole("rebatch: batch", batch)
    check_state(component, state)
    new_key = first_key(state) if key is None else typed_key(key)
    return with_examples_of(state, init_batch(canonical(component), new_key, number))


def with_examples_of(state: S, new: S) -> S:
    """`state` with all that is per example, and the time, as in `new`, in the dtypes it had."""

    def begun(role: Role, old: Array, fresh: Array) -> Array:
        return fresh if role.batched or role is Role.CLOCK else old

    return map_by_role(begun, state, with_dtypes_of(state, new))


def with_dtypes_of(state: S, new: S) -> S:
    """`new` in the dtypes of `state`."""
    return jax.tree.map(
        lambda old, x: x if x.dtype == old.dtype else x.astype(old.dtype), state, new
    )


def batch_of(state: AnyState) -> int:
    """The number of examples of a state."""
    leaves = zip(state.leaf_roles(), jax.tree.leaves(state), strict=True)
    return next(leaf.shape[0] for role, leaf in leaves if role.batched)
