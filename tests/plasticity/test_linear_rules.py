import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcmem.memories import correlate, multiple_training, project
from ngcmem.plasticity import (
    Correlation,
    Greville,
    PseudoInverse,
    RecursiveLeastSquares,
    WidrowHoff,
    ridge,
    solve,
    solve_gram,
)

DRAW = np.random.default_rng(0)
KEYS, VALUES = DRAW.standard_normal((40, 12)), DRAW.standard_normal((40, 5))


def written(rule, keys, values, parts=1):
    weights = jnp.zeros((keys.shape[1], values.shape[1]))
    statistics = rule.init(keys.shape[1], values.shape[1])
    write = jax.jit(lambda *args: rule.write(*args))
    for k, v in zip(np.array_split(keys, parts), np.array_split(values, parts), strict=True):
        weights, statistics = write(
            weights, statistics, jnp.asarray(k, float), jnp.asarray(v, float)
        )
    return np.asarray(weights), statistics


def test_correlation_with_forgetting():
    by_hand = sum(0.9 ** (39 - i) * 0.5 * np.outer(KEYS[i], VALUES[i]) for i in range(40))
    found = written(Correlation(eta=0.5, forgetting=0.9), KEYS, VALUES, parts=2)[0]
    np.testing.assert_allclose(found, by_hand, atol=1e-5)


@pytest.mark.parametrize("normalised", [0.0, 1.0])
def test_delta_rule_is_the_sequential_one(normalised):
    w = np.zeros((12, 5))
    for k, v in zip(KEYS, VALUES, strict=True):
        w += 0.05 / (k @ k if normalised else 1.0) * np.outer(k, v - k @ w)
    found = written(WidrowHoff(eta=0.05, normalised=normalised), KEYS, VALUES)[0]
    np.testing.assert_allclose(found, w, atol=1e-5)


def test_pseudo_inverse_of_a_stream_is_that_of_everything():
    exact = np.linalg.pinv(KEYS) @ VALUES
    found, statistics = written(PseudoInverse(), KEYS, VALUES, parts=2)
    error = np.linalg.norm(found - exact) / np.linalg.norm(exact)
    assert error <= 1e-4 and error <= float(statistics["error"])
    few, statistics = written(PseudoInverse(), KEYS[:8], VALUES[:8], parts=2)
    np.testing.assert_allclose(few, np.linalg.pinv(KEYS[:8]) @ VALUES[:8], atol=2e-4)
    projector = np.linalg.pinv(KEYS[:8]) @ KEYS[:8]
    np.testing.assert_allclose(statistics["complement"], np.eye(12) - projector, atol=2e-4)


def test_pseudo_inverse_with_ridge_and_forgetting():
    age = 0.95 ** np.arange(39, -1, -1)[:, None]
    gram = KEYS.T @ (age * KEYS) + 0.3 * np.eye(12)
    exact = np.linalg.solve(gram, KEYS.T @ (age * VALUES))
    for parts in (1, 2):
        found = written(PseudoInverse(ridge=0.3, forgetting=0.95), KEYS, VALUES, parts)[0]
        np.testing.assert_allclose(found, exact, atol=1e-4)


def test_first_pairs_are_forgotten_by_their_age_too():
    """More pairs than inputs in one write, no ridge: least squares weighted by forgetting^age."""
    age = 0.7 ** np.arange(19, -1, -1)[:, None]
    keys, values = KEYS[:20], VALUES[:20]
    exact = np.linalg.lstsq(np.sqrt(age) * keys, np.sqrt(age) * values, rcond=None)[0]
    assert np.abs(exact - np.linalg.lstsq(keys, values, rcond=None)[0]).max() > 0.1
    found = written(PseudoInverse(forgetting=0.7), keys, values)[0]
    np.testing.assert_allclose(found, exact, atol=2e-4)


