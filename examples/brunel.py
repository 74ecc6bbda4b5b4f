"""Brunel's network of excitatory and inhibitory cells: four regimes and the mean field.

12,500 leaky integrate-and-fire cells with 1,250 delta synapses each (model A of Brunel 2000), each
driven by Poisson cells outside. The strength of inhibition g and the external rate decide whether
the cells fire in synchrony or not, regularly or not: by the irregularity of intervals, the
correlation of pairs, Golomb's chi and the spectrum of the population's rate. `--quick` takes 2,500
cells.
"""

from typing import Any

import jax
import matplotlib
import numpy as np
from _script import arguments, finish, progress

import ngcmem as nm
from ngcmem import analysis, connectivity, delayed, wire

matplotlib.use("Agg")
import matplotlib.pyplot as plt

DT, J = 0.1, 0.1  # ms, mV
REGIMES = {  # g, external rate over threshold, seconds
    "SR: synchronous regular": (3.0, 2.0, 0.3),
    "SI fast: synchronous irregular": (6.0, 4.0, 1.0),
    "AI: asynchronous irregular": (5.0, 2.0, 2.0),
    "SI slow: synchronous irregular": (4.5, 0.9, 5.0),
}


def network(size: int, g: float, eta: float, seed: int) -> nm.Circuit:
    """Model A with four excitatory cells to one inhibitory; a spike acts 1.5 ms later."""
    excitatory, inhibitory = size * 4 // 5, size // 5
    inputs = excitatory // 10  # of every cell; a quarter as many inhibitory ones, as many external
    parts: dict[str, nm.Component] = dict(
        cell=nm.LIF(
            units=size, tau=20.0, v_rest=0.0, v_reset=10.0, v_threshold=20.0, refractory_time=2.0
        ),
        outside=nm.PoissonInput(
            units=size, sources=inputs, rate=1000.0 * eta * 20.0 / (J * inputs * 20.0), weight=J
        ),
    )
    wires = []
    for name, count, degree, weight, part in (
        ("excitation", excitatory, inputs, J, f"[:{excitatory}]"),
        ("inhibition", inhibitory, inputs // 4, -g * J, f"[{excitatory}:]"),
    ):
        parts[name] = nm.EventSynapse(
            connections=connectivity.fixed_in_degree(count, size, degree, seed=seed),
            delay=1.4,  # and 0.1 ms on the wire
            one_weight=True,
            weight_init=jax.nn.initializers.constant(weight),
        )
        wires.append(wire(delayed(f"cell.spikes{part}"), to=f"{name}.inputs"))
    total = wire("outside.outputs", "excitation.outputs", "inhibition.outputs", to="cell.jump")
    return nm.connect(parts, [*wires, total])


def simulate(size: int, g: float, eta: float, seconds: float, seed: int) -> dict[str, Any]:
    """Rate, irregularity, synchrony and rhythm, once the first 200 ms are over."""
    circuit = network(size, g, eta, seed)
    start = np.random.default_rng(seed).uniform(0.0, 20.0, (1, size)).astype(np.float32)
    state = nm.init(circuit, jax.random.key(seed)).set({"cell.v": start})
    state, _ = nm.run(circuit, state, duration=200.0, dt=DT)
    duration = 1000.0 * seconds
    record = {
        "spikes": nm.drivers.Events("cell.spikes", most=int(400 * seconds * size)),
        "v": nm.drivers.PopulationMean("cell.v"),
        "variances": nm.drivers.Variance("cell.v"),
    }
    _, seen = nm.run(circuit, state, duration=duration, dt=DT, record=record)
    trains = analysis.to_spike_trains(seen["spikes"], dt=DT, units=size, duration=duration)
    counts = analysis.population_counts(trains, 1.0)
    peak, height = analysis.spectral_peak(counts, 1.0)
    inputs = size * 4 // 5 // 10
    expected = analysis.brunel_mean_field(g, eta, excitatory=inputs, inhibitory=inputs // 4)
    return dict(
        rate=float(analysis.firing_rates(trains).mean()),
        mean_field_rate=expected.rate,
        cv_isi=analysis.interval_cv(trains),
        mean_field_cv=expected.cv,
        correlation=analysis.pairwise_correlation(trains, 5.0),
        chi=analysis.golomb_chi(population=seen["v"][:, 0], variances=seen["variances"][0]),
        peak_hz=peak,
        peak_over_median=height,
        trains=trains,
        counts=counts,
    )


def draw(results: dict[str, dict[str, Any]], path: Any) -> None:
    figure, axes = plt.subplots(
        2, 4, figsize=(13, 4.6), sharex="col", height_ratios=(2, 1), layout="constrained"
    )
    for (name, result), (raster, rate) in zip(results.items(), axes.T, strict=True):
        trains, counts = result["trains"], result["counts"]
        shown = 100.0 if name.startswith("S") and "slow" not in name else 200.0
        mine = (trains.times < shown) & (trains.units < 60)
        raster.plot(trains.times[mine], trains.units[mine], "|", markersize=2.5, color="black")
        raster.set(title=name.partition(":")[0], ylabel="cell" if "SR" in name else "")
        early = counts[: int(shown)]
        rate.bar(np.arange(len(early)) + 0.5, 1000.0 * early / trains.count, width=1)
        rate.set(xlabel="ms", ylabel="rate (Hz)" if "SR" in name else "")
        raster.text(
            0.5,
            -0.08,
            f"{result['rate']:.1f} Hz (mean field {result['mean_field_rate']:.1f}), "
            f"CV {result['cv_isi']:.2f}",
            transform=raster.transAxes,
            ha="center",
            fontsize=8,
        )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    given = arguments("brunel", __doc__.splitlines()[0])
    size, share = (2500, 0.2) if given.quick else (12_500, 1.0)
    results = {
        name: simulate(size, g, eta, share * seconds, given.seed)
        for name, (g, eta, seconds) in progress(list(REGIMES.items()), "regimes")
    }
    draw(results, given.out / "brunel.png")
    numbers = {
        name.partition(":")[0]: {k: v for k, v in one.items() if k not in ("trains", "counts")}
        for name, one in results.items()
    }
    finish(
        dict(
            cv_isi=numbers["AI"]["cv_isi"],
            rate_over_mean_field=numbers["AI"]["rate"] / numbers["AI"]["mean_field_rate"],
            regimes=numbers,
            cells=size,
        ),
        given.out,
    )


if __name__ == "__main__":
    main()
