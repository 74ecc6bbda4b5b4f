import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcmem.plasticity import MinimumProbabilityFlow
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
    np.testing.assert_allclose(written(storage.OuterProduct(), X, parts=2)[0], by_hand, atol=1e-6)
    less = storage.unlearn(jnp.asarray(by_hand), jnp.asarray(X), 0.25)
    np.testing.assert_allclose(less, 0.75 * by_hand, atol=1e-6)
    for wrong in (-0.1, np.nan):
        with pytest.raises(ValueError, match=r"unlearn: eta is a number in \[0, inf\), got"):
            storage.unlearn(jnp.asarray(by_hand), jnp.asarray(X), wrong)
        assert np.isnan(jax.jit(storage.unlearn)(by_hand, X, wrong)).any()


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


def flow(w, x):
    return np.mean(np.sum(np.exp(-x * (x @ w)), axis=1))


def test_minimum_probability_flow_lowers_the_flow():
    hebb = written(storage.OuterProduct(), X)[0]
    few = written(MinimumProbabilityFlow(slots=6, steps=20), X)[0]
    more = written(MinimumProbabilityFlow(slots=6, steps=200), X)[0]
    assert flow(more, X) < flow(few, X) < flow(np.zeros((24, 24)), X) and flow(more, X) < flow(
        hebb, X
    )
    np.testing.assert_allclose(more, more.T, atol=1e-6)
    w = np.zeros((24, 24))  # where it falls anyway, it is plain gradient descent
    for _ in range(20):
        pull = (X * np.exp(-X * (X @ w))).T @ X / 6
        w = w + 0.01 * 0.5 * (pull + pull.T) * (1 - np.eye(24))
    plain = written(MinimumProbabilityFlow(slots=6, eta=0.01, steps=20), X)[0]
    np.testing.assert_allclose(plain, w, atol=1e-5)


def test_minimum_probability_flow_of_patterns_that_come_one_by_one():
    """After every write each pattern so far is fixed, and more steps never raise the flow."""
    x = DRAW.choice([-1.0, 1.0], (8, 20))
    rule = MinimumProbabilityFlow(slots=8)
    write = jax.jit(lambda steps, *args: rule.replace(steps=steps).write(*args))
    weights, statistics = jnp.zeros((20, 20)), rule.init(20)
    for i in range(8):
        seen, flows, begin = x[: i + 1], [], (weights, statistics)
        for steps in (0.0, 1.0, 2.0, 5.0, 20.0, 500.0):
            weights, statistics = write(steps, *begin, jnp.asarray(x[i : i + 1], float))
            flows.append(flow(np.asarray(weights, float), seen))
        assert np.all(np.diff(flows) <= 1e-6 * np.asarray(flows[:-1])) and np.isfinite(flows[-1])
        assert np.all(np.sign(seen @ weights) == seen)


def test_rules_that_keep_patterns_count_what_they_refuse():
    statistics = written(storage.Perceptron(slots=4), X[:6], parts=3)[1]
    assert int(statistics["used"]) == 4 and int(statistics["refused"]) == 2
