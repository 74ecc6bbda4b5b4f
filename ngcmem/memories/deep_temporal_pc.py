"""Temporal predictive coding with a hidden layer: sequences whose frames repeat."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from ngcmem.core import Input, Memory, MemoryState, NonNegative, PerExample, Shared, Static
from ngcmem.memories._storing import FAST_ADAM


class DeepTemporalPCState(MemoryState):
    inputs: Input[Array, "features"]  # the frame now
    outputs: PerExample[Array, "features"]  # the predicted next frame
    hidden: PerExample[Array, "hidden"]  # z_t, inferred from the frame and the past
    energy: PerExample[Array, ""]
    weights: Shared[Any, ""]  # {"w_h", "b_h": hidden to next hidden; "w_o", "b_o": to the frame}
    count: Shared[Array, ""]  # frames stored


class DeepTemporalPC(Memory[DeepTemporalPCState]):
    """Predicts the next frame from hidden values that know what came before.

        E_t = |x_t - f(z_t) w_o - b_o|^2 / 2 + |z_t - f(z_{t-1}) w_h - b_h|^2 / 2,   z_0 = 0

    A step infers z_t from the frame by gradient descent on E_t, starting from its prediction,
    `settle_steps` steps of size `rate`, and predicts the next frame from it. The same frame after
    different pasts gets different hidden values, so sequences that repeat a frame can be stored.
    `store` takes one sequence per call, frames as rows in order, and goes through it `epochs`
    times, learning after every frame from the settled errors with the optax transformation
    `store_optimizer`; it continues from the present weights, and sequences of earlier calls fade.
    Reference: Tang, Barron and Bogacz (2023), arXiv:2305.11982.
    """

    features: Static[int]
    hidden: Static[int]
    activation: Static[Callable[[Array], Array]] = jnp.tanh
    output_activation: Static[Callable[[Array], Array]] = jnp.positive
    step_size: NonNegative = 0.1
    settle_steps: Static[int] = 20
    epochs: Static[int] = 200
    store_optimizer: Static[optax.GradientTransformation] = FAST_ADAM

    def init(self, key: Array) -> DeepTemporalPCState:
        hidden_key, output_key = jax.random.split(key)
        draw = jax.nn.initializers.lecun_normal()
        return DeepTemporalPCState(
            inputs=jnp.zeros(self.features),
            outputs=jnp.zeros(self.features),
            hidden=jnp.zeros(self.hidden),
            energy=jnp.zeros(()),
            weights={
                "w_h": draw(hidden_key, (self.hidden, self.hidden)),
                "b_h": jnp.zeros(self.hidden),
                "w_o": draw(output_key, (self.hidden, self.features)),
                "b_o": jnp.zeros(self.features),
            },
            count=jnp.zeros((), jnp.int32),
        )

    def _next(self, weights: dict[str, Array], hidden: Array) -> Array:
        return self.activation(hidden) @ weights["w_h"] + weights["b_h"]

    def _frame(self, weights: dict[str, Array], hidden: Array) -> Array:
        return self.activation(hidden) @ weights["w_o"] + weights["b_o"]

    def _energy(
        self, weights: dict[str, Array], hidden: Array, before: Array, frame: Array
    ) -> Array:
        seen = frame - self._frame(weights, hidden)
        expected = hidden - self._next(weights, before)
        return 0.5 * jnp.sum(seen**2) + 0.5 * jnp.sum(expected**2)

    def _infer(self, weights: dict[str, Array], before: Array, frame: Array) -> Array:
        slope = jax.grad(self._energy, argnums=1)

        def settle(hidden: Array, _: None) -> tuple[Array, None]:
            step = self.step_size * slope(weights, hidden, before, frame)
            return hidden - step.astype(hidden.dtype), None

        start = self._next(weights, before)
        return jax.lax.scan(settle, start, length=self.settle_steps)[0]

    def advance_state(self, state: DeepTemporalPCState, t: Array, dt: Array) -> DeepTemporalPCState:
        hidden = self._infer(state.weights, state.hidden, state.inputs)
        return state.recalled(
            hidden=hidden,
            outputs=self.output_activation(
                self._frame(state.weights, self._next(state.weights, hidden))
            ),
            energy=self._energy(state.weights, hidden, state.hidden, state.inputs),
            matched=state.count > 0,
        )

    def store(
        self, state: DeepTemporalPCState, inputs: Any, targets: Any, key: Any
    ) -> DeepTemporalPCState:
        if targets is not None:
            raise ValueError(
                "store: DeepTemporalPC takes one sequence, its frames as rows in order, and no "
                "targets."
            )

        def learn(carry: Any, frame: Array) -> tuple[Any, None]:
            weights, optimizer_state, before = carry
            hidden = self._infer(weights, before, frame)
            slope = jax.grad(self._energy)(weights, hidden, before, frame)
            with jax.numpy_dtype_promotion("standard"):  # optax adds its integer count
                change, optimizer_state = self.store_optimizer.update(
                    slope, optimizer_state, weights
                )
            return (optax.apply_updates(weights, change), optimizer_state, hidden), None

        def epoch(carry: Any, _: None) -> tuple[Any, None]:
            begin = (*carry, jnp.zeros(self.hidden, inputs.dtype))
            (weights, optimizer_state, _), _ = jax.lax.scan(learn, begin, inputs)
            return (weights, optimizer_state), None

        begin = (state.weights, self.store_optimizer.init(state.weights))
        (weights, _), _ = jax.lax.scan(epoch, begin, length=self.epochs)
        return state.replace(weights=weights, count=state.count + inputs.shape[0])
