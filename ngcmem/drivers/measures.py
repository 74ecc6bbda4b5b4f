"""What `nm.run` may keep of a compartment in place of all its values at all steps.

    record={"v": "cell.v[:10]", "spikes": Events("cell.spikes", most=100_000)}

Each is updated after every recorded step, and takes the memory of its result: ten thousand cells
over a hundred thousand steps fit where their dense record takes 4 GB.
"""

import abc
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ngcmem.core import carry, check_whole, fired_places


@dataclass(frozen=True)
class Measure(abc.ABC):
    """What is kept of a compartment; abstract."""

    path: str
    """Of a compartment, or of a part of it: `"cell.v[:10]"`."""

    @abc.abstractmethod
    def begin(self, value: Any, records: int) -> Any:
        """What is carried before the first of so many records, given a value's shape."""

    @abc.abstractmethod
    def added(self, kept: Any, value: Array, place: Array) -> Any:
        """What is carried after record number `place`, from 0."""

    def end(self, kept: Any, value: Any, records: int) -> Any:
        """What `run` returns."""
        return kept


class Sum(Measure):
    """The sum over all recorded steps, of the shape of one: spike counts, for instance."""

    def begin(self, value: Any, records: int) -> Any:
        kind = value.dtype if jnp.issubdtype(value.dtype, jnp.inexact) else jnp.int32
        return jnp.zeros(value.shape, kind), jnp.zeros(value.shape, kind)

    def added(self, kept: Any, value: Array, place: Array) -> Any:
        total, lost = kept
        if not jnp.issubdtype(total.dtype, jnp.inexact):
            return total + value.astype(total.dtype), lost
        return carry(total, lost, value)

    def end(self, kept: Any, value: Any, records: int) -> Any:
        return kept[0]


class Mean(Sum):
    """The mean over all recorded steps, of the shape of one."""

    def end(self, kept: Any, value: Any, records: int) -> Any:
        return kept[0] / records


class Variance(Measure):
    """The variance over all recorded steps (divided by their number), of the shape of one.

    Welford's recurrence, which subtracts no large sums. Reference: Welford (1962),
    doi:10.1080/00401706.1962.10490022.
    """

    def begin(self, value: Any, records: int) -> Any:
        kind = jnp.promote_types(value.dtype, jnp.float32)
        return jnp.zeros(value.shape, kind), jnp.zeros(value.shape, kind)

    def added(self, kept: Any, value: Array, place: Array) -> Any:
        mean, squares = kept
        value = value.astype(mean.dtype)
        off = value - mean
        mean = mean + off / (place + 1).astype(mean.dtype)
        return mean, squares + off * (value - mean)

    def end(self, kept: Any, value: Any, records: int) -> Any:
        return kept[1] / records


class PopulationMean(Measure):
    """The mean over the units of each example at every recorded step, (records, batch).

    Of spikes, times 1000 / dt, it is the population's rate in Hz.
    """

    def begin(self, value: Any, records: int) -> Any:
        kind = jnp.promote_types(value.dtype, jnp.float32)
        return jnp.zeros((records, *value.shape[:1]), kind)

    def added(self, kept: Any, value: Array, place: Array) -> Any:
        mean = value.astype(kept.dtype).reshape(value.shape[0], -1).mean(1)
        return jax.lax.dynamic_update_index_in_dim(kept, mean, place, 0)


class SpikeEvents(NamedTuple):
    """Spikes as a list, in the order of their time.

    The first `kept` entries of each array are events, the others -1 (values: 0).
    """

    steps: Array
    """(most,) int32: the step of the run, from 0."""
    examples: Array
    """(most,) int32: of the batch."""
    units: Array
    """(most,) int32: of the population, in its flat order."""
    values: Array
    """(most,) what the compartment held: 1 for a spike."""
    kept: Array
    """() int32: how many there are."""
    lost: Array
    """() int32: how many found no room; 0 if the list is complete."""


@dataclass(frozen=True)
class Events(Measure):
    """The places and steps where a compartment was not 0, as `SpikeEvents`.

    Up to `most` of them, over all examples; what finds no room is counted in `lost`. Their search
    costs as much whether one or `per_step` cells fire; more take another round of it.

    Attributes:
        most: the length of the list.
        per_step: how many a round finds, by default 64.
    """

    most: int = 0
    per_step: int = 64

    def __post_init__(self) -> None:
        hint = ' Write Events("cell.spikes", most=100_000).'
        check_whole("Events: most", self.most, hint)
        check_whole("Events: per_step", self.per_step)

    def begin(self, value: Any, records: int) -> Any:
        room = self.most + self.per_step  # a round is written whole, its unused end overwritten
        none = jnp.full((room,), -1, jnp.int32)
        zero = jnp.zeros((), jnp.int32)
        return none, none, jnp.zeros((room,), value.dtype), zero, zero

    def added(self, kept: Any, value: Array, place: Array) -> Any:
        flat = value.ravel()
        size = flat.shape[0]

        def round_of(carry: Any) -> Any:
            (steps, places, values, count, lost), after, _ = carry
            found = fired_places(flat, after, self.per_step)
            exists = found < size
            new = jnp.sum(exists, dtype=jnp.int32)
            room = jnp.minimum(new, self.most - count)
            kept_here = jnp.arange(self.per_step, dtype=jnp.int32) < room
            at = jnp.where(kept_here, found, -1)
            value_at = flat.at[found].get(mode="fill", fill_value=0)
            rows = (
                (steps, jnp.where(kept_here, place, -1)),
                (places, at),
                (values, jnp.where(kept_here, value_at, jnp.zeros((), flat.dtype))),
            )
            written = (jax.lax.dynamic_update_slice(old, row, (count,)) for old, row in rows)
            more = exists[-1]
            return (*written, count + room, lost + new - room), found[-1], more

        start = (kept, jnp.int32(-1), jnp.any(flat != 0))
        return jax.lax.while_loop(lambda carry: carry[2], round_of, start)[0]

    def end(self, kept: Any, value: Any, records: int) -> SpikeEvents:
        steps, places, values, count, lost = kept
        units = math.prod(value.shape[1:])
        exists = jnp.arange(self.most, dtype=jnp.int32) < count
        places = places[: self.most]
        return SpikeEvents(
            steps=jnp.where(exists, steps[: self.most], -1),
            examples=jnp.where(exists, places // units, -1),
            units=jnp.where(exists, places % units, -1),
            values=jnp.where(exists, values[: self.most], jnp.zeros((), values.dtype)),
            kept=count,
            lost=lost,
        )


def as_list(
    events: SpikeEvents, dt: float = 1.0, example: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Times in ms (at the end of each step) and units of the events of one example, on the host.

    Raises:
        ValueError: some events were lost.
    """
    if int(events.lost):
        raise ValueError(
            f"{int(events.lost)} events found no room in the list: make most "
            f"{int(events.lost) + int(events.kept)} or more."
        )
    mine = np.asarray(events.examples) == example
    return (np.asarray(events.steps)[mine] + 1) * dt, np.asarray(events.units)[mine]
