"""What a fast-weight memory fits to its pairs: functions m(k) of a pytree of weights."""

import abc
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import Pytree, Static, check_whole


class Regressor(Pytree, abc.ABC):
    """A function from keys to values; its initial weights answer 0 to every key."""

    @abc.abstractmethod
    def init(self, key: Array, features: int, values: int) -> Any:
        """The slow weights before anything is learned."""

    @abc.abstractmethod
    def predict(self, weights: Any, key: Array) -> Array:
        """The value at one key."""


class LinearRegressor(Regressor):
    """m(k) = k W, W of shape (features, values)."""

    def init(self, key: Array, features: int, values: int) -> Array:
        return jnp.zeros((features, values))

    def predict(self, weights: Array, key: Array) -> Array:
        return key @ weights


class MLPRegressor(Regressor):
    """m(k) = gelu(k W_1) W_2, without biases, so that a key of 0 has the value 0.

    W_1 begins random and W_2 at 0.

    Raises:
        ValueError: `hidden` is not a whole number of at least 1.
    """

    hidden: Static[int]

    def __post_init__(self) -> None:
        check_whole("MLPRegressor: hidden", self.hidden)

    def init(self, key: Array, features: int, values: int) -> dict[str, Array]:
        first = jax.nn.initializers.lecun_normal()(key, (features, self.hidden))
        return {"first": first, "second": jnp.zeros((self.hidden, values))}

    def predict(self, weights: dict[str, Array], key: Array) -> Array:
        return _gelu(key @ weights["first"]) @ weights["second"]


def _gelu(x: Array) -> Array:
    """x Phi(x), with its limits beyond +-30: there the derivative's 0 would meet an overflow."""
    near = jax.nn.gelu(jnp.clip(x, -30.0, 30.0), approximate=False)
    return jnp.where(x > 30.0, x, near)
