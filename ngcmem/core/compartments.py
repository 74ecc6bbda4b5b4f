"""Compartments: the named arrays of a state, each declared once with its role and axis names.

    class CellState(State):
        current: Input[Array, "units"]        # a wire or the user writes it
        v: PerExample[Array, "units"]         # only the component writes it
        weights: Shared[Array, "in out"]      # one for the whole batch

From the declaration come vmap's axes, the wire checks, `print(circuit)` and the docs tables.
"""

import enum
import inspect
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar

import jax
import jax.numpy as jnp

from ngcmem.core.compartment_values import CompartmentDomain
from ngcmem.core.conform import conform
from ngcmem.core.errors import did_you_mean
from ngcmem.core.parts import Part
from ngcmem.core.pytree import Pytree

S = TypeVar("S", bound="AnyState")


class Role(enum.Enum):
    """Who writes a compartment, and whether it has a batch axis."""

    INPUT = "Input"
    PER_EXAMPLE = "PerExample"
    LEARNING_INPUT = "LearningInput"
    SHARED = "Shared"
    BORROWED = "Borrowed"
    CLOCK = "Clock"

    @property
    def batched(self) -> bool:
        return self in (Role.INPUT, Role.PER_EXAMPLE, Role.LEARNING_INPUT)

    @property
    def writable(self) -> bool:
        """Whether a wire, a clamp or an input array may write it."""
        return self in (Role.INPUT, Role.LEARNING_INPUT)


@dataclass(frozen=True)
class Compartment:
    """The declaration of a compartment: its role, the names of its axes, what it may hold."""

    role: Role
    axes: tuple[str, ...]
    domain: CompartmentDomain | None = None

    def declared(self, kind: str) -> str:
        """As it is declared: `PerExample[Array, "units"]`."""
        return f'{self.role.value}[{kind}, "{" ".join(self.axes)}"]'


if TYPE_CHECKING:
    from typing import Annotated as Borrowed
    from typing import Annotated as Input
    from typing import Annotated as LearningInput
    from typing import Annotated as PerExample
    from typing import Annotated as Shared
else:

    class _Declaration:
        """`Input[Array, "features"]` is `Annotated[Array, Compartment(INPUT, ("features",))]`."""

        def __init__(self, role: Role):
            self.role = role

        def __getitem__(self, item):
            kind, axes, *domain = item if isinstance(item, tuple) else (item, "")
            return Annotated[kind, Compartment(self.role, tuple(axes.split()), *domain)]

    Input = _Declaration(Role.INPUT)
    PerExample = _Declaration(Role.PER_EXAMPLE)
    LearningInput = _Declaration(Role.LEARNING_INPUT)
    Shared = _Declaration(Role.SHARED)
    Borrowed = _Declaration(Role.BORROWED)


class AnyState(Pytree):
    """What a component's state and a circuit's state have in common: compartments by path."""

    spoken: ClassVar[str] = "state"

    def specs(self) -> dict[str, Compartment]:
        """Every compartment by path, in order."""
        raise TypeError(f"{type(self).__name__} does not say which compartments it has.")

    def spec(self, path: str) -> Compartment | None:
        """The declaration of the compartment that a path is, or leads into, if there is one."""
        specs = self.specs()
        found = compartment_of(path, specs)
        return specs[found] if found else None

    def leaf_roles(self) -> list[Role]:
        """The role of every leaf, in the order of `jax.tree.leaves(self)`."""
        raise TypeError(f"{type(self).__name__} does not say which roles its leaves have.")

    def __getitem__(self, path: str) -> Any:
        raise TypeError(f"{type(self).__name__} has no paths.")

    def __contains__(self, path: object) -> bool:
        """Whether there is something at a path: `"cell.v" in state`."""
        try:
            self[path]  # pyright: ignore[reportArgumentType]
        except (ValueError, AttributeError):  # AttributeError: not a text
            return False
        return True

    __iter__ = None  # else Python would ask for self[0]; the paths are list(state.specs())

    def set(self, changes: dict[str, Any]) -> Self:
        """A copy with the compartments at these paths changed; shapes and dtypes are kept."""
        raise TypeError(f"{type(self).__name__} has no paths.")

    def __setitem__(self, path: str, value: Any) -> None:
        raise TypeError(
            f"{type(self).__name__} is immutable: write state = state.set({{{path!r}: ...}}), and "
            f"use what it returns."
        )

    @property
    def own_clock(self) -> Any:
        """The clock of a state that keeps its own time (a circuit's), or None."""
        return None


def map_by_role(function: Callable[..., Any], state: S, *others: AnyState) -> S:
    """`function(role, leaf, *leaves)` of every leaf, its role and those in its place in `others`.

    The one way to take some leaves of one state and the rest of another: which is a question of
    their roles.
    """
    leaves = map(jax.tree.leaves, (state, *others))
    new = [function(*one) for one in zip(state.leaf_roles(), *leaves, strict=True)]
    return jax.tree.unflatten(jax.tree.structure(state), new)


