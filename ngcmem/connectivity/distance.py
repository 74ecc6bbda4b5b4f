"""Connections whose probability depends on the distance of two cells."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from ngcmem.connectivity._rows import by_source
from ngcmem.connectivity.connections import Connections


def distance_dependent(
    sources: Any,
    targets: Any,
    probability: Callable[[np.ndarray], np.ndarray],
    *,
    radius: float,
    seed: int,
    period: Sequence[float] | None = None,
    self_connections: bool = True,
) -> Connections:
    """Each pair of cells is connected with a probability that depends on their distance.

        distance_dependent(places, places, lambda d: 0.3 * np.exp(-d / 50), radius=200, seed=0)

    Space is cut into boxes as wide as `radius`, so that only pairs in neighbouring boxes are
    looked at: the time grows with the pairs within reach.

    Args:
        sources: (inputs, axes) places of the presynaptic cells, or (inputs,) on a line.
        targets: (outputs, axes) places of the postsynaptic cells.
        probability: of an array of distances, in the unit of the places.
        radius: no connection is longer than this.
        seed: of the draw.
        period: the size of space along each axis where it is closed to a ring or torus.
        self_connections: whether cell i may be connected to cell i.

    Raises:
        ValueError: places of other axes, a radius that is not positive or more than half a period,
            or a function that gives no probabilities.
    """
    pre, post = (np.asarray(x, np.float64).reshape(len(x), -1) for x in (sources, targets))
    if pre.shape[1] != post.shape[1]:
        raise ValueError(
            f"distance_dependent: sources have {pre.shape[1]} axes and targets {post.shape[1]}."
        )
    if not 0 < radius < np.inf:
        raise ValueError(f"distance_dependent: radius is a number in (0, inf), got {radius!r}.")
    size = None if period is None else np.broadcast_to(np.asarray(period, float), pre.shape[1])
    if size is not None and (size < 2 * radius).any():
        raise ValueError(
            f"distance_dependent: radius={radius} reaches around a ring of period {size.min()}: "
            f"write at most {size.min() / 2}."
        )
    rng = np.random.default_rng(seed)
    first, second = _within_reach(pre, post, radius, size)
    apart = post[second] - pre[first]
    if size is not None:
        apart -= size * np.round(apart / size)
    distance = np.sqrt((apart**2).sum(1))
    chance = np.asarray(probability(distance), np.float64)
    if chance.shape != distance.shape or not ((chance >= 0) & (chance <= 1)).all():
        raise ValueError(
            "distance_dependent: probability is a function from an array of distances to one of "
            "probabilities, 0 to 1."
        )
    chosen = (rng.random(len(distance)) < chance) & (distance <= radius)
    if not self_connections:
        chosen &= first != second
    first, second = first[chosen].astype(np.int32), second[chosen].astype(np.int32)
    order = np.argsort(second, kind="stable")
    return by_source(first[order], second[order], len(pre), len(post))


def _within_reach(
    pre: np.ndarray, post: np.ndarray, radius: float, size: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of cells in the same or neighbouring boxes, each once."""
    low = np.minimum(pre.min(0), post.min(0)) if size is None else np.zeros(pre.shape[1])
    wide = radius if size is None else size / np.floor(size / radius)
    boxes = [np.floor((x - low) / wide).astype(np.int64) for x in (pre, post)]
    if size is None:
        count = np.maximum(boxes[0].max(0), boxes[1].max(0)) + 1
    else:
        count = np.round(size / wide).astype(np.int64)
        boxes = [box % count for box in boxes]
    number = np.ravel_multi_index(tuple(boxes[1].T), tuple(count))
    order = np.argsort(number, kind="stable")
    begins = np.concatenate([[0], np.cumsum(np.bincount(number, minlength=int(count.prod())))])
    pairs, seen = [], set()
    for step in product((-1, 0, 1), repeat=pre.shape[1]):
        near = boxes[0] + np.array(step)
        if size is None:
            inside = ((near >= 0) & (near < count)).all(1)
        else:
            if (wrapped := tuple(np.array(step) % count)) in seen:
                continue  # a ring of two boxes: both neighbours are the same
            seen.add(wrapped)
            near, inside = near % count, np.ones(len(near), bool)
        rows = np.flatnonzero(inside)
        at = np.ravel_multi_index(tuple(near[rows].T), tuple(count))
        many = begins[at + 1] - begins[at]
        first = np.repeat(rows, many)
        offset = np.arange(len(first)) - np.repeat(np.cumsum(many) - many, many)
        pairs.append((first, order[np.repeat(begins[at], many) + offset]))
    return np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])
