"""The cortical column of Potjans and Diesmann (2014) at five per cent of its cells.

Eight populations of four layers, connected with the numbers of synapses measured in cortex. Fewer
cells have fewer inputs: weights grow with one over the root of the share that is left, and a
constant current brings the mean that is lost (van Albada et al. 2015), computed from the full
model's rates that the first public programs assumed. Rates by layer are compared with the paper's.
"""

from itertools import pairwise
from typing import Any

import jax
import matplotlib
import numpy as np
from _script import arguments, finish

import ngcmem as nm
from ngcmem import analysis, connectivity, delayed, wire

matplotlib.use("Agg")
import matplotlib.pyplot as plt

POPULATIONS = ("2/3E", "2/3I", "4E", "4I", "5E", "5I", "6E", "6I")
CELLS = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
OUTSIDE = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])  # Poisson inputs of 8 Hz
PAPER = np.array([0.86, 2.80, 4.45, 5.93, 7.59, 8.64, 1.09, 7.88])  # Hz
ASSUMED = np.array([0.971, 2.868, 4.746, 5.396, 8.142, 9.078, 0.991, 7.523])  # Hz
PROBABILITY = np.array(  # row: target, column: source
    [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0],
        [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443],
    ]
)
DT, TAU, TAU_SYNAPSE, CAPACITY = 0.1, 10.0, 0.5, 250.0  # ms, ms, ms, pF
PSP, INHIBITION, BACKGROUND = 0.15, -4.0, 8.0  # mV, weights over those of excitation, Hz


def current_of_psp() -> float:
    """The jump of the synaptic current, pA, whose potential peaks at `PSP`."""
    ratio, apart = TAU / TAU_SYNAPSE, TAU - TAU_SYNAPSE
    peak = ratio ** (-TAU_SYNAPSE / apart) - ratio ** (-TAU / apart)
    return PSP * CAPACITY * apart / (TAU * TAU_SYNAPSE) / peak


def network(share: float, seed: int) -> tuple[nm.Circuit, np.ndarray, np.ndarray]:
    """The circuit, the weight of each connection (pA), and where each population begins."""
    rng = np.random.default_rng(seed)
    sizes = np.round(CELLS * share).astype(int)
    begins = np.concatenate([[0], np.cumsum(sizes)])
    synapses = np.log(1 - PROBABILITY) / np.log(1 - 1 / np.outer(CELLS, CELLS).astype(float))
    degrees = synapses / CELLS[:, None]  # of the full model
    strength = np.where(np.arange(8) % 2, INHIBITION, 1.0)[None].repeat(8, 0)
    strength[0, 2] = 2.0  # from 4E to 2/3E
    unit = current_of_psp()
    lists = []
    for post, pre in np.ndindex(8, 8):
        count = round(float(synapses[post, pre]) * share * share)
        if count == 0:
            continue
        weights = unit / share**0.5 * strength[post, pre] * rng.normal(1.0, 0.1, count)
        weights = np.maximum(weights * np.sign(strength[post, pre]), 0) * np.sign(
            strength[post, pre]
        )
        mean, spread = (0.75, 0.375) if pre % 2 else (1.5, 0.75)
        delays = rng.normal(mean, spread, count)
        while (short := delays < DT).any():
            delays[short] = rng.normal(mean, spread, short.sum())
        lists.append(
            (
                rng.integers(begins[pre], begins[pre + 1], count),
                rng.integers(begins[post], begins[post + 1], count),
                weights,
                np.round(delays / DT) * DT - DT,  # one step is on the wire
            )
        )
    sources, targets, weights, delays = (np.concatenate(one) for one in zip(*lists, strict=True))
    order = np.lexsort((delays, sources))
    made = connectivity.from_lists(
        sources[order], targets[order], inputs=int(begins[-1]), outputs=int(begins[-1])
    ).with_delays(np.maximum(delays[order], 0.0))
    lost = (1 - share**0.5) * TAU_SYNAPSE / 1000.0  # pA per pA Hz
    constant = lost * unit * ((strength * degrees) @ ASSUMED + OUTSIDE * BACKGROUND)
    cells = dict(
        tau=TAU,
        tau_synapse=TAU_SYNAPSE,
        resistance=TAU / CAPACITY,  # GOhm: currents are in pA
        v_rest=(-65.0 + np.repeat(constant, sizes) * TAU / CAPACITY).astype(np.float32),
        v_reset=-65.0,
        v_threshold=-50.0,
        refractory_time=2.0,
    )
    parts: dict[str, nm.Component] = dict(
        cell=nm.CubaLIF(units=int(begins[-1]), **cells),
        synapse=nm.EventSynapse(connections=made),
    )
    wires = [wire(delayed("cell.spikes"), to="synapse.inputs")]
    parts["outside"] = nm.PoissonInput(
        units=int(begins[-1]),
        sources=np.repeat(np.round(OUTSIDE * share), sizes).astype(np.float32),
        rate=BACKGROUND,
        weight=unit / share**0.5,
    )
    wires.append(wire("synapse.outputs", "outside.outputs", to="cell.inputs"))
    return nm.connect(parts, wires), weights[order].astype(np.float32), begins


