"""Training, generation, ranking and retrieval of a small PC-RNN."""

import functools

import jax
import numpy as np
import optax
import pytest

import ngcmem as nm

STEPS = 30
T = np.linspace(0, 2 * np.pi, STEPS)
CURVES = np.stack(
    [
        np.stack([np.cos(T), np.sin(T)], 1),
        np.stack([np.cos(T), -np.sin(T)], 1),
        np.stack([np.sin(2 * T), np.cos(T)], 1),
    ],
    1,
)
NET = nm.PredictiveCodingRNN(outputs=2, states=20, causes=2, n_patterns=3, tau=10.0)


@functools.cache
def trained():
    state = nm.init(NET, jax.random.key(0))
    first, losses, opt = nm.memories.train_sequences(NET, state, CURVES, iterations=300)
    second, more, _ = nm.memories.train_sequences(
        NET, first, CURVES, iterations=300, optimizer_state=opt
    )
    return second, np.concatenate([losses, more])


def test_training_learns_and_generation_returns_the_sequences():
    state, losses = trained()
    assert np.median(losses[-50:]) < 0.02 < losses[0]
    generated = nm.memories.generate_sequences(NET, state, state.mus, steps=STEPS)
    assert np.abs(generated - CURVES).mean() < 0.15


def test_ranking_names_every_sequence_and_an_unseen_variant():
    state, _ = trained()
    errors = nm.memories.rank_causes(NET, state, CURVES)
    assert errors.shape == (3, 3)
    np.testing.assert_array_equal(errors.argmin(1), np.arange(3))
    unseen = CURVES + 0.1 * np.random.default_rng(0).normal(size=CURVES.shape)
    np.testing.assert_array_equal(
        nm.memories.rank_causes(NET, state, unseen).argmin(1), np.arange(3)
    )


def test_retrieval_finds_the_causes_and_the_same_noise_alone_or_in_a_batch():
    state, _ = trained()
    both = nm.memories.infer_causes(NET, state, CURVES, key=jax.random.key(1), trials=100)
    assert both.causes.shape == (100, 3, 2) and both.errors.shape == (100, 3)
    assert np.isfinite(both.causes).all()
    np.testing.assert_array_equal(nm.memories.nearest_pattern(state, both.best), np.arange(3))
    alone = nm.memories.infer_causes(NET, state, CURVES[:, :1], key=jax.random.key(1), trials=100)
    np.testing.assert_allclose(alone.causes[:5, 0], both.causes[:5, 0], atol=1e-4)


def test_at_temperature_zero_the_error_never_rises():
    state, _ = trained()
    net, key = NET.replace(**nm.memories.METROPOLIS), jax.random.key(1)
    found = nm.memories.infer_causes(net, state, CURVES, key=key, trials=100, temperature=0.0)
    errors = np.asarray(found.errors)
    assert (np.diff(errors, axis=0) <= 0.0).all() and (np.diff(errors, axis=0) < 0.0).any()
    np.testing.assert_array_equal(found.best, found.causes[-1])
    np.testing.assert_array_equal(
        nm.memories.nearest_pattern(state, found.causes[-1]), np.arange(3)
    )
    hot = nm.memories.infer_causes(net, state, CURVES, key=key, trials=100, temperature=1e9)
    walk = nm.memories.infer_causes(net, state, CURVES, key=key, trials=100)
    np.testing.assert_array_equal(hot.causes, walk.causes)  # every proposal is kept


def test_kept_errors_are_those_of_the_kept_causes():
    state, _ = trained()
    net = NET.replace(alpha_c=None)
    found = nm.memories.infer_causes(
        net, state, CURVES, key=jax.random.key(2), trials=100, temperature=0.05
    )
    made = nm.memories.generate_sequences(net, state, found.causes[-1], steps=STEPS)
    distance = np.sqrt(((np.asarray(made) - CURVES) ** 2).sum(-1)).mean(0)
    np.testing.assert_allclose(found.errors[-1], distance, rtol=1e-4)


def test_mistakes_are_named():
    state = nm.init(NET, jax.random.key(0))
    with pytest.raises(ValueError, match=r"time first. .* sequences.transpose\(1, 0, 2\)"):
        nm.memories.train_sequences(NET, state, np.zeros((3, 30, 4)))
    for wrong in (np.zeros((30, 3, 4)), np.zeros((30, 2))):
        with pytest.raises(ValueError, match=r"infer_causes: sequences .* \(steps, sequences, 2\)"):
            nm.memories.infer_causes(NET, state, wrong, key=jax.random.key(0))
    with pytest.raises(ValueError, match=r"patterns=3, 2\): time first. .* write sequences.transp"):
        nm.memories.train_sequences(NET, state, CURVES.transpose(1, 0, 2))
    with pytest.raises(ValueError, match="patterns=2"):
        nm.memories.train_sequences(NET, state, CURVES[:, :2])
    with pytest.raises(ValueError, match="names has 'w_x'"):
        nm.memories.train_sequences(NET, state, CURVES, names=("w_x",))
    with pytest.raises(ValueError, match=r"write causes\[None\]"):
        nm.memories.generate_sequences(NET, state, np.zeros(2), steps=3)
    with pytest.raises(ValueError, match=r"noise has shape \(1, 2\), expected \(1000, 30, 3, 2\)"):
        nm.memories.infer_causes(NET, state, CURVES, key=jax.random.key(0), noise=np.zeros((1, 2)))


def test_the_best_weights_can_be_kept():
    state = nm.init(NET, jax.random.key(0))
    wild = optax.adam(0.3)
    best, losses, _ = nm.memories.train_sequences(
        NET, state, CURVES, iterations=20, optimizer=wild, keep_best=True
    )
    error = nm.memories.generate_sequences(NET, best, best.mus, steps=STEPS) - CURVES
    np.testing.assert_allclose((error**2).mean(), losses.min(), rtol=1e-4)
