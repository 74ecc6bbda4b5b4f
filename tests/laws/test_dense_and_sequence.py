"""Krotov and Hopfield (2016); Demircigil et al. (2017); Chaudhry et al. (2023)."""

import jax
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.analysis import laws

KEY = jax.random.key(0)


def bipolar(seed, *shape):
    return np.random.default_rng(seed).choice([-1.0, 1.0], shape).astype(np.float32)


def one_step_error(memory, patterns):
    state = nm.store(memory, nm.init(memory, KEY), patterns)
    return float(np.mean(np.asarray(nm.recall(memory, state, patterns)) != patterns))


@pytest.mark.parametrize(
    "power, n, alpha, low, high",
    [(2, 400, 0.1507, 0.0025, 0.0075), (3, 100, 0.0502, 0.0025, 0.0075)],
)
def test_dense_capacity_at_half_a_percent(power, n, alpha, low, high):
    """K = alpha_n N^(n-1), F(s) = s^n, synchronous step from stored patterns."""
    k = int(laws.dense_capacity(n, power))
    assert k == round(alpha * n ** (power - 1)) or abs(k / n ** (power - 1) - alpha) < 1e-4
    memory = nm.DenseAssociative(slots=k, features=n, exponent=power, updates="synchronous")
    assert low <= one_step_error(memory, bipolar(power, k, n)) <= high
    assert float(laws.dense_bit_error(n, k, power)) == pytest.approx(0.005, rel=0.02)
    more = memory.replace(slots=2 * k)
    wrong = one_step_error(more, bipolar(power, 2 * k, n))
    assert wrong == pytest.approx(float(laws.dense_bit_error(n, 2 * k, power)), rel=0.25)


@pytest.mark.parametrize("power", [1, 2, 3, 6])
def test_double_factorials_are_moments_of_the_normal_distribution(power):
    """E z^(2m) = (2m - 1)!!, by Gauss's quadrature, which is exact there."""
    points, weights = np.polynomial.hermite_e.hermegauss(20)
    moment = weights @ points ** (2 * power) / weights.sum()
    assert laws.double_factorial(2 * power - 1) == pytest.approx(moment, rel=1e-10)


def test_rectified_interactions_err_less_than_plain_ones():
    """The two F of the paper differ: max(s, 0)^3 at the load of s^3."""
    x = bipolar(0, 502, 100)
    settings = dict(slots=502, features=100, exponent=3, updates="synchronous")
    rectified = nm.DenseAssociative(interaction="rectified", **settings)
    assert one_step_error(rectified, x) <= 0.001


def test_exponential_interactions_hold_far_more_than_units():
    """Demircigil et al. (2017): N = 40, 2000 patterns, all fixed."""
    x = bipolar(1, 2000, 40)
    memory = nm.DenseAssociative(
        slots=2000, features=40, interaction="exponential", updates="synchronous"
    )
    state = nm.store(memory, nm.init(memory, KEY), x)
    assert np.mean(np.all(np.asarray(nm.recall(memory, state, x[:200])) == x[:200], axis=1)) >= 0.98


@pytest.mark.parametrize("power, n, p", [(2, 60, 146), (1, 400, 33)])
def test_sequence_transition_capacity(power, n, p):
    """P = N^d / (2 (2d-1)!! ln N): transitions without an error, and bits as erfc says."""
    assert p == int(laws.sequence_capacity(n, power))
    x = bipolar(power, p + 1, n)
    memory = nm.SequenceHopfield(slots=p, features=n, exponent=power)
    state = nm.store(memory, nm.init(memory, KEY), x)
    following = np.asarray(nm.recall(memory, state, x[:-1]))
    whole = np.mean(np.all(following == x[1:], axis=1))
    error = float(laws.sequence_bit_error(n, p, power))
    assert abs(whole - (1 - error) ** n) <= 0.1
    assert abs(np.mean(following != x[1:]) - error) <= 4 * np.sqrt(error / (n * p)) + 0.1 * error


def test_exponential_separation_walks_a_sequence_as_long_as_the_network_is_wide():
    """N = 50, a ring of 400 patterns: from the first to the 41st in 40 steps."""
    x = bipolar(3, 400, 50)
    memory = nm.SequenceHopfield(slots=400, features=50, interaction="exponential")
    state = nm.store(memory, nm.init(memory, KEY), np.concatenate([x, x[:1]]))
    assert np.array_equal(np.asarray(nm.recall(memory, state, x[:8], steps=40)), x[40:48])


def test_slow_and_fast_synapses_hold_every_pattern_for_a_while():
    """Sompolinsky and Kanter (1986): with persistence the walk waits at every pattern."""
    x = bipolar(4, 6, 200)
    memory = nm.SequenceHopfield(slots=5, features=200, exponent=3, persistence=0.5, delay=4.0)
    state = nm.store(memory, nm.init(memory, KEY), x)
    visited = []
    state = nm.init(memory, KEY).replace(
        weights=state.weights, successors=state.successors, count=state.count, inputs=x[:1]
    )
    for _ in range(28):
        state = nm.advance_state(memory, state)
        overlap = np.asarray(state.outputs) @ x.T / 200
        if overlap.max() > 0.9:
            visited.append(int(overlap.argmax()))
        state = state.replace(inputs=state.outputs)
    assert visited == sorted(visited) and set(visited) == {1, 2, 3, 4, 5}
    assert min(visited.count(k) for k in range(1, 5)) >= 4