def test_pseudo_inverse_of_many_keys_that_do_not_span_the_space():
    """Symbols that never come, a pixel that is always 0, keys of a subspace: K^+ V, not NaN."""
    symbols, dark = np.eye(12)[DRAW.integers(0, 9, 40)], KEYS * (np.arange(12) != 5)
    for keys, told in ((symbols, True), (dark, True), (KEYS[:, :4] @ KEYS[:4], False)):
        inverse = np.linalg.pinv(keys, rcond=1e-6)
        for parts in (2, 40):
            found, statistics = written(PseudoInverse(), keys, VALUES, parts)
            recalled, right = keys @ found, keys @ inverse @ VALUES
            assert np.linalg.norm(recalled - right) <= 1e-4 * np.linalg.norm(right)
            complement = np.eye(12) - inverse @ keys
            np.testing.assert_allclose(statistics["complement"], complement, atol=1e-4)
            # zeros are told from weak keys; a general subspace, rounded, is not
            assert told == np.isfinite(statistics["error"])


def test_pseudo_inverse_on_demand():
    rule = PseudoInverse(on_demand=True)
    weights, statistics = written(rule, KEYS, VALUES, parts=4)
    assert not weights.any() and np.isinf(statistics["error"])
    weights, statistics = rule.solve(statistics)
    np.testing.assert_allclose(weights, np.linalg.pinv(KEYS) @ VALUES, atol=1e-4)
    assert float(statistics["error"]) < 1e-3


def _conditioned(draw, n, d, condition):
    rank = min(n, d)
    u, v = (np.linalg.qr(draw.normal(size=(rows, rank)))[0] for rows in (n, d))
    return ((u * np.geomspace(1, 1 / condition, rank)) @ v.T).astype(np.float32)


@pytest.mark.parametrize("n, parts", [(20, 1), (20, 2), (20, 5), (8, 2), (12, 1)])
def test_the_error_is_never_above_its_estimate(n, parts):
    """Conditions 1 to 1e7, values that the keys explain and others, against float64."""
    rule, telling = PseudoInverse(), 0
    write = jax.jit(rule.write)
    for step, condition in enumerate(10.0 ** np.arange(0, 7.5, 0.5)):
        draw = np.random.default_rng((step, n, parts))
        keys = _conditioned(draw, n, 12, condition)
        values = keys @ draw.normal(size=(12, 5)) if step % 2 else draw.normal(size=(n, 5))
        values = values.astype(np.float32)
        exact = np.linalg.pinv(keys.astype(float), rcond=1e-13) @ values
        weights, statistics = jnp.zeros((12, 5)), rule.init(12, 5)
        for k, v in zip(np.split(keys, parts), np.split(values, parts), strict=True):
            weights, statistics = write(weights, statistics, k, v)
        error = np.linalg.norm(weights - exact) / np.linalg.norm(exact)
        assert error <= float(statistics["error"]), condition
        telling += float(statistics["error"]) <= 1e3 * error
    assert telling >= (10 if parts == 1 else 5)  # and no wild guess where one can tell


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e20, 1e30])
def test_rules_and_solvers_at_any_scale(scale):
    """Keys k s and values v s have the weights of k and v."""
    keys, values = ((a[:9] * scale).astype(np.float32) for a in (KEYS, VALUES))
    exact = np.linalg.pinv(KEYS[:9]) @ VALUES[:9]
    for method in ("auto", "svd", "qr", "cholesky"):
        fit = jax.jit(solve, static_argnames="method")(keys, values, method=method)
        np.testing.assert_allclose(fit.weights, exact, atol=1e-4)
        assert float(fit.error) < 0.1
    found, statistics = written(Greville(), keys, values)
    np.testing.assert_allclose(found, exact, atol=1e-4)
    assert int(statistics["refused"]) == 0
    found = written(WidrowHoff(), keys, values)[0]
    np.testing.assert_allclose(found, written(WidrowHoff(), KEYS[:9], VALUES[:9])[0], atol=1e-4)


