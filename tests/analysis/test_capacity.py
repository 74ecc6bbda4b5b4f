import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcmem.analysis import capacity_sweep, laws, metrics, pinv_recall


def test_sweep_gives_every_size_load_and_seed_its_own_draw_and_compiles_per_bucket():
    traced = []

    def measure(key, count, *, size, capacity):
        traced.append((size, capacity))
        rows = jnp.arange(capacity) < count
        return {
            "count": jnp.sum(rows),
            "size": size * jnp.ones(()),
            "draw": jax.random.uniform(key),
        }

    for mapped in (False, True):
        traced.clear()
        sweep = capacity_sweep(
            measure, [3, 5], [2, 3, 4, 9], jax.random.key(0), seeds=2, mapped=mapped
        )
        buckets = [(3, 2), (3, 3), (3, 4), (3, 16), (5, 2), (5, 4), (5, 16)]  # 3 keeps to size 3
        assert sorted(set(traced)) == buckets
        assert np.array_equal(sweep.mean("count"), [[2, 3, 4, 9]] * 2)
        assert np.array_equal(sweep.values["size"][:, 0, 0], [3, 5])
        assert len(np.unique(sweep.values["draw"])) == 16
    by_size = capacity_sweep(measure, [3, 5], lambda size: [size, 2 * size], jax.random.key(0))
    assert by_size.loads.tolist() == [[3, 6], [5, 10]]


def test_loads_up_to_a_size_that_is_no_power_of_two_are_recalled_exactly():
    sweep = capacity_sweep(pinv_recall, [24], [20, 24, 30], jax.random.key(0), seeds=2)
    cosine = sweep.mean("cosine")[0]
    assert cosine[0] > 0.9999 and cosine[1] > 0.999 and cosine[2] < 0.95


def sweep_of(sizes, loads, measure=lambda *a, **k: {"zero": jnp.zeros(())}, **options):
    return lambda: capacity_sweep(measure, sizes, loads, jax.random.key(0), **options)


MISTAKES = [
    (sweep_of([3], [4], bucket=lambda s, n: 2), r"bucket\(3, 4\) is 2, less than the load"),
    (sweep_of([3, 4], lambda size: range(1, size)), "different number of loads"),
    (sweep_of([3], []), "at least one size, one load and one seed"),
    (sweep_of([], [3]), "at least one size, one load and one seed"),
    (sweep_of([3], [3], seeds=0), "at least one size, one load and one seed"),
    (sweep_of([10], [0.1]), r"whole and at least 1, got 0.1. For shares .* \[int\(a \* size\)"),
    (sweep_of([10], [0]), "whole and at least 1, got 0"),
    (sweep_of([10], [2], lambda *a, **k: jnp.zeros(())), "a dict of metrics"),
    (sweep_of([10], [2], lambda *a, **k: {"all": jnp.zeros(3)}), r"'all' has shape \(3,\) per run"),
]


@pytest.mark.parametrize("mistake, text", MISTAKES, ids=[m[1][:30] for m in MISTAKES])
def test_sweep_errors(mistake, text):
    with pytest.raises(ValueError, match=text):
        mistake()


def test_metrics():
    a, b = jnp.array([[1.0, 0, 0], [0, 0, 0]]), jnp.array([[1.0, 1, 0], [1, 1, 1]])
    np.testing.assert_allclose(metrics.cosine_similarity(a, b), [2**-0.5, 0.0], rtol=1e-6)
    np.testing.assert_allclose(metrics.euclidean_distance(a, b), [1.0, 3**0.5], rtol=1e-6)
    x, y = jnp.array([[1.0, -1, 1, 0]]), jnp.array([[1.0, 1, 1, 1]])
    assert float(metrics.bit_error(x, y)[0]) == 0.5 and float(metrics.overlap(x, y)[0]) == 0.25
    baseline = metrics.random_baseline((2000, 32), jax.random.key(0))
    assert abs(float(baseline["cosine"])) < 0.02
    assert float(baseline["distance"]) == pytest.approx(float(laws.random_distance(32)), rel=0.01)


@pytest.mark.parametrize("margin", [0.0, 0.3, 1.0, 2.5])
def test_perceptron_capacity_is_gardners_integral(margin):
    """1 / alpha = the mean of max(t + margin, 0)^2 over a normal t."""
    t = np.linspace(-margin, 12.0, 200_001)
    density = np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi)
    integral = np.trapezoid((t + margin) ** 2 * density, t)
    assert laws.perceptron_capacity(margin) == pytest.approx(1 / integral, rel=1e-6)


def test_laws_at_published_points():
    assert laws.mean_chi(1) == pytest.approx(np.sqrt(2 / np.pi))
    assert laws.hebb_bit_error(1000, 185) == pytest.approx(0.01, abs=2e-4)
    assert laws.hebb_fixed_points(300) == pytest.approx(26, abs=0.5)
    assert laws.perceptron_capacity() == pytest.approx(2.0)
    assert laws.storkey_fixed_points(300) == pytest.approx(89, abs=0.5)
    assert laws.dense_capacity(400, 2) / 400 == pytest.approx(0.1507, abs=1e-4)
    assert laws.dense_capacity(100, 3) / 100**2 == pytest.approx(0.0502, abs=1e-4)
    assert laws.dense_bit_error(50, laws.dense_capacity(50, 4), 4) == pytest.approx(0.005)
    assert laws.willshaw_pairs(1024, 10) == 7268
    assert laws.willshaw_load(1024, 10, 7268) == pytest.approx(0.5, abs=1e-3)
    assert laws.sequence_capacity(60, 2) == pytest.approx(146.5, abs=0.1)
    assert laws.sequence_capacity(60, 2, whole=True) == pytest.approx(146.5 / 3, abs=0.1)
