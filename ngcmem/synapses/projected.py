"""Projections: which unit reaches which, and with which shared weights."""

import abc
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Component,
    Input,
    PerExample,
    Shared,
    State,
)
from ngcmem.synapses._initial import Initializer, initial


class ProjectedState(State):
    inputs: Input[Array, "inputs"]
    outputs: PerExample[Array, "outputs"]
    weights: Shared[Array, "inputs outputs"]
    bias: Shared[Array, "outputs"]


class Projected(Component[ProjectedState]):
    """Synapses that transmit linearly and do not learn by themselves; abstract.

        outputs = transmit(inputs, weights) + bias

    `transmit` is linear in the inputs and in the weights, and all that a plastic synapse needs to
    know (`STDP(projection=nm.Conv(...))`): a local rule's change of a weight is the sum of pre
    times post over every place where the weight stands,

        dW = d/dW <post, transmit(pre, W)>

    the outer product of a dense synapse, the correlation of patches of a convolution.
    """

    if TYPE_CHECKING:  # declared by each after its sizes
        weight_init: Initializer
        bias_init: Initializer

    @property
    @abc.abstractmethod
    def input_shape(self) -> tuple[int, ...]:
        """The axes of the presynaptic population."""

    @property
    @abc.abstractmethod
    def output_shape(self) -> tuple[int, ...]:
        """The axes of the postsynaptic population."""

    @property
    @abc.abstractmethod
    def weight_shape(self) -> tuple[int, ...]:
        """The axes of the weights."""

    @property
    def bias_shape(self) -> tuple[int, ...]:
        """The axes of the bias: those of the outputs, or the last where it has many places."""
        return self.output_shape

    @property
    @abc.abstractmethod
    def incoming(self) -> tuple[int, ...]:
        """The axes of the weights over which an output's incoming weights are added up."""

    @property
    def has_sums(self) -> bool:
        """Whether that gives one sum for every output."""
        return True

    @abc.abstractmethod
    def transmit(self, inputs: Array, weights: Array) -> Array:
        """What arrives at the outputs, for one example; without the bias."""

    def fresh_weights(self, owner: Any, key: Array) -> Array:
        """The first weights, by the initializer `owner.weight_init`."""
        return initial(owner, "weight_init", key, self.weight_shape)

    def transposed(self, errors: Array, weights: Array) -> Array:
        """What the outputs bring back to the inputs: the transpose of `transmit`."""
        errors, weights = _alike(errors, weights)
        shape = jax.ShapeDtypeStruct(self.input_shape, errors.dtype)
        back = jax.linear_transpose(lambda inputs: self.transmit(inputs, weights), shape)
        return back(errors)[0]

    def outer_mean(self, *pairs: tuple[Array, Array]) -> Array:
        """The mean over the batch of the sum of all pairs' dW, of the shape of the weights.

        One call for the whole batch: the pairs are further examples.
        """
        pre = jnp.concatenate([one for one, _ in pairs])
        post = jnp.concatenate([one for _, one in pairs]) / pairs[0][0].shape[0]
        pre, post = _alike(pre, post)
        shape = jax.ShapeDtypeStruct(self.weight_shape, pre.dtype)

        def transmitted(weights: Array) -> Array:
            return jax.vmap(self.transmit, in_axes=(0, None))(pre, weights)

        return jax.linear_transpose(transmitted, shape)(post)[0]

    def bias_mean(self, errors: Array) -> Array:
        """The mean over the batch of what a bias gathers from the errors of its outputs."""
        several = errors.ndim - 1 - len(self.bias_shape)
        return errors.sum(tuple(range(1, 1 + several))).mean(0)

    def with_bias(self, outputs: Array, bias: Array) -> Array:
        """The outputs of one example with the bias of each."""
        return outputs + bias.reshape((1,) * (outputs.ndim - bias.ndim) + bias.shape)

    def axis_size(self, path: str, axis: str) -> Any:
        """The sizes of an axis of `inputs`, `outputs`, `weights` and `bias`."""
        last = self.weight_shape[len(self.weight_shape) - self._own :]
        of_weights = {"inputs": self.weight_shape[: -self._own], "outputs": last}
        if path == "weights":
            return of_weights.get(axis)
        if path == "bias":
            return self.bias_shape
        return {"inputs": self.input_shape, "outputs": self.output_shape}.get(axis)

    @property
    def _own(self) -> int:
        """How many axes of the weights, the last, are the outputs'."""
        return 1

    def init(self, key: Array) -> ProjectedState:
        weight_key, bias_key = jax.random.split(key)
        return ProjectedState(
            inputs=jnp.zeros(self.input_shape),
            outputs=jnp.zeros(self.output_shape),
            weights=self.fresh_weights(self, weight_key),
            bias=initial(self, "bias_init", bias_key, self.bias_shape),
        )

    def advance_state(self, state: ProjectedState, t: Array, dt: Array) -> ProjectedState:
        arriving = self.transmit(state.inputs, state.weights)
        return state.replace(outputs=self.with_bias(arriving, state.bias))


def _alike(*arrays: Array) -> list[Array]:
    """The arrays in their common dtype: convolutions and transposes mix none."""
    kind = jnp.result_type(*arrays)
    return [array.astype(kind) for array in arrays]
