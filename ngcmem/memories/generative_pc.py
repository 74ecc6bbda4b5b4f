"""Generative predictive-coding network as an associative memory."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from ngcmem.core import (
    BelowOne,
    Input,
    Memory,
    MemoryState,
    NonNegative,
    PerExample,
    Shared,
    Static,
)
from ngcmem.memories._descent import Values, moved, settled
from ngcmem.memories._layer_sizes import LayerSizes, as_layers
from ngcmem.memories._storing import SLOW_ADAM
from ngcmem.plasticity import apply_change, check_learning, init_optimizer


class GenerativePCState(MemoryState):
    inputs: Input[Array, "features"]  # the probe
    known: Input[Array, "features"]  # 1: clamped to the probe; 0: settles with the network
    outputs: PerExample[Array, "features"]  # what the settled network predicts
    hidden: PerExample[Any, ""]  # values of the hidden layers, lowest first
    energy: PerExample[Array, ""]
    weights: Shared[Any, ""]  # {"w": one matrix per layer (upper, lower), "b": one bias each}
    optimizer_state: Shared[Any, ""]
    count: Shared[Array, ""]  # patterns stored


class GenerativePC(Memory[GenerativePCState]):
    """Stores patterns as low-energy states of a network that generates them from above.

        E = sum_l |x_l - f(x_{l+1}) W_l - b_l|^2 / 2 + prior |x_top|^2 / 2,   x_0 the features

    Recall clamps the known features and lets all hidden values and unknown features settle by
    gradient descent with momentum, `settle_steps` steps of size `rate` per step of the memory;
    an unknown feature rests on its prediction, so its error is 0 and only known ones count. With
    all known, the outputs are the network's reconstruction: it denoises. `store` descends E in
    hidden values and weights together, from zero values, all rows at once, `store_steps` times
    (incremental predictive coding). It continues from the present weights; patterns stored by
    earlier calls fade, so store together what belongs together. `evolve` learns from the settled
    state by the local rule dW_l = mean of f(x_{l+1}) outer error_l.

    References: Salvatori et al. (2021), Associative memories via predictive coding,
    arXiv:2109.08063; Salvatori et al. (2024), incremental predictive coding, arXiv:2212.00720.

    Attributes:
        hidden: sizes of the hidden layers, lowest first, or of the one there is.
        activation: f.
        prior: precision of the Gaussian prior on the top layer.
        rate, momentum: of the descent on values; lower `rate` where the energy rises.
        eta, optimizer: of `evolve`; `store` uses `store_optimizer`, an optax transformation.

    Raises:
        ValueError: `hidden` is no layer size, or both `eta` and `optimizer` are given.
    """

    features: Static[int]
    hidden: Static[LayerSizes]
    activation: Static[Callable[[Array], Array]] = jnp.tanh
    prior: NonNegative = 0.1
    step_size: NonNegative = 0.05
    momentum: BelowOne = 0.9
    settle_steps: Static[int] = 200
    store_steps: Static[int] = 2000
    store_optimizer: Static[optax.GradientTransformation] = SLOW_ADAM
    eta: NonNegative | None = None
    optimizer: Static[optax.GradientTransformation | None] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_learning("GenerativePC", self.eta, self.optimizer)
        object.__setattr__(self, "hidden", self.layers)

    @property
    def layers(self) -> tuple[int, ...]:
        """`hidden` as a tuple."""
        return as_layers("GenerativePC", "hidden", self.hidden)

    def init(self, key: Array) -> GenerativePCState:
        sizes = (self.features, *self.layers)
        keys = jax.random.split(key, len(self.layers))
        draw = jax.nn.initializers.lecun_normal()
        pairs = list(zip(keys, sizes[1:], sizes[:-1], strict=True))
        weights = {
            "w": tuple(draw(k, (upper, lower)) for k, upper, lower in pairs),
            "b": tuple(jnp.zeros(lower) for _, _, lower in pairs),
        }
        features = jnp.zeros(self.features)
        return GenerativePCState(
            inputs=features,
            known=jnp.ones(self.features),
            outputs=features,
            hidden=tuple(jnp.zeros(n) for n in self.layers),
            energy=jnp.zeros(()),
            weights=weights,
            optimizer_state=init_optimizer(self.optimizer, weights),
            count=jnp.zeros((), jnp.int32),
        )

    def _predictions(self, weights: dict[str, Values], hidden: Values) -> list[Array]:
        layers = zip(hidden, weights["w"], weights["b"], strict=True)
        products = [(self.activation(x) @ w, b) for x, w, b in layers]
        return [product + jnp.broadcast_to(b, product.shape) for product, b in products]

    def _energy(
        self, weights: dict[str, Values], hidden: Values, inputs: Array, known: Array
    ) -> Array:
        """The energy of one example with the unknown features at rest, or of a batch per row."""
        predictions = self._predictions(weights, hidden)
        missed = jnp.where(known > 0, inputs - predictions[0], 0)  # unknown ones may hold anything
        total = 0.5 * jnp.sum(known * missed**2, -1)
        for value, prediction in zip(hidden[:-1], predictions[1:], strict=True):
            total = total + 0.5 * jnp.sum((value - prediction) ** 2, -1)
        return total + 0.5 * self.prior * jnp.sum(hidden[-1] ** 2, -1)

    def advance_state(self, state: GenerativePCState, t: Array, dt: Array) -> GenerativePCState:
        def slope(hidden: Values) -> Values:
            energy = jax.grad(self._energy, argnums=1)
            return energy(state.weights, hidden, state.inputs, state.known)

        hidden = settled(
            slope,
            state.hidden,
            steps=self.settle_steps,
            step_size=self.step_size,
            momentum=self.momentum,
        )
        return state.recalled(
            hidden=hidden,
            outputs=self._predictions(state.weights, hidden)[0],
            energy=self._energy(state.weights, hidden, state.inputs, state.known),
            matched=state.count > 0,
        )

    def store(
        self, state: GenerativePCState, inputs: Any, targets: Any, key: Any
    ) -> GenerativePCState:
        if targets is not None:
            raise ValueError(
                "store: GenerativePC is auto-associative: to bind inputs to targets, store them "
                "side by side as one pattern and recall with known=."
            )
        rows = inputs.shape[0]
        known = jnp.ones_like(inputs)

        def energy(weights: dict[str, Values], hidden: Values) -> Array:
            return self._energy(weights, hidden, inputs, known).sum()

        def step(carry: Any, _: None) -> tuple[Any, None]:
            weights, optimizer_state, hidden, velocity = carry
            by_weight, pull = jax.grad(energy, argnums=(0, 1))(weights, hidden)
            hidden, velocity = moved(hidden, velocity, pull, self.step_size, self.momentum)
            mean = jax.tree.map(lambda g: g / rows, by_weight)
            with jax.numpy_dtype_promotion("standard"):  # optax adds its integer count
                change, optimizer_state = self.store_optimizer.update(
                    mean, optimizer_state, weights
                )
            return (optax.apply_updates(weights, change), optimizer_state, hidden, velocity), None

        begin = tuple(jnp.zeros((rows, n), inputs.dtype) for n in self.layers)
        still = jax.tree.map(jnp.zeros_like, begin)
        carry = (state.weights, self.store_optimizer.init(state.weights), begin, still)
        (weights, *_), _ = jax.lax.scan(step, carry, length=self.store_steps)
        return state.replace(weights=weights, count=state.count + rows)

    def weight_changes(self, state: GenerativePCState, t: Array, dt: Array) -> dict[str, Values]:
        def mean_energy(weights: dict[str, Values]) -> Array:
            return self._energy(weights, state.hidden, state.inputs, state.known).mean()

        return jax.tree.map(jnp.negative, jax.grad(mean_energy)(state.weights))

    def evolve(self, state: GenerativePCState, t: Array, dt: Array) -> GenerativePCState:
        weights, optimizer_state = apply_change(
            state.weights,
            self.weight_changes(state, t, dt),
            state.optimizer_state,
            eta=self.eta,
            optimizer=self.optimizer,
        )
        return state.replace(weights=weights, optimizer_state=optimizer_state)