def compartment_of(path: str, names: Container[str]) -> str | None:
    """The one of these names that a path is or leads into (`"memory.inputs.context"`), if any."""
    return next((k for k in accumulate(path.split("."), "{}.{}".format) if k in names), None)


def overlapping(path: str, names: Iterable[str]) -> str | None:
    """The first of these names that holds the place at a path, or a part of it."""
    inside = path + "."
    return next(
        (k for k in names if k == path or k.startswith(inside) or inside.startswith(k + ".")), None
    )


def trained_paths(state: AnyState) -> list[str]:
    """The Shared compartments of floating arrays, but for the states of optimisers."""

    def floating(value: Any) -> bool:
        leaves = jax.tree.leaves(value)
        return bool(leaves) and all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves)

    return [
        path
        for path, spec in state.specs().items()
        if spec.role is Role.SHARED
        and not path.endswith("optimizer_state")
        and floating(state[path])
    ]


class State(AnyState):
    """The compartments of one component. Immutable; `replace` and `set` return a changed copy."""

    compartments: ClassVar[dict[str, Compartment]] = {}  # one per array or pytree kept
    parts: ClassVar[dict[str, Part]] = {}  # compartments inside those, see `ngcmem.core.parts`
    named: ClassVar[dict[str, Compartment]] = {}  # what users see: parts in place of their storage

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        declared = dict(cls.compartments)
        for name, annotation in inspect.get_annotations(cls).items():
            found = [
                a for a in getattr(annotation, "__metadata__", ()) if isinstance(a, Compartment)
            ]
            if not found:
                raise TypeError(
                    f"{cls.__name__}.{name} has no role. Write, for example, "
                    f'{name}: PerExample[Array, "units"] (roles: Input, PerExample, '
                    f"LearningInput, Shared, Borrowed)."
                )
            declared[name] = found[0]
        cls.compartments = declared
        cls.parts = cls.parts | {k: v for k, v in vars(cls).items() if isinstance(v, Part)}
        for name, inner in cls.parts.items():
            if inner.storage not in declared:
                raise TypeError(
                    f"{cls.__name__}.{name} is a part of {inner.storage!r}, which it does not have."
                    + did_you_mean(inner.storage, declared)
                )
        cls.named = {}
        for name, spec in declared.items():
            inner = {k: v.axes for k, v in cls.parts.items() if v.storage == name}
            cls.named |= {k: Compartment(spec.role, axes) for k, axes in inner.items()} or {
                name: spec
            }

    def specs(self) -> dict[str, Compartment]:
        return dict(self.named)

    def leaf_roles(self) -> list[Role]:
        return [
            self.compartments[name].role
            for name in self.leaf_names
            for _ in jax.tree.leaves(getattr(self, name))
        ]

    def replace(self, **changes: Any) -> Self:
        """A copy with some compartments changed, each keeping the shape and dtype it had.

        Raises:
            ValueError: an unknown compartment, or a value of another shape, kind or domain.
        """
        new = {}
        for name, value in changes.items():
            place, old = f"{type(self).__name__}.{name}", self._get(name)
            spec = self.compartments.get(name) or self.named[name]
            if spec.domain:
                spec.domain.check(place, value, self)
            new[name] = conform(place, old, value, shared=spec.role is Role.SHARED)
        for name in self.parts.keys() & new.keys():
            inner = self.parts[name]
            stored = new.get(inner.storage, getattr(self, inner.storage))
            new[inner.storage] = inner.written(stored, new.pop(name))
        return super().replace(**new)

    def _get(self, name: str) -> Any:
        if name not in self.compartments and name not in self.parts:
            raise ValueError(
                f"{type(self).__name__} has no compartment {name!r}."
                + did_you_mean(name, self.named)
            )
        return getattr(self, name)

    def __getitem__(self, path: str) -> Any:
        name, *inner = path.split(".")
        return _get_inner(self._get(name), inner, path)

    def set(self, changes: dict[str, Any]) -> Self:
        state = self
        for path, value in changes.items():
            name, *inner = path.split(".")
            state = state.replace(**{name: _set_inner(state._get(name), inner, value, path)})
        return state


def _get_inner(value: Any, keys: list[str], path: str) -> Any:
    """Follow dict keys inside a compartment that is a pytree: `"inputs.context"`."""
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            known = value if isinstance(value, dict) else ()
            raise ValueError(f"There is no {path!r}: no field {key!r}." + did_you_mean(key, known))
        value = value[key]
    return value


def _set_inner(value: Any, keys: list[str], new: Any, path: str) -> Any:
    """The counterpart of `_get_inner`: a copy of the dict with one entry changed."""
    if not keys:
        return new
    _get_inner(value, keys, path)
    return {**value, keys[0]: _set_inner(value[keys[0]], keys[1:], new, path)}
