"""Wires: who feeds whom, what of it, and with which lag."""

import re
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from ngcmem.circuits.selection import selected, split
from ngcmem.core import SLACK, WiringError, check_whole, default_float

_NUMBER = r"[+-]?\s*(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_TERM = re.compile(rf"\s*(?:(?P<scale>{_NUMBER})\s*\*|(?P<minus>-))?\s*(?P<rest>[^*]+?)\s*")


@dataclass(frozen=True)
class Source:
    """One term of a wire: which compartment, what of it, times what, and how long ago."""

    path: str
    scale: float = 1.0
    where: str = ""  # what stands in brackets: ":80"
    shape: tuple[int, ...] | None = None  # what the selection is reshaped to
    delay: int = 0  # steps; or, where `ms` says the time, the most steps it may take
    ms: float | None = None

    @property
    def lags(self) -> bool:
        """Whether it brings a value of an earlier step."""
        return self.delay > 0

    @property
    def buffered(self) -> bool:
        """Whether a ring buffer keeps its values."""
        return self.delay > 1 or self.ms is not None

    @property
    def ring(self) -> int:
        """The size of its ring buffer: a power of two, so that ticks may go round at 2^32."""
        return 1 << (self.delay - 1).bit_length()

    @property
    def buffer_name(self) -> str:
        """The name of its ring buffer in `CircuitState.delays`."""
        return f"{self.path} {self.delay}" if self.ms is None else f"{self.path} {self.ms} ms"

    @property
    def longest_dt(self) -> float:
        """The longest step of which `ms` is at least one, ms."""
        return float("inf") if self.ms is None else 2.0 * self.ms

    @property
    def shortest_dt(self) -> float:
        """The shortest step of which `ms` is at most `delay`, ms."""
        return 0.0 if self.ms is None else self.ms / (self.delay + 0.5 - SLACK)

    @property
    def as_it_is(self) -> bool:
        """Whether it brings the whole compartment, unchanged and of this step."""
        return self == Source(path=self.path)

    def taken(self, value: Any) -> Any:
        """What of a compartment's value (of one example) this source brings."""
        return jax.tree.map(self._taken, value)

    def _taken(self, value: Any) -> Any:
        value = selected(value, self.where)
        if self.shape is not None:
            value = value.reshape(self.shape)
        if self.scale == 1.0:
            return value
        if self.scale == -1.0:
            return jnp.negative(value)
        if not jnp.issubdtype(value.dtype, jnp.inexact):
            value = value.astype(default_float())
        return value * self.scale

    def __str__(self) -> str:
        bracket = f"[{self.where}]" if self.where else ""
        scale = "-" if self.scale == -1.0 else "" if self.scale == 1.0 else f"{self.scale!r} * "
        name = repr(f"{scale}{self.path}{bracket}")
        if self.ms is not None:
            name = f"delayed({name}, ms={self.ms:g}, max_steps={self.delay})"
        elif self.delay:
            name = f"delayed({name}" + (")" if self.delay == 1 else f", steps={self.delay})")
        sizes = "" if self.shape is None else ", ".join(map(str, self.shape))
        return name if self.shape is None else f"reshaped({name}, {sizes})"


@dataclass(frozen=True, repr=False)
class Wire:
    """Sources added into one target compartment."""

    sources: tuple[Source, ...]
    target: str

    def __repr__(self) -> str:
        return f"wire({', '.join(map(str, self.sources))}, to={self.target!r})"


def _source(given: Any) -> Source:
    if isinstance(given, Source):
        return given
    if not isinstance(given, str):
        raise TypeError(
            f"A wire starts at a compartment's name such as 'cell.spikes', got {given!r}."
        )
    found = _TERM.fullmatch(given)
    if found is None:
        raise WiringError(
            f"A wire's source is written as 'cell.spikes', '-cell.spikes', '2 * cell.spikes' or "
            f"'cell.spikes[:80]', got {given!r}. Several sources are several arguments."
        )
    try:
        path, where = split(found["rest"])
    except ValueError as error:
        raise WiringError(str(error)) from None
    scale = float(found["scale"].replace(" ", "")) if found["scale"] else 1.0
    return Source(path=path, scale=-1.0 if found["minus"] else scale, where=where)


