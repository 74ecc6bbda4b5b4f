"""Self-sustained activity in a network of 4,000 cells: conductances (COBA) and currents (CUBA).

The two networks of Vogels and Abbott (2005) that simulators are compared by (Brette et al. 2007,
benchmarks 1 and 2): 3,200 excitatory and 800 inhibitory cells, each pair connected with a
probability of 2 %, no input from outside. Both are started by what the cells' conductances and
potentials are at first.
"""

from typing import Any

import jax
import matplotlib
import numpy as np
from _script import arguments, finish

import ngcmem as nm
from ngcmem import analysis, connectivity, delayed, wire

matplotlib.use("Agg")
import matplotlib.pyplot as plt

CELLS, EXCITATORY, DT = 4000, 3200, 0.1


def lists(seed: int) -> dict[str, Any]:
    """Connections of the excitatory and of the inhibitory cells."""
    return dict(
        e=connectivity.fixed_probability(EXCITATORY, CELLS, 0.02, seed=2 * seed),
        i=connectivity.fixed_probability(CELLS - EXCITATORY, CELLS, 0.02, seed=2 * seed + 1),
    )


def network(connections: dict[str, Any], conductances: bool) -> nm.Circuit:
    """COBA or CUBA; a spike acts in the next step."""
    if conductances:
        cell: nm.Component = nm.ConductanceLIF(
            units=CELLS, tau=20.0, v_rest=-60.0, v_reset=-60.0, v_threshold=-50.0
        )
        jumps, reversals = dict(e=0.6, i=6.7), dict(e=0.0, i=-80.0)  # of the leak; mV
        wires = [
            wire("ge.g", "gi.g", to="cell.conductance"),
            wire("ge.drive", "gi.drive", to="cell.drive"),
        ]
    else:
        cell = nm.LIF(units=CELLS, tau=20.0, v_rest=-49.0, v_reset=-60.0, v_threshold=-50.0)
        jumps, reversals = dict(e=1.62, i=-9.0), dict(e=0.0, i=0.0)  # mV
        # A current held for a step brings more charge than one that decays in it.
        share = {k: tau * -np.expm1(-DT / tau) / DT for k, tau in (("e", 5.0), ("i", 10.0))}
        wires = [wire(f"{share['e']} * ge.g", f"{share['i']} * gi.g", to="cell.current")]
    parts: dict[str, nm.Component] = dict(cell=cell)
    for name, tau, part in (("e", 5.0, f"[:{EXCITATORY}]"), ("i", 10.0, f"[{EXCITATORY}:]")):
        parts[f"synapse_{name}"] = nm.EventSynapse(
            connections=connections[name],
            one_weight=True,
            weight_init=jax.nn.initializers.constant(jumps[name]),
        )
        parts[f"g{name}"] = nm.Conductance(units=CELLS, tau=tau, reversal=reversals[name])
        wires += [
            wire(delayed(f"cell.spikes{part}"), to=f"synapse_{name}.inputs"),
            wire(f"synapse_{name}.outputs", to=f"g{name}.inputs"),
        ]
    return nm.connect(parts, wires)


def start(conductances: bool, seed: int) -> dict[str, np.ndarray]:
    """The first potentials and conductances, as in brian2's examples."""
    rng = np.random.default_rng(seed)
    if not conductances:
        return dict(v=rng.uniform(-60.0, -50.0, CELLS), ge=np.zeros(CELLS), gi=np.zeros(CELLS))
    n = rng.normal(size=(3, CELLS))
    return dict(v=-60 + 5 * (n[0] - 1), ge=4 + 1.5 * n[1], gi=20 + 12 * n[2])


def begun(circuit: nm.Circuit, first: dict[str, np.ndarray], seed: int) -> Any:
    """The state with these first values."""
    state = nm.init(circuit, jax.random.key(seed))
    paths = {"cell.v": "v", "ge.conductance": "ge", "gi.conductance": "gi"}
    return state.set({path: first[name][None].astype(np.float32) for path, name in paths.items()})


def simulate(conductances: bool, seconds: float, seed: int) -> dict[str, Any]:
    circuit = network(lists(seed), conductances)
    state = begun(circuit, start(conductances, seed), seed)
    state, _ = nm.run(circuit, state, duration=200.0, dt=DT)
    record = {"spikes": nm.drivers.Events("cell.spikes", most=int(60 * seconds * CELLS))}
    duration = 1000.0 * seconds
    _, seen = nm.run(circuit, state, duration=duration, dt=DT, record=record)
    trains = analysis.to_spike_trains(seen["spikes"], dt=DT, units=CELLS, duration=duration)
    rates = analysis.firing_rates(trains)
    late = trains.times > duration - 100.0
    return dict(
        rate=float(rates.mean()),
        rate_e=float(rates[:EXCITATORY].mean()),
        rate_i=float(rates[EXCITATORY:].mean()),
        cv=analysis.interval_cv(trains),
        cv2=analysis.cv2(trains),
        population_fano=analysis.population_fano(trains),
        alive=bool(late.any()),
        trains=trains,
    )


def draw(results: dict[str, dict[str, Any]], path: Any) -> None:
    figure, axes = plt.subplots(2, 2, figsize=(9, 4.6), sharex=True, layout="constrained")
    for (name, result), (raster, rate) in zip(results.items(), axes.T, strict=True):
        trains = result["trains"]
        shown = trains.times < 200.0
        raster.plot(trains.times[shown], trains.units[shown], ",", color="black")
        raster.set(title=f"{name}: {result['rate']:.1f} Hz, CV {result['cv']:.2f}", ylabel="cell")
        counts = analysis.population_counts(trains, 1.0)[:200]
        rate.bar(np.arange(len(counts)) + 0.5, 1000.0 * counts / CELLS, width=1)
        rate.set(xlabel="ms", ylabel="rate (Hz)")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    given = arguments("vogels_abbott", __doc__.splitlines()[0])
    seconds = 0.3 if given.quick else 2.0
    results = {name: simulate(name == "COBA", seconds, given.seed) for name in ("COBA", "CUBA")}
    draw(results, given.out / "vogels_abbott.png")
    finish(
        {
            name.lower(): {k: v for k, v in one.items() if k != "trains"}
            for name, one in results.items()
        },
        given.out,
    )


if __name__ == "__main__":
    main()
