"""Patches that do not meet: block-diagonal connections."""

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import Static, lecun_normal_weights
from ngcmem.synapses._initial import Initializer
from ngcmem.synapses.projected import Projected


class Patched(Projected):
    """Every patch of the inputs feeds a patch of the outputs through weights of its own.

        outputs[p] = inputs[p] @ weights[p] + bias[p],    p = 0 ... patches - 1

    with inputs (patches, inputs per patch) and outputs (patches, outputs per patch): a dense
    synapse whose weights are 0 but for blocks on the diagonal, at 1 / patches of its size and cost.
    Wire the patches: `wire(reshaped("cell.outputs", 4, 49), to="patched.inputs")`. Plastic as
    `Conv`: `nm.Hebbian(projection=nm.Patched(...))`. Reference: Gregor and LeCun (2010),
    arXiv:1006.0448 (local receptive fields without shared weights).

    Attributes:
        patches: how many.
        inputs_per_patch, outputs_per_patch: the units of each.
    """

    patches: Static[int]
    inputs_per_patch: Static[int]
    outputs_per_patch: Static[int]
    weight_init: Static[Initializer] = lecun_normal_weights
    bias_init: Static[Initializer] = jax.nn.initializers.zeros

    @property
    def inputs(self) -> tuple[int, ...]:
        """The axes of the presynaptic population."""
        return self.patches, self.inputs_per_patch

    @property
    def outputs(self) -> tuple[int, ...]:
        """The axes of the postsynaptic population."""
        return self.output_shape

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.inputs

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.patches, self.outputs_per_patch

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return self.patches, self.inputs_per_patch, self.outputs_per_patch

    @property
    def incoming(self) -> tuple[int, ...]:
        return (1,)

    def transmit(self, inputs: Array, weights: Array) -> Array:
        return jnp.einsum("pi,pio->po", inputs, weights)
