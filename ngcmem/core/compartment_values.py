"""What the values of a compartment may be, said where it is declared.

    inputs: Input[Array, "units", ZeroToOne()]              # an intensity or a probability
    sources: Shared[Array, "outputs connections", Index("inputs")]   # positions along an axis

A value is looked at where a user writes it: `state.replace`, `state.set`, `inputs=`, `clamp=`,
`nm.store` and `nm.read`. What a wire brings is not; each component says what it makes of it.
"""

import abc
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.core import Tracer


class CompartmentDomain(abc.ABC):
    """The values a compartment may hold."""

    @abc.abstractmethod
    def check(self, place: str, value: Any, state: Any) -> None:
        """Raise ValueError for a value (an array, number or list) outside.

        Args:
            place: how the error text names the value.
            value: as the user gave it, before it is converted.
            state: the state it is written to, for the sizes of axes.
        """


class ZeroToOne(CompartmentDomain):
    """Intensities and probabilities, 0 to 1.

    Values on the host (NumPy, lists, numbers) are looked at: none may be below 0, above 1 or NaN.
    Arrays on a device and traced ones are not read; of those an integer dtype is refused, because
    it is how images of 0..255 are kept.
    """

    def check(self, place: str, value: Any, state: Any) -> None:
        """Raise ValueError for a value outside of 0..1."""
        name = place.split(": ")[-1] if ": " in place else place.split(".")[-1]
        if isinstance(value, (Tracer, jax.Array)):
            if np.issubdtype(value.dtype, np.integer):
                raise ValueError(
                    f"{place} is 0 to 1, got {value.dtype}. For an image of 0..255 write "
                    f"{name} / 255, for zeros and ones {name}.astype(float)."
                )
            return
        found = _on_host(value)
        if found is None:
            return
        outside = ~((found >= 0) & (found <= 1))
        if outside.any():
            where = [int(i) for i in np.argwhere(outside)[0]]
            image = found.max(initial=0) > 1 and not (found < 0).any()
            hint = f" For an image of 0..255 write {name} / 255." if image else ""
            raise ValueError(
                f"{place} is 0 to 1, got {found[tuple(where)]} at {where} ({found.dtype}).{hint}"
            )


class Index(CompartmentDomain):
    """Positions along an axis of the state, 0 to its size - 1, or -1 for none.

    Concrete arrays are looked at, on a device too: connections are set once.
    """

    def __init__(self, axis: str):
        self.axis = axis

    def check(self, place: str, value: Any, state: Any) -> None:
        """Raise ValueError for a position outside of the axis."""
        if isinstance(value, Tracer):
            return
        found = _on_host(np.asarray(value) if isinstance(value, jax.Array) else value)
        if found is None:
            return
        size = _size_of(self.axis, state)
        outside = (found < -1) | (found >= size)
        if outside.any():
            where = [int(i) for i in np.argwhere(outside)[0]]
            raise ValueError(
                f"{place} are positions among {size} {self.axis}, 0 to {size - 1}, or -1 for no "
                f"connection, got {found[tuple(where)]} at {where}."
            )


def _on_host(value: Any) -> np.ndarray | None:
    """Numbers, lists and NumPy arrays of numbers; None for placeholders and other things."""
    if not isinstance(value, (np.ndarray, np.generic, bool, int, float, list, tuple)):
        return None
    found = np.asarray(value)
    return found if found.dtype.kind in "biuf" else None


def _size_of(axis: str, state: Any) -> int:
    for name, spec in state.compartments.items():
        if axis in spec.axes:
            stored: Array = getattr(state, name)
            return stored.shape[spec.axes.index(axis) - len(spec.axes)]
    raise TypeError(f"{type(state).__name__} has no axis {axis!r} for Index({axis!r}).")
