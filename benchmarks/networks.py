"""Sparse spiking networks: CPU time beside brian2, growth with events, building, memory.

    python benchmarks/networks.py --brian2-python PATH

brian2 2.9 wants numpy below 2 and so an environment of its own:
`pip install brian2==2.9.0 'numpy<2' 'cython<3.1' setuptools`. Both simulate the same lists of
connections; their rates are compared first. Without a path the comparison is left out, and said so.
Both run on one core: brian2 uses no more, and XLA's threads cost more than they bring (with two the
CPU time of a step is twice as long). The networks: leaky integrate-and-fire cells with white noise
and inhibitory delta synapses (10,000 cells with 1,000 synapses each, 2,000 with 200; 1.5 ms delay,
dt 0.1 ms), and COBA (Vogels and Abbott 2005, 4,000 cells).
"""

import argparse
import json
import os
import runpy
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

if hasattr(os, "sched_setaffinity"):  # before XLA counts the cores
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

import jax
import jax.numpy as jnp
import numpy as np
from _script import EXAMPLES, arguments, finish, progress

import ngcmem as nm
from ngcmem import connectivity, delayed, wire

CELL = dict(tau=20.0, v_rest=17.0, v_reset=10.0, v_threshold=20.0, refractory_time=2.0)
CHILD = Path(__file__).parent / "_brian2_network.py"
DT = 0.1


def white_noise(connections: Any, weight: float) -> nm.Circuit:
    """Cells that inhibit each other; a spike acts 1.5 ms later, 0.1 ms of it on the wire."""
    size = connections.inputs
    return nm.connect(
        dict(
            cell=nm.LIF(units=size, **CELL),
            noise=nm.WhiteNoise(units=size, sigma=1.0),
            synapse=nm.EventSynapse(
                connections=connections,
                delay=1.4,
                one_weight=True,
                weight_init=jax.nn.initializers.constant(weight),
            ),
        ),
        [
            wire(delayed("cell.spikes"), to="synapse.inputs"),
            wire("noise.outputs", "synapse.outputs", to="cell.jump"),
        ],
    )


def simulated(circuit: nm.Circuit, state: Any, seconds: float, rounds: int) -> tuple[float, float]:
    """CPU seconds per second of biological time, the median of some rounds, and the rate in Hz."""
    record = {"count": nm.drivers.Sum("cell.spikes")}

    def run(state: Any, duration: float) -> Any:
        return jax.block_until_ready(
            nm.run(circuit, state, duration=duration, dt=DT, record=record)
        )

    state, _ = run(state, 200.0)
    run(state, 1000.0 * seconds)
    times, spikes = [], 0.0
    for _ in range(rounds):
        begin = time.process_time()
        state, seen = run(state, 1000.0 * seconds)
        times.append((time.process_time() - begin) / seconds)
        spikes += float(seen["count"].sum())
    return statistics.median(times), spikes / circuit["cell"].units / seconds / rounds


