"""Rules of connectivity: exact numbers, unbiased draws, lists that hold together."""

import re

import jax.numpy as jnp
import numpy as np
import pytest

from ngcmem import connectivity as c

RULES = {
    "in": lambda seed, **how: c.fixed_in_degree(30, 40, 7, seed=seed, **how),
    "out": lambda seed, **how: c.fixed_out_degree(30, 40, 7, seed=seed, **how),
    "probability": lambda seed, **how: c.fixed_probability(30, 40, 0.2, seed=seed, **how),
}


def _pairs(connections):
    return np.stack([np.asarray(connections.sources), np.asarray(connections.targets)])


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_same_seed_draws_the_same_and_others_others(rule) -> None:
    first, again, other = rule(3), rule(3), rule(4)
    np.testing.assert_array_equal(_pairs(first), _pairs(again))
    assert _pairs(first).shape != _pairs(other).shape or (_pairs(first) != _pairs(other)).any()


@pytest.mark.parametrize("multiple", [True, False])
@pytest.mark.parametrize("degree", [1, 7, 29])
def test_degrees_are_exact_and_constraints_hold(multiple, degree) -> None:
    how = dict(seed=0, multiple=multiple, self_connections=False)
    to = c.fixed_in_degree(30, 40, degree, **how)
    away = c.fixed_out_degree(30, 40, degree, **how)
    assert (to.in_degrees == degree).all() and (away.out_degrees == degree).all()
    for connections in (to, away):
        pre, post = _pairs(connections)
        assert (pre != post).all()
        assert 0 <= pre.min() and pre.max() < 30 and 0 <= post.min() and post.max() < 40
        distinct = len({*zip(pre.tolist(), post.tolist(), strict=True)})
        assert (distinct == len(connections)) == (not multiple or degree == 1)


def test_all_cells_are_alike_likely() -> None:
    """4,000 draws of 3 among 6, with the cell itself left out: each of 5 others 3/5 of the time."""
    pairs = np.zeros((6, 6))
    for seed in range(4000):
        drawn = c.fixed_in_degree(6, 6, 3, seed=seed, multiple=False, self_connections=False)
        pairs += drawn.dense()
    assert (np.diag(pairs) == 0).all()
    others = pairs[~np.eye(6, dtype=bool)] / 4000
    assert np.abs(others - 0.6).max() < 4 * (0.6 * 0.4 / 4000) ** 0.5


def test_subsets_drawn_by_repetition_are_alike_likely() -> None:
    """Few of many are drawn anew until they differ: all 66 pairs of 12 cells alike often."""
    drawn = c.fixed_out_degree(20_000, 12, 2, seed=0, multiple=False)
    targets = np.asarray(drawn.targets).reshape(-1, 2)
    count = np.bincount(targets[:, 0] * 12 + targets[:, 1], minlength=144)
    expected = 20_000 / 66
    seen = count[count > 0]
    assert len(seen) == 66
    assert ((seen - expected) ** 2 / expected).sum() < 65 + 4 * (2 * 65) ** 0.5  # chi squared


@pytest.mark.parametrize("p", [0.0, 1e-3, 0.2, 1.0])
def test_every_pair_has_its_probability(p: float) -> None:
    drawn = c.fixed_probability(300, 200, p, seed=1)
    sigma = (60_000 * p * (1 - p)) ** 0.5
    assert abs(len(drawn) - 60_000 * p) <= 4 * sigma
    assert drawn.dense().max(initial=0) <= 1
    spread = drawn.out_degrees.var() if p in (1e-3, 0.2) else None
    if spread is not None:
        assert abs(spread / (200 * p * (1 - p)) - 1) < 0.4


def test_a_total_number_spreads_as_a_multinomial() -> None:
    drawn = c.fixed_total_number(50, 80, 20_000, seed=0)
    assert len(drawn) == 20_000
    for degrees, cells in ((drawn.out_degrees, 50), (drawn.in_degrees, 80)):
        expected = 20_000 / cells
        chi = ((degrees - expected) ** 2 / expected).sum()
        assert abs(chi - (cells - 1)) < 4 * (2 * (cells - 1)) ** 0.5


