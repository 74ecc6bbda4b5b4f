"""Published properties of predictive-coding memories, on real digits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.datasets import digits, hershey_letters

LEFT = np.tile(np.arange(8) < 4, 8)


def distinct_frames(count):
    images = digits()[0]
    images = images[np.random.default_rng(0).permutation(len(images))]
    signs = np.where(images > 0.5, 1.0, -1.0)
    first = np.sort(np.unique(signs, axis=0, return_index=True)[1])
    return signs[first[:count]]


def test_temporal_pc_recalls_correlated_digits_that_asymmetric_hopfield_cannot():
    """Tang, Barron and Bogacz (2023), figure 3: whitening removes the interference."""
    frames = distinct_frames(24)
    memory = nm.TemporalPC(features=64, output_activation=jnp.sign)
    state = nm.store(memory, nm.init(memory, jax.random.key(0)), frames)
    recalled = nm.recall(memory, state, frames[:1], steps=23)
    np.testing.assert_array_equal(recalled[0], frames[23])
    hebbian = frames[1:].T @ frames[:-1]
    one_step = np.sign(frames[:-1] @ hebbian.T)
    assert (one_step == frames[1:]).all(1).mean() < 0.05


def test_covariances_complete_more_digits_than_as_many_parameters_of_slots():
    """300 digits, left halves hidden, 4,160 parameters each: a covariance, or 65 patterns."""
    images = digits()[0]
    images = images[np.random.default_rng(0).permutation(len(images))[:300]]
    known = np.broadcast_to(np.where(LEFT, 0.0, 1.0), images.shape)
    errors = {}
    for name, memory in (
        ("covariance", nm.CovariancePC(features=64)),
        ("slots", nm.Hopfield(slots=65, features=64, beta=10.0, similarity="euclidean")),
    ):
        state = nm.store(memory, nm.init(memory, jax.random.key(0)), images)
        answer = nm.recall(memory, state, images * known, known=known)
        errors[name] = ((np.asarray(answer) - images)[:, LEFT] ** 2).mean()
    assert errors["covariance"] < 0.9 * errors["slots"]


@pytest.mark.slow
def test_our_retrievals_beat_the_published_one_on_letters():
    sequences, labels = hershey_letters()[0], np.tile(np.arange(20), 4)
    net = nm.PredictiveCodingRNN(outputs=2, states=50, causes=2, n_patterns=20)
    state, _, _ = nm.memories.train_sequences(
        net, nm.init(net, jax.random.key(0)), sequences, keep_best=True
    )
    shown, late = np.tile(sequences, (1, 4, 1)), []
    for steering, options in (
        ({}, {}),
        (nm.memories.ANNEALED, {"cooling": 0.1}),
        (nm.memories.METROPOLIS, {"temperature": 0.01}),
    ):
        found = nm.memories.infer_causes(
            net.replace(**steering), state, shown, key=jax.random.key(1), trials=1000, **options
        )
        right = np.asarray(nm.memories.nearest_pattern(state, found.causes)) == labels
        late.append(right[-100:].mean())
    published, annealed, metropolis = late
    assert annealed > published + 0.1 and metropolis > published + 0.1


def test_one_shot_writes_keep_what_sequential_training_forgets():
    """Yoo and Wood (2022), section 5: digits written one at a time, half of each hidden."""
    images = digits()[0]
    images = images[np.random.default_rng(0).permutation(len(images))[:48]]
    known = np.broadcast_to(np.where(LEFT, 0.0, 1.0), images.shape)
    errors = {}
    for name, memory in (
        ("bayes", nm.BayesPCN(features=64, hidden=(128,))),
        ("trained", nm.GenerativePC(features=64, hidden=(128,), store_steps=100, prior=0.3)),
    ):
        state = nm.init(memory, jax.random.key(0))
        for image in images:
            state = nm.store(memory, state, image[None])
        answer = nm.recall(memory, state, images * known, known=known)
        errors[name] = ((np.asarray(answer) - images)[:, LEFT] ** 2).mean(1)
    mean_digit = ((images - images.mean(0))[:, LEFT] ** 2).mean()
    assert errors["bayes"][:16].mean() < 0.5 * mean_digit < 0.5 * errors["trained"][:16].mean()
