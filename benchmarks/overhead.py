"""`run` against a scan written by hand, and how compilation grows with the size of a circuit.

The network is Poisson -> Dense -> LIF -> Trace. The hand-written scan carries only what it must
and computes the same numbers; both are called with another seed each time, so that nothing is a
constant to the compiler, and are timed in turn in one process. CPU time counts.
"""

import argparse
import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from _script import arguments, finish, interleaved, progress

import ngcmem as nm
from ngcmem import wire


def network(inputs: int, outputs: int) -> nm.Circuit:
    return nm.connect(
        dict(
            pixels=nm.Poisson(units=inputs),
            synapse=nm.Dense(inputs=inputs, outputs=outputs),
            cell=nm.LIF(units=outputs, resistance=600.0),
            post=nm.Trace(units=outputs),
        ),
        [
            wire("pixels.spikes", to="synapse.inputs"),
            wire("synapse.outputs", to="cell.current"),
            wire("cell.spikes", to="post.inputs"),
        ],
    )


@partial(jax.jit, static_argnames="steps")
def by_hand(circuit: nm.Circuit, state: Any, images: jax.Array, dt: jax.Array, steps: int) -> Any:
    """The same network as one function: what a careful user would write."""
    pixels, synapse = circuit["pixels"], circuit["synapse"]
    cell, post = circuit["cell"], circuit["post"]
    weights, bias = state["synapse.weights"], state["synapse.bias"]
    chance = -jnp.expm1(-images * pixels.rate * dt / 1000.0)
    leak, fade = jnp.exp(-dt / cell.tau), jnp.exp(-dt / post.tau)

    def step(carry: Any, _: Any) -> Any:
        keys, v, refractory, trace = carry
        keys, draws = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
        uniform = jax.vmap(lambda key: jax.random.uniform(key, (images.shape[1],)))(draws)
        current = synapse.scale * ((uniform < chance).astype(jnp.float32) @ weights) + bias
        v_inf = cell.v_rest + cell.resistance * current
        v = jnp.where(refractory > 0.5 * dt, cell.v_reset, v_inf + (v - v_inf) * leak)
        fired = v >= cell.v_threshold
        v = jnp.where(fired, cell.v_reset, v)
        refractory = jnp.where(fired, cell.refractory_time, jnp.maximum(refractory - dt, 0.0))
        spikes = fired.astype(jnp.float32)
        trace = trace * fade + post.gain * spikes
        return (keys, v, refractory, trace), spikes

    start = tuple(state[p] for p in ("pixels.key", "cell.v", "cell.refractory", "post.trace"))
    return jax.lax.scan(step, start, None, length=steps)


def overhead(
    inputs: int, outputs: int, batch: int, steps: int, seed: int, repeats: int
) -> dict[str, Any]:
    circuit = network(inputs, outputs)
    images = jax.random.uniform(jax.random.key(seed), (batch, inputs))
    seeds = iter(range(seed + 1, seed + 10_000))
    ready = [nm.init(circuit, jax.random.key(next(seeds)), batch=batch) for _ in range(8)]
    turn = {"run": 0, "hand": 0}
    plain = jax.tree.map(jnp.float32, circuit)

    def ours() -> Any:
        turn["run"] += 1
        return nm.run(
            circuit,
            ready[turn["run"] % 8],
            steps=steps,
            clamp={"pixels.inputs": images},
            record="cell.spikes",
        )

    def hand() -> Any:
        turn["hand"] += 1
        return by_hand(plain, ready[turn["hand"] % 8], images, jnp.float32(1.0), steps)

    same = bool((ours()[1]["cell.spikes"] == hand()[1]).all())
    rates = float(hand()[1].mean() * 1000)
    times = interleaved({"run": ours, "hand": hand}, repeats)
    return {
        "same_spikes": same,
        "rate_hz": rates,
        "ratio": times["run"]["cpu"] / times["hand"]["cpu"],
        "ratio_wall": times["run"]["wall"] / times["hand"]["wall"],
        "run_cpu_ms": 1000 * times["run"]["cpu"],
    }


def start_up(components: int, seed: int) -> dict[str, float]:
    """Seconds to connect, initialise and compile a chain of cells and synapses."""
    jax.clear_caches()
    begin = time.perf_counter()
    parts: dict[str, nm.Component] = {"pixels": nm.Poisson(units=16)}
    wires, last = [], "pixels.spikes"
    for i in range(components // 2):
        parts[f"synapse{i}"] = nm.Dense(inputs=16, outputs=16)
        parts[f"cell{i}"] = nm.LIF(units=16)
        wires += [wire(last, to=f"synapse{i}.inputs")]
        wires += [wire(f"synapse{i}.outputs", to=f"cell{i}.current")]
        last = f"cell{i}.spikes"
    circuit = nm.connect(parts, wires)
    connected = time.perf_counter()
    state = jax.block_until_ready(nm.init(circuit, jax.random.key(seed), batch=2))
    initialised = time.perf_counter()
    program = jax.jit(lambda circuit, state: nm.run(circuit, state, steps=20)[0])
    lowered = program.lower(circuit, state)
    traced = time.perf_counter()
    cpu = time.process_time()
    lowered.compile()
    return {
        "connect": connected - begin,
        "init": initialised - connected,
        "trace": traced - initialised,
        "xla": time.perf_counter() - traced,
        "xla_cpu": time.process_time() - cpu,
    }


def main() -> None:
    given = arguments("overhead", __doc__ or "", lambda parser: add_options(parser))
    repeats = given.repeats or (5 if given.quick else 41)
    metrics: dict[str, Any] = {}
    cases = {"784x400_b16": (784, 400, 16, 500), "64x64_b8": (64, 64, 8, 2000)}
    for name, sizes in progress(cases.items(), "run against a scan by hand", len(cases)):
        found = overhead(*sizes, given.seed, repeats)
        metrics |= {f"{key}_{name}": value for key, value in found.items()}
    counts = (10, 100) if given.quick else (10, 100, 300)
    for count in progress(counts, "start-up", len(counts)):
        metrics[f"start_{count}"] = start_up(count, given.seed)
    last = f"start_{counts[-1]}"
    for kind in ("xla", "xla_cpu"):
        ratio = metrics[last][kind] / metrics["start_10"][kind]
        metrics[f"{kind}_{counts[-1]}_over_10"] = ratio
    finish(metrics, given.out)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repeats", type=int, default=0, help="rounds of timing")


if __name__ == "__main__":
    main()
