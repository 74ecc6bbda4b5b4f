"""Parts of a compartment, as Python writes them: `"cell.v[:80]"`, `"image.spikes[::2, 3]"`."""

import operator
import re
from functools import cache
from typing import Any

import jax
import numpy as np

_ONE = re.compile(r"[+-]?\d+|(?:[+-]?\d+)?:(?:[+-]?\d+)?(?::(?:[+-]?[1-9]\d*)?)?")


def split(text: str) -> tuple[str, str]:
    """A path and what stands in brackets behind it: `("cell.v", ":80")`; "" for the whole.

    Raises:
        ValueError: what stands in brackets is no whole number, slice or several with commas.
    """
    path, bracket, rest = text.partition("[")
    inside = rest.removesuffix("]").replace(" ", "")
    parts = inside.split(",")
    if bracket and not (rest.endswith("]") and all(_ONE.fullmatch(one) for one in parts)):
        raise ValueError(
            f"{text!r}: what is taken of a compartment is written as Python does, with whole "
            f"numbers and slices: '{path}[:80]', '{path}[3]', '{path}[::2, 5:9]'."
        )
    return path.strip(), ", ".join(parts) if bracket else ""


@cache
def _indices(where: str) -> tuple[int | slice, ...]:
    def one(text: str) -> int | slice:
        if ":" not in text:
            return operator.index(int(text))
        return slice(*(int(number) if number else None for number in text.split(":")))

    return tuple(one(text) for text in where.split(", ")) if where else ()


def selected(value: Any, where: str, batched: bool = False) -> Any:
    """The part of a value, each of its arrays alike; `batched`: their first axis is the batch.

    Raises:
        ValueError: nothing is taken: a number beyond the axis, more of them than axes, or none.
    """
    if not where:
        return value
    return jax.tree.map(lambda array: _taken(array, where, batched), value)


def _taken(array: Any, where: str, batched: bool) -> Any:
    indices = (*[slice(None)] * batched, *_indices(where))
    sizes = array.shape[batched:]
    if len(indices) > array.ndim:
        raise ValueError(f"[{where}] has more numbers than there are axes, {sizes}.")
    for index, size in zip(_indices(where), sizes, strict=False):
        some = len(range(size)[index]) if isinstance(index, slice) else -size <= index < size
        if not some:
            raise ValueError(f"[{where}] takes nothing of {sizes}.")
    if isinstance(array, jax.ShapeDtypeStruct):
        shape = np.broadcast_to(0, array.shape)[indices].shape
        return jax.ShapeDtypeStruct(shape, array.dtype)
    return array[indices]
