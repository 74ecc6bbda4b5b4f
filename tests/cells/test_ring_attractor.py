"""The bump of a ring attractor: its shape, its speed and its diffusion, against their laws."""

import jax
import numpy as np
import pytest

import ngcmem as nm


def test_against_a_float64_loop_with_whole_matrices() -> None:
    ring = nm.RingAttractor(units=24, tau=8.0, background=0.7)
    rng = np.random.default_rng(0)
    cue = 0.3 * rng.normal(size=(60, 1, 24))
    speed = 5 * rng.normal(size=(60, 1))
    state = nm.init(ring, jax.random.key(0))
    _, seen = nm.run(
        ring,
        state,
        steps=60,
        dt=0.5,
        inputs={"inputs": cue, "velocity": speed},
        record=["outputs", "angle"],
    )
    angles = 2 * np.pi * np.arange(24) / 24
    between = angles[:, None] - angles[None]
    r = np.maximum(np.cos(angles), 0)
    for t in range(60):
        weights = -6 + 6 * np.cos(between) + 6 * 8 * speed[t, 0] / 1000 * np.sin(between)
        r = r + 0.5 / 8 * (-r + np.maximum(weights @ r / 24 + 0.7 + cue[t, 0], 0))
        np.testing.assert_allclose(seen["outputs"][t, 0], r, atol=1e-5)
        angle = np.angle(np.sum(r * np.exp(1j * angles)))
        assert seen["angle"][t, 0] == pytest.approx(angle, abs=1e-4)


def test_the_resting_bump_has_the_width_and_height_of_the_law() -> None:
    """r = A (cos th - cos c)+, with J1 (c - sin(2 c) / 2) = 2 pi, and A from the uniform part."""
    ring = nm.RingAttractor(units=512)
    state, _ = nm.run(ring, nm.init(ring, jax.random.key(0)), steps=1000)
    low, high = 0.0, np.pi
    for _ in range(60):
        c = (low + high) / 2
        low, high = (c, high) if 6 * (c - np.sin(2 * c) / 2) < 2 * np.pi else (low, c)
    size = -1 / (np.cos(c) - 6 / np.pi * (np.sin(c) - c * np.cos(c)))
    angles = 2 * np.pi * np.arange(512) / 512
    expected = size * np.maximum(np.cos(angles) - np.cos(c), 0)
    assert size > 0
    np.testing.assert_allclose(state.outputs[0], expected, atol=2e-3 * size)


@pytest.mark.parametrize("velocity", [-1.667, 5.0, 16.67, 50.0])
def test_the_bump_turns_at_the_given_velocity(velocity: float) -> None:
    """Within 2 % of it at dt = tau / 10, and exactly at the rate of such steps."""
    ring = nm.RingAttractor(units=128)
    state = nm.init(ring, jax.random.key(0)).set({"velocity": [velocity]})
    state, _ = nm.run(ring, state, steps=300)
    _, seen = nm.run(ring, state, steps=2000, record="angle")
    angle = np.unwrap(np.asarray(seen["angle"], np.float64)[:, 0])
    found = np.polyfit(np.arange(2000), angle, 1)[0]
    low, high = 0.0, 0.1
    for _ in range(60):
        turn = (low + high) / 2
        rising = np.sin(turn) < abs(velocity) / 100 * (np.cos(turn) - 0.9)
        low, high = (turn, high) if rising else (low, turn)
    assert found == pytest.approx(np.sign(velocity) * turn, rel=1e-2)
    assert found == pytest.approx(velocity / 1000, rel=2e-2)


def test_the_angle_diffuses_by_the_law() -> None:
    """Variance per ms is sigma^2 / (tau^2 sum (dr/dth)^2), and falls with the units."""
    rates = {}
    for units in (256, 512):
        ring = nm.RingAttractor(units=units, sigma=0.2)
        still, _ = nm.run(ring.replace(sigma=0.0), nm.init(ring, jax.random.key(0)), steps=500)
        bump = np.asarray(still.outputs, np.float64)[0]
        slope = (np.roll(bump, -1) - np.roll(bump, 1)) * units / (4 * np.pi)
        law = 0.2**2 / (10.0**2 * np.sum(slope**2))
        state = nm.init(ring, jax.random.key(1), batch=300)
        state, _ = nm.run(ring, state, steps=200)
        _, seen = nm.run(ring, state, steps=1000, record="angle", record_every=200)
        angle = np.unwrap(np.asarray(seen["angle"], np.float64), axis=0)
        rates[units] = np.var(angle[-1] - angle[0]) / 800
        assert rates[units] == pytest.approx(law, rel=0.25)
    assert rates[512] < rates[256]


def test_a_cue_moves_the_bump_and_the_bump_stays() -> None:
    ring = nm.RingAttractor(units=128)
    angles = 2 * np.pi * np.arange(128) / 128
    state = nm.init(ring, jax.random.key(0))
    cued = state.set({"inputs": 5 * np.cos(angles - 2.0)[None]})
    cued, _ = nm.run(ring, cued, steps=200)
    kept, _ = nm.run(ring, cued.set({"inputs": np.zeros((1, 128))}), steps=1000)
    assert kept.angle[0] == pytest.approx(2.0, abs=0.02)
    assert kept.amplitude[0] > 0.1


def test_without_rates_there_is_no_bump() -> None:
    ring = nm.RingAttractor(units=16, background=-1.0)
    state = nm.init(ring, jax.random.key(0)).set({"outputs": np.zeros((1, 16))})
    state, _ = nm.run(ring, state, steps=3)
    assert state.amplitude[0] == 0.0
