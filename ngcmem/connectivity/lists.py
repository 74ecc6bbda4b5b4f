"""Connections of your own."""

from typing import Any

import numpy as np

from ngcmem.connectivity._rows import by_source, from_rows
from ngcmem.connectivity.connections import Connections
from ngcmem.core import check_whole


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
