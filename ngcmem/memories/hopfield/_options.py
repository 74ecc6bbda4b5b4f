"""The options of `Hopfield` that have more to be said of than a name."""

from typing import Any

import jax.numpy as jnp

from ngcmem.plasticity import HopfieldRule, SlotRule


def check_rule(rule: Any) -> None:
    """Whether `rule` moves the patterns of a slot memory.

    Raises:
        ValueError: it does not; the text says what does.
    """
    if isinstance(rule, SlotRule):
        return
    if isinstance(rule, type) and issubclass(rule, SlotRule):
        hint = f" That is the class: write rule=nm.plasticity.{rule.__name__}()."
    elif isinstance(rule, HopfieldRule):
        hint = f" {type(rule).__name__} stores patterns in the couplings of nm.ClassicalHopfield."
    else:
        hint = ""
    raise ValueError(
        f"Hopfield: rule is an nm.plasticity.SlotRule such as nm.plasticity.Delta(), "
        f"got {rule!r}.{hint}"
    )


def check_initial(patterns: Any, initial: str, slots: int, features: int) -> None:
    """Whether the patterns to begin with are rows that fit.

    Raises:
        ValueError: other shapes, more than there are slots, or random ones asked for besides.
    """
    if patterns is None:
        return
    shape = jnp.shape(patterns)
    if len(shape) != 2 or shape[1] != features:
        raise ValueError(
            f"Hopfield: patterns are rows of shape (n, features={features}), got {shape};"
            f" columns are transposed by patterns.T."
        )
    if shape[0] > slots:
        raise ValueError(
            f"Hopfield: {shape[0]} patterns do not fit into slots={slots}: write slots={shape[0]}."
        )
    if initial == "random":
        raise ValueError("Hopfield: give patterns= or initial='random', not both.")
