"""Sequences as the functions of this folder take them."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ngcmem.memories.pc_rnn.predictive_coding_rnn import (
    PredictiveCodingRNN,
    PredictiveCodingRNNState,
)


def as_sequences(
    component: PredictiveCodingRNN,
    state: PredictiveCodingRNNState,
    sequences: ArrayLike,
    verb: str,
) -> Array:
    """Time-major sequences in the state's dtype.

    Raises:
        ValueError: another number of axes or outputs.
    """
    given = jnp.asarray(sequences, state.inputs.dtype)
    if given.ndim != 3 or given.shape[2] != component.outputs:
        raise ValueError(
            f"{verb}: sequences has shape {given.shape}, expected (steps, sequences, "
            f"{component.outputs}): time first. For (sequences, steps, outputs) write "
            f"sequences.transpose(1, 0, 2)."
        )
    return given
