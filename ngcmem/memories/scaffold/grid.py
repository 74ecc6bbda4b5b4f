"""Grid modules: places as one active cell in each of several rings or tori."""

import math
from itertools import combinations

import jax.numpy as jnp
import numpy as np
from jax import Array

from ngcmem.core import Pytree, Static, check_whole


class Grid(Pytree):
    """Modules of grid cells, rings (one axis) or tori (two or more), one active cell in each.

    A place is a point of whole coordinates x; module m, of lengths l_m, is at x mod l_m. With
    lengths that have no common factor the modules together tell apart prod_m l_m coordinates on
    every axis, from sum_m prod(l_m) cells (the Chinese remainder theorem).

    Attributes:
        modules: the lengths of every module: (3, 4, 5) are three rings of 60 places, ((3, 3),
            (4, 4), (5, 5)) three tori of 60 x 60.

    Raises:
        ValueError: no modules, a length below 2, modules of different numbers of axes, or two
            with a common factor on an axis.
    """

    modules: Static[tuple[int, ...] | tuple[tuple[int, ...], ...]]

    def __post_init__(self) -> None:
        if not isinstance(self.modules, tuple) or not self.modules:
            raise ValueError(
                f"Grid: modules are the lengths of at least one module, such as (3, 4, 5) or "
                f"((3, 3), (4, 4), (5, 5)), got {self.modules!r}."
            )
        if len({len(lengths) for lengths in self.lengths}) > 1:
            raise ValueError(
                f"Grid: modules have the same number of axes, got {self.modules!r}. A ring is 3, "
                f"a torus (3, 3)."
            )
        for lengths in self.lengths:
            for length in lengths:
                if check_whole("Grid: a module's length", length) < 2:
                    raise ValueError(f"Grid: a module has at least 2 cells an axis, got {length}.")
        for one, other in combinations(self.lengths, 2):
            if any(math.gcd(a, b) > 1 for a, b in zip(one, other, strict=True)):
                raise ValueError(
                    f"Grid: the lengths of two modules have no common factor on any axis, got "
                    f"{one} and {other}, which do not tell all places apart."
                )

    @property
    def lengths(self) -> tuple[tuple[int, ...], ...]:
        """The lengths of every module, one for each axis."""
        return tuple(m if isinstance(m, tuple) else (m,) for m in self.modules)

    @property
    def axes(self) -> int:
        return len(self.lengths[0])

    @property
    def extent(self) -> tuple[int, ...]:
        """How many coordinates there are on each axis."""
        return tuple(math.prod(along) for along in zip(*self.lengths, strict=True))

    @property
    def places(self) -> int:
        return math.prod(self.extent)

    @property
    def cells(self) -> int:
        return sum(math.prod(lengths) for lengths in self.lengths)

    def wrapped(self, place: Array) -> Array:
        """Coordinates within the extent, (..., axes) int32."""
        return jnp.mod(place, _like(self.extent, place))

    def numbered(self, number: Array) -> Array:
        """The place of a number from 0 on, (...) to (..., axes): the last axis runs first."""
        return jnp.stack(jnp.unravel_index(number, self.extent), axis=-1).astype(jnp.int32)

    def active(self, place: Array) -> Array:
        """Which cells are active at places (..., axes): (..., cells) of 0 and 1."""
        modules = []
        for lengths in self.lengths:
            phase = jnp.mod(place, _like(lengths, place))
            cell = jnp.zeros(place.shape[:-1], jnp.int32)
            for axis, length in enumerate(lengths):
                cell = cell * length + phase[..., axis]
            modules.append(cell[..., None] == _like(range(math.prod(lengths)), cell[..., None]))
        return jnp.concatenate(modules, axis=-1)

    def place(self, drive: Array) -> Array:
        """The place whose cells win in every module: drives (..., cells) to (..., axes) int32."""
        total = jnp.zeros((*drive.shape[:-1], self.axes), jnp.int32)
        begin = 0
        for lengths, shares in zip(self.lengths, _remainders(self.lengths), strict=True):
            size = math.prod(lengths)
            winner = jnp.argmax(drive[..., begin : begin + size], axis=-1)
            phase = jnp.stack(jnp.unravel_index(winner, lengths), axis=-1).astype(jnp.int32)
            total = self.wrapped(total + phase * _like(shares, total))
            begin += size
        return total


def _like(numbers: object, array: Array) -> Array:
    """Numbers along the last axis, in the rank of an array."""
    found = jnp.asarray(np.asarray(tuple(numbers), np.int32))  # pyright: ignore
    return found.reshape(*[1] * (array.ndim - 1), -1)


def _remainders(modules: tuple[tuple[int, ...], ...]) -> list[list[int]]:
    """By module and axis, the coordinate that is 1 in that module and 0 in all others."""
    shares = []
    for lengths in modules:
        row = []
        for axis, length in enumerate(lengths):
            others = math.prod(m[axis] for m in modules) // length
            row.append(others * pow(others, -1, length) if length > 1 else 0)
        shares.append(row)
    return shares
