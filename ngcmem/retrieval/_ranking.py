"""The order in which the most similar slots are looked for."""

import jax.numpy as jnp
from jax import Array


def nan_first(similarities: Array) -> Array:
    """The similarities with NaN before all others, so that it is found and shows in the outputs.

    As it is, NaN stands first or last, by a sign bit that arithmetic leaves as it likes.
    """
    return jnp.where(jnp.isnan(similarities), jnp.inf, similarities)
