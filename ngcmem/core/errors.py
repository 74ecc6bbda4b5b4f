"""Error texts shared by the whole library: what is wrong, where, and the line to write instead."""

import difflib
from collections.abc import Iterable
from typing import Any


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
