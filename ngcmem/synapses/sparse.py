"""A synapse with few connections, stored as lists of indices."""

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Component,
    Index,
    Input,
    PerExample,
    Real,
    Shared,
    State,
    Static,
    uniform_weights,
)
from ngcmem.synapses._initial import Initializer, initial


class SparseState(State):
    inputs: Input[Array, "inputs"]
    outputs: PerExample[Array, "outputs"]
    weights: Shared[Array, "outputs connections"]
    sources: Shared[Array, "outputs connections", Index("inputs")]  # int32: where each comes from


class Sparse(Component[SparseState]):
    """Every output listens to `connections` inputs, drawn once without replacement.

        outputs_j = scale * sum_k weights_jk inputs[sources_jk]

    Weights and indices take 2 * outputs * connections entries in place of inputs * outputs. The
    lists beat `jax.experimental.sparse` and, on a CPU, the dense product below about 3 % of the
    connections (5 to 10 % for its gradient; benchmarks/sparse.py measures it).
    `state.set({"weights": w, "sources": s})` gives connections of your own; a source of -1 is no
    connection and adds nothing, for outputs with fewer of them. Any other number outside of
    0..inputs-1 is an error where it is set, and NaN in the output where only a traced array held
    it. Train `weights` by gradient (`nm.parameters` leaves the indices out).

    Reference: a fixed number of inputs per cell as in Brunel (2000),
    doi:10.1023/A:1008925309027.

    Raises:
        ValueError: more connections than inputs; from `state.set`, a source that is no input.
    """

    inputs: Static[int]
    outputs: Static[int]
    connections: Static[int]
    scale: Real = 1.0
    weight_init: Static[Initializer] = uniform_weights

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.connections > self.inputs:
            raise ValueError(
                f"Sparse: connections={self.connections} exceeds inputs={self.inputs}; "
                f"write connections={self.inputs} or use nm.Dense."
            )

    def init(self, key: Array) -> SparseState:
        draw, weigh = jax.random.split(key)
        keys = jax.random.split(draw, self.outputs)
        sources = jax.lax.map(lambda k: jax.random.permutation(k, self.inputs), keys)
        return SparseState(
            inputs=jnp.zeros(self.inputs),
            outputs=jnp.zeros(self.outputs),
            weights=initial(self, "weight_init", weigh, (self.outputs, self.connections)),
            sources=jnp.sort(sources[:, : self.connections], axis=1).astype(jnp.int32),
        )

    def advance_state(self, state: SparseState, t: Array, dt: Array) -> SparseState:
        none, beyond = self.inputs, self.inputs + 1
        exists = (state.sources >= 0) & (state.sources < self.inputs)
        places = jnp.where(exists, state.sources, jnp.where(state.sources == -1, none, beyond))
        padded = jnp.append(state.inputs, jnp.zeros((), state.inputs.dtype))
        heard = padded.at[places].get(mode="fill", fill_value=jnp.nan)
        # A product per output: its gradient is 3 to 10 times as fast as that of a sum of products.
        return state.replace(outputs=self.scale * jnp.einsum("oc,oc->o", state.weights, heard))
