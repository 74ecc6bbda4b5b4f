"""From the change a rule wants to new weights: a learning rate or an optax optimiser, and decay."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array


def check_learning(name: str, eta: Any, optimizer: Any, argument: str = "optimizer") -> None:
    """At most one of the two, and the optimiser is one.

    Raises:
        ValueError: both given, or an optimizer that is no optax transformation.
    """
    verbs = [getattr(optimizer, verb, None) for verb in ("init", "update")]
    if optimizer is not None and not all(map(callable, verbs)):
        raise ValueError(
            f"{name}: {argument} is an optax transformation such as optax.adam(1e-3), got "
            f"{optimizer!r}."
        )
    if eta is not None and optimizer is not None:
        raise ValueError(
            f"{name}: give eta= or optimizer=, not both. A learning rate for optax goes into the "
            f"optimiser, optimizer=optax.sgd(0.1)."
        )


def init_optimizer(optimizer: optax.GradientTransformation | None, weights: Any) -> Any:
    """The optimiser's state, an empty pytree without one."""
    return () if optimizer is None else optimizer.init(weights)


def apply_change(
    weights: Any,
    change: Any,
    optimizer_state: Any,
    *,
    eta: Any = None,
    optimizer: optax.GradientTransformation | None = None,
    weight_decay: Any = 0.0,
) -> tuple[Any, Any]:
    """Weights after one step in the direction `change`.

        W <- W + eta * change - weight_decay * W

    or, with an optimiser, W + update, where optax is fed -change as the gradient. With neither,
    the weights stay as they are.

    Args:
        weights: a pytree of arrays.
        change: the change wanted, of the same structure: ascent, not a gradient to descend.
        optimizer_state: from `init_optimizer`.
        eta: the learning rate.
        optimizer: an optax transformation instead of `eta`.
        weight_decay: the part of the weights lost in a step.
        l1: how much the weights' size falls in a step.

    Returns:
        The new weights and the new optimiser state.
    """
    if eta is None and optimizer is None:
        return weights, optimizer_state
    if optimizer is None:
        step = jax.tree.map(lambda d: eta * d, change)
    else:
        descent = jax.tree.map(jnp.negative, change)
        with jax.numpy_dtype_promotion("standard"):  # optax adds its integer count
            step, optimizer_state = optimizer.update(descent, optimizer_state, weights)

    def moved(w: Array, s: Array) -> Array:
        new = w + s
        if not _absent(weight_decay):
            new = new - weight_decay * w
        return new.astype(w.dtype)

    return jax.tree.map(moved, weights, step), optimizer_state


def descend_loss(
    loss: Callable[[Any], Array],
    weights: Any,
    optimizer_state: Any,
    eta: Any = None,
    optimizer: optax.GradientTransformation | None = None,
) -> tuple[Any, Any]:
    """Weights after one step down a loss, and the optimiser's new state; no decay.

    The optimiser is told the loss as well, so that line searches (`optax.lbfgs()`) and step sizes
    from the loss (`optax.polyak_sgd()`) work; for the others that is dead code.
    """
    if optimizer is None:
        change = jax.tree.map(jnp.negative, jax.grad(loss)(weights))
        return apply_change(weights, change, optimizer_state, eta=eta)
    value, gradient = jax.value_and_grad(loss)(weights)
    told = optax.with_extra_args_support(optimizer)
    with jax.numpy_dtype_promotion("standard"):
        step, optimizer_state = told.update(
            gradient, optimizer_state, weights, value=value, grad=gradient, value_fn=loss
        )
    return optax.apply_updates(weights, step), optimizer_state


def _absent(decay: Any) -> bool:
    """Whether a decay was left at its default: then nothing is computed for it."""
    return isinstance(decay, float) and decay == 0.0
