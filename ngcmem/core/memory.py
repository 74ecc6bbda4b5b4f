"""Memories: components that can be told what to keep."""

import abc
from typing import Any, ClassVar, TypeVar

import numpy as np
from jax import Array

from ngcmem.core.compartments import PerExample, State
from ngcmem.core.component import Component


class MemoryState(State):
    """What every memory's state says of a recall."""

    matched: PerExample[Array, ""] = np.False_  # pyright: ignore  # did any used slot take part?
    steps_used: PerExample[Array, ""] = np.int32(0)  # pyright: ignore  # of the latest nm.read
    converged: PerExample[Array, ""] = np.False_  # pyright: ignore  # within tol, in nm.read


M = TypeVar("M", bound=MemoryState)


class Memory(Component[M]):
    """A component with one-shot storage, read by `nm.read` and `nm.recall`.

    Its state has Input `inputs` (the probe), PerExample `outputs` (what is recalled) and, where
    partial cues make sense, Input `known` (1 for a known feature).
    """

    autoassociative: ClassVar[bool] = True
    """Whether `outputs` may become the next `inputs`, so that recall can take several steps."""

    fast: ClassVar[tuple[str, ...]] = ()
    """Per-example compartments that hold what is remembered (fast weights): kept by `nm.read`."""

    @abc.abstractmethod
    def store(self, state: M, inputs: Any, targets: Any, key: Array | None) -> M:
        """A batched state with rows written in order, as by so many sequential writes."""

    def check_patterns(self, place: str, patterns: Any) -> None:
        """Raise ValueError for patterns (rows) of a kind this memory cannot hold.

        Called outside jit by `nm.store` ("store: inputs", "store: targets") and `nm.read`
        ("read: inputs") with concrete arrays; tracers are not shown to it.
        """

    def no_convergence(self) -> str | None:
        """Why recall until convergence cannot be promised, or None where it can."""
        return None
