"""Spikes over time."""

from typing import Any

import numpy as np
from jax.typing import ArrayLike

from ngcmem.plotting._axes import subplots


def plot_raster(
    spikes: ArrayLike, *, dt: float = 1.0, first: int = 0, ax: Any = None, **style: Any
) -> Any:
    """A dot for every spike: time to the right, units upwards.

    Args:
        spikes: (steps, units) of one example, such as `seen["cell.spikes"][:, 0]`; not 0 is a
            spike.
        dt: the time from one row to the next, ms: `record_every` times the step of `nm.run`.
        first: the number of the first unit, for a second population in the same Axes.
        ax: matplotlib Axes to draw into, whose limits widen where needed; a new figure if None.
        style: options of matplotlib's `Axes.plot`: color, markersize, label ...

    Returns:
        The matplotlib Axes.

    Raises:
        ValueError: spikes that are not (steps, units).
        ImportError: matplotlib is not installed.
    """
    raster = np.asarray(spikes)
    if raster.ndim != 2:
        raise ValueError(
            f"plot_raster: spikes is (steps, units), got shape {raster.shape}. A record of "
            f"nm.run is (steps, batch, units): plot one example, seen['cell.spikes'][:, 0]."
        )
    if ax is None:
        ax = subplots(1, 1, (6.0, 3.0))[0, 0]
    times, numbers = (0.0, dt * len(raster)), (first - 0.5, first + raster.shape[1] - 0.5)
    if ax.has_data() or not ax.get_autoscale_on():  # what is there stays in sight
        times = _around(times, ax.get_xlim())
        numbers = _around(numbers, ax.get_ylim())
    steps, units = np.nonzero(raster)
    look = {"color": "black", "marker": ".", "markersize": 2.0, **style}
    ax.plot(dt * (steps + 1), first + units, linestyle="", **look)
    ax.set(xlim=times, ylim=numbers, xlabel="ms", ylabel="units")
    return ax


def _around(span: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """The shortest span that holds both."""
    return min(*span, *other), max(*span, *other)
