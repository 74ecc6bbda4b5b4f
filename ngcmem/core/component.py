"""Components: frozen dataclasses of hyper-parameters with four pure functions."""

import abc
import functools
import inspect
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ngcmem.core.compartments import AnyState, Role, map_by_role, trained_paths
from ngcmem.core.contract import evolve_batch, path_of
from ngcmem.core.dtypes import default_float
from ngcmem.core.errors import did_you_mean
from ngcmem.core.keys import first_key, is_key, is_random
from ngcmem.core.pytree import Pytree

S = TypeVar("S", bound=AnyState)

EXAMPLES = "examples"
"""The name of vmap's axis over the examples of a batch."""

_WRITTEN = {  # what an author writes, and what the verb of that name takes after the component
    "init": "key",
    **dict.fromkeys(("advance_state", "evolve", "weight_changes", "reset"), "state"),
    "store": "state, inputs",
}


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

    spoken: ClassVar[str] = "component"

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        own = inspect.get_annotations(cls)
        for name, annotation in own.items():
            if annotation in (int, bool):
                kind = annotation.__name__
                raise TypeError(
                    f"{cls.__name__}.{name}: {kind} would be traced like a hyper-parameter, so "
                    f"that no shape and no `if` could use it. Write {name}: Static[{kind}]."
                )
        for name in _WRITTEN:
            if name in vars(cls):
                setattr(cls, name, _as_declared(cls, name, vars(cls)[name]))

    def __post_init__(self) -> None:
        """Further checks of a subclass, which ends or begins with `super().__post_init__()`."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in ("run", "read", "recall"):
                raise AttributeError(
                    f"{type(self).__name__} has no method {name!r}: write "
                    f"nm.{name}({self.spoken}, state, ...)."
                )
            return object.__getattribute__(self, name)  # for the error it raises

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
        """The change of the weights that `evolve` would want, from a batched state.

        By default the difference that `evolve` makes, by name, in the Shared compartments of
        floating arrays (`nm.parameters`). A component with a learning rate overrides it, to return
        what it multiplies by that rate.

        Raises:
            TypeError: a component that learns nothing.
        """
        if not self.learns:
            raise TypeError(f"{type(self).__name__} learns nothing: it has no weight changes.")
        new = evolve_batch(self, state, t, dt)
        return {p: jax.tree.map(jnp.subtract, new[p], state[p]) for p in trained_paths(state)}

    @property
    def longest_dt(self) -> float:
        """The longest step in ms that can be integrated; infinite by default."""
        return math.inf

    @property
    def shortest_dt(self) -> float:
        """The shortest step for which what is kept of the past suffices, ms."""
        return 0.0

    @property
    def learns(self) -> bool:
        """Whether this component has weight changes: whether it writes how it learns."""
        return any(
            getattr(type(self), name) is not getattr(Component, name)
            for name in ("evolve", "weight_changes")
        )

    def reset(self, state: S) -> S:
        """Per-example compartments as after `init`; learned ones and random keys are kept."""

        def begun(role: Role, old: Array, new: Array) -> Array:
            return new if role.batched and not is_random(old) else old

        return map_by_role(begun, state, self.init(first_key(state)))

    @property
    def parts(self) -> Mapping[str, "Component"]:
        """The components this one is made of, by name: none, unless it is a circuit."""
        return {}

    def axis_size(self, path: str, axis: str) -> Any:
        """The size of an axis of the compartment at a path: a tuple in a population with a shape.

        None where no field of that name says it.
        """
        return getattr(self, axis, None) if axis.isidentifier() else None

    def driven(self) -> Mapping[str, Any]:
        """The compartments that wires inside this component write, by path, with their wires."""
        return {}

    def __getitem__(self, path: str) -> "Component":
        """The component at a path; `""` leads to this one."""
        name, _, inner = path.partition(".")
        if name and not self.parts:
            raise ValueError(
                f"{type(self).__name__} is a component without components of its own: there is no "
                f"{path!r}. Read its fields as attributes."
            )
        if name and name not in self.parts:
            raise ValueError(
                f"The {self.spoken} has no component {name!r}." + did_you_mean(name, self.parts)
            )
        return self.parts[name][inner] if name else self

    def __contains__(self, path: object) -> bool:
        """Whether there is a component at a path: `"cell" in circuit`."""
        try:
            self[path]  # pyright: ignore[reportArgumentType]
        except (ValueError, AttributeError):  # AttributeError: not a text
            return False
        return True

    __iter__ = None  # else Python would ask for self[0]; the names are list(circuit.components)

    def init_with(self, init_one: "Callable[[Component, Array], Any]", key: Array, axes: int) -> S:
        """The state whose parts are made by `init_one`, with so many batch axes before their own.

        A circuit gives every one of its parts a key of its own.
        """
        return init_one(self, key)


NUMBERS = (bool, int, float, np.number, np.bool_)


def strong_leaves(component: Component) -> list[Any]:
    """The hyper-parameters as strongly typed arrays, every scalar of the default floating dtype.

    Raises:
        TypeError: a hyper-parameter that is neither a number nor an array.
    """
    kind = default_float()

    def strong(path: Any, leaf: Any) -> Any:
        if isinstance(leaf, NUMBERS):
            return np.asarray(leaf, kind)
        if not isinstance(leaf, (np.ndarray, jax.Array)):
            name = path_of(path)
            raise TypeError(
                f"The hyper-parameter {name} is a number or an array, got {leaf!r}. In a component "
                f"of your own, declare what is not a number as {name}: Static[...]."
            )
        if leaf.dtype == kind and not getattr(leaf, "weak_type", False):
            return leaf
        scalar = leaf.ndim == 0 and not is_key(leaf)
        return leaf.astype(kind) if scalar or jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    return [strong(*one) for one in jax.tree_util.tree_leaves_with_path(component)]


def _as_declared(cls: type[Component], name: str, function: Callable[..., Any]) -> Any:
    """A function of a component that says what to write where it is called like the verb.

    Raises:
        TypeError: it takes other arguments than it is called with.
    """
    own = inspect.signature(function)
    given = [*own.parameters]
    expected = [*inspect.signature(getattr(super(cls, cls), name, function)).parameters]
    if len(given) != len(expected) or any(
        n in given and given.index(n) != i for i, n in enumerate(expected)
    ):
        raise TypeError(
            f"{cls.__name__}.{name} takes ({', '.join(given)}), but it is called with "
            f"({', '.join(expected)}): write def {name}({', '.join(expected)})."
        )

    @functools.wraps(function)
    def declared(self: Any, *arguments: Any, **named: Any) -> Any:
        try:
            own.bind(self, *arguments, **named)
        except TypeError:
            raise TypeError(
                f"{type(self).__name__}.{name} is what nm.{name} calls inside a program, with "
                f"({', '.join(given[1:])}): write nm.{name}({self.spoken}, {_WRITTEN[name]})."
            ) from None
        return function(self, *arguments, **named)

    return declared
