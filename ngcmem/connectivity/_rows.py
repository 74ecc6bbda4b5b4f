"""Connections from rows, and from ends in any order."""

import jax
import numpy as np

from ngcmem.connectivity._blocks import block_for
from ngcmem.connectivity.connections import Connections

LARGEST = 2**31 - 1


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
        block=block_for(degrees),
    )
