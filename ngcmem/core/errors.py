"""Error texts shared by the whole library: what is wrong, where, and the line to write instead."""

import difflib
from collections.abc import Iterable
from typing import Any

import numpy as np


class WiringError(ValueError):
    """A circuit, a wire or a state does not fit together; the message says where and how to fix."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`" Did you mean 'cell.spikes'?"`, or the list of what exists when nothing is close.

    Capitals count for nothing: `Beta` is `beta` before it is like anything else.
    """
    known = sorted(known)
    lower = {one.lower(): one for one in known}
    if close := difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.6):
        return f" Did you mean {lower[close[0]]!r}?"
    return f" There is: {', '.join(known)}." if known else ""


def check_choice(owner: str, name: str, value: Any, choices: Iterable[str]) -> None:
    """Whether a named choice is one of those there are.

    Raises:
        ValueError: it is not; the text lists them.
    """
    choices = tuple(choices)
    if value not in choices:
        hint = did_you_mean(value, choices) if isinstance(value, str) else ""
        hint = hint if hint.startswith(" Did") else ""
        raise ValueError(
            f"{owner}: {name} is one of {', '.join(map(repr, choices))}, got {value!r}.{hint}"
        )


def is_whole(value: Any, least: int = 1) -> bool:
    """Whether a value is a whole number of at least `least`: a size, a count, steps."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return whole and bool(value >= least)


def check_whole(place: str, value: Any, hint: str = "") -> int:
    """A whole number of at least 1, as a Python int.

    Args:
        place: what it is, with its owner: `"run: steps"`.
        value: what was given.
        hint: what to write instead, the end of the text.

    Raises:
        ValueError: something else.
    """
    if not is_whole(value):
        raise ValueError(f"{place} is a whole number of at least 1, got {value!r}.{hint}")
    return int(value)
