"""Ramsauer's bounds and capacity constants, and the exact condition of sparse recall."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcmem.retrieval import Dot, Entmax, Softmax, Sparsemax, bounds, retrieve_batch


def _patterns(slots, features, norm, seed=0):
    patterns = np.random.default_rng(seed).normal(size=(slots, features))
    return norm * patterns / np.linalg.norm(patterns, axis=1, keepdims=True)


def test_separations_are_the_smallest_gap_of_dot_products():
    patterns = _patterns(30, 8, 2.0)
    products = patterns[:20] @ patterns[:20].T
    expected = [
        products[i, i] - max(products[i, j] for j in range(20) if j != i) for i in range(20)
    ]
    got = jax.jit(bounds.pattern_separation)(jnp.asarray(patterns, jnp.float32), 20)
    np.testing.assert_allclose(got[:20], expected, atol=1e-5)
    assert np.isinf(got[20:]).all()


@jax.jit
def _step(probes, patterns, beta):
    return retrieve_batch(
        probes, patterns, similarity=Dot(), separation=Softmax(), beta=beta
    ).outputs


@pytest.mark.parametrize("beta", [1.0, 2.0, 4.0])
def test_one_step_bound_holds_for_every_pattern(beta):
    """Theorem 5 at N = 1000, d = 64, norm 4, from probes 0.3 away: 0 violations."""
    slots, norm = 1000, 4.0
    patterns = _patterns(slots, 64, norm)
    delta = np.asarray(bounds.pattern_separation(jnp.asarray(patterns, jnp.float32)))
    noise = _patterns(slots, 64, 0.3, seed=1)
    probes = patterns + noise
    stored = fixed = jnp.asarray(patterns, jnp.float32)
    for _ in range(20):
        fixed = _step(fixed, stored, beta)
    recalled = np.asarray(_step(jnp.asarray(probes, jnp.float32), stored, beta))
    fixed = np.asarray(fixed)
    distance = np.maximum(0.3, np.linalg.norm(fixed - patterns, axis=1))
    bound = bounds.one_step_error(beta, delta, distance, slots, norm)
    rounding = 1e-5 * norm
    applies = np.asarray(bounds.well_separated(beta, delta, slots, norm))
    assert np.all(np.linalg.norm(recalled - fixed, axis=1) <= bound + rounding)
    retrieved = np.linalg.norm(fixed - patterns, axis=1)
    limit = bounds.retrieval_error(beta, delta, slots, norm) + rounding
    assert np.all((retrieved <= limit)[applies])
    assert beta == 1.0 or applies.sum() > slots / 2


@pytest.mark.parametrize("slots", [16, 64])
@pytest.mark.parametrize("beta", [3.0, 3.5])
def test_bounds_are_near_what_they_bound_on_orthogonal_patterns(slots, beta):
    """x_i = M e_i has Delta = M^2 and, in one step, an error near (N-1) M exp(-beta M^2).

    So the bounds of theorem 5 are 2 e and 2 times it: no bound may be more than 8 times the error.
    """
    norm = 2.0
    patterns = jnp.asarray(norm * np.eye(slots), jnp.float32)
    delta = bounds.pattern_separation(patterns)
    np.testing.assert_allclose(delta, norm**2)
    fixed = np.asarray(patterns)
    for _ in range(60):
        fixed = np.asarray(_step(jnp.asarray(fixed), patterns, beta))
    assert np.all(bounds.well_separated(beta, delta, slots, norm))
    error = np.linalg.norm(fixed - np.asarray(patterns), axis=1)
    limit = np.asarray(bounds.retrieval_error(beta, delta, slots, norm))
    assert np.all(error <= limit) and np.all(limit <= 8 * error)
    once = np.linalg.norm(np.asarray(_step(patterns, patterns, beta)) - patterns, axis=1)
    limit = np.asarray(bounds.one_step_error(beta, delta, 0.0, slots, norm))
    assert np.all(once <= limit) and np.all(limit <= 4 * once)


def test_bounds_by_hand():
    """The formulas of theorems 4 and 5 in other words: with logarithms, in Python's own numbers."""
    beta, delta, slots, norm, distance = 1.3, 4.1, 17, 1.9, 0.2
    logarithm = math.log(2) + 1 + math.log(slots - 1) + math.log(norm) - beta * delta
    assert bounds.retrieval_error(beta, delta, slots, norm) == pytest.approx(math.exp(logarithm))
    logarithm = math.log(2 * norm * (slots - 1)) - beta * (delta - 2 * distance * norm)
    found = bounds.one_step_error(beta, delta, distance, slots, norm)
    assert found == pytest.approx(math.exp(logarithm))
    least = (2 / slots + math.log((slots**2 - slots) * 2 * beta * norm * norm)) / beta
    assert bool(bounds.well_separated(beta, least * 1.001, slots, norm))
    assert not bool(bounds.well_separated(beta, least * 0.999, slots, norm))