@pytest.mark.parametrize("forgetting", [1.0, 0.98])
@pytest.mark.parametrize("scale", [1e-30, 1e-15, 1e10, 1e18, 1e30])
def test_recursive_least_squares_at_any_scale(scale, forgetting):
    """Small beside the ridge K^T V / ridge, weighed by age; far above it what fits every pair."""
    keys = (KEYS[:5] * scale).astype(np.float32)
    rule = RecursiveLeastSquares(ridge=0.1, forgetting=forgetting)
    found = written(rule, keys, VALUES[:5])[0] * np.float64(scale)
    if scale > 1:
        np.testing.assert_allclose(found, np.linalg.pinv(KEYS[:5]) @ VALUES[:5], atol=1e-3)
    else:
        # Keys too short to be noticed: P, at the bound of its trace, is not forgotten.
        small = KEYS[:5].T @ VALUES[:5] * scale**2 / 0.1
        np.testing.assert_allclose(found / scale**2, small / scale**2, rtol=1e-4)


def test_greville_is_exact_and_refuses_keys_in_the_span():
    found, statistics = written(Greville(), KEYS[:9], VALUES[:9], parts=3)
    np.testing.assert_allclose(found, np.linalg.pinv(KEYS[:9]) @ VALUES[:9], atol=1e-4)
    again = np.concatenate([KEYS[:3], KEYS[:2] * 2])
    found, statistics = written(Greville(), again, np.concatenate([VALUES[:3], VALUES[5:7]]))
    assert int(statistics["refused"]) == 2
    np.testing.assert_allclose(found, np.linalg.pinv(KEYS[:3]) @ VALUES[:3], atol=1e-4)


def test_recursive_least_squares_is_ridge_regression_and_stays_so():
    exact = np.linalg.solve(KEYS.T @ KEYS + 0.01 * np.eye(12), KEYS.T @ VALUES)
    found = written(RecursiveLeastSquares(ridge=0.01), KEYS, VALUES)[0]
    np.testing.assert_allclose(found, exact, atol=2e-3)
    keys, values = DRAW.standard_normal((6000, 12)), DRAW.standard_normal((6000, 5))
    exact = np.linalg.solve(keys.T @ keys + 0.01 * np.eye(12), keys.T @ values)
    found, statistics = written(RecursiveLeastSquares(ridge=0.01), keys, values)
    assert np.linalg.norm(found - exact) <= 2e-2 * np.linalg.norm(exact)
    assert np.array_equal(statistics["inverse"], statistics["inverse"].T)


def test_solvers_agree_with_numpy_and_with_torchs_rank():
    """A dependent key: torch's rtol keeps what is there and drops what is rounding."""
    keys = np.concatenate([KEYS[:6], KEYS[:1]]).astype(np.float32)
    values = VALUES[:7].astype(np.float32)
    exact = np.linalg.pinv(keys.astype(float), rcond=1e-5) @ values
    for method in ("auto", "svd"):
        fit = jax.jit(solve, static_argnames="method")(keys, values, method=method)
        np.testing.assert_allclose(fit.weights, exact, atol=1e-4)
    gram = solve_gram(jnp.asarray(keys.T @ keys), jnp.asarray(keys.T @ values), definite=False)
    np.testing.assert_allclose(gram.weights, exact, atol=1e-3)
    for k, v in ((KEYS, VALUES), (KEYS[:5], VALUES[:5])):
        exact = np.linalg.solve(k.T @ k + 0.2 * np.eye(12), k.T @ v)
        np.testing.assert_allclose(
            ridge(jnp.asarray(k), jnp.asarray(v), 0.2).weights, exact, atol=1e-4
        )


def test_solver_errors_say_what_to_write():
    with pytest.raises(ValueError, match=r"write keys\.T and values\.T"):
        solve(jnp.zeros((12, 40)), jnp.zeros((5, 40)))
    with pytest.raises(ValueError, match="method is one of auto, svd, qr, cholesky"):
        solve(jnp.zeros((4, 4)), jnp.zeros((4, 4)), method="lu")  # pyright: ignore


