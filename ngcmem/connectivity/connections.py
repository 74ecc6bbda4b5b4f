"""Connections as data: compressed rows, one per presynaptic cell."""

from collections.abc import Callable
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ngcmem.connectivity._blocks import block_for
from ngcmem.core import Pytree, Static


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
            block=block_for(degrees),
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
