"""Pooling: a window of units as one."""

import math
from typing import Literal

import jax.numpy as jnp
from jax import Array, lax

from ngcmem.core import (
    Component,
    Input,
    PerExample,
    Real,
    State,
    Static,
    Units,
    UnitsOrNone,
    check_choice,
)


class PoolState(State):
    inputs: Input[Array, "inputs"]
    outputs: PerExample[Array, "outputs"]


class Pool(Component[PoolState]):
    """Every output is the sum, average or largest of a window of the inputs.

        outputs[y, x, c] = scale * sum_{i, j} inputs[s y + i, s x + j, c]     (or mean, or max)

    Channels stay apart. Windows stand side by side unless `stride` says otherwise; units at the end
    that fill none are left out. The sum of spikes keeps their number, the largest of them is a
    spike. Reference: Scherer, Mueller and Behnke (2010), doi:10.1007/978-3-642-15825-4_10.

    Raises:
        ValueError: an unknown `kind`, or a window that does not fit into the inputs.
    """

    inputs: Units
    kernel_size: Units
    stride: UnitsOrNone = None  # that of the window
    kind: Static[Literal["sum", "average", "max"]] = "average"
    scale: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("Pool", "kind", self.kind, ("sum", "average", "max"))
        if not isinstance(self.inputs, tuple) or len(self.inputs) not in (2, 3):
            raise ValueError(
                f"Pool: inputs is (length, channels) or (height, width, channels), got "
                f"{self.inputs!r}. Write inputs=(28, 28, 1)."
            )
        for field in ("kernel_size", "stride"):
            given = getattr(self, field)
            if isinstance(given, tuple) and len(given) != len(self.inputs) - 1:
                raise ValueError(
                    f"Pool: {field} is one number or one per axis of space, "
                    f"{len(self.inputs) - 1} of them, got {given!r}."
                )
        if min(self.outputs) < 1:
            raise ValueError(
                f"Pool: a window of {self.kernel_size} does not fit into inputs={self.inputs}."
            )

    def _each(self, given: int | tuple[int, ...]) -> tuple[int, ...]:
        assert isinstance(self.inputs, tuple)
        return given if isinstance(given, tuple) else (given,) * (len(self.inputs) - 1)

    @property
    def _strides(self) -> tuple[int, ...]:
        return self._each(self.kernel_size if self.stride is None else self.stride)

    @property
    def outputs(self) -> tuple[int, ...]:
        """The axes of the pooled population."""
        assert isinstance(self.inputs, tuple)
        sizes = zip(self.inputs, self._each(self.kernel_size), self._strides, strict=False)
        return (*((n - window) // s + 1 for n, window, s in sizes), self.inputs[-1])

    def init(self, key: Array) -> PoolState:
        return PoolState(inputs=jnp.zeros(self.inputs), outputs=jnp.zeros(self.outputs))

    def advance_state(self, state: PoolState, t: Array, dt: Array) -> PoolState:
        return state.replace(outputs=self.scale * self._pooled(state.inputs))

    def _pooled(self, inputs: Array) -> Array:
        window, strides = (*self._each(self.kernel_size), 1), (*self._strides, 1)
        if self.kind == "max":
            return lax.reduce_window(inputs, -jnp.inf, lax.max, window, strides, "valid")
        total = lax.reduce_window(inputs, 0.0, lax.add, window, strides, "valid")
        return total if self.kind == "sum" else total / math.prod(window)
