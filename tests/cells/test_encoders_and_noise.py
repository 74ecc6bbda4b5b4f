"""Encoders, traces, noise, rate and winner-take-all cells against their statistics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm


def raster(cell, inputs, steps, dt=1.0):
    state = nm.init(cell, jax.random.key(1), batch=len(inputs))
    return np.asarray(
        nm.run(cell, state, steps=steps, dt=dt, clamp={"inputs": inputs}, record="spikes")[1][
            "spikes"
        ]
    )


@pytest.mark.parametrize("dt", [0.5, 2.0])
def test_poisson_rate_does_not_depend_on_the_step(dt):
    spikes = raster(nm.Poisson(units=200, rate=50.0), jnp.full((4, 200), 0.5), int(500 / dt), dt)
    chance = 1 - np.exp(-25.0 * dt / 1000)
    count, expected = spikes.sum(), spikes.size * chance
    assert abs(count - expected) < 4 * np.sqrt(expected * (1 - chance))
    assert np.std(spikes.sum(0)) == pytest.approx(
        np.sqrt(len(spikes) * chance * (1 - chance)), rel=0.1
    )


@pytest.mark.parametrize("dt", [0.1, 1.0, 10.0])
def test_the_number_of_spikes_in_100_ms_at_100_hz(dt):
    """10 with counts, whatever dt; without, one a step at most: the docs' 9.95, 9.5 and 6.3."""
    inputs = jnp.concatenate([jnp.ones((1, 1000)), -jnp.ones((1, 10))], 1)
    steps = round(100 / dt)
    several = raster(nm.Poisson(units=1010, rate=100.0, counts=True), inputs, steps, dt)
    totals = several[:, 0, :1000].sum(0)
    assert abs(totals.mean() - 10.0) < 4 * np.sqrt(10.0 / 1000)
    assert abs(totals.var() / 10.0 - 1.0) < 4 * np.sqrt(2 / 1000)  # Fano factor
    np.testing.assert_array_equal(several, np.round(several))
    np.testing.assert_array_equal(several[..., 1000:], 0)
    if dt == 10.0:
        assert several.max() >= 4  # P = 1.9 % in each of 10,000 steps
    single = raster(nm.Poisson(units=1010, rate=100.0), inputs, steps, dt)
    chance = 1 - np.exp(-dt / 10)
    assert abs(single[:, 0, :1000].sum(0).mean() - steps * chance) < 4 * np.sqrt(10.0 / 1000)
    assert {0.1: 9.95, 1.0: 9.5, 10.0: 6.3}[dt] == pytest.approx(steps * chance, abs=0.05)


def test_bernoulli_is_a_coin_per_step_and_certain_at_the_ends():
    inputs = jnp.tile(jnp.array([-0.5, 0.0, 0.3, 1.0, 1.7]), (50, 1))
    mean = raster(nm.Bernoulli(units=5), inputs, 400).mean((0, 1))
    np.testing.assert_array_equal(mean[[0, 1, 3, 4]], [0, 0, 1, 1])
    assert abs(mean[2] - 0.3) < 4 * np.sqrt(0.21 / 20000)


def test_bernoulli_in_bfloat16_fires_rarely_where_it_should():
    cell = nm.Bernoulli(units=100_000)
    state = nm.init(cell, jax.random.key(0))
    inputs = jnp.full((1, 100_000), 0.001, jnp.bfloat16)
    state = jax.tree.map(lambda x: x if x.dtype != jnp.float32 else x.astype(jnp.bfloat16), state)
    after = nm.advance_state(cell, state.replace(inputs=inputs))
    assert after.spikes.dtype == jnp.bfloat16
    assert abs(int((after.spikes > 0).sum()) - 100) < 4 * 10


@pytest.mark.parametrize("code", ["linear", "logarithmic"])
def test_latency_fires_once_at_its_time(code):
    cell = nm.Latency(units=6, window=40.0, tau=30.0, threshold=0.2, code=code)
    inputs = np.array([0.05, 0.2, 0.21, 0.4, 0.7, 1.0])
    spikes = raster(cell, jnp.asarray(inputs, jnp.float32)[None], 60, 0.7)[:, 0]
    if code == "linear":
        expected = 40.0 * (1 - inputs)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = np.minimum(30.0 * np.log(inputs / (inputs - 0.2)), 40.0)
    for unit, time in enumerate(expected):
        fired = np.flatnonzero(spikes[:, unit])
        assert len(fired) == (inputs[unit] > 0.2)
        if len(fired):
            assert 0.7 * fired[0] - 1e-3 <= time < 0.7 * (fired[0] + 1) + 1e-3
    state = nm.advance_state(
        cell, nm.init(cell, jax.random.key(0)).replace(inputs=jnp.ones((1, 6))), dt=100.0
    )
    assert state.spikes.all() and nm.reset(cell, state).waiting.all()


