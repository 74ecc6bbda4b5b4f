"""The echo-state reservoir beside a float64 loop, and its memory capacity."""

import jax
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.analysis import memory_capacity


def test_against_a_float64_loop() -> None:
    for tau in (0.0, 3.0):
        reservoir = nm.Reservoir(inputs=2, units=6, tau=tau, bias_scale=0.3)
        state = nm.init(reservoir, jax.random.key(0))
        inputs = np.random.default_rng(0).normal(size=(30, 1, 2))
        _, seen = nm.run(
            reservoir, state, steps=30, dt=0.5, inputs={"inputs": inputs}, record="outputs"
        )
        w, v, b = (
            np.asarray(x, np.float64) for x in (state.weights, state.input_weights, state.bias)
        )
        x, share = np.zeros(6), 1.0 if tau == 0 else 1 - np.exp(-0.5 / tau)
        for t in range(30):
            x = x + share * (np.tanh(x @ w + inputs[t, 0] @ v + b) - x)
            np.testing.assert_allclose(seen["outputs"][t, 0], x, atol=2e-6)


def test_weights_have_the_spectral_radius() -> None:
    for topology, slack in (("orthogonal", 1e-5), ("cycle", 1e-5), ("gaussian", 0.1)):
        reservoir = nm.Reservoir(inputs=1, units=200, spectral_radius=0.8, topology=topology)
        weights = np.asarray(nm.init(reservoir, jax.random.key(0)).weights)
        assert np.abs(np.linalg.eigvals(weights)).max() == pytest.approx(0.8, rel=slack)


def _capacity(reservoir: nm.Reservoir, steps: int, delays: int, scale: float = 1.0) -> float:
    inputs = np.random.default_rng(1).uniform(-scale, scale, (steps, 1, 1)).astype(np.float32)
    state = nm.init(reservoir, jax.random.key(2))
    _, seen = nm.run(reservoir, state, steps=steps, inputs={"inputs": inputs}, record="outputs")
    return memory_capacity(
        np.asarray(seen["outputs"])[:, 0], inputs[:, 0, 0], delays=delays, begin=200
    ).total


def test_capacities() -> None:
    """A linear orthogonal reservoir holds 48 +- 1 of 50, others less, none more than its units."""
    linear = dict(inputs=1, units=50, activation=nm.cells.linear)
    ring = nm.Reservoir(**linear, spectral_radius=0.98, topology="cycle")
    orthogonal = nm.Reservoir(**linear, spectral_radius=0.98)
    gaussian = nm.Reservoir(**linear, spectral_radius=0.9, topology="gaussian")
    tanh = nm.Reservoir(inputs=1, units=50, spectral_radius=0.98)
    assert abs(_capacity(orthogonal, 12_000, 200) - 48) <= 1
    assert 30 <= _capacity(gaussian, 12_000, 200) <= 43
    assert _capacity(tanh, 12_000, 200) < 20
    assert 40 <= _capacity(ring, 12_000, 200) <= 50


def test_the_capacity_of_a_delay_line_is_its_length() -> None:
    inputs = np.random.default_rng(0).uniform(-1, 1, 3000)
    line = np.stack([np.roll(inputs, k) for k in range(10)], axis=1)
    found = memory_capacity(line, inputs, delays=40, begin=10)
    assert abs(found.total - 10) <= 1e-6 and (found.by_delay[10:] < 0.02).all()


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="topology"):
        nm.Reservoir(inputs=1, units=2, topology="ring")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="of one example, got"):
        memory_capacity(np.ones((10, 1, 2)), np.ones(10), delays=1)
    with pytest.raises(ValueError, match="record at least"):
        memory_capacity(np.ones((20, 8)), np.ones(20), delays=3)
