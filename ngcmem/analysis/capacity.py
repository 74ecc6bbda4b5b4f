"""Capacity sweeps: a memory measured over sizes, loads and seeds, compiled once per shape."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ngcmem.drivers import typed_key

Measure = Callable[..., Any]


class Sweep(NamedTuple):
    """What a sweep measured, by metric: (sizes, loads, seeds), NaN where a load was left out."""

    sizes: tuple[int, ...]
    loads: np.ndarray  # (sizes, loads)
    values: dict[str, np.ndarray]

    def mean(self, metric: str) -> np.ndarray:
        """The mean over seeds, (sizes, loads)."""
        return self.values[metric].mean(axis=-1)


def capacity_sweep(
    measure: Measure,
    sizes: Sequence[int],
    loads: Sequence[int] | Callable[[int], Sequence[int]],
    key: Array,
    *,
    seeds: int = 1,
    bucket: Callable[[int, int], int] | None = None,
    mapped: bool = False,
    progress: Callable[[Iterable[Any], str], Iterable[Any]] | None = None,
) -> Sweep:
    """Measure a memory at every size and load.

    Args:
        measure: `measure(key, count, *, size, capacity) -> {metric: scalar}`, jittable: store
            `count` (traced, at most `capacity`) patterns in a memory of `size` and recall them.
            Draw `capacity` rows and mask those from `count` on. `size` and `capacity` are static.
        sizes: of the memory.
        loads: numbers of patterns, as many for every size; or a function of the size.
        key: split over sizes, loads and seeds.
        seeds: independent repetitions.
        bucket: `bucket(size, load) -> capacity`: loads of equal capacity share one compiled
            program, vmapped over loads and seeds. By default the next power of two,
            or the size for loads up to it that this would carry beyond it.
        mapped: run loads and seeds of a bucket one after the other instead of at once: less
            memory, and right for measures with `lax.cond` in them.
        progress: wraps the list of buckets, `rich.progress.track` for a bar.

    Raises:
        ValueError: no sizes or loads, loads that are no whole numbers of at least 1, sizes with
            different numbers of loads, a bucket smaller than a load in it, or a measure that does
            not return a dict of scalars.
    """
    table = [tuple(loads(size)) if callable(loads) else tuple(loads) for size in sizes]
    _check(table, seeds)
    key = typed_key(key)
    bucket = bucket or _next_power_of_two
    jobs: dict[tuple[int, int], list[int]] = {}
    for i, (size, row) in enumerate(zip(sizes, table, strict=True)):
        for j, load in enumerate(row):
            capacity = bucket(size, load)
            if capacity < load:
                raise ValueError(
                    f"capacity_sweep: bucket({size}, {load}) is {capacity}, less than the load."
                )
            jobs.setdefault((i, capacity), []).append(j)

    values: dict[str, np.ndarray] = {}
    listed = list(jobs.items())
    for (i, capacity), columns in progress(listed, "capacity sweep") if progress else listed:
        found = _bucket(
            measure,
            key,
            np.asarray(i),
            np.asarray(columns),
            np.asarray([table[i][j] for j in columns]),
            size=sizes[i],
            capacity=capacity,
            seeds=seeds,
            mapped=mapped,
        )
        _check_metrics(found, (len(columns), seeds))
        for name, value in found.items():
            shape = (len(sizes), len(table[0]), seeds)
            values.setdefault(name, np.full(shape, np.nan))[i, columns] = np.asarray(value)
    return Sweep(tuple(sizes), np.asarray(table), values)


@partial(jax.jit, static_argnames=("measure", "size", "capacity", "seeds", "mapped"))
def _bucket(
    measure: Measure,
    key: Array,
    row: Array,
    columns: Array,
    counts: Array,
    *,
    size: int,
    capacity: int,
    seeds: int,
    mapped: bool,
) -> Any:
    def draws(column: Array) -> Array:
        return jax.random.split(jax.random.fold_in(jax.random.fold_in(key, row), column), seeds)

    one = partial(measure, size=size, capacity=capacity)
    keys = jax.vmap(draws)(columns)
    if not mapped:
        return jax.vmap(jax.vmap(one, (0, None)))(keys, counts)
    over_seeds = lambda pair: jax.lax.map(lambda key: one(key, pair[1]), pair[0])  # noqa: E731
    return jax.lax.map(over_seeds, (keys, counts))


def _check(table: list[tuple[int, ...]], seeds: int) -> None:
    if not table or not table[0] or seeds < 1:
        raise ValueError("capacity_sweep: give at least one size, one load and one seed.")
    if len({len(row) for row in table}) != 1:
        raise ValueError("capacity_sweep: loads gives a different number of loads for some sizes.")
    for load in (load for row in table for load in row):
        if load < 1 or int(load) != load:
            raise ValueError(
                f"capacity_sweep: loads are numbers of patterns, whole and at least 1, got {load}. "
                f"For shares of the size write loads=lambda size: [int(a * size) for a in shares]."
            )


def _check_metrics(found: Any, shape: tuple[int, int]) -> None:
    if not isinstance(found, dict):
        raise ValueError(
            f"capacity_sweep: measure returns a dict of metrics by name, got {type(found)}."
        )
    for name, value in found.items():
        if jnp.shape(value) != shape:
            raise ValueError(
                f"capacity_sweep: metric {name!r} has shape {jnp.shape(value)[2:]} per run, "
                f"expected a scalar: take its mean()."
            )


def _next_power_of_two(size: int, load: int) -> int:
    """... of the load; loads up to the size keep to it, since beyond it solvers differ."""
    power = 1 << max(load - 1, 0).bit_length()
    return min(power, size) if load <= size else power
