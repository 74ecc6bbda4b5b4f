"""What one call from Python costs: verbs and jitted functions on small, wide and large things.

`--against OTHER` times another checkout of ngcmem in turn with this one, a process each, so that
a busy machine slows both alike. CPU time per call counts, the median over rounds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from _script import arguments, finish, progress

import ngcmem as nm
from ngcmem import wire

Call = Callable[[], Any]


def chain(count: int, units: int = 16) -> nm.Circuit:
    """A source, and synapses and cells by turns: `count` components."""
    parts: dict[str, nm.Component] = {"pixels": nm.Poisson(units=units)}
    wires, last = [], "pixels.spikes"
    for i in range(count // 2):
        parts[f"synapse{i}"] = nm.Dense(inputs=units, outputs=units)
        parts[f"cell{i}"] = nm.LIF(units=units)
        wires += [wire(last, to=f"synapse{i}.inputs")]
        wires += [wire(f"synapse{i}.outputs", to=f"cell{i}.current")]
        last = f"cell{i}.spikes"
    return nm.connect(parts, wires)


def feedback() -> nm.Circuit:
    """A synapse whose weights another component borrows."""
    return nm.connect(
        dict(
            forward=nm.Dense(inputs=784, outputs=2048), back=nm.Feedback(inputs=2048, outputs=784)
        ),
        [wire("forward.weights", to="back.weights"), wire("forward.outputs", to="back.inputs")],
    )


def candidates(seed: int) -> dict[str, tuple[int, Call]]:
    """By name: how many calls make a round, and the call."""
    key = jax.random.key(seed)
    found: dict[str, tuple[int, Call]] = {}

    def both(name: str, count: int, component: nm.Component, state: Any) -> None:
        step = jax.jit(lambda state: nm.advance_state(component, state))
        found[f"{name}_verb"] = count, lambda: nm.advance_state(component, state)
        found[f"{name}_jit"] = count, lambda: step(state)

    for slots, features, batch, count in ((16, 16, 1, 400), (4096, 784, 4, 10)):
        memory = nm.Hopfield(slots=slots, features=features)
        patterns = jax.random.normal(key, (slots, features))
        state = nm.store(memory, nm.init(memory, key, batch=batch), patterns)
        both(f"hopfield_{slots}x{features}", count, memory, state)
        found[f"recall_{slots}x{features}"] = (
            count // 2,
            lambda memory=memory, state=state: nm.recall(memory, state, state.inputs),
        )
    circuit = chain(31)
    both("circuit_31", 60, circuit, nm.init(circuit, key, batch=2))
    borrowing = feedback()
    both("borrowed_784x2048", 20, borrowing, nm.init(borrowing, key))
    large = chain(99)
    begin = nm.init(large, key, batch=2)
    images = {"pixels.inputs": jnp.ones((2, 16))}
    found["run_99"] = 8, lambda: nm.run(large, begin, steps=5, clamp=images, record="cell3.spikes")
    return found


def timed(count: int, call: Call) -> float:
    """CPU milliseconds per call."""
    jax.block_until_ready(call())
    begin = time.process_time()
    for _ in range(count):
        result = call()
    jax.block_until_ready(result)
    return 1000 * (time.process_time() - begin) / count


def serve(seed: int) -> None:
    """A round of timings for every line of input."""
    calls = candidates(seed)
    for _ in sys.stdin:
        print(json.dumps({name: timed(*one) for name, one in calls.items()}), flush=True)


class Worker:
    """A process that times one checkout, a round at a time."""

    def __init__(self, checkout: Path, seed: int):
        line = [sys.executable, __file__, "--serve", "--seed", str(seed)]
        self.process = subprocess.Popen(
            line,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(checkout)},
        )

    def round(self) -> dict[str, float]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--against", type=Path, help="another checkout, to time in turn")
    parser.add_argument("--rounds", type=int, default=0, help="rounds of timing")
    parser.add_argument("--serve", action="store_true", help="time on request (for itself)")


def main() -> None:
    given = arguments("calls", __doc__ or "", options)
    if given.serve:
        return serve(given.seed)
    checkouts = {"here": Path(__file__).parents[1]}
    if given.against:
        checkouts["there"] = given.against
    workers = {name: Worker(path.resolve(), given.seed) for name, path in checkouts.items()}
    rounds = given.rounds or (3 if given.quick else 21)
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in workers}
    for worker in workers.values():
        worker.round()  # compiles
    for i in progress(range(rounds), "rounds", rounds):
        for name in sorted(workers, reverse=bool(i % 2)):
            seen[name].append(workers[name].round())
    for worker in workers.values():
        worker.close()
    metrics: dict[str, Any] = {}
    for call in seen["here"][0]:
        times = {name: statistics.median(r[call] for r in found) for name, found in seen.items()}
        metrics[call] = {f"ms_{name}": value for name, value in times.items()}
        if given.against:
            metrics[call]["ratio"] = times["here"] / times["there"]
    finish(metrics, given.out)


if __name__ == "__main__":
    main()