def test_traces_count_all_spikes_or_only_the_last():
    spikes = np.random.default_rng(0).random((40, 1, 3)) < 0.2
    for pairing in ("all_to_all", "nearest"):
        cell = nm.Trace(units=3, tau=7.0, gain=0.5, pairing=pairing)
        state = nm.init(cell, jax.random.key(0))
        _, seen = nm.run(
            cell, state, steps=40, inputs={"inputs": spikes.astype(np.float32)}, record="trace"
        )
        for t in (5, 20, 39):
            for unit in range(3):
                past = t - np.flatnonzero(spikes[: t + 1, 0, unit])
                past = past[-1:] if pairing == "nearest" else past
                np.testing.assert_allclose(
                    seen["trace"][t, 0, unit], 0.5 * np.exp(-past / 7.0).sum(), atol=1e-6
                )


@pytest.mark.parametrize("dt", [0.2, 3.0])
def test_noise_statistics_do_not_depend_on_the_step(dt):
    cell = nm.OrnsteinUhlenbeck(units=2000, tau=5.0, sigma=2.0)
    state = nm.init(cell, jax.random.key(3))
    mean = jnp.full((1, 2000), 1.5)
    burn, lag = int(50 / dt), int(6 / dt)
    _, seen = nm.run(cell, state, steps=burn + lag, dt=dt, clamp={"inputs": mean}, record="outputs")
    early, late = np.asarray(seen["outputs"])[[burn - 1, burn + lag - 1], 0]
    assert abs(late.mean() - 1.5) < 4 * 2.0 / np.sqrt(2000)
    assert late.std() == pytest.approx(2.0, rel=4 / np.sqrt(4000))
    assert np.corrcoef(early, late)[0, 1] == pytest.approx(np.exp(-lag * dt / 5.0), abs=0.08)


def test_rate_cell_relaxes_exponentially(reference):
    cell = nm.RateCell(units=1, tau=10.0, activation=jnp.tanh)
    seen = reference.simulate(cell, 0.8, 50, 0.5, ("z", "outputs"))
    exact = 0.8 * (1 - np.exp(-0.05 * np.arange(1, 51)))
    np.testing.assert_allclose(seen["z"], exact, rtol=1e-5)
    np.testing.assert_allclose(seen["outputs"], np.tanh(exact), rtol=1e-5)


def test_winner_fires_alone_with_the_interval_of_a_lif_cell():
    cell = nm.WinnerTakeAll(units=4)
    state = nm.init(cell, jax.random.key(0))
    current = jnp.array([[20.0, 30.0, 25.0, 5.0]])
    _, seen = nm.run(cell, state, steps=300, dt=0.5, clamp={"current": current}, record="spikes")
    spikes = np.asarray(seen["spikes"])[:, 0]
    assert spikes[:, [0, 2, 3]].sum() == 0 and spikes.sum(1).max() == 1
    interval = np.ceil(20 * np.log(30 / 17) / 0.5)
    np.testing.assert_array_equal(np.diff(np.flatnonzero(spikes[:, 1])), interval)


def test_counts_and_indices_equal_the_recorded_raster():
    spikes = (np.random.default_rng(1).random((50, 2, 8)) < 0.2).astype(np.float32)
    count, raster = nm.SpikeCount(units=8), nm.SpikeIndices(units=8, max_spikes=3)
    final, _ = nm.run(
        count, nm.init(count, jax.random.key(0), batch=2), steps=50, inputs={"inputs": spikes}
    )
    np.testing.assert_array_equal(final.counts, spikes.sum(0))
    final, seen = nm.run(
        raster,
        nm.init(raster, jax.random.key(0), batch=2),
        steps=50,
        inputs={"inputs": spikes},
        record="indices",
    )
    for t in range(50):
        for b in range(2):
            expected = np.flatnonzero(spikes[t, b])[:3]
            np.testing.assert_array_equal(seen["indices"][t, b, : len(expected)], expected)
            np.testing.assert_array_equal(seen["indices"][t, b, len(expected) :], -1)
    np.testing.assert_array_equal(final.overflow, np.maximum(spikes.sum(2) - 3, 0).sum(0))
    with pytest.raises(ValueError, match="max_spikes=9 exceeds units=8; write max_spikes=8"):
        nm.SpikeIndices(units=8, max_spikes=9)


@pytest.mark.parametrize("cell", [nm.Poisson(units=3), nm.Bernoulli(units=3)])
def test_a_rate_of_0_is_silent_even_where_the_draw_is_0(cell, monkeypatch):
    """Uniform draws begin at 0, once in 8 million."""
    state = cell.init(jax.random.key(0)).replace(inputs=jnp.array([0.0, 1e-3, 1.0]))
    monkeypatch.setattr(jax.random, "uniform", lambda key, shape, *_, **__: jnp.zeros(shape))
    np.testing.assert_array_equal(cell.advance_state(state, 0.0, 1.0).spikes, [0, 1, 1])
