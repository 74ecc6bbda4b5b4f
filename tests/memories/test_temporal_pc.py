"""Temporal predictive coding: exact on independent frames, and what needs a hidden layer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.datasets import digits

RNG = np.random.default_rng(0)


def test_weights_are_the_ridge_solution_of_all_transitions():
    memory = nm.TemporalPC(features=5, ridge=1e-3, activation=jnp.tanh)
    state = nm.init(memory, jax.random.key(0))
    first, second = RNG.normal(size=(9, 5)), RNG.normal(size=(7, 5))
    state = nm.store(memory, nm.store(memory, state, first), second)
    now = np.tanh(np.concatenate([first[:-1], second[:-1]]))
    following = np.concatenate([first[1:], second[1:]])
    terms = np.concatenate([now, np.ones((14, 1))], 1)
    gram = terms.T @ terms
    gram += 1e-3 * np.trace(gram) / 6 * np.eye(6)
    expected = np.linalg.solve(gram, terms.T @ following).T
    np.testing.assert_allclose(state.weights, expected[:, :5], atol=1e-4)
    np.testing.assert_allclose(state.bias, expected[:, 5], atol=1e-4)
    assert int(state.count) == 14


def test_fewer_frames_than_features_give_the_ridge_solution_too():
    """Solved from the frames, not from their Gram matrix."""
    memory = nm.TemporalPC(features=8, ridge=1e-2)
    frames = RNG.normal(size=(5, 8))
    state = nm.store(memory, nm.init(memory, jax.random.key(0)), frames)
    terms = np.concatenate([frames[:-1], np.ones((4, 1))], 1)
    gram = terms.T @ terms
    gram += 1e-2 * np.trace(gram) / 9 * np.eye(9)
    expected = np.linalg.solve(gram, terms.T @ frames[1:]).T
    np.testing.assert_allclose(state.weights, expected[:, :8], atol=1e-5)
    np.testing.assert_allclose(state.bias, expected[:, 8], atol=1e-5)


def test_correlated_frames_are_recalled_in_order():
    base = RNG.normal(size=24)
    frames = base + 0.3 * RNG.normal(size=(12, 24))  # correlation about .9
    memory = nm.TemporalPC(features=24)
    state = nm.store(memory, nm.init(memory, jax.random.key(0)), frames)
    for k in (1, 5, 11):
        recalled = nm.recall(memory, state, frames[:1], steps=k)
        np.testing.assert_allclose(recalled[0], frames[k], atol=0.02)


def test_local_rule_is_the_gradient_and_rests_at_the_stored_weights():
    memory = nm.TemporalPC(features=4, eta=0.1, ridge=1e-6)
    frames = RNG.normal(size=(40, 4))
    state = nm.store(memory, nm.init(memory, jax.random.key(0), batch=39), frames)
    state = state.replace(inputs=frames[:-1], following=frames[1:])
    for change in nm.weight_changes(memory, state).values():
        np.testing.assert_allclose(change, 0.0, atol=1e-4)
    off = state.replace(weights=state.weights + 0.1)

    def energy(w):
        error = frames[1:] - (frames[:-1] @ w.T + off.bias[None])
        return 0.5 * (error**2).sum(1).mean()

    slope = jax.grad(energy)(off.weights)
    np.testing.assert_allclose(nm.weight_changes(memory, off)["weights"], -slope, atol=1e-5)
    np.testing.assert_allclose(nm.evolve(memory, off).weights, off.weights - 0.1 * slope, atol=1e-5)


@pytest.mark.parametrize("frames", [2, 10, 20])
@pytest.mark.parametrize("binary", [False, True])
def test_few_frames_with_constant_pixels_are_recalled(frames, binary):
    """The Gram matrix has rank frames - 1 of 65, beside a ridge below the rounding of float32."""
    images = digits()[0]
    if binary:
        images = np.where(images > images.mean(), 1.0, -1.0)
    for begin in range(0, 200, 20):
        sequence = images[begin : begin + frames]
        memory = nm.TemporalPC(features=64, output_activation=jnp.sign if binary else jnp.positive)
        state = nm.store(memory, nm.init(memory, jax.random.key(0)), sequence)
        last = nm.recall(memory, state, sequence[:1], steps=frames - 1)
        np.testing.assert_allclose(last[0], sequence[-1], atol=0.02)


def test_one_frame_is_no_sequence():
    memory = nm.TemporalPC(features=4)
    with pytest.raises(ValueError, match="at least two frames"):
        nm.store(memory, nm.init(memory, jax.random.key(0)), np.ones((1, 4)))


def test_only_the_hidden_layer_resolves_a_repeated_frame():
    a, b, c, d = np.sign(RNG.normal(size=(4, 12)))
    frames = np.stack([a, b, c, b, d])  # b is followed by c, then by d
    deep = nm.DeepTemporalPC(features=12, hidden=20, output_activation=jnp.sign)
    state = nm.store(deep, nm.init(deep, jax.random.key(0)), frames)
    flat = nm.TemporalPC(features=12, output_activation=jnp.sign)
    flat_state = nm.store(flat, nm.init(flat, jax.random.key(0)), frames)
    for k in range(1, 5):
        recalled = nm.recall(deep, state, frames[:1], steps=k)
        np.testing.assert_array_equal(recalled[0], frames[k])
    wrong = [
        (np.asarray(nm.recall(flat, flat_state, frames[:1], steps=k)[0]) != frames[k]).any()
        for k in range(1, 5)
    ]
    assert any(wrong)
