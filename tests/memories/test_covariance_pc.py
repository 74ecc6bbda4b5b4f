"""Covariance predictive coding against Gaussian conditional means in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm

RNG = np.random.default_rng(1)
PATTERNS = RNG.normal(size=(40, 6)) @ RNG.normal(size=(6, 6)) + 2.0
PROBES = PATTERNS[:5]
KNOWN = (RNG.uniform(size=(5, 6)) < 0.6).astype(float)


def stored(memory, batch=1):
    state = nm.init(memory, jax.random.key(0), batch=batch)
    return nm.store(memory, nm.store(memory, state, PATTERNS[:15]), PATTERNS[15:])


def covariance():
    return np.cov(PATTERNS.T, bias=True) + 0.2 * np.eye(6)


def conditional_mean(matrix, patterns=PATTERNS):
    mean, filled = patterns.mean(0), patterns[:5].copy()
    for row, mask in zip(filled, KNOWN > 0, strict=True):
        away = row[mask] - mean[mask]
        row[~mask] = mean[~mask] - np.linalg.solve(
            matrix[~mask][:, ~mask], matrix[~mask][:, mask] @ away
        )
    return filled


@pytest.mark.parametrize("options", [{}, {"form": "dendritic"}, {"form": "implicit"}])
def test_unknown_features_rest_where_theory_says(options):
    memory = nm.CovariancePC(features=6, ridge=0.2, **options)
    state = stored(memory)
    recalled = nm.read(memory, state, PROBES * KNOWN, known=KNOWN)
    matrix = np.linalg.inv(covariance())
    weights = np.eye(6) - matrix / np.diag(matrix)[:, None]
    if options:
        np.testing.assert_allclose(state.weights, weights, atol=1e-3)
        assert np.abs(np.diag(state.weights)).max() < 1e-5
    if options == {"form": "implicit"}:
        matrix = (np.eye(6) - weights).T @ (np.eye(6) - weights)
    np.testing.assert_allclose(recalled.outputs, conditional_mean(matrix), atol=2e-3)
    np.testing.assert_allclose(recalled.outputs * KNOWN, PROBES * KNOWN, atol=1e-5)


@pytest.mark.parametrize("shift", [0.0, 300.0, 10000.0])
def test_a_large_mean_costs_no_digits(shift):
    """Against float64, from the patterns as float32 has them; the error grows with eps * shift."""
    memory = nm.CovariancePC(features=6, ridge=1e-3)
    state = nm.init(memory, jax.random.key(0), batch=5)
    patterns = (PATTERNS + shift).astype(np.float32)
    for part in np.split(patterns, [1, 3, 20]):
        state = nm.store(memory, state, part)
    exact = np.cov(patterns.astype(float).T, bias=True)
    np.testing.assert_allclose(state.weights, exact + 1e-3 * np.eye(6), atol=1e-5 + 1e-7 * shift)
    filled = conditional_mean(np.linalg.inv(exact + 1e-3 * np.eye(6)), patterns.astype(float))
    recalled = nm.read(memory, state, patterns[:5] * KNOWN, known=KNOWN).outputs
    np.testing.assert_allclose(recalled, filled, atol=1e-4 + 2e-7 * shift)


@pytest.mark.parametrize("form", ["explicit", "implicit"])
def test_local_rule_is_descent_on_the_energy(form):
    memory = nm.CovariancePC(features=6, form=form, eta=0.01)
    state = stored(memory, batch=5).replace(inputs=PROBES)
    state = state.replace(weights=state.weights + (0.1 if form == "implicit" else 0.0))

    def energy(weights, mean):
        away = PROBES - mean[None]
        if form == "explicit":
            inside = jnp.einsum("bi,ij,bj->b", away, jnp.linalg.inv(weights), away)
            return (0.5 * inside).mean() + 0.5 * jnp.linalg.slogdet(weights)[1]
        return 0.5 * ((away - away @ weights.T) ** 2).sum(1).mean()

    by_weight, by_mean = jax.grad(energy, argnums=(0, 1))(state.weights, state.mean)
    if form == "implicit":
        by_weight = by_weight - jnp.diag(jnp.diagonal(by_weight))
    changes = nm.weight_changes(memory, state)
    np.testing.assert_allclose(changes["weights"], -by_weight, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(changes["mean"], -by_mean, rtol=1e-3, atol=1e-3)
    learned = nm.evolve(memory, state)
    np.testing.assert_allclose(learned.weights, state.weights - 0.01 * by_weight, atol=1e-4)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="'explicit', 'implicit', 'dendritic'"):
        nm.CovariancePC(features=2, form="both")
    memory = nm.CovariancePC(features=6)
    with pytest.raises(ValueError, match="side by side"):
        nm.store(memory, nm.init(memory, jax.random.key(0)), PATTERNS, PATTERNS)
