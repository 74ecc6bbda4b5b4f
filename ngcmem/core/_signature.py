"""The signature that `help` and a notebook's `?` show, with annotations as they were declared."""

import dataclasses
import inspect
import re
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin


class DeclaredSignature:
    """`__signature__` of a keyword-only dataclass: `units: int, tau: float | Array = 20.0`."""

    def __get__(self, instance: Any, owner: type) -> inspect.Signature:
        if not dataclasses.is_dataclass(owner):
            raise AttributeError("__signature__")
        return inspect.Signature(
            [
                inspect.Parameter(
                    field.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=_default(field),
                    annotation=_Verbatim(_text(field.type)),
                )
                for field in dataclasses.fields(owner)
                if field.init
            ]
        )


class _Verbatim(str):
    """A text that is shown without quotes."""

    def __repr__(self) -> str:
        return str(self)


def _default(field: dataclasses.Field) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return _Verbatim("...")
    if inspect.isfunction(field.default):
        return _Verbatim(field.default.__qualname__.split(".<locals>")[0])
    return inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default


def _text(annotation: Any) -> str:
    if get_origin(annotation) in (Union, UnionType):
        parts = ("None" if part is NoneType else _text(part) for part in get_args(annotation))
        return " | ".join(parts)
    if get_origin(annotation) is not Annotated:
        return re.sub(r"\b(?:\w+\.)+(?=\w)", "", inspect.formatannotation(annotation))
    inner, *metadata = get_args(annotation)
    for note in metadata:
        if declared := getattr(note, "declared", None):
            return declared(_text(inner))
    return _text(inner)
