"""Components: frozen dataclasses of hyper-parameters with four pure functions."""

import abc
import inspect
import math
from types import NoneType, UnionType
from typing import Any, ClassVar, Generic, TypeVar, get_args

import jax
import numpy as np
from jax import Array

from ngcmem.core.compartments import AnyState
from ngcmem.core.keys import is_key
from ngcmem.core.pytree import Pytree, is_static

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

    sizes: ClassVar[tuple[str, ...]] = ()
    arrays: ClassVar[dict[str, str]] = {}  # fields of numbers or arrays: what each may be

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        own = inspect.get_annotations(cls)
        cls.sizes = (
            *cls.sizes,
            *(n for n in own if is_static(own[n]) and get_args(own[n])[0] is int),
        )
        kinds = {name: _kind_of(annotation) for name, annotation in own.items()}
        cls.arrays = {n: kind for n, kind in (cls.arrays | kinds).items() if kind}

    def __post_init__(self) -> None:
        for name in self.sizes:
            size = getattr(self, name)
            if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
                raise ValueError(
                    f"{type(self).__name__}: {name} is a whole number of at least 1, got {size!r}."
                )
        for name, kind in self.arrays.items():
            # Only what is certainly a mistake: tracers, axes, shapes and shardings may stand here.
            if type(given := getattr(self, name)) in (str, list, tuple, dict):
                raise TypeError(_no_array(f"{type(self).__name__}: {name} is {kind}", name, given))

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
    def shortest_dt(self) -> float:
        """The shortest step for which what is kept of the past suffices, ms."""
        return 0.0

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


def _kind_of(annotation: Any) -> str:
    """What a field annotated `float | Array` or `Array` may be; "" for any other."""
    kinds = {*get_args(annotation)} if isinstance(annotation, UnionType) else {annotation}
    if Array not in kinds or not kinds <= {Array, float, int, NoneType}:
        return ""
    return "a number or an array" if kinds & {float, int} else "an array"


def _no_array(expected: str, name: str, given: Any) -> str:
    """The error for a word, a list or the like where an array belongs."""
    shown = repr(given) if len(repr(given)) < 60 else f"a {type(given).__name__}"
    if isinstance(given, (str, dict)):
        return f"{expected}, got {shown}."
    return (
        f"{expected}, got {shown}. Write {name}=jnp.array({shown if shown[0] in '[(' else name})."
    )