def wire(*sources: str | Source, to: str) -> Wire:
    """Connect compartments to an input: `wire("a.outputs", "-b.outputs", to="cell.current")`.

    A source is a compartment (`"cell.spikes"`), a part of it (`"cell.spikes[:80]"`, as Python
    slices the axes of one example), and may be scaled: `"-cell.spikes"`, `"0.5 * cell.v"`.
    `delayed` reads an earlier step, `reshaped` gives other axes. The sum of the sources has the
    shape of the target: a wire never broadcasts.

    Args:
        sources: several are added.
        to: the path of an Input, LearningInput or Borrowed compartment.

    Raises:
        TypeError: no source, or something that is not a path.
        WiringError: a source that is not written as above.
    """
    if not sources:
        raise TypeError(f"wire(to={to!r}) has no source: write wire('cell.spikes', to={to!r}).")
    if not isinstance(to, str):
        raise TypeError(
            f"A wire ends at one compartment's name such as 'cell.current', got {to!r}."
        )
    return Wire(sources=tuple(map(_source, sources)), target=to)


def delayed(
    path: str | Source,
    steps: int | None = None,
    *,
    ms: float | None = None,
    max_steps: int | None = None,
) -> Source:
    """The value a compartment had some steps ago (before that: its value after `init`).

        wire(delayed("cell.spikes"), to="trace.inputs")               # one step
        wire(delayed("cell.spikes", steps=3), to="synapse.inputs")
        wire(delayed("cell.spikes", ms=1.5), to="synapse.inputs")     # whatever dt is

    Args:
        path: a source as `wire` takes it, or one that `reshaped` made.
        steps: a whole number of at least 1; 1 if neither is given.
        ms: a time in place of the steps, rounded to whole ones, halves up
            (`nm.core.whole_steps`): at least one. After dt has changed, what was sent with the
            other dt is NaN: it cannot be moved to steps of another length.
        max_steps: with `ms`, how many steps that may be: the size of the ring buffer. By default
            what steps of 0.1 ms need; a shorter dt than fits is an error when the circuit runs.

    Raises:
        ValueError: `steps` is no whole number of at least 1, `ms` not positive, or both given.
    """
    source = _source(path)
    if source.lags:
        raise ValueError(f"delayed: {source} lags already. Write one delayed with the whole time.")
    if ms is None:
        if max_steps is not None:
            raise ValueError("delayed: max_steps is for ms; with steps the buffer fits.")
        hint = f" For the value of the same step write {source} alone."
        count = 1 if steps is None else check_whole("delayed: steps", steps, hint)
        return replace(source, delay=count)
    if steps is not None:
        raise ValueError(f"delayed: give steps or ms, got steps={steps!r} and ms={ms!r}.")
    if not isinstance(ms, (int, float)) or not 0.0 < ms < float("inf"):
        raise ValueError(
            f"delayed: ms is a number in (0, inf), got {ms!r}. Delays that vary or differ from "
            f"unit to unit are nm.Delay."
        )
    usual = max(1, round(ms / 0.1))
    most = usual if max_steps is None else check_whole("delayed: max_steps", max_steps)
    return replace(source, delay=most, ms=float(ms))


def reshaped(source: str | Source, *shape: int) -> Source:
    """A source whose axes (of one example) are given others: `reshaped("conv.outputs", -1)`.

    The units keep their order, the last axis the fastest. One size may be -1: what is left; alone
    it makes one long axis, what a dense synapse takes.

    Raises:
        ValueError: no sizes, or one that is neither a whole number of at least 1 nor -1.
    """
    fits = all(size == -1 or check_whole("reshaped: a size", size) for size in shape)
    if not shape or not fits or shape.count(-1) > 1:
        raise ValueError(
            f"reshaped takes the sizes of the axes, at most one of them -1, got {shape}: write "
            f"reshaped({source!r}, -1) for one long axis."
        )
    return replace(_source(source), shape=tuple(map(int, shape)))
