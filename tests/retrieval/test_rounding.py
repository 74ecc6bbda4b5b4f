"""Digits: neighbours far from the origin, scales from 1e-30 to 1e30, scores at a threshold."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcmem.core import euclidean_norm, magnitude
from ngcmem.retrieval import Cosine, Euclidean, lowered, retrieve_batch

EARTH = 6.4e6  # metres


def _places(first):
    """Towns all over the earth, a hundred houses in two of them, rows in either order; probes."""
    random = np.random.default_rng(0)
    towns = random.normal(size=(60, 3))
    towns = np.round(EARTH * towns / np.linalg.norm(towns, axis=1, keepdims=True))
    houses = np.repeat(towns[:2], 50, axis=0) + np.round(random.normal(size=(100, 3)) * 600)
    probes = houses[[3, 60]] + [[3.0, 5.0, -5.0]]
    rows = [towns, houses] if first == "towns" else [houses, towns]
    return probes.astype(np.float32), np.concatenate(rows).astype(np.float32)


def _expected(probes, patterns, beta):
    differences = probes[:, None].astype(float) - patterns[None]
    scores = -beta * (differences**2).sum(-1) / 2
    weights = np.exp(scores - scores.max(1, keepdims=True))
    return differences, weights / weights.sum(1, keepdims=True)


@pytest.mark.parametrize("method", ["materialised", "streamed"])
@pytest.mark.parametrize("first", ["towns", "houses"])
def test_nearest_neighbours_at_earth_coordinates(method, first):
    """Whichever rows come first; 951 m wrong when squares were expanded."""
    probes, patterns = _places(first)
    differences, weights = _expected(probes, patterns, 1e-6)
    nearest = (differences**2).sum(-1).argmin(1)
    options = dict(similarity="euclidean", method=method, chunk=64)
    best = retrieve_batch(probes, patterns, separation="max", **options)
    np.testing.assert_array_equal(best.outputs, patterns[nearest])
    np.testing.assert_allclose(best.energy, (differences**2).sum(-1).min(1) / 2, rtol=1e-6)
    mixed = retrieve_batch(probes, patterns, separation="softmax", beta=1e-6, **options)
    np.testing.assert_allclose(mixed.outputs, weights @ patterns, rtol=1e-6)


def test_gradients_at_earth_coordinates_are_as_exact_as_the_coordinates():
    """One unit of float32 at 6.4e6 m is half a metre: the gradient is as good as that."""
    probes, patterns = _places("towns")
    beta, read = 1e-6, np.array([1.0, -2.0, 0.5])
    differences, weights = _expected(probes, patterns, beta)
    values = differences @ read  # the recalled place, seen from the probe
    centred = weights * (values - (weights * values).sum(1, keepdims=True))
    expected = beta * (centred[..., None] * differences).sum(1)
    for method in ("materialised", "streamed"):

        def loss(probes, method=method):
            options = dict(similarity="euclidean", separation="softmax", beta=beta, chunk=64)
            return (retrieve_batch(probes, patterns, method=method, **options).outputs @ read).sum()

        found = np.asarray(jax.grad(loss)(probes))
        allowed = beta * np.abs(centred).sum(1).max() * EARTH * 2 * np.finfo(np.float32).eps
        np.testing.assert_allclose(found, expected, atol=float(allowed), rtol=1e-3)


def test_derivatives_of_the_squared_distance():
    """First and second, by probe, patterns and importance, against the plain formula."""
    random = np.random.default_rng(1)
    for d in (3, 16, 37):
        probe, patterns = random.normal(size=d), random.normal(size=(4, d))
        importance, direction = random.uniform(size=d), random.normal(size=4)
        arguments = [jnp.asarray(a, jnp.float32) for a in (probe, patterns, importance)]

        def score(probe, patterns, importance, direction=direction):
            s = Euclidean(feature_weights=importance)(probe, patterns)
            return jnp.asarray(direction, jnp.float32) @ (s + s**2 / 20)

        def plain(probe, patterns, importance, direction=direction):
            s = -jnp.sum(importance[None] * (probe[None] - patterns) ** 2, 1) / 2
            return jnp.asarray(direction, jnp.float32) @ (s + s**2 / 20)

        for derivative in (jax.grad, jax.jacfwd, jax.hessian):
            found, expected = (derivative(f, (0, 1, 2))(*arguments) for f in (score, plain))
            for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


_second_cosine = jax.jit(jax.value_and_grad(lambda q, x: Cosine()(q, x)[1]))


@pytest.mark.parametrize("probe_scale", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1.0, 1e20, 1e30])
def test_cosine_at_any_scale(probe_scale, scale):
    random = np.random.default_rng(2)
    probe, patterns = random.normal(size=7), random.normal(size=(5, 7))
    expected = patterns @ probe / np.linalg.norm(patterns, axis=1) / np.linalg.norm(probe)
    q, x = ((probe * probe_scale).astype(np.float32), (patterns * scale).astype(np.float32))
    found, slope = _second_cosine(q, x)
    np.testing.assert_allclose(found, expected[1], atol=3e-7)
    unit = probe / np.linalg.norm(probe)
    right = (patterns[1] / np.linalg.norm(patterns[1]) - expected[1] * unit) / np.linalg.norm(probe)
    np.testing.assert_allclose(slope * probe_scale, right, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-37, 1e-30, 1e-20, 1.0, 1e20, 1e30, 1e37])
def test_norms_at_any_scale(scale):
    x = np.array([[3.0, 4.0], [0.0, 0.0], [-1.0, 0.5]])
    found = euclidean_norm(jnp.asarray(x * scale, jnp.float32))
    np.testing.assert_allclose(found, np.linalg.norm(x, axis=1) * scale, rtol=1e-6)
    slope = jax.grad(lambda x: euclidean_norm(x).sum())(jnp.asarray(x * scale, jnp.float32))
    np.testing.assert_allclose(slope[:2], [[0.6, 0.8], [0.0, 0.0]], rtol=1e-6)
    assert np.isnan(euclidean_norm(jnp.array([1.0, jnp.nan])))
    assert float(magnitude(jnp.array([0.75 * scale, 0.0]))[0]) <= 0.75 * scale


@pytest.mark.parametrize("features", [8, 64, 3000])
def test_a_row_reaches_a_threshold_of_1_with_itself_and_no_other_row_does(features):
    rows = np.random.default_rng(features).normal(size=(40, features)).astype(np.float32)
    scores = np.asarray(jax.vmap(Cosine(), (0, None))(rows, rows))
    reached = np.asarray(lowered(1.0, features, jnp.dtype(jnp.float32)))
    np.testing.assert_array_equal(scores >= reached, np.eye(40, dtype=bool))
    away = rows + np.float32(0.01) * rows[::-1]
    assert (np.asarray(jax.vmap(Cosine())(rows, away[:, None]))[:, 0] < reached).all()
    assert lowered(jnp.inf, 3, jnp.dtype(jnp.float32)) == jnp.inf
    assert lowered(0.0, 3, jnp.dtype(jnp.float32)) == 0