def in_brian2(python: str, model: str, lists: dict[str, Any], seconds: float, rounds: int) -> Any:
    """The same of brian2: medians of CPU time, mean rate."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lists.npz"
        np.savez(path, **lists)
        found = [
            json.loads(
                subprocess.run(
                    [python, str(CHILD), model, str(path), str(seconds)],
                    check=True, capture_output=True, text=True,
                ).stdout.splitlines()[-1]
            )
            for _ in range(rounds)
        ]  # fmt: skip
    return statistics.median(one["cpu"] for one in found), float(
        np.mean([one["rate"] for one in found])
    )


def compare(python: str | None, size: int, degree: int, seconds: float, rounds: int) -> dict:
    """Our CPU time a step and, where there is a brian2, the ratio to its own."""
    connections = connectivity.fixed_in_degree(size, size, degree, seed=0)
    weight = -10.0 / degree
    circuit = white_noise(connections, weight)
    v = np.random.default_rng(0).uniform(10.0, 20.0, size).astype(np.float32)
    state = nm.init(circuit, jax.random.key(0)).set({"cell.v": v[None]})
    cpu, rate = simulated(circuit, state, seconds, rounds)
    result = dict(cpu=cpu, rate=rate)
    if python:
        lists = dict(
            size=size,
            sources=np.asarray(connections.sources),
            targets=np.asarray(connections.targets),
            weight=weight,
            v=v,
        )
        other, their_rate = in_brian2(python, "white_noise", lists, seconds, max(rounds // 2, 1))
        if abs(rate / their_rate - 1) > 0.02:
            raise SystemExit(f"The rates differ: {rate} and {their_rate} Hz. Nothing is compared.")
        result |= dict(brian2=other, their_rate=their_rate)
    return result


def compare_coba(python: str | None, seconds: float, rounds: int) -> dict:
    """The network of examples/vogels_abbott.py."""
    example = runpy.run_path(str(EXAMPLES / "vogels_abbott.py"))
    connections, first = example["lists"](0), example["start"](True, 0)
    circuit = example["network"](connections, conductances=True)
    cpu, rate = simulated(circuit, example["begun"](circuit, first, 0), seconds, rounds)
    result = dict(cpu=cpu, rate=rate)
    if python:
        lists = dict(first)
        for name, made in connections.items():
            lists |= {f"sources_{name}": np.asarray(made.sources)}
            lists |= {f"targets_{name}": np.asarray(made.targets)}
        other, their_rate = in_brian2(python, "coba", lists, seconds, max(rounds // 2, 1))
        result |= dict(brian2=other, their_rate=their_rate)
    return result


def step_time(size: int, degree: int, steps: int, rounds: int) -> float:
    """Microseconds of CPU a step of transmission takes with one cell in a hundred firing."""
    connections = connectivity.fixed_out_degree(size, size, degree, seed=0)
    synapse = nm.EventSynapse(connections=connections, delay=1.5)
    state = nm.init(synapse, jax.random.key(0))
    spikes = (np.random.default_rng(0).random((steps, 1, size)) < 1e-2).astype(np.float32)

    inputs = {"inputs": jnp.asarray(spikes)}

    def run() -> Any:
        record = {"sum": nm.drivers.Sum("outputs")}
        return nm.run(synapse, state, steps=steps, dt=DT, inputs=inputs, record=record)

    jax.block_until_ready(run())
    times = []
    for _ in range(rounds):
        begin = time.process_time()
        jax.block_until_ready(run())
        times.append(time.process_time() - begin)
    return 1e6 * statistics.median(times) / steps


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--brian2-python", metavar="PATH", help="the Python of an environment with brian2 2.9"
    )


def main() -> None:
    given = arguments("networks", __doc__.splitlines()[0], options)
    seconds, rounds = (0.2, 1) if given.quick else (1.0, 5)
    python = given.brian2_python
    if not python:
        print("no --brian2-python: nothing is compared with brian2")
    begin = time.perf_counter()
    connectivity.fixed_in_degree(10_000, 10_000, 1000, seed=1)
    build = time.perf_counter() - begin
    found = {}
    for name, size, degree in progress([("10k", 10_000, 1000), ("2k", 2000, 200)], "networks"):
        found[name] = compare(python, size, degree, seconds, rounds)
    found["coba"] = compare_coba(python, seconds, rounds)
    growth = [step_time(10_000, k, 300, rounds) for k in (10, 100, 1000)]
    connections = connectivity.fixed_in_degree(10_000, 10_000, 1000, seed=1)
    weights = nm.init(nm.EventSynapse(connections=connections), jax.random.key(0)).weights
    size = connections.targets.nbytes + connections.starts.nbytes + weights.nbytes
    metrics = dict(
        us_per_step_10k=found["10k"]["cpu"] * 1e6 * DT / 1000.0,
        us_per_step_2k=found["2k"]["cpu"] * 1e6 * DT / 1000.0,
        us_per_step_coba=found["coba"]["cpu"] * 1e6 * DT / 1000.0,
        rate_hz_ours=found["10k"]["rate"],
        rate_hz_coba=found["coba"]["rate"],
        build_1e7_seconds=build,
        bytes_per_synapse=size / len(connections),
        growth=growth,
    )
    if python:
        metrics |= {
            f"cpu_over_brian2_{name}": one["cpu"] / one["brian2"] for name, one in found.items()
        }
        metrics |= {
            "rate_hz_brian2": found["10k"]["their_rate"],
            "rate_hz_brian2_coba": found["coba"]["their_rate"],
        }
    finish(metrics, given.out)


if __name__ == "__main__":
    main()
