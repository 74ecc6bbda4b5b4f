"""Oja's synapse: principal components by a local rule."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Static, small_normal_weights
from ngcmem.synapses._initial import Initializer
from ngcmem.synapses.plastic import PlasticState, PlasticSynapse, outer_mean


class OjaState(PlasticState):
    pass


class Oja(PlasticSynapse[OjaState]):
    """Hebb's rule with a decay that keeps each output's weights at length 1.

        dw_j = post_j (inputs - post_j w_j)                      (batch mean)
        ordered:  dw_j = post_j (inputs - sum_{k <= j} post_k w_k)

    With post = the synapse's own outputs (linear cells), w_j converges to the first principal
    component of zero-mean inputs, or with `ordered` (Sanger's generalised Hebbian algorithm) to
    the j-th. Bounds are off by default. Transmission, `eta`, `optimizer`, bounds and `total` as in
    `PlasticSynapse`. Reference: Oja (1982), Journal of Mathematical Biology 15:267,
    doi:10.1007/BF00275687; Sanger (1989), doi:10.1016/0893-6080(89)90044-0.
    """

    bounds: Static[str] = "none"
    ordered: Static[bool] = True
    weight_init: Static[Initializer] = small_normal_weights

    def init(self, key: Array) -> OjaState:
        return OjaState(**self.init_common(key))

    def weight_changes(self, state: OjaState, t: Array, dt: Array) -> Array:
        second = outer_mean(state.post, state.post)  # (outputs, outputs)
        second = jnp.triu(second) if self.ordered else jnp.diag(jnp.diag(second))
        return outer_mean(state.inputs, state.post) - state.weights @ second
