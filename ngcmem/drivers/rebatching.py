"""`rebatch`: another number of examples, with all that was learned."""

from typing import Any, TypeVar

import jax
from jax import Array

from ngcmem.core import AnyState, Component, Role, check_state, is_key
from ngcmem.drivers.batching import init_batch
from ngcmem.drivers.canonical import canonical
from ngcmem.drivers.verbs import checked, typed_key, whole_batch

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
    number = whole_batch("rebatch", batch)
    check_state(component, state)
    new_key = first_key(state) if key is None else typed_key(key)
    return with_examples_of(state, init_batch(canonical(component), new_key, number))


def with_examples_of(state: S, new: S) -> S:
    """`state` with all that is per example, and the time, as in `new`, in the dtypes it had."""
    leaves = [
        _as_before(old, fresh) if role.batched or role is Role.CLOCK else old
        for fresh, old, role in zip(
            jax.tree.leaves(new), jax.tree.leaves(state), state.leaf_roles(), strict=True
        )
    ]
    return jax.tree.unflatten(jax.tree.structure(state), leaves)


def first_key(state: AnyState) -> Array:
    """The first random key of a state; one of its own where there is none."""
    for leaf in jax.tree.leaves(state):
        if is_key(leaf):
            return leaf.reshape(-1)[0]
    return jax.random.key(0)


def _as_before(old: Any, fresh: Any) -> Any:
    return fresh if fresh.dtype == old.dtype else fresh.astype(old.dtype)
