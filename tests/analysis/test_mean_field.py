"""The mean field of leaky integrate-and-fire cells, against published and measured numbers."""

import jax
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import analysis

CELL = dict(tau=20.0, threshold=20.0, reset=10.0, refractory=2.0)
TABLE = [  # g, eta: rate, mean, sigma, CV, computed independently
    (3, 2, 327.01, 203.50, 14.716, 0.117),
    (6, 4, 55.84, 24.16, 10.940, 0.736),
    (5, 2, 37.95, 21.03, 7.683, 0.675),
    (4.5, 0.9, 6.517, 16.37, 3.115, 0.776),
    (8, 2, 12.99, 14.03, 6.940, 0.866),
    (6, 2, 22.85, 17.15, 7.050, 0.764),
    (5, 1, 7.827, 16.09, 3.654, 0.773),
    (4.5, 1.5, 35.88, 21.03, 6.820, 0.637),
]


@pytest.mark.parametrize("g, eta, rate, mean, sigma, cv", TABLE)
def test_brunels_points(g, eta, rate, mean, sigma, cv) -> None:
    found = analysis.brunel_mean_field(g, eta)
    assert found.rate == pytest.approx(rate, rel=3e-4)
    assert found.mean == pytest.approx(mean, abs=6e-3)
    assert found.sigma == pytest.approx(sigma, rel=3e-4)
    assert found.cv == pytest.approx(cv, abs=6e-4)


def test_limits_of_the_formula() -> None:
    """Without noise a clock of the known interval; far below threshold silence."""
    clock = analysis.lif_rate(30.0, 1e-3, **CELL)
    assert clock == pytest.approx(1000.0 / (2.0 + 20.0 * np.log(20.0 / 10.0)), rel=1e-4)
    assert analysis.lif_cv(30.0, 1e-3, **CELL) < 1e-3
    assert analysis.lif_rate(0.0, 0.5, **CELL) == 0.0
    rare = analysis.lif_cv(8.0, 4.0, **CELL)
    assert rare == pytest.approx(1.0, abs=0.02)  # rare spikes are a Poisson process


@pytest.mark.parametrize("g, eta", [(5, 2), (6, 4)])
def test_uncoupled_cells_fire_as_the_formula_says(g: float, eta: float) -> None:
    """Cells fed Poisson trains at the mean field's own rates; the grid raises the threshold."""
    found = analysis.brunel_mean_field(g, eta)
    external = eta * 20.0 / (0.1 * 20.0)  # kHz of all 1,000 together
    rates = dict(excitation=external * 1000.0 / 1000 + found.rate, inhibition=found.rate)
    circuit = nm.connect(
        dict(
            excitation=nm.PoissonInput(
                units=600, sources=1000, rate=rates["excitation"], weight=0.1
            ),
            inhibition=nm.PoissonInput(
                units=600, sources=250, rate=rates["inhibition"], weight=-0.1 * g
            ),
            cell=nm.LIF(
                units=600, tau=20.0, v_rest=0.0, v_reset=10.0, v_threshold=20.0,
                refractory_time=2.0,
            ),
        ),
        [nm.wire("excitation.outputs", "inhibition.outputs", to="cell.jump")],
    )  # fmt: skip
    state = nm.init(circuit, jax.random.key(0))
    state, _ = nm.run(circuit, state, duration=200.0, dt=0.1)
    record = {"e": nm.drivers.Events("cell.spikes", most=100_000)}
    _, seen = nm.run(circuit, state, duration=2000.0, dt=0.1, record=record)
    trains = analysis.to_spike_trains(seen["e"], dt=0.1, units=600, duration=2000.0)
    shift = 0.5826 * found.sigma * (0.1 / 20.0) ** 0.5  # spikes are tested on the grid
    cell = dict(CELL, threshold=20.0 + shift)
    expected = analysis.lif_rate(found.mean, found.sigma, **cell)
    assert analysis.firing_rates(trains).mean() == pytest.approx(expected, rel=0.03)
    cv = analysis.lif_cv(found.mean, found.sigma, **cell)
    assert analysis.interval_cv(trains) == pytest.approx(cv, abs=0.04)
