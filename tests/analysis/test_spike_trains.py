"""Measures of spike trains: exact cases, Poisson and gamma processes, another library's values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import analysis as a


def _trains(*times, duration=100.0):
    return a.SpikeTrains(
        np.concatenate([np.asarray(t, float) for t in times]),
        np.repeat(np.arange(len(times)), [len(t) for t in times]),
        len(times),
        duration,
    )


def _counted(*rows, width=1.0):
    """Trains with these counts in bins of this width."""
    dense = np.array(rows).T
    return a.to_spike_trains(dense, dt=width)


def test_intervals() -> None:
    train = _trains([0, 10, 30, 40, 80])
    assert a.interval_cv(train, min_intervals=2) == pytest.approx(150**0.5 / 20, abs=1e-6)
    assert a.cv2(train, min_intervals=2) == pytest.approx((2 / 3 + 2 / 3 + 6 / 5) / 3)
    assert a.local_variation(train, min_intervals=2) == pytest.approx(0.582222, abs=1e-6)
    assert np.isnan(a.interval_cv(train))  # fewer than ten intervals
    two = _trains([0, 10, 30, 40, 80], [5.0], [])
    assert a.interval_cv(two, min_intervals=2) == pytest.approx(150**0.5 / 20, abs=1e-6)
    np.testing.assert_allclose(a.firing_rates(two), [50.0, 10.0, 0.0])


def test_counts() -> None:
    assert a.fano_factor(_counted([0, 1, 2, 1, 0, 2]), 1.0) == pytest.approx(2 / 3)
    assert np.isnan(a.fano_factor(_counted([0, 0]), 1.0))
    both = _counted([1, 0, 1, 0, 1, 1, 0, 0], [1, 0, 0, 0, 1, 1, 1, 0])
    assert a.pairwise_correlation(both, 1.0) == pytest.approx(0.5)
    silent = _counted([1, 0, 1, 0, 1, 1, 0, 0], [1, 0, 0, 0, 1, 1, 1, 0], [0] * 8, [1] * 8)
    assert a.pairwise_correlation(silent, 1.0) == pytest.approx(0.5)  # constant ones are left out
    assert np.isnan(a.pairwise_correlation(_counted([1, 0], [0, 0]), 1.0))


def test_bins_are_those_of_the_steps() -> None:
    spikes = (np.random.default_rng(0).random((40, 2, 3)) < 0.3).astype(int)
    trains = a.to_spike_trains(spikes, dt=0.1, example=1)
    np.testing.assert_array_equal(a.binned(trains, 0.1), spikes[:, 1])
    np.testing.assert_array_equal(a.binned(trains, 0.4), spikes[:, 1].reshape(10, 4, 3).sum(1))
    np.testing.assert_array_equal(a.population_counts(trains, 0.1), spikes[:, 1].sum(1))
    later = trains.part(1, 3, begin=1.0)
    np.testing.assert_array_equal(a.binned(later, 0.1), spikes[10:, 1, 1:])


@pytest.mark.parametrize(
    "v, chi",
    [
        ([[0, 0], [1, 1], [0, 0], [1, 1]], 1.0),
        ([[0, 1], [1, 0], [0, 1], [1, 0]], 0.0),
        ([[0, 0], [1, 0], [0, 1], [1, 1]], 0.5**0.5),
        ([[0, 0], [1, 2], [0, 0], [1, 2]], 0.9**0.5),
    ],
)
def test_chi(v, chi) -> None:
    assert a.golomb_chi(np.array(v)) == pytest.approx(chi)


def test_chi_from_what_a_run_kept() -> None:
    cell = nm.OrnsteinUhlenbeck(units=100, tau=3.0)
    state = nm.init(cell, jax.random.key(0))
    record = dict(
        v="outputs",
        population=nm.drivers.PopulationMean("outputs"),
        variances=nm.drivers.Variance("outputs"),
    )
    _, seen = nm.run(cell, state, steps=4000, record=record)
    whole = a.golomb_chi(seen["v"][:, 0])
    kept = a.golomb_chi(population=seen["population"], variances=seen["variances"])
    assert kept == pytest.approx(whole, rel=1e-3)
    assert whole == pytest.approx(0.1, rel=0.2)  # independent cells: 1 / sqrt(N)


def test_spectrum() -> None:
    frequencies, power = a.power_spectrum([1, 0, 1, 0, 1, 0, 1, 0], 1.0)
    np.testing.assert_allclose(frequencies[-1], 500.0)
    np.testing.assert_allclose(power, [0, 0, 0, 0, 2000.0], atol=1e-9)
    time = np.arange(4000)
    beats = 5 + np.round(4 * np.sin(2 * np.pi * 0.04 * time))
    frequency, height = a.spectral_peak(beats, 1.0)
    assert frequency == pytest.approx(40.0, abs=4.0) and height > 100


def test_correlogram() -> None:
    lags, counts = a.cross_correlogram([0, 10, 20], [1, 12], 1.0, 20.0)
    assert dict(zip(lags[counts > 0], counts[counts > 0], strict=True)) == dict.fromkeys(
        [-19.0, -9.0, -8.0, 1.0, 2.0, 12.0], 1
    )


def test_poisson_trains_are_as_irregular_as_they_should_be() -> None:
    rng = np.random.default_rng(0)
    trains = _trains(
        *(np.cumsum(rng.exponential(20.0, 2400))[:2000] for _ in range(100)), duration=30_000.0
    ).part(0, 100)
    trains = a.to_spike_trains((rng.random((30_000, 100)) < 0.05).astype(int))  # 50 Hz, 1 ms
    thin = 1 - 0.05  # of a Bernoulli process: var / mean of counts, and CV squared
    assert a.interval_cv(trains) == pytest.approx(thin**0.5, abs=0.01)
    assert a.fano_factor(trains, 100.0) == pytest.approx(thin, abs=0.03)
    assert a.population_fano(trains) == pytest.approx(thin, abs=0.03)
    assert abs(a.pairwise_correlation(trains, 5.0)) < 0.003
    _, power = a.power_spectrum(a.population_counts(trains, 1.0), 1.0, segment=500.0)
    assert power[2:-1].mean() == pytest.approx(100 * 50 * thin, rel=0.03)
    _, height = a.spectral_peak(a.population_counts(trains, 1.0), 1.0)
    assert height < 3


@pytest.mark.parametrize("shape", [1, 4])
def test_gamma_trains(shape: int) -> None:
    rng = np.random.default_rng(shape)
    times = [np.cumsum(rng.gamma(shape, 20.0 / shape, 3000)) for _ in range(40)]
    trains = _trains(*times, duration=70_000.0)
    assert a.interval_cv(trains) == pytest.approx(shape**-0.5, rel=0.02)
    lv = 3.0 / (2 * shape + 1)  # Shinomoto et al. (2003)
    assert a.local_variation(trains) == pytest.approx(lv, rel=0.03)
    if shape == 1:
        assert a.cv2(trains) == pytest.approx(1.0, rel=0.02)


def test_events_and_dense_records_are_the_same_trains() -> None:
    source = nm.Poisson(units=(3, 4), rate=1500.0, counts=True)
    state = nm.init(source, jax.random.key(0), batch=2)
    record = dict(all="spikes", events=nm.drivers.Events("spikes", most=2000))
    _, seen = nm.run(
        source, state, steps=80, dt=0.5, clamp={"inputs": jnp.ones((2, 3, 4))}, record=record
    )
    for example in (0, 1):
        dense = a.to_spike_trains(seen["all"], dt=0.5, example=example)
        events = a.to_spike_trains(seen["events"], dt=0.5, example=example, units=12, duration=40.0)
        np.testing.assert_array_equal(dense.times, events.times)
        np.testing.assert_array_equal(dense.units, events.units)
        assert (dense.count, dense.duration) == (events.count, events.duration)
    with pytest.raises(ValueError, match=r"write units=\.\.\., duration="):
        a.to_spike_trains(seen["events"])


def test_against_elephant() -> None:
    statistics = pytest.importorskip("elephant.statistics")
    rng = np.random.default_rng(0)
    times = [np.cumsum(rng.gamma(2, 10.0, 200)) for _ in range(3)]
    trains = _trains(*times, duration=6000.0)
    for ours, theirs in (
        (a.interval_cv, lambda i: np.std(i) / np.mean(i)),
        (a.cv2, statistics.cv2),
        (a.local_variation, statistics.lv),
    ):
        expected = np.mean([theirs(np.diff(t)) for t in times])
        assert ours(trains) == pytest.approx(float(expected), rel=1e-6)
