import jax.numpy as jnp
import numpy as np
import pytest

from ngcmem.plasticity import hopfield_storage as storage

DRAW = np.random.default_rng(1)
X = DRAW.choice([-1.0, 1.0], (6, 24))


def written(rule, patterns, parts=1):
    n = patterns.shape[1]
    weights, statistics = jnp.zeros((n, n)), rule.init(n)
    for rows in np.array_split(patterns, parts):
        weights, statistics = rule.write(weights, statistics, jnp.asarray(rows, float))
    return np.asarray(weights), statistics


def storkey(patterns, self_coupling):
    n = patterns.shape[1]
    w = np.zeros((n, n))
    for x in patterns:
        h = np.array(
            [[sum(w[i, k] * x[k] for k in range(n) if k not in (i, j)) for j in range(n)]
             for i in range(n)]
        )  # fmt: skip
        w = w + (np.outer(x, x) - x[:, None] * h.T - h * x[None]) / n
        if not self_coupling:
            np.fill_diagonal(w, 0)
    return w


@pytest.mark.parametrize("self_coupling", [False, True])
def test_storkey_as_in_the_paper(self_coupling):
    found = written(storage.Storkey(self_coupling=self_coupling), X[:4], parts=2)[0]
    np.testing.assert_allclose(found, storkey(X[:4], self_coupling), atol=1e-5)


def test_hebb_and_unlearning():
    by_hand = X.T @ X / 24
    np.fill_diagonal(by_hand, 0)
    np.testing.assert_allclose(written(storage.Hebb(), X, parts=2)[0], by_hand, atol=1e-6)
    less = storage.unlearn(jnp.asarray(by_hand), jnp.asarray(X), 0.25)
    np.testing.assert_allclose(less, 0.75 * by_hand, atol=1e-6)


def test_projection_is_the_projector():
    found = written(storage.Projection(self_coupling=True), np.concatenate([X, X[:2]]), parts=2)[0]
    np.testing.assert_allclose(found, np.linalg.pinv(X) @ X, atol=1e-4)
    without = written(storage.Projection(), X)[0]
    np.testing.assert_allclose(np.diag(without), 0)
    np.testing.assert_allclose(without - found, np.diag(np.diag(without - found)), atol=1e-5)


@pytest.mark.parametrize("symmetrised", [True, False])
def test_perceptron_reaches_its_margin(symmetrised):
    x = DRAW.choice([-1.0, 1.0], (20, 30))
    rule = storage.Perceptron(slots=20, margin=0.3, symmetrised=symmetrised)
    w, statistics = written(rule, x, parts=2)
    assert int(statistics["unstable"]) == 0 and rule.symmetric == symmetrised
    assert np.all(x * (x @ w.T) > 0.3 * np.linalg.norm(w, axis=1))
    assert np.array_equal(w, w.T) == symmetrised


def test_minimum_probability_flow_lowers_the_flow():
    def flow(w):
        return np.mean(np.sum(np.exp(-X * (X @ w)), axis=1))

    hebb = written(storage.Hebb(), X)[0]
    few = written(storage.MinimumProbabilityFlow(slots=6, steps=20), X)[0]
    more = written(storage.MinimumProbabilityFlow(slots=6, steps=200), X)[0]
    assert flow(more) < flow(few) < flow(np.zeros((24, 24))) and flow(more) < flow(hebb)
    np.testing.assert_allclose(more, more.T, atol=1e-6)


def test_rules_that_keep_patterns_count_what_they_refuse():
    statistics = written(storage.Perceptron(slots=4), X[:6], parts=3)[1]
    assert int(statistics["used"]) == 4 and int(statistics["refused"]) == 2
