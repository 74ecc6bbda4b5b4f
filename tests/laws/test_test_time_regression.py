"""What theory says of fast weights as test-time regression (Wang, Shi and Fox 2025)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm


def test_delta_rule_with_orthonormal_keys_recalls_exactly() -> None:
    """Widrow and Hoff: with step 1 and orthonormal keys one pass stores every pair exactly."""
    random = np.random.default_rng(0)
    keys = np.linalg.qr(random.normal(size=(16, 16)))[0]
    values = random.normal(size=(16, 4))
    memory = nm.FastWeights(features=16, values=4)
    state = nm.store(memory, nm.init(memory, jax.random.key(0), batch=16), keys, values)
    np.testing.assert_allclose(nm.recall(memory, state, keys), values, atol=1e-5)
    hebb = memory.replace(update=nm.memories.AdditiveUpdate())
    state = nm.store(hebb, nm.init(hebb, jax.random.key(0), batch=16), keys, values)
    np.testing.assert_allclose(nm.recall(hebb, state, keys), values, atol=1e-5)


@pytest.mark.parametrize("ridge", [1.0, 0.1])
def test_recursive_least_squares_is_ridge_regression(ridge: float) -> None:
    """After n correlated pairs: W = (K^T K + ridge I)^-1 K^T V, solved in float64."""
    random = np.random.default_rng(1)
    keys = random.normal(size=(200, 16)) / 4 + 0.25
    values = random.normal(size=(200, 4))
    memory = nm.FastWeights(
        features=16, values=4, update=nm.memories.LeastSquaresUpdate(ridge=ridge)
    )
    state = nm.store(memory, nm.init(memory, jax.random.key(0)), keys, values)
    exact = np.linalg.solve(keys.T @ keys + ridge * np.eye(16), keys.T @ values)
    np.testing.assert_allclose(state.memory_weights[0], exact, atol=1e-4)


def test_forgetting_least_squares_stays_stable() -> None:
    """Discounted normal equations over 1,000 steps: float32 keeps to them, it does not blow up."""
    random = np.random.default_rng(2)
    keys, values = random.normal(size=(1000, 8)) / 8**0.5, random.normal(size=(1000, 2))
    memory = nm.FastWeights(
        features=8, values=2, update=nm.memories.LeastSquaresUpdate(ridge=1.0), decay=0.1
    )
    state = nm.store(memory, nm.init(memory, jax.random.key(0)), keys, values)
    discount = 0.9 ** np.arange(999, -1, -1)[:, None]
    exact = np.linalg.solve(
        (discount * keys).T @ keys + 0.9**1000 * np.eye(8), (discount * keys).T @ values
    )
    np.testing.assert_allclose(state.memory_weights[0], exact, atol=1e-4)


def test_least_squares_forgets_at_most_half_in_a_step() -> None:
    """All of it, r = 0, is taken as half: the same stepwise, in chunks, stored and in float64."""
    random = np.random.default_rng(5)
    keys, values = random.normal(size=(21, 1, 5)) / 5**0.5, random.normal(size=(21, 1, 3))
    memory = nm.FastWeights(
        features=5, values=3, update=nm.memories.LeastSquaresUpdate(), decay=1.0
    )
    state = nm.init(memory, jax.random.key(0))
    one, outputs = nm.memories.regress_sequence(memory, state, keys, keys, values)
    _, chunked = nm.memories.regress_sequence(memory, state, keys, keys, values, chunk=8)
    np.testing.assert_allclose(chunked, outputs, atol=1e-3)
    keys, values, weight = keys[:, 0], values[:, 0], 0.5 ** np.arange(20, -1, -1)[:, None]
    gram = (weight * keys).T @ keys + 0.5**21 * np.eye(5)
    exact = np.linalg.solve(gram, (weight * keys).T @ values)
    stored = nm.store(memory, state, keys, values)
    for found in (one, stored):
        np.testing.assert_allclose(found.memory_weights[0], exact, atol=1e-3)


def test_hebbian_updates_are_linear_attention() -> None:
    """Katharopoulos et al. 2020: outputs_t = sum over i <= t of (q_t . k_i) v_i."""
    random = np.random.default_rng(3)
    q, k, v = (random.normal(size=(12, 1, width)) for width in (6, 6, 3))
    memory = nm.FastWeights(features=6, values=3, update=nm.memories.AdditiveUpdate())
    state = nm.init(memory, jax.random.key(0))
    _, outputs = nm.memories.regress_sequence(memory, state, q, k, v, chunk=5)
    scores = np.tril(q[:, 0] @ k[:, 0].T)
    np.testing.assert_allclose(outputs[:, 0], scores @ v[:, 0], atol=1e-4)


def test_one_step_of_least_squares_on_everything_is_the_minimum() -> None:
    """No other linear memory has a smaller regularised squared error (test-time regression)."""
    random = np.random.default_rng(4)
    keys, values = random.normal(size=(40, 8)), random.normal(size=(40, 3))

    def cost(update: nm.memories.Update) -> float:
        memory = nm.FastWeights(features=8, values=3, update=update, eta=1.0)
        slow = (
            memory
            if isinstance(update, nm.memories.LeastSquaresUpdate)
            else memory.replace(eta=0.05)
        )
        W = nm.store(slow, nm.init(slow, jax.random.key(0)), keys, values).memory_weights[0]
        return float(jnp.sum((values - keys @ W) ** 2) + jnp.sum(W**2))

    best = cost(nm.memories.LeastSquaresUpdate(ridge=1.0))
    others = [
        nm.memories.AdditiveUpdate(),
        nm.memories.DeltaUpdate(),
        nm.memories.MomentumUpdate(momentum=0.5),
    ]
    assert all(cost(update) > best for update in others)


UPDATES = [
    nm.memories.AdditiveUpdate(),
    nm.memories.DeltaUpdate(),
    nm.memories.MomentumUpdate(momentum=0.7),
    nm.memories.LeastSquaresUpdate(),
]
STEPS_OF_SIZE, FORGETTING = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.8]), np.array([0.0, 0.1])


def changing(seed: int, every: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keys, noisy values and true values (400, 4, ...) of a linear map redrawn every so often."""
    random = np.random.default_rng(seed)
    maps = random.normal(size=(400, 4, 6, 3))[np.arange(400) // every]
    keys = random.normal(size=(400, 4, 6)) / 6**0.5
    values = np.einsum("tbf,tbfv->tbv", keys, maps)
    return keys, values + 0.5 * random.normal(size=values.shape), values


@jax.jit
def prediction_error(update: nm.memories.Update, keys: Any, values: Any, truth: Any) -> jax.Array:
    """Mean squared error before the write, for every step size and forgetting."""

    def error(eta: Any, forgetting: Any) -> jax.Array:
        memory = nm.FastWeights(
            features=6,
            values=3,
            update=update,
            eta=eta,
            decay=forgetting,
            read_before_write=True,
        )
        driven = {"inputs": keys, "keys": keys, "values": values}
        state = nm.init(memory, jax.random.key(0), batch=4)
        _, seen = nm.run(memory, state, steps=400, inputs=driven, record="outputs")
        return jnp.mean((seen["outputs"] - truth)[50:] ** 2)

    over_forgetting = jax.vmap(error, (None, 0))
    return jax.vmap(over_forgetting, (0, None))(jnp.asarray(STEPS_OF_SIZE), jnp.asarray(FORGETTING))


@pytest.mark.parametrize("update", UPDATES, ids=lambda update: type(update).__name__)
def test_forgetting_helps_where_the_mapping_changes_and_only_there(
    update: nm.memories.Update,
) -> None:
    """Redrawn every 25 steps, the map is followed better by a memory that fades; a map that stays
    is not. Each memory has the step size that was best for it on another stream."""

    def errors(every: int) -> np.ndarray:
        best = prediction_error(update, *changing(0, every)).argmin(0)
        return np.asarray(prediction_error(update, *changing(1, every)))[best, [0, 1]]

    kept, faded = errors(every=25)
    assert faded < 0.8 * kept
    kept, faded = errors(every=400)
    assert kept < faded
