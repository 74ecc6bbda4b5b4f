"""Connections as data: compressed rows, one per presynaptic cell."""

from collections.abc import Callable
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ngcmem.core import Pytree, Static, check_whole

LARGEST = 2**31 - 1


class Columns(Pytree):
    """The same connections by postsynaptic cell: for what happens when that fires.

    Those of cell j are at `positions[starts[j] : starts[j + 1]]` of the lists by presynaptic cell.
    """

    starts: Array  # (outputs + 1,) int32
    positions: Array  # (connections,) int32
    sources: Array  # (connections,) int32: their presynaptic cells
    block: Static[int] = 64


class Connections(Pytree):
    """Who is connected to whom.

    The targets of cell i are `targets[starts[i] : starts[i + 1]]`; several connections between two
    cells are several entries. Four bytes per connection, and four more with `delays`. Made by the
    functions of `ngcmem.connectivity`.
    """

    starts: Array  # (inputs + 1,) int32
    targets: Array  # (connections,) int32, by presynaptic cell
    delays: Array | None = None  # (connections,) float32, ms; within a row ascending
    inputs: Static[int]
    outputs: Static[int]
    longest: Static[float] = 0.0
    """The longest delay, ms."""
    block: Static[int] = 64
    """How many connections are read at once where a cell fired."""

    def __len__(self) -> int:
        return self.targets.shape[0]

    @property
    def sources(self) -> Array:
        """(connections,) int32: the presynaptic cell of each connection."""
        count = jnp.arange(self.inputs, dtype=jnp.int32)
        return jnp.repeat(count, jnp.diff(self.starts), total_repeat_length=len(self))

    def by_target(self) -> Columns:
        """The columns of the matrix whose rows these are; 8 bytes per connection."""
        targets = np.asarray(self.targets)
        narrow = targets.astype(np.uint16) if self.outputs <= 2**16 else targets
        positions = np.argsort(narrow, kind="stable").astype(np.int32)
        degrees = self.in_degrees
        sources = np.repeat(np.arange(self.inputs, dtype=np.int32), self.out_degrees)
        return Columns(
            starts=jax.device_put(np.concatenate([[0], np.cumsum(degrees)]).astype(np.int32)),
            positions=jax.device_put(positions),
            sources=jax.device_put(sources[positions]),
            block=_block(degrees),
        )

    @property
    def out_degrees(self) -> np.ndarray:
        """(inputs,) how many connections leave each cell."""
        return np.diff(np.asarray(self.starts))

    @property
    def in_degrees(self) -> np.ndarray:
        """(outputs,) how many connections reach each cell."""
        return np.bincount(np.asarray(self.targets), minlength=self.outputs)

    def dense(self, weights: Any = 1.0) -> np.ndarray:
        """(inputs, outputs) the matrix of these weights, one per connection or one for all."""
        matrix = np.zeros((self.inputs, self.outputs))
        flat = np.broadcast_to(np.asarray(weights, np.float64), (len(self),))
        np.add.at(matrix, (np.asarray(self.sources), np.asarray(self.targets)), flat)
        return matrix

    def with_delays(self, delays: Any) -> Self:
        """A copy with a delay per connection, ms; the rows are sorted by them.

        Args:
            delays: (connections,) in the order of `targets`, or a function that returns them for
                the sources and the targets, two arrays of int32.

        Raises:
            ValueError: another number of delays, or one that is negative or not finite.
        """
        sources = np.repeat(np.arange(self.inputs, dtype=np.int32), self.out_degrees)
        targets = np.asarray(self.targets)
        given = delays(sources, targets) if isinstance(delays, Callable) else delays
        given = np.asarray(given, np.float32)
        if given.shape != (len(self),):
            raise ValueError(
                f"with_delays takes one delay per connection, shape ({len(self)},), got "
                f"{given.shape}. One delay for all is the synapse's: delay=1.5."
            )
        if not (np.isfinite(given) & (given >= 0)).all():
            raise ValueError("with_delays: delays are finite and not negative, in ms.")
        order = np.lexsort((given, sources))
        return self.replace(
            targets=jnp.asarray(targets[order]),
            delays=jnp.asarray(given[order]),
            longest=float(given.max(initial=0.0)),
        )

    def __repr__(self) -> str:
        delays = "" if self.delays is None else ", with delays"
        return f"Connections(inputs={self.inputs}, outputs={self.outputs}, {len(self)}{delays})"


