"""What `nm.store` and `nm.read` check of their arguments besides shapes."""

from collections.abc import Iterable
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from ngcmem.core import Memory, MemoryState, Role


def check_steps(memory: Memory, steps: Any, tol: Any, verb: str) -> None:
    name = type(memory).__name__
    if steps is not None and (isinstance(steps, bool) or int(steps) != steps or steps < 1):
        raise ValueError(f"{verb}: steps is a whole number of at least 1, got {steps!r}.")
    if steps is not None and tol is not None:
        raise ValueError(f"{verb}: give steps= or tol=, not both (max_steps= limits tol=).")
    if (tol is not None or (steps or 1) > 1) and not memory.autoassociative:
        raise ValueError(
            f"{verb}: {name} recalls something other than its inputs, so it takes one step: "
            f"leave out steps= and tol=."
        )
    if tol is not None and (reason := memory.no_convergence()):
        raise ValueError(
            f"{verb}: tol= needs a recall that converges. {reason} Use steps= instead."
        )


def check_inputs(memory: Memory, state: MemoryState, names: Iterable[str], verb: str) -> None:
    """Raise ValueError for names that are no Inputs of the memory."""
    inputs = [name for name, spec in state.specs().items() if spec.role is Role.INPUT]
    for name in names:
        if name not in inputs:
            cue = " For a partial cue write known=..." if "known" in inputs else ""
            raise ValueError(
                f"{verb}: {name!r} is no input of {type(memory).__name__}, whose inputs are "
                f"{', '.join(inputs)}.{cue}"
            )


def check_finite(memory: Memory, name: str, value: Any) -> None:
    for leaf in jax.tree.leaves(value):
        if not isinstance(leaf, Tracer) and not bool(np.isfinite(leaf).all()):
            raise ValueError(
                f"store: {name} holds NaN or infinite values, and {type(memory).__name__} would "
                f"keep them. Look at np.argwhere(~np.isfinite({name}))."
            )


def check_patterns(memory: Memory, place: str, value: Any) -> None:
    leaves = jax.tree.leaves(value)
    if leaves and not any(isinstance(leaf, Tracer) for leaf in leaves):
        memory.check_patterns(place, value)
