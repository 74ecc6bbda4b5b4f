"""Wires: who feeds whom, and with which lag."""

from dataclasses import dataclass
from typing import Any

from ngcmem.core import check_whole


@dataclass(frozen=True)
class Source:
    """One compartment at the start of a wire: its path, its sign and its lag in steps."""

    path: str
    sign: int = 1
    delay: int = 0

    def __str__(self) -> str:
        name = ("-" if self.sign < 0 else "") + self.path
        steps = "" if self.delay == 1 else f", steps={self.delay}"
        return f"delayed({name!r}{steps})" if self.delay else repr(name)


@dataclass(frozen=True, repr=False)
class Wire:
    """Sources added (or subtracted) into one target compartment."""

    sources: tuple[Source, ...]
    target: str

    def __repr__(self) -> str:
        return f"wire({', '.join(map(str, self.sources))}, to={self.target!r})"


def _source(given: Any, delay: int = 0) -> Source:
    if isinstance(given, Source):
        return given
    if not isinstance(given, str):
        raise TypeError(
            f"A wire starts at a compartment's name such as 'cell.spikes', got {given!r}."
        )
    return Source(
        path=given.removeprefix("-"), sign=-1 if given.startswith("-") else 1, delay=delay
    )


def wire(*sources: str | Source, to: str) -> Wire:
    """Connect compartments to an input: `wire("a.outputs", "-b.outputs", to="cell.current")`.

    Args:
        sources: paths such as `"cell.spikes"`; several are added, a leading `-` subtracts;
            `delayed(path)` reads the value of an earlier step.
        to: the path of an Input, LearningInput or Borrowed compartment.

    Raises:
        TypeError: no source, or something that is not a path.
    """
    if not sources:
        raise TypeError(f"wire(to={to!r}) has no source: write wire('cell.spikes', to={to!r}).")
    if not isinstance(to, str):
        raise TypeError(
            f"A wire ends at one compartment's name such as 'cell.current', got {to!r}."
        )
    return Wire(sources=tuple(_source(given) for given in sources), target=to)


def delayed(path: str, steps: int = 1) -> Source:
    """The value a compartment had `steps` steps ago (before that: its value after `init`).

    Raises:
        ValueError: `steps` is not a whole number of at least 1.
    """
    hint = f" For the value of the same step write {path!r} alone."
    return _source(path, delay=check_whole("delayed: steps", steps, hint))
