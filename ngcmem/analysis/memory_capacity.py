"""How much of its past input a network holds: Jaeger's memory capacity."""

from typing import NamedTuple

import numpy as np
from jax.typing import ArrayLike

from ngcmem.core import check_whole


class CapacityByDelay(NamedTuple):
    """What `memory_capacity` finds."""

    total: float
    """The sum over delays, less what chance gives; never above the number of units."""
    by_delay: np.ndarray
    """(delays + 1,) squared correlation of the read-out with the input so many steps ago."""


def memory_capacity(
    outputs: ArrayLike,
    inputs: ArrayLike,
    *,
    delays: int,
    begin: int = 0,
    ridge: float = 1e-9,
) -> CapacityByDelay:
    """The memory capacity of a network driven by independent random inputs.

        MC = sum_{k = 0 ... delays} corr^2(u(t - k), best linear read-out of x(t))

    For every delay a read-out with a constant is fitted on the first half of the record and tried
    on the second. Values below .02 are dropped: over many delays chance would add up. For
    independent inputs MC <= number of units. In float64, by NumPy. Reference: Jaeger (2001),
    Short term memory in echo state networks, GMD report 152.

    Args:
        outputs: (steps, units) of one example, `seen["outputs"][:, 0]`.
        inputs: (steps,) what drove it.
        delays: the longest delay, steps.
        begin: how many steps at the start to leave out, besides the first `delays`.
        ridge: of the regression, relative to the mean square of the outputs.

    Raises:
        ValueError: shapes that do not fit, or a record too short for the delays.
    """
    x, u = np.asarray(outputs, np.float64), np.asarray(inputs, np.float64)
    if x.ndim != 2 or u.shape != x.shape[:1]:
        raise ValueError(
            f"memory_capacity: outputs are (steps, units) and inputs (steps,) of one example, got "
            f"{x.shape} and {u.shape}."
        )
    delays = check_whole("memory_capacity: delays", delays)
    first = max(begin, delays)
    half = (len(u) - first) // 2
    if half < 2 * (x.shape[1] + 1):
        raise ValueError(
            f"memory_capacity: {len(u)} steps leave {half} after the first {first} to fit "
            f"{x.shape[1]} units; record at least {first + 4 * (x.shape[1] + 1)}."
        )
    past = np.stack([u[first - k : len(u) - k] for k in range(delays + 1)], axis=1)
    now = np.concatenate([x[first:], np.ones((len(u) - first, 1))], axis=1)
    fitted, tried = slice(0, half), slice(half, None)
    gram = now[fitted].T @ now[fitted]
    gram += ridge * np.trace(gram) / len(gram) * np.eye(len(gram))
    read = now[tried] @ np.linalg.solve(gram, now[fitted].T @ past[fitted])
    there = past[tried] - past[tried].mean(0)
    read = read - read.mean(0)
    sizes = np.sqrt((read**2).sum(0) * (there**2).sum(0))
    both = np.where(sizes > 0, (read * there).sum(0) / np.where(sizes > 0, sizes, 1), 0)
    found = np.maximum(both, 0) ** 2
    return CapacityByDelay(float(found[found >= 0.02].sum()), found)
