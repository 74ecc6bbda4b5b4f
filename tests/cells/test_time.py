"""Time comes from whole steps: spike times, refractory times and delays at any dt."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.core import carry, has_begun, whole_steps


def test_durations_last_the_nearest_whole_number_of_steps_halves_up() -> None:
    for steps, expected in ((0.0, 0), (0.49, 0), (0.5, 1), (1.5, 2), (2.5, 3), (2.4, 2), (3.0, 3)):
        for dt in (1.0, 0.1, 0.25, 1e-3, 7.0):
            found = whole_steps(jnp.float32(steps * dt), jnp.float32(dt))
            assert int(found) == expected, (steps, dt)
    many = np.arange(1, 20_000)
    for dt in (0.1, 0.3, 0.7, 1e-3):
        np.testing.assert_array_equal(whole_steps(jnp.asarray(many * dt), jnp.float32(dt)), many)
    assert int(whole_steps(jnp.inf, jnp.float32(1.0))) == 2**30
    assert int(whole_steps(jnp.nan, jnp.float32(1.0))) == 0


def test_small_changes_add_up() -> None:
    total, rounding = jnp.float32(1.0), jnp.float32(0.0)

    def add(both, _):
        return carry(*both, jnp.float32(1e-9)), None

    (total, rounding), _ = jax.lax.scan(add, (total, rounding), None, length=100_000)
    np.testing.assert_allclose(float(total) + float(rounding), 1.0 + 1e-4, rtol=1e-9)
    slope = jax.grad(lambda x: carry(x, jnp.float32(0.0), 2.0 * x)[0])(1.0)
    assert slope == 3.0


def fired(cell, inputs, steps, dt):
    """The step in which each unit fires first."""
    state = nm.init(cell, jax.random.key(0))
    _, seen = nm.run(
        cell, state, steps=steps, dt=dt, clamp={"inputs": inputs[None]}, record="spikes"
    )
    spikes = np.asarray(seen["spikes"])[:, 0]
    assert (spikes.sum(0) == 1).all()
    return spikes.argmax(0)


@pytest.mark.parametrize("x64", [False, True])
def test_latencies_fall_in_the_step_that_contains_them(x64: bool) -> None:
    """A spike due at 25.0 ms comes in the 251st step of 0.1 ms, and 400 others in theirs."""
    with jax.enable_x64(x64):
        one = fired(nm.Latency(units=1, window=50.0), jnp.array([0.5]), 300, 0.1)
        assert one == [250]
        steps = np.linspace(0, 9975, 400).astype(int)
        inputs = jnp.asarray(1.0 - steps * 0.1 / 1000.0)
        found = fired(nm.Latency(units=400, window=1000.0, threshold=1e-6), inputs, 10_000, 0.1)
        np.testing.assert_array_equal(found, steps)


def test_a_latency_keeps_its_time_when_dt_changes() -> None:
    cell = nm.Latency(units=1, window=50.0)
    state = nm.init(cell, jax.random.key(0)).replace(inputs=[[0.5]])
    for steps, dt in ((7, 1.0), (40, 0.3), (11, 0.5)):  # 24.5 ms
        state, seen = nm.run(cell, state, steps=steps, dt=dt, record="spikes")
        assert not seen["spikes"].any()
    np.testing.assert_allclose(state.elapsed, 24.5, atol=1e-5)
    state, seen = nm.run(cell, state, steps=10, dt=0.1, record="spikes")
    assert np.asarray(seen["spikes"]).ravel().argmax() == 5


@pytest.mark.parametrize("kind", [nm.LIF, nm.AdaptiveLIF])
@pytest.mark.parametrize("dt", [1.0, 0.1])
def test_refractory_times_are_whole_steps_halves_up(kind, dt) -> None:
    cell = kind(units=4, refractory_time=dt * jnp.array([1.5, 2.5, 3.0, 0.4]), resistance=1e6)
    state = nm.init(cell, jax.random.key(0))
    state, seen = nm.run(
        cell, state, steps=60, dt=dt, clamp={"current": jnp.ones((1, 4))}, record="spikes"
    )
    for unit, rest in enumerate((2, 3, 3, 0)):
        times = np.flatnonzero(np.asarray(seen["spikes"])[:, 0, unit])
        np.testing.assert_array_equal(np.diff(times), rest + 1)


def test_a_long_refractory_time_does_not_drift() -> None:
    """12,345 steps of 0.1 ms: a running difference in single precision is some steps off."""
    cell = nm.LIF(units=1, refractory_time=1234.5, resistance=1e6)
    state = nm.init(cell, jax.random.key(0))
    _, seen = nm.run(
        cell, state, steps=25_000, dt=0.1, clamp={"current": jnp.ones((1, 1))}, record="spikes"
    )
    times = np.flatnonzero(np.asarray(seen["spikes"])[:, 0, 0])
    np.testing.assert_array_equal(np.diff(times), 12_346)


def test_a_refractory_time_ends_when_it_should_with_another_dt() -> None:
    cell = nm.LIF(units=1, refractory_time=10.0, resistance=1e6)
    state = nm.init(cell, jax.random.key(0)).replace(current=jnp.ones((1, 1)))
    state = nm.advance_state(cell, state, dt=1.0)
    assert state.spikes.all()
    state, _ = nm.run(cell, state, steps=4, dt=1.0)
    _, seen = nm.run(cell, state, steps=40, dt=0.25, record="spikes")
    assert np.asarray(seen["spikes"]).ravel().argmax() == 24  # 6 ms are left


def test_counts_go_on_beyond_the_digits_of_a_float() -> None:
    cell = nm.SpikeCount(units=1)
    state = nm.init(cell, jax.random.key(0)).replace(counts=[[2.0**24]], inputs=[[1.0]])
    state, _ = nm.run(cell, state, steps=1001)
    assert float(state.counts[0, 0]) + float(state.rounding[0, 0]) == 2.0**24 + 1001


def test_the_borders_of_a_step() -> None:
    dt = jnp.float32(0.1)
    assert bool(has_begun(jnp.float32(0.05), jnp.float32(0.0), dt))
    assert not bool(has_begun(jnp.float32(0.1), jnp.float32(0.0), dt))
    assert not bool(has_begun(jnp.inf, jnp.float32(1e6), dt))
