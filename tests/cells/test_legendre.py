"""Legendre memories beside float64 exponentials, quadrature, and the accuracies of their laws."""

import jax
import numpy as np
import pytest
from numpy.polynomial import legendre
from scipy.linalg import expm

import ngcmem as nm
from ngcmem.cells import legendre_matrices


def band_limited(steps: int, highest: float, seed: int) -> np.ndarray:
    """White noise of frequencies up to `highest` Hz, of steps of 1 ms, rms 1."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=steps))
    spectrum[np.fft.rfftfreq(steps, 1e-3) > highest] = 0
    signal = np.fft.irfft(spectrum, steps)
    return signal / np.sqrt(np.mean(signal**2))


def _memory(component: nm.Component, inputs: np.ndarray, dt: float = 1.0):
    state = nm.init(component, jax.random.key(0))
    inputs = inputs[:, None, None]
    return nm.run(
        component, state, steps=len(inputs), dt=dt, inputs={"inputs": inputs}, record="outputs"
    )


@pytest.mark.parametrize(("order", "theta"), [(1, 5.0), (6, 40.0), (24, 30.0), (48, 1000.0)])
def test_the_step_is_the_matrix_exponential(order: int, theta: float) -> None:
    a, b = legendre_matrices(order)
    augmented = np.zeros((order + 1, order + 1))
    augmented[:order, :order], augmented[:order, order] = a, b
    step = expm(augmented * 0.5 / theta)
    inputs = np.random.default_rng(0).normal(size=200)
    state, _ = _memory(nm.LegendreMemory(inputs=1, order=order, theta=theta), inputs, dt=0.5)
    m = np.append(np.zeros(order), 0.0)
    for u in inputs:
        m[order] = u
        m = step @ m
        m[order] = 0.0
    np.testing.assert_allclose(state.memory[0, 0], m[:order], atol=2e-4 * np.abs(m).max())


def test_the_first_order_is_a_leaky_integrator() -> None:
    state, _ = _memory(nm.LegendreMemory(inputs=1, order=1, theta=20.0), np.ones(30))
    assert state.memory[0, 0, 0] == pytest.approx(1 - np.exp(-30 / 20), rel=1e-5)


def test_slow_windows_lose_no_digits() -> None:
    """Of a constant, after 1e5 steps of a window of 1e8, the mean of the window so far."""
    memory = nm.LegendreMemory(inputs=1, order=1, theta=1e8)
    state = nm.init(memory, jax.random.key(0)).set({"inputs": [[1.0]]})
    state, _ = nm.run(memory, state, steps=100_000)
    assert state.memory[0, 0, 0] == pytest.approx(-np.expm1(-1e-3), rel=1e-4)


@pytest.mark.parametrize(
    ("highest", "order", "published"), [(1, 6, 0.0031), (3, 12, 0.024), (10, 48, 0.019)]
)
def test_the_error_of_the_signal_theta_ago(highest: int, order: int, published: float) -> None:
    """As measured independently, to 30 %: 20 s, since a few slow waves differ more than that."""
    errors = []
    for seed in range(3):
        signal = band_limited(20_000, highest, seed)
        memory = nm.LegendreMemory(inputs=1, order=order, theta=1000.0)
        _, seen = _memory(memory, signal)
        error = np.asarray(seen["outputs"])[1500:, 0, 0, 0] - signal[500:19_000]
        errors.append(np.sqrt(np.mean(error**2) / np.mean(signal[500:19_000] ** 2)))
    assert np.mean(errors) == pytest.approx(published, rel=0.3)


def test_the_window_has_a_gradient() -> None:
    """dm/dtheta against a difference, in the window of order 1: m = 1 - exp(-t / theta)."""

    def end(theta: jax.Array) -> jax.Array:
        memory = nm.LegendreMemory(inputs=1, order=1, theta=theta)
        state = nm.init(memory, jax.random.key(0)).set({"inputs": [[1.0]]})
        return nm.run(memory, state, steps=10)[0].memory[0, 0, 0]

    assert jax.grad(end)(20.0) == pytest.approx(-np.exp(-0.5) * 10 / 20.0**2, rel=1e-3)


def test_the_history_is_the_projection_of_the_past() -> None:
    """Of a staircase of 50 steps, its coefficients by quadrature of every step, and by expm."""
    order, inputs = 12, np.random.default_rng(0).normal(size=50)
    state, _ = _memory(nm.LegendreHistory(inputs=1, order=order), inputs)
    i = np.arange(order)
    nodes, shares = legendre.leggauss(order)
    expected = np.zeros(order)
    for k, u in enumerate(inputs):
        places = (k + (nodes + 1) / 2) / 50
        expected += u * (shares / 100) @ legendre.legvander(2 * places - 1, order - 1)
    expected *= np.sqrt(2 * i + 1)
    np.testing.assert_allclose(state.memory[0, 0], expected, atol=1e-5)

    below = -np.sqrt((2 * i[:, None] + 1) * (2 * i[None] + 1)) * (i[:, None] > i[None])
    a, b = below - np.diag(i + 1.0), np.sqrt(2 * i + 1)
    m = np.zeros(order)
    m[0] = inputs[0]
    for k, u in enumerate(inputs[1:], 2):
        step = expm(a * np.log(k / (k - 1)))
        m = step @ m + np.linalg.solve(a, (step - np.eye(order)) @ b) * u
    np.testing.assert_allclose(state.memory[0, 0], m, atol=1e-5)


def test_the_history_of_a_thousand_steps() -> None:
    """Five cycles of a sine by 64 coefficients, from the second step to the last but one."""
    signal = np.sin(2 * np.pi * 5 * (np.arange(1000) + 0.5) / 1000)
    places = tuple((np.arange(1, 999, 7) + 0.5) / 1000)
    _, seen = _memory(nm.LegendreHistory(inputs=1, order=64, places=places), signal)
    error = seen["outputs"][-1, 0, 0] - signal[1:999:7]
    assert np.sqrt(np.mean(error**2)) < 1e-3


@pytest.mark.parametrize("wrong", [(), (1.5,), (float("nan"),), (-0.1, 0.5)])
def test_places_out_of_the_past_are_refused(wrong: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="delays are shares of the past, from 0 to 1"):
        nm.LegendreMemory(inputs=1, order=3, delays=wrong)
    with pytest.raises(ValueError, match="places are shares of the past"):
        nm.LegendreHistory(inputs=1, order=3, places=wrong)