def draw(trains: Any, begins: np.ndarray, rates: dict[str, float], path: Any) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
    late = trains.times < 300.0
    inhibitory = (np.searchsorted(begins, trains.units[late], side="right") - 1) % 2 == 1
    for chosen, color in ((~inhibitory, "tab:blue"), (inhibitory, "tab:red")):
        left.plot(trains.times[late][chosen], trains.units[late][chosen], ",", color=color)
    left.set(xlabel="ms", ylabel="cell, layer by layer", xlim=(0, 300), ylim=(begins[-1], 0))
    middles = (begins[1:] + begins[:-1]) / 2
    left.set_yticks(middles, POPULATIONS)
    places = np.arange(8)
    right.bar(places - 0.2, list(rates.values()), 0.4, label="here, 5 % of the cells")
    right.bar(places + 0.2, PAPER, 0.4, label="Potjans and Diesmann (2014)", color="lightgray")
    right.set_xticks(places, POPULATIONS)
    right.set(ylabel="rate (Hz)")
    right.legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    given = arguments("cortical_column", __doc__.splitlines()[0])
    share, duration = (0.02, 500.0) if given.quick else (0.05, 10_000.0)
    circuit, weights, begins = network(share, given.seed)
    size = int(begins[-1])
    v = np.random.default_rng(given.seed).normal(-58.0, 10.0, (1, size)).astype(np.float32)
    state = nm.init(circuit, jax.random.key(given.seed))
    state = state.set({"cell.v": v, "synapse.weights": weights})
    state, _ = nm.run(circuit, state, duration=500.0, dt=DT)
    record = {"spikes": nm.drivers.Events("cell.spikes", most=int(0.02 * duration * size))}
    _, seen = nm.run(circuit, state, duration=duration, dt=DT, record=record)
    trains = analysis.to_spike_trains(seen["spikes"], dt=DT, units=size, duration=duration)
    layers = [trains.part(a, b) for a, b in pairwise(begins)]
    rates = {
        name: float(analysis.firing_rates(layer).mean())
        for name, layer in zip(POPULATIONS, layers, strict=True)
    }
    ratio = np.array(list(rates.values())) / PAPER
    draw(trains, begins, rates, given.out / "column.png")
    finish(
        dict(
            rates=rates,
            worst_factor=float(np.maximum(ratio, 1 / np.maximum(ratio, 1e-9)).max()),
            cv={
                name: analysis.interval_cv(layer)
                for name, layer in zip(POPULATIONS, layers, strict=True)
            },
            cells=size,
            connections=len(weights),
        ),
        given.out,
    )


if __name__ == "__main__":
    main()
