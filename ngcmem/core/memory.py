"""Memories: components that can be told what to keep."""

import abc
import dataclasses
from typing import Any, ClassVar, Self, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ngcmem.core.compartments import PerExample, Role, State, map_by_role
from ngcmem.core.component import Component
from ngcmem.core.dtypes import default_float
from ngcmem.core.keys import is_key
from ngcmem.core.parts import part


class MemoryState(State):
    """What every memory's state says of a recall.

    `advance_state` ends with `state.recalled(matched=..., outputs=...)`, which begins a new
    outcome; `nm.read` sets the other two after it. A probe with NaN or infinity in a known feature
    has no answer: its outputs are NaN, and `matched` is False, as it is where outputs are not
    finite for any other reason (weights that are NaN, learning that diverged).
    """

    outcome: PerExample[Array, "3"] = dataclasses.field(  # pyright: ignore
        default_factory=lambda: np.zeros(3, default_float())
    )
    matched = part("outcome", 0, kind=bool)  # did any used slot take part?
    steps_used = part("outcome", 1, kind=jnp.int32)  # of nm.read
    converged = part("outcome", 2, kind=bool)  # within tol, in nm.read

    def recalled(self, matched: Array, **changes: Any) -> Self:
        """A copy of one example after a step of recall: `matched`, no steps counted, changes.

        Entries of `outcome` beyond the first three keep what `changes` says of them.
        """
        outputs, answered = self.answered(changes.pop("outputs", self["outputs"]))
        rest = changes.pop("outcome", jnp.zeros_like(self.outcome))[1:]
        flag = (jnp.asarray(matched) & answered)[None].astype(self.outcome.dtype)
        return self.replace(
            outputs=outputs, outcome=jnp.concatenate([flag, rest.astype(flag.dtype)]), **changes
        )

    def answered(self, outputs: Any) -> tuple[Any, Array]:
        """The outputs of one example, NaN if its probe is not finite, and whether they are."""
        probe = (self["inputs"], self["known"] if "known" in self.compartments else None)
        sound = finite(*probe)
        outputs = jax.tree.map(
            lambda old, new: jnp.where(sound, jnp.asarray(new).astype(old.dtype), jnp.nan),
            self["outputs"],
            outputs,
        )
        return outputs, finite(outputs)


def finite(values: Any, known: Any = None) -> Array:
    """Whether all known values of one example, an array or a pytree of them, are finite."""
    checked = [jnp.isfinite(x) for x in jax.tree.leaves(values)]
    if known is not None:
        checked = [x | (k == 0) for x, k in zip(checked, jax.tree.leaves(known), strict=True)]
    return jnp.stack([jnp.all(x) for x in checked]).all()


M = TypeVar("M", bound=MemoryState)


class Memory(Component[M]):
    """A component with one-shot storage, read by `nm.read` and `nm.recall`.

    Its state has Input `inputs` (the probe), PerExample `outputs` (what is recalled) and, where
    partial cues make sense, Input `known` (1 for a known feature).
    """

    spoken: ClassVar[str] = "memory"

    autoassociative: ClassVar[bool] = True
    """Whether `outputs` may become the next `inputs`, so that recall can take several steps."""

    fast: ClassVar[tuple[str, ...]] = ()
    """Per-example compartments that hold what is remembered (fast weights): kept by `nm.read`."""

    @abc.abstractmethod
    def store(self, state: M, inputs: Any, targets: Any, key: Array | None) -> M:
        """A batched state with rows written in order, as by so many sequential writes."""

    def check_patterns(self, place: str, patterns: Any) -> None:
        """Raise ValueError for patterns (rows) of a kind this memory cannot hold.

        Called outside jit by `nm.store` ("store: inputs", "store: targets"), `nm.read` and
        `nm.recall` ("read: inputs", "recall: inputs"), with concrete arrays; tracers are not shown
        to it.
        """

    def cleared(self, state: M, fresh: M) -> M:
        """A batched state without anything stored; called by `nm.clear`.

        Args:
            state: the state.
            fresh: what `init` makes, of the same batch.
        """

        def begun(role: Role, old: Array, new: Array) -> Array:
            return new if role is Role.SHARED and not is_key(old) else old

        empty = map_by_role(begun, state, fresh)
        return empty.set({name: fresh[name] for name in self.fast})

    def no_convergence(self) -> str | None:
        """Why recall until convergence cannot be promised, or None where it can."""
        return None