@pytest.mark.parametrize(
    ("radius", "features", "published"), [(3.0, 20, 3.1546), (1.0, 75, 1.3718)]
)
def test_capacity_constants_of_theorem_3(radius, features, published):
    assert bounds.capacity_base(1.0, radius, features, 0.001) == pytest.approx(published, abs=1e-4)


def test_softmax_beta_recalls_to_the_error_asked_for():
    patterns = jnp.asarray(_patterns(200, 32, 2.0), jnp.float32)
    delta = bounds.pattern_separation(patterns)
    betas = bounds.softmax_beta(delta, 200, 2.0, 1e-3)

    def recall(probe, beta):
        return retrieve_batch(
            probe[None], patterns, similarity=Dot(), separation=Softmax(), beta=beta
        ).outputs[0]

    error = jnp.linalg.norm(jax.vmap(recall)(patterns, betas) - patterns, axis=1)
    assert np.all(error <= 1e-3)


@pytest.mark.parametrize("alpha", [2.0, 1.5, 1.25])
def test_sparse_recall_is_exact_just_above_its_beta_and_inexact_just_below(alpha):
    patterns = jnp.asarray(_patterns(100, 16, 3.0), jnp.float32)
    separation = Sparsemax() if alpha == 2.0 else Entmax(alpha=alpha)
    beta = bounds.entmax_beta(bounds.pattern_separation(patterns), alpha)

    def recall(probe, beta):
        recall = retrieve_batch(
            probe[None],
            patterns,
            similarity=Dot(),
            separation=separation,
            beta=beta,
            method="materialised",
        )
        return recall.outputs[0], recall.weights[0]

    own = np.arange(100)
    outputs, weights = jax.vmap(recall)(patterns, 1.001 * beta)
    assert np.all(weights[own, own] == 1) and np.array_equal(outputs, patterns)
    _, weights = jax.vmap(recall)(patterns, 0.97 * beta)
    assert np.all(weights[own, own] < 1)


DELTA = jnp.array([1.0, 2.0])
OUT_OF_DOMAIN = {
    "beta": lambda x: bounds.one_step_error(x, DELTA, 0.1, 4, 1.0),
    "distance": lambda x: bounds.one_step_error(1.0, DELTA, x, 4, 1.0),
    "norm": lambda x: bounds.retrieval_error(1.0, DELTA, 4, x),
    "error": lambda x: bounds.softmax_beta(DELTA, 4, 1.0, x),
    "alpha": lambda x: bounds.entmax_beta(DELTA, x),
}


@pytest.mark.parametrize("name", OUT_OF_DOMAIN)
def test_arguments_out_of_their_domain_are_refused_or_nan(name):
    bound = OUT_OF_DOMAIN[name]
    for wrong in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match=rf"{name} is a number in .*, got"):
            bound(wrong)
        assert np.isnan(jax.jit(bound)(wrong)).all()
    assert np.isfinite(jax.jit(bound)(1.5)).all()


def test_other_arguments_out_of_their_domain_are_refused():
    for slots in (0, 2.5):
        with pytest.raises(ValueError, match="slots is a whole number of at least 1"):
            bounds.retrieval_error(1.0, DELTA, slots, 1.0)
    assert not jax.jit(lambda b: bounds.well_separated(b, DELTA, 4, 1.0))(-1.0).any()
    with pytest.raises(ValueError, match="beta is a number in"):
        bounds.well_separated(0.0, DELTA, 4, 1.0)
    for name, given in (("beta", -1.0), ("radius", 0.0), ("failure", 1.5), ("features", 1)):
        right = dict(beta=1.0, radius=1.0, features=20, failure=0.1)
        with pytest.raises(ValueError, match=f"capacity_base: {name} is"):
            bounds.capacity_base(**right | {name: given})
    assert np.isnan(bounds.entmax_beta(jnp.array([jnp.nan]), 2.0)).all()
