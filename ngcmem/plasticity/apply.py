"""From the change a rule wants to new weights: a learning rate or an optax optimiser, and decay."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array


def check_learning(name: str, eta: Any, optimizer: Any) -> None:
    """At most one of the two.

    Raises:
        ValueError: both given.
    """
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
    l1: Any = 0.0,
) -> tuple[Any, Any]:
    """Weights after one step in the direction `change`.

        W <- W + eta * change - weight_decay * W - l1 * sign(W)

    or, with an optimiser, W + update, where optax is fed -change as the gradient. With neither,
    the weights stay as they are.

    Args:
        weights: a pytree of arrays.
        change: the change wanted, of the same structure: ascent, not a gradient to descend.
        optimizer_state: from `init_optimizer`.

    Returns:
        The new weights and the new optimiser state.
    """
    if eta is None and optimizer is None:
        return weights, optimizer_state
    if optimizer is None:
        step = jax.tree.map(lambda d: eta * d, change)
    else:
        descent = jax.tree.map(jnp.negative, change)
        step, optimizer_state = optimizer.update(descent, optimizer_state, weights)

    def moved(w: Array, s: Array) -> Array:
        return (w + s - weight_decay * w - l1 * jnp.sign(w)).astype(w.dtype)

    return jax.tree.map(moved, weights, step), optimizer_state