def test_bidirectional_storage():
    """Multiple training recalls a set that plain correlation does not (Wang et al. 1990)."""
    draw = np.random.default_rng(4)
    x, y = draw.choice([-1.0, 1.0], (5, 20)), draw.choice([-1.0, 1.0], (5, 16))
    x[1] = np.where(np.arange(20) < 15, x[0], x[1])  # much alike
    x, y = jnp.asarray(x), jnp.asarray(y)

    def recalled(w):
        return bool(jnp.all(jnp.sign(x @ w) == y) & jnp.all(jnp.sign(y @ w.T) == x))

    w, strengths, failing = multiple_training(x, y)
    assert int(failing) == 0 and recalled(w)
    np.testing.assert_allclose(w, correlate(x, y, strengths))
    x, y = DRAW.choice([-1.0, 1.0], (6, 60)), DRAW.choice([-1.0, 1.0], (6, 50))
    x, y = jnp.asarray(x), jnp.asarray(y)
    assert recalled(project(x, y))


@pytest.mark.parametrize("kind", ["zero keys", "one direction", "tiny keys"])
def test_recursive_least_squares_does_not_wind_up(kind):
    """4,000 keys that say nothing new, then ordinary pairs: learned as if nothing had been."""
    rule = RecursiveLeastSquares(forgetting=0.98)
    dull = {"zero keys": 0 * KEYS[:1], "one direction": KEYS[:1], "tiny keys": 1e-20 * KEYS[:1]}
    dull = dull[kind]
    state = jnp.zeros((12, 5)), rule.init(12, 5)
    write = jax.jit(rule.write)
    weights, statistics = write(*state, np.repeat(dull, 4000, 0), np.repeat(VALUES[:1], 4000, 0))
    inverse = np.asarray(statistics["inverse"])
    assert np.isfinite(weights).all() and np.isfinite(inverse).all()
    assert np.trace(inverse) <= 12 / 0.01 * (1 + 1e-5)
    assert np.linalg.eigvalsh(inverse)[0] >= -1e-3
    if kind == "one direction":  # which it goes on following, when its value changes
        changed = write(
            weights, statistics, np.repeat(dull, 200, 0), np.repeat(VALUES[1:2], 200, 0)
        )
        np.testing.assert_allclose(KEYS[:1] @ changed[0], VALUES[1:2], atol=0.15)
    truth = DRAW.normal(size=(12, 5))
    weights, _ = write(weights, statistics, *pairs_of(truth, 400))
    np.testing.assert_allclose(weights, truth, atol=2e-2)


def pairs_of(truth, n):
    keys = np.random.default_rng(7).normal(size=(n, len(truth)))
    return keys.astype(np.float32), (keys @ truth).astype(np.float32)


def test_recursive_least_squares_forgets_exponentially_where_keys_span_the_space():
    keys, values = np.tile(KEYS, (5, 1)), np.random.default_rng(8).normal(size=(200, 5))
    age = 0.98 ** np.arange(199, -1, -1)[:, None]
    exact = np.linalg.lstsq(np.sqrt(age) * keys, np.sqrt(age) * values, rcond=None)[0]
    found = written(RecursiveLeastSquares(forgetting=0.98), keys, values)[0]
    np.testing.assert_allclose(found, exact, atol=3e-3)


def test_keys_of_zero_do_not_age_what_a_pseudo_inverse_holds():
    rule = PseudoInverse(forgetting=0.9)
    found, statistics = written(rule, KEYS, VALUES, parts=2)
    write = jax.jit(rule.write)
    more = write(jnp.asarray(found), statistics, jnp.zeros((1200, 12)), jnp.ones((1200, 5)))
    np.testing.assert_allclose(more[0], found, atol=1e-5)
    assert int(more[1]["pairs"]) == 40
