"""Izhikevich's network of 2003: 800 excitatory and 200 inhibitory cells, and their rhythms.

Cells of slightly different kinds (regular spiking to chattering, fast spiking), connected all to
all with random weights, hear noise of their own. In the published order of operations and with its
scheme of integration at 1 ms; the population shows episodes of alpha and gamma rhythm.
"""

from typing import Any

import jax
import matplotlib
import numpy as np
from _script import arguments, finish

import ngcmem as nm
from ngcmem import analysis, delayed, wire

matplotlib.use("Agg")
import matplotlib.pyplot as plt

EXCITATORY, CELLS = 800, 1000


def network(seed: int) -> tuple[nm.Circuit, np.ndarray]:
    """The circuit and the weights, (presynaptic, postsynaptic)."""
    rng = np.random.default_rng(seed)
    r = rng.random(CELLS).astype(np.float32)
    inhibitory = np.arange(CELLS) >= EXCITATORY
    cell = nm.Izhikevich(
        units=CELLS,
        a=np.where(inhibitory, 0.02 + 0.08 * r, 0.02).astype(np.float32),
        b=np.where(inhibitory, 0.25 - 0.05 * r, 0.2).astype(np.float32),
        c=np.where(inhibitory, -65.0, -65.0 + 15.0 * r**2).astype(np.float32),
        d=np.where(inhibitory, 2.0, 8.0 - 6.0 * r**2).astype(np.float32),
        integration="half_steps",
    )
    weights = rng.random((CELLS, CELLS)) * np.where(inhibitory, -1.0, 0.5)[:, None]
    sigma = np.where(inhibitory, 2.0, 5.0).astype(np.float32)
    circuit = nm.connect(
        dict(
            cell=cell,
            noise=nm.WhiteNoise(units=CELLS, sigma=sigma),
            synapse=nm.Dense(inputs=CELLS, outputs=CELLS),
        ),
        [
            wire(delayed("cell.spikes"), to="synapse.inputs"),
            wire("noise.outputs", "synapse.outputs", to="cell.current"),
        ],
    )
    return circuit, weights.astype(np.float32)


def peak(counts: np.ndarray, above: float, below: float) -> float:
    """The frequency of the largest power of a population's rate in a band, Hz."""
    return analysis.spectral_peak(counts, 1.0, above=above, below=below, segment=1000.0)[0]


def draw(trains: analysis.SpikeTrains, counts: np.ndarray, path: Any) -> None:
    figure, (raster, rate) = plt.subplots(
        2, 1, figsize=(8, 5), sharex=True, height_ratios=(3, 1), layout="constrained"
    )
    shown = trains.times <= 1000.0
    times, units = trains.times[shown], trains.units[shown]
    for chosen, color in ((units < EXCITATORY, "black"), (units >= EXCITATORY, "tab:red")):
        raster.plot(times[chosen], units[chosen], ".", markersize=1, color=color)
    raster.set(ylabel="cell (red: inhibitory)", ylim=(0, CELLS))
    rate.plot(np.arange(1000) + 0.5, 1000.0 * counts[:1000] / CELLS, linewidth=0.8)
    rate.set(xlabel="ms", ylabel="rate (Hz)")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    given = arguments("izhikevich_network", __doc__.splitlines()[0])
    circuit, weights = network(given.seed)
    duration = 1000.0 if given.quick else 4000.0
    state = nm.init(circuit, jax.random.key(given.seed)).set({"synapse.weights": weights})
    record = {"spikes": nm.drivers.Events("cell.spikes", most=int(40 * duration))}
    _, seen = nm.run(circuit, state, duration=duration, record=record)
    trains = analysis.to_spike_trains(seen["spikes"], units=CELLS, duration=duration)
    rates = analysis.firing_rates(trains)
    counts = analysis.population_counts(trains, 1.0)
    draw(trains, counts, given.out / "izhikevich_network.png")
    finish(
        dict(
            rate_e=float(rates[:EXCITATORY].mean()),
            rate_i=float(rates[EXCITATORY:].mean()),
            spikes_of_first_second=int((trains.times <= 1000.0).sum()),
            cv=analysis.interval_cv(trains),
            slow_peak_hz=peak(counts, 3.5, 15.0),
            fast_peak_hz=peak(counts, 19.5, 60.0),
        ),
        given.out,
    )


if __name__ == "__main__":
    main()
