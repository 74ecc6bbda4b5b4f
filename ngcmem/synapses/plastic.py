"""What all synapses that learn have in common: transmission, learning rate, bounds."""

import abc
from typing import Annotated, Any, ClassVar, TypeVar

import jax.numpy as jnp
import optax
from jax import Array

from ngcmem.core import (
    Component,
    Input,
    Interval,
    LearningInput,
    NonNegative,
    PerExample,
    Real,
    RealOrInf,
    Shared,
    State,
    Static,
    check_choice,
    uniform_weights,
)
from ngcmem.plasticity import apply_change, check_learning, init_optimizer
from ngcmem.synapses._bounds import BOUNDS, normalised, slowed
from ngcmem.synapses._initial import Initializer, initial


class PlasticState(State):
    """Compartments of every synapse that learns."""

    inputs: Input[Array, "inputs"]  # presynaptic spikes or rates
    outputs: PerExample[Array, "outputs"]  # scale * inputs @ weights
    post: LearningInput[Array, "outputs"]  # postsynaptic spikes or rates
    weights: Shared[Array, "inputs outputs"]
    optimizer_state: Shared[Any, ""]


S = TypeVar("S", bound=PlasticState)


class PlasticSynapse(Component[S]):
    """A dense synapse whose weights change by a local rule; abstract.

        outputs = scale * (inputs @ weights)
        W <- bounded(W + eta dW),   or by an optax `optimizer`, which is fed -dW

    Transmission is linear: two spikes in a step bring twice the weight. dW is the rule's
    `weight_changes`, a mean over the batch. `bounds="hard"` clips W to weight_min..weight_max,
    `"soft"` also shrinks the steps towards a bound, `"none"` leaves W free. With `total` every
    output's incoming weights are then scaled to that sum.

    Reference: Gerstner and Kistler (2002), Spiking Neuron Models, chapter 10.

    Attributes:
        eta, optimizer: a learning rate or an optax transformation, at most one; with neither the
            component's `default_eta`.
        weight_init: an initializer such as `jax.nn.initializers.uniform(1.0)`.

    Raises:
        ValueError: both `eta` and `optimizer`, or an unknown `bounds`.
    """

    default_eta: ClassVar[float] = 0.01

    inputs: Static[int]
    outputs: Static[int]
    scale: Real = 1.0
    eta: Real | None = None
    optimizer: Static[optax.GradientTransformation | None] = None
    bounds: Static[str] = "hard"
    weight_min: Annotated[float | Array, Interval("[-inf, inf)")] = 0.0
    weight_max: RealOrInf = 1.0
    total: NonNegative | None = None
    weight_init: Static[Initializer] = uniform_weights

    def __post_init__(self) -> None:
        super().__post_init__()
        name = type(self).__name__
        check_learning(name, self.eta, self.optimizer)
        check_choice(name, "bounds", self.bounds, BOUNDS)
        if self.eta is None and self.optimizer is None:
            object.__setattr__(self, "eta", self.default_eta)

    def init_common(self, key: Array) -> dict[str, Any]:
        """The compartments of `PlasticState`, for a subclass's `init`."""
        weights = initial(self, "weight_init", key, (self.inputs, self.outputs))
        return dict(
            inputs=jnp.zeros(self.inputs),
            outputs=jnp.zeros(self.outputs),
            post=jnp.zeros(self.outputs),
            weights=weights if self.total is None else normalised(weights, self.total),
            optimizer_state=init_optimizer(self.optimizer, weights),
        )

    def advance_state(self, state: S, t: Array, dt: Array) -> S:
        return state.replace(outputs=self.scale * (state.inputs @ state.weights))

    @abc.abstractmethod
    def weight_changes(self, state: S, t: Array, dt: Array) -> Array:
        """dWeights, (inputs, outputs), of the rule."""

    def evolve(self, state: S, t: Array, dt: Array) -> S:
        return self.learned(state, t, dt)

    def learned(self, state: S, t: Array, dt: Array) -> S:
        """The state with its weights changed by the rule, within their bounds."""
        change = self.weight_changes(state, t, dt)
        if self.bounds == "soft":
            change = slowed(change, state.weights, self.weight_min, self.weight_max)
        weights, optimizer_state = apply_change(
            state.weights, change, state.optimizer_state, eta=self.eta, optimizer=self.optimizer
        )
        if self.bounds != "none":
            weights = jnp.clip(weights, self.weight_min, self.weight_max)
        if self.total is not None:
            weights = normalised(weights, self.total)
        return state.replace(weights=weights, optimizer_state=optimizer_state)


def outer_mean(pre: Array, post: Array) -> Array:
    """The mean over the batch of pre outer post, (inputs, outputs): one matrix product."""
    return pre.T @ post / pre.shape[0]


def difference_mean(grown: tuple[Array, Array], shrunk: tuple[Array, Array]) -> Array:
    """The mean over the batch of grown[0] outer grown[1] - shrunk[0] outer shrunk[1].

    Still one matrix product: [a; c]^T [b; -d] = a^T b - c^T d, the batch axis taken twice as long.
    """
    left = jnp.concatenate([grown[0], shrunk[0]])
    right = jnp.concatenate([grown[1], -shrunk[1]]) / grown[0].shape[0]
    return left.T @ right
