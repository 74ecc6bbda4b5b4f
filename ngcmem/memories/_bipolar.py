"""What binary memories ask of their patterns."""

from typing import Any

import numpy as np


def check_bipolar(memory: str, place: str, patterns: Any, zero_is_unknown: bool = False) -> None:
    """Raise ValueError unless every entry is -1 or +1 (or 0, where that means unknown)."""
    values = np.asarray(patterns)
    allowed = np.abs(values) == 1
    if zero_is_unknown:
        allowed |= values == 0
    if not allowed.all():
        row, column = np.argwhere(~allowed)[0]
        name = place.split(": ")[-1]
        kind = "-1, +1 or 0 (unknown)" if zero_is_unknown else "-1 or +1"
        raise ValueError(
            f"{place} of {memory} are {kind}, got {values[row, column]} at [{row}, {column}]. "
            f"For 0/1 bits write 2 * {name} - 1, for grey values np.where({name} > 0.5, 1, -1)."
        )


def check_bits(memory: str, place: str, patterns: Any) -> None:
    """Raise ValueError unless every entry is 0 or 1."""
    values = np.asarray(patterns)
    allowed = (values == 0) | (values == 1)
    if not allowed.all():
        row, column = np.argwhere(~allowed)[0]
        name = place.split(": ")[-1]
        raise ValueError(
            f"{place} of {memory} are 0 or 1, got {values[row, column]} at [{row}, {column}]. "
            f"For -1/+1 write ({name} + 1) / 2."
        )
