"""Oja's synapse: principal components by a local rule."""

from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Static, small_normal_weights
from ngcmem.synapses._events import Event, outer_mean
from ngcmem.synapses._initial import Initializer
from ngcmem.synapses.plastic import PlasticState, PlasticSynapse


class OjaState(PlasticState):
    pass


class Oja(PlasticSynapse[OjaState]):
    """Hebb's rule with a decay that keeps each output's weights at length 1.

        dw_j = dt post_j (inputs - post_j w_j)                   (batch mean)
        ordered:  dw_j = dt post_j (inputs - sum_{k <= j} post_k w_k)

    An integral over time, `eta` is per ms. With post = the synapse's own outputs (linear cells),
    w_j converges to the first principal component of zero-mean inputs, or with `ordered` (Sanger's
    generalised Hebbian algorithm) to the j-th. Bounds are off by default. Transmission, `eta`,
    `optimizer`, bounds and `total` as in `PlasticSynapse`. Reference: Oja (1982), Journal of
    Mathematical Biology 15:267, doi:10.1007/BF00275687; Sanger (1989),
    doi:10.1016/0893-6080(89)90044-0.
    """

    dense_only: ClassVar[bool] = True

    bounds: Static[str] = "none"
    ordered: Static[bool] = True
    weight_init: Static[Initializer] = small_normal_weights

    def init(self, key: Array) -> OjaState:
        return OjaState(**self.init_common(key))

    def events(self, state: OjaState, t: Array, dt: Array) -> tuple[Event, ...]:
        explained = state.post[:, None] * state.weights  # (batch, inputs, outputs)
        if self.ordered:
            explained = jnp.cumsum(explained, axis=-1)
        return (dt * state.post[:, None] * (state.inputs[:, :, None] - explained),)

    def weight_changes(self, state: OjaState, t: Array, dt: Array) -> Array:
        """The mean of the events, without an array of the batch times the weights."""
        second = outer_mean((state.post, state.post))  # (outputs, outputs)
        second = jnp.triu(second) if self.ordered else jnp.diag(jnp.diag(second))
        return dt * (outer_mean((state.inputs, state.post)) - state.weights @ second)
