"""Components: frozen dataclasses of hyper-parameters with four pure functions."""

import abc
import math
from typing import Any, Generic, TypeVar

import jax
from jax import Array

from ngcmem.core.compartments import AnyState
from ngcmem.core.keys import is_key
from ngcmem.core.pytree import Pytree

S = TypeVar("S", bound=AnyState)

EXAMPLES = "examples"
"""The name of vmap's axis over the examples of a batch."""


def examples_axis() -> str | None:
    """`EXAMPLES` inside the driver's vmap, None where a component is called by itself."""
    try:
        jax.lax.axis_index(EXAMPLES)
    except NameError:
        return None
    return EXAMPLES


class Component(Pytree, abc.ABC, Generic[S]):
    """Hyper-parameters (leaves), sizes and functions (static), and four pure functions.

    `init`, `advance_state` and `reset` are written for ONE example, without a batch axis: the
    driver (`nm.init`, `nm.advance_state`, ...) vmaps them. `evolve` is written for the batch,
    because learning belongs to it: `pre.T @ post / batch` is one matrix product.
    """

    def __post_init__(self) -> None:
        """Further checks of a subclass, which ends or begins with `super().__post_init__()`."""

    @abc.abstractmethod
    def init(self, key: Array) -> S:
        """The state of one example, before anything happened."""

    @abc.abstractmethod
    def advance_state(self, state: S, t: Array, dt: Array) -> S:
        """One step of the dynamics of one example; may not change Shared compartments."""

    def evolve(self, state: S, t: Array, dt: Array) -> S:
        """One step of learning, from a batched state; may change only Shared compartments."""
        return state

    def weight_changes(self, state: S, t: Array, dt: Array) -> Any:
        """The change of the weights that `evolve` would want, from a batched state."""
        raise TypeError(f"{type(self).__name__} learns nothing: it has no weight changes.")

    @property
    def longest_dt(self) -> float:
        """The longest step for which the equations are integrated stably, ms."""
        return math.inf

    @property
    def learns(self) -> bool:
        """Whether this component has weight changes."""
        return type(self).weight_changes is not Component.weight_changes

    def reset(self, state: S) -> S:
        """Per-example compartments as after `init`; learned ones and random keys are kept."""
        key = next((leaf for leaf in jax.tree.leaves(state) if is_key(leaf)), jax.random.key(0))
        fresh = self.init(key)
        leaves = [
            new if role.batched and not is_key(old) else old
            for new, old, role in zip(
                jax.tree.leaves(fresh), jax.tree.leaves(state), state.leaf_roles(), strict=True
            )
        ]
        return jax.tree.unflatten(jax.tree.structure(state), leaves)
