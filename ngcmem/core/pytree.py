"""Immutable dataclasses that are pytrees, with the class itself part of the tree structure.

Since jaxlib 0.10.0, two different classes registered by `jax.tree_util.register_dataclass` have
equal tree structures when their leaf counts and static values agree, and `jax.jit` may then run
one class's program for the other. `register_pytree_with_keys` with the class among the auxiliary
data is immune, and it costs one page.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import (
    Annotated,
    Any,
    ClassVar,
    Self,
    TypeVar,
    dataclass_transform,
    get_args,
    get_origin,
)

import jax
import numpy as np
from jax.tree_util import GetAttrKey

from ngcmem.core._pickling import by_name, found
from ngcmem.core._signature import DeclaredSignature
from ngcmem.core.domains import Domain, check_fields, domain_of
from ngcmem.core.errors import did_you_mean

T = TypeVar("T")
_STATIC = "static"

Static = Annotated[T, _STATIC]
"""`units: Static[int]`: part of the tree structure (a size, a function), not a leaf."""


def is_static(annotation: Any) -> bool:
    """Whether a field's annotation is `Static[...]`."""
    return get_origin(annotation) is Annotated and _STATIC in get_args(annotation)[1:]


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Pytree:
    """A subclass becomes a frozen, keyword-only dataclass whose fields are children.

    Fields annotated `Static[...]` are compared and hashed with the tree structure; all others are
    pytrees of leaves. Rebuilding from leaves bypasses `__init__` and `__post_init__`, so that
    transformations may put tracers, axes or shapes where arrays were.
    """

    leaf_names: ClassVar[tuple[str, ...]] = ()
    static_names: ClassVar[tuple[str, ...]] = ()
    spoken: ClassVar[str] = "it"  # what errors call an object of this class in the line to write
    domains: ClassVar[dict[str, Domain]] = {}  # what the fields may be, see `ngcmem.core.domains`
    __signature__ = DeclaredSignature()

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        own = inspect.get_annotations(cls)
        if unread := [name for name, annotation in own.items() if isinstance(annotation, str)]:
            raise TypeError(
                f"{cls.__name__}.{unread[0]}: its annotation is a string. Take "
                f"'from __future__ import annotations' out of the file that defines {cls.__name__}."
            )
        dataclasses.dataclass(frozen=True, kw_only=True, repr=False, eq=False)(cls)
        static = {*cls.static_names, *(name for name in own if is_static(own[name]))}
        names = tuple(field.name for field in dataclasses.fields(cls))  # pyright: ignore[reportArgumentType]
        cls.static_names = tuple(name for name in names if name in static)
        cls.leaf_names = tuple(name for name in names if name not in static)
        declared = {name: domain_of(own[name]) for name in own}
        cls.domains = {n: d for n, d in (cls.domains | declared).items() if d is not None}
        cls.__init__ = _by_name(cls.__init__, names)
        cls.__setattr__ = _immutable
        _register(cls)

    def __getstate__(self) -> dict[str, Any]:
        """Fields by name, so that a pickle survives another order of them; nothing derived."""
        fields = {name: getattr(self, name) for name in self.leaf_names}
        return fields | {name: by_name(getattr(self, name)) for name in self.static_names}

    def __setstate__(self, fields: dict[str, Any]) -> None:
        self.__dict__.update({name: found(value) for name, value in fields.items()})

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, checked like a new one.

        Raises:
            TypeError: no such field.
            ValueError: a value out of the field's domain.
        """
        return dataclasses.replace(self, **changes)  # pyright: ignore[reportArgumentType]

    def __repr__(self) -> str:
        names = (*self.static_names, *self.leaf_names)
        return (
            f"{type(self).__name__}({', '.join(f'{name}={_show(self, name)}' for name in names)})"
        )


def _by_name(init: Callable[..., None], names: tuple[str, ...]) -> Callable[..., None]:
    """The dataclass's `__init__`, which says what to write instead of a mistaken call."""
    known = frozenset(names)

    @functools.wraps(init)
    def __init__(self: Any, /, *unnamed: Any, **fields: Any) -> None:
        name = type(self).__name__
        if unnamed:
            raise TypeError(
                f"{name} takes its fields by name: write {name}({names[0]}={unnamed[0]!r}, ...)."
                if names
                else f"{name} takes nothing, got {unnamed[0]!r}."
            )
        if not fields.keys() <= known:
            other = next(given for given in fields if given not in known)
            raise TypeError(f"{name} has no {other!r}." + did_you_mean(other, names))
        check_fields(type(self), fields)
        init(self, **fields)

    return __init__


def _show(node: Pytree, name: str) -> str:
    value = getattr(node, name)
    if isinstance(value, (jax.Array, np.ndarray)) and value.ndim > 0:
        return f"{value.dtype}{list(value.shape)}"
    return getattr(value, "__name__", None) or repr(value)


def _immutable(self: Any, name: str, value: Any) -> None:
    raise dataclasses.FrozenInstanceError(
        f"{type(self).__name__} is immutable: write {self.spoken} = "
        f"{self.spoken}.replace({name}=...), and use what it returns."
    )


def _register(cls: type[Pytree]) -> None:
    """Tell jax how to take objects of this class apart, which every call of a program does."""
    leaf_names, static_names = cls.leaf_names, cls.static_names
    leaves, static = _getter(leaf_names), _getter(static_names)
    keys, kind = [GetAttrKey(name) for name in leaf_names], (cls,)

    def flatten(node: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        fields = node.__dict__
        return leaves(fields), kind + static(fields) if static_names else kind

    def flatten_with_keys(node: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        children, aux = flatten(node)
        return tuple(zip(keys, children, strict=True)), aux

    def unflatten(aux: tuple[Any, ...], children: Iterable[Any]) -> Any:
        node = object.__new__(cls)
        fields = node.__dict__
        fields.update(zip(leaf_names, children, strict=True))
        if static_names:
            fields.update(zip(static_names, aux[1:], strict=True))
        return node

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)


def _getter(names: tuple[str, ...]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """The values of a dict at these names, as a tuple."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda fields: tuple([fields[name] for name in names])
