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
    TYPE_CHECKING,
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
        cls.__init__ = _by_name(cls.__init__, names)
        flatten, unflatten = _flattening(cls)
        jax.tree_util.register_pytree_with_keys(cls, _with_keys(flatten), unflatten, flatten)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            fields = self.__dict__
            if name in type(self).leaf_names and _CHILDREN in fields:
                fields.update(zip(self.leaf_names, fields[_CHILDREN], strict=True))
                return fields[name]
            if hasattr(
                type(self), name
            ):  # a property that failed: its own error is the one to show
                return object.__getattribute__(self, name)
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self
            )

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
        """
        if unknown := changes.keys() - {*self.leaf_names, *self.static_names}:
            name = sorted(unknown)[0]
            known = (*self.static_names, *self.leaf_names)
            raise TypeError(f"{type(self).__name__} has no {name!r}." + did_you_mean(name, known))
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
        init(self, **fields)

    return __init__


def _show(node: Pytree, name: str) -> str:
    value = getattr(node, name)
    if isinstance(value, (jax.Array, np.ndarray)) and value.ndim > 0:
        return f"{value.dtype}{list(value.shape)}"
    return getattr(value, "__name__", None) or repr(value)


Flat = tuple[tuple[Any, ...], tuple[Any, ...]]
_CHILDREN = " children"


def _flattening(cls: type[Pytree]) -> tuple[Callable[[Any], Flat], Callable[[Any, Any], Any]]:
    """Flatten and unflatten for one class: every call of a jitted function runs them.

    An object rebuilt from leaves keeps them in the tuple they came in until somebody asks for one
    (`Pytree.__getattr__`): most states go from one program to the next unread. Not so where a
    class attribute, the default of a field, would be found first.
    """
    leaf_names, static_names = cls.leaf_names, cls.static_names
    leaves, static = _getter(leaf_names), _getter(static_names)
    kind = (cls,)
    lazy = not any(hasattr(cls, name) for name in leaf_names)

    def flatten(node: Any) -> Flat:
        fields = node.__dict__
        children = fields.get(_CHILDREN)
        if children is None:
            children = leaves(fields)
        return children, kind + static(fields) if static_names else kind

    def unflatten(aux: tuple[Any, ...], children: Iterable[Any]) -> Any:
        node = object.__new__(cls)
        fields = node.__dict__
        if lazy:
            fields[_CHILDREN] = tuple(children)
        else:
            fields.update(zip(leaf_names, children, strict=True))
        if static_names:
            fields.update(zip(static_names, aux[1:], strict=True))
        return node

    return flatten, unflatten


def _getter(names: tuple[str, ...]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """The values of a dict at these names, as a tuple."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda fields: tuple([fields[name] for name in names])


def _with_keys(flatten: Callable[[Any], Flat]) -> Callable[[Any], Flat]:
    def flatten_with_keys(node: Any) -> Flat:
        children, aux = flatten(node)
        return tuple(zip(map(GetAttrKey, node.leaf_names), children, strict=True)), aux

    return flatten_with_keys