def by_source(sources: np.ndarray, targets: np.ndarray, inputs: int, outputs: int) -> Connections:
    """Connections from lists of their two ends in any order; equal sources keep theirs."""
    narrow = sources.astype(np.uint16) if inputs <= 2**16 else sources  # a radix sort
    order = np.argsort(narrow, kind="stable")
    return from_rows(np.bincount(sources, minlength=inputs), targets[order], inputs, outputs)


def from_rows(degrees: np.ndarray, targets: np.ndarray, inputs: int, outputs: int) -> Connections:
    """Connections from the number of each cell's, and all targets by presynaptic cell."""
    if len(targets) > LARGEST:
        raise ValueError(
            f"{len(targets)} connections are more than one synapse's lists can count "
            f"({LARGEST}): split the population."
        )
    starts = np.concatenate([[0], np.cumsum(degrees)]).astype(np.int32)
    return Connections(
        starts=jax.device_put(starts),
        targets=jax.device_put(np.ascontiguousarray(targets, np.int32)),
        inputs=inputs,
        outputs=outputs,
        block=_block(degrees),
    )


def _block(degrees: np.ndarray) -> int:
    """The block that reads these rows at the least cost.

    One costs 0.3 us and 2 ns for each of its places, filled or not (measured on one x86 core).
    """
    most = int(max(degrees.max(initial=0), 1))
    sizes = {min(most, 2**k) for k in range(3, 13)} | {min(most, 8192)}
    return min(sizes, key=lambda size: float(np.sum(-(-degrees // size)) * (300 + 2 * size)))


def from_lists(sources: Any, targets: Any, *, inputs: int, outputs: int) -> Connections:
    """Connections given by their two ends, in any order.

    Args:
        sources: (connections,) presynaptic cells.
        targets: (connections,) postsynaptic cells.
        inputs: how many presynaptic cells there are.
        outputs: how many postsynaptic cells there are.

    Raises:
        ValueError: lists of other lengths, or a cell that does not exist.
    """
    inputs = check_whole("from_lists: inputs", inputs)
    outputs = check_whole("from_lists: outputs", outputs)
    pre, post = _cells("sources", sources, inputs), _cells("targets", targets, outputs)
    if pre.shape != post.shape:
        raise ValueError(
            f"from_lists: sources and targets are of the same connections, got {len(pre)} and "
            f"{len(post)} of them."
        )
    return by_source(pre, post, inputs, outputs)


def from_csr(starts: Any, targets: Any, *, outputs: int) -> Connections:
    """Connections given as compressed rows: those of cell i are `targets[starts[i]:starts[i+1]]`.

    The names of SciPy's `csr_array` are `indptr` and `indices`.

    Raises:
        ValueError: starts that do not rise from 0 to the number of targets, or a cell that does
            not exist.
    """
    starts = np.asarray(starts)
    post = _cells("targets", targets, check_whole("from_csr: outputs", outputs))
    fits = starts.ndim == 1 and len(starts) > 1 and starts[0] == 0 and starts[-1] == len(post)
    if not fits or (np.diff(starts) < 0).any():
        raise ValueError(
            f"from_csr: starts rise from 0 to the number of targets, {len(post)}, with one entry "
            f"more than there are presynaptic cells."
        )
    return from_rows(np.diff(starts), post, len(starts) - 1, outputs)


def _cells(name: str, given: Any, count: int) -> np.ndarray:
    cells = np.asarray(given)
    if cells.ndim != 1 or (len(cells) and cells.dtype.kind not in "iu"):
        raise ValueError(f"{name} is a list of whole numbers, got {cells.dtype}{cells.shape}.")
    if len(cells) and not (0 <= cells.min() and cells.max() < count):
        raise ValueError(f"{name} are from 0 to {count - 1}, got {cells.min()} to {cells.max()}.")
    return cells.astype(np.int32)
