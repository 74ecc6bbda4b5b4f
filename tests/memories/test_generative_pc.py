"""A generative predictive-coding network as a memory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm

RNG = np.random.default_rng(2)
SMALL = nm.GenerativePC(features=6, hidden=(5, 3), settle_steps=300, prior=0.5)


def energy(weights, hidden, x, known):
    """Written once more, for one example."""
    low = jnp.tanh(hidden[0]) @ weights["w"][0] + weights["b"][0]
    high = jnp.tanh(hidden[1]) @ weights["w"][1] + weights["b"][1]
    return (
        0.5 * jnp.sum(known * (x - low) ** 2)
        + 0.5 * jnp.sum((hidden[0] - high) ** 2)
        + 0.25 * jnp.sum(hidden[1] ** 2)
    )


def test_settles_where_the_energy_has_no_slope_and_learns_down_its_gradient():
    memory = SMALL.replace(eta=0.1)
    known = np.ones((4, 6))
    known[:, :2] = 0.0
    x = RNG.normal(size=(4, 6))
    state = nm.init(memory, jax.random.key(0), batch=4).replace(inputs=x, known=known)
    state = nm.advance_state(memory, state)
    by_weight, slope = jax.vmap(jax.grad(energy, argnums=(0, 1)), (None, 0, 0, 0))(
        state.weights, state.hidden, x, known
    )
    assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(slope)) < 1e-4
    expected = jax.vmap(energy, (None, 0, 0, 0))(state.weights, state.hidden, x, known)
    np.testing.assert_allclose(state.energy, expected, rtol=1e-5)
    changes, learned = nm.weight_changes(memory, state), nm.evolve(memory, state)
    for change, gradient, new, old in zip(
        *map(jax.tree.leaves, (changes, by_weight, learned.weights, state.weights)), strict=True
    ):
        np.testing.assert_allclose(change, -gradient.mean(0), atol=1e-6)
        np.testing.assert_allclose(new, old - 0.1 * gradient.mean(0), atol=1e-6)


def test_linear_network_completes_to_the_ridge_solution():
    """One linear layer: hidden = (W K W^T + prior I)^-1 W K (x - b), K the known features."""
    memory = nm.GenerativePC(
        features=6, hidden=(3,), activation=jnp.positive, settle_steps=500, prior=0.3
    )
    known, x = (RNG.uniform(size=(4, 6)) < 0.7).astype(float), RNG.normal(size=(4, 6))
    state = nm.init(memory, jax.random.key(1))
    w = np.asarray(state.weights["w"][0], np.float64)
    outputs = nm.recall(memory, state, x, known=known)
    for row, mask, given in zip(outputs, known, x, strict=True):
        hidden = np.linalg.solve((w * mask) @ w.T + 0.3 * np.eye(3), (w * mask) @ given)
        np.testing.assert_allclose(row, hidden @ w, atol=1e-5)


def test_stored_patterns_are_completed_from_a_part():
    patterns = np.sign(RNG.normal(size=(6, 20)))
    memory = nm.GenerativePC(features=20, hidden=(30,), store_steps=500)
    state = nm.store(memory, nm.init(memory, jax.random.key(0)), patterns)
    known = np.ones((6, 20))
    known[:, :8] = 0.0
    read = nm.read(memory, state, patterns * known, known=known)
    np.testing.assert_array_equal(np.sign(read.outputs), patterns)
    assert read.matched.all() and int(state.count) == 6


def test_mistakes_are_named():
    with pytest.raises(ValueError, match=r"hidden=\(128, 64\), or .*, got '32'"):
        nm.GenerativePC(features=4, hidden="32")
    with pytest.raises(ValueError, match="side by side"):
        nm.store(SMALL, nm.init(SMALL, jax.random.key(0)), np.ones((2, 6)), np.ones((2, 6)))
