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
    for keys in (symbols, dark, KEYS[:, :4] @ KEYS[:4]):
        inverse = np.linalg.pinv(keys, rcond=1e-6)
        for parts in (2, 40):
            found, statistics = written(PseudoInverse(), keys, VALUES, parts)
            recalled, right = keys @ found, keys @ inverse @ VALUES
            assert np.linalg.norm(recalled - right) <= 1e-4 * np.linalg.norm(right)
            complement = np.eye(12) - inverse @ keys
            np.testing.assert_allclose(statistics["complement"], complement, atol=1e-4)
            assert np.isfinite(statistics["error"])


def test_pseudo_inverse_on_demand():
    rule = PseudoInverse(on_demand=True)
    weights, statistics = written(rule, KEYS, VALUES, parts=4)
    assert not weights.any() and np.isinf(statistics["error"])
    weights, statistics = rule.solve(statistics)
    np.testing.assert_allclose(weights, np.linalg.pinv(KEYS) @ VALUES, atol=1e-4)
    assert float(statistics["error"]) < 1e-3


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