def test_lists_and_rows_are_the_matrix_they_say() -> None:
    rng = np.random.default_rng(0)
    pre, post = rng.integers(9, size=50), rng.integers(7, size=50)
    weights = rng.normal(size=50)
    made = c.from_lists(pre, post, inputs=9, outputs=7)
    matrix = np.zeros((9, 7))
    np.add.at(matrix, (pre, post), weights)
    order = np.argsort(pre, kind="stable")
    np.testing.assert_allclose(made.dense(weights[order]), matrix, atol=1e-12)
    again = c.from_csr(made.starts, made.targets, outputs=7)
    np.testing.assert_array_equal(_pairs(again), _pairs(made))
    np.testing.assert_array_equal(c.one_to_one(5).dense(), np.eye(5))


def test_delays_stay_with_their_connections() -> None:
    drawn = c.fixed_probability(20, 30, 0.3, seed=0)
    late = drawn.with_delays(lambda pre, post: 0.1 * pre + 0.01 * post)
    pre, post = _pairs(late)
    np.testing.assert_allclose(late.delays, 0.1 * pre + 0.01 * post, rtol=1e-6)
    for i in range(20):
        row = np.asarray(late.delays)[late.starts[i] : late.starts[i + 1]]
        assert (np.diff(row) >= 0).all()
    np.testing.assert_array_equal(late.dense(), drawn.dense())
    assert late.longest == np.asarray(late.delays).max()


@pytest.mark.parametrize("period", [None, (1.0, 1.0), (0.4, 1.0)])
def test_distance_dependent_equals_the_test_of_every_pair(period) -> None:
    """With a probability of 0 or 1 there is no chance in it."""
    rng = np.random.default_rng(0)
    size = np.array(period or (1.0, 1.0))
    pre, post = rng.random((60, 2)) * size, rng.random((80, 2)) * size
    drawn = c.distance_dependent(
        pre, post, lambda d: (d > 0.05).astype(float), radius=0.2, seed=0, period=period
    )
    apart = post[None] - pre[:, None]
    if period is not None:
        apart -= size * np.round(apart / size)
    distance = np.sqrt((apart**2).sum(-1))
    np.testing.assert_array_equal(drawn.dense(), (distance > 0.05) & (distance <= 0.2))


def test_distance_dependent_probability() -> None:
    places = np.linspace(0.0, 100.0, 2001)
    drawn = c.distance_dependent(
        places, places, lambda d: 0.5 * np.exp(-d / 2.0), radius=10.0, seed=1
    )
    pre, post = _pairs(drawn)
    distance = np.abs(places[pre] - places[post])
    lags = np.arange(1, 2001) * 0.05
    pairs = 2 * (2001 - np.arange(1, 2001))
    expected = (0.5 * np.exp(-lags / 2.0) * pairs)[lags <= 10.0].sum() + 0.5 * 2001
    assert abs(len(drawn) - expected) < 4 * expected**0.5
    assert distance.max() <= 10.0 + 1e-9


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: c.fixed_in_degree(5, 5, 0, seed=0), "degree is a whole number of at least 1"),
        (
            lambda: c.fixed_in_degree(5, 5, 5, seed=0, multiple=False, self_connections=False),
            "degree=5 of 4 cells to choose from: write degree=4 or multiple=True",
        ),
        (lambda: c.fixed_probability(5, 5, 1.5, seed=0), "probability is a number in [0, 1]"),
        (lambda: c.fixed_probability(5, 5, 0.5, seed=-1), "seed is a whole number of at least 0"),
        (lambda: c.from_lists([0, 9], [0, 0], inputs=5, outputs=5), "from 0 to 4, got 0 to 9"),
        (lambda: c.from_lists([0], [0, 0], inputs=5, outputs=5), "got 1 and 2 of them"),
        (lambda: c.from_lists([0.5], [0], inputs=5, outputs=5), "a list of whole numbers"),
        (lambda: c.from_csr([0, 2], [0], outputs=3), "starts rise from 0 to the number of targets"),
        (lambda: c.one_to_one(3).with_delays([1.0]), "shape (3,), got (1,)"),
        (lambda: c.one_to_one(1).with_delays([-1.0]), "finite and not negative"),
        (
            lambda: c.distance_dependent(
                np.ones(3), np.ones(3), lambda d: d, radius=1.0, seed=0, period=(1.0,)
            ),
            "write at most 0.5",
        ),
    ],
)
def test_mistakes_say_what_to_write(make, text) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        make()


def test_they_take_four_bytes_each() -> None:
    drawn = c.fixed_in_degree(100, 100, 50, seed=0)
    assert drawn.targets.nbytes == 4 * len(drawn) and drawn.targets.dtype == jnp.int32
    assert repr(drawn) == "Connections(inputs=100, outputs=100, 5000)"
