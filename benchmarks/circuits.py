"""A spiking circuit that learns, against a scan written by hand and against ngc-learn.

The network is Poisson (784) -> STDP -> LIF (100) with two traces, 1,000 steps, learning after every
step. All candidates run in turn in one process from other seeds each time; CPU time counts. With
ngclearn installed its scan and its step loop take part, and 200 steps from the same weights and
the same spikes are compared spike by spike.
"""

import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import ngclearn_stdp
import numpy as np
from _script import arguments, finish, interleaved, progress

import ngcmem as nm
from ngcmem import wire

INPUTS, CELLS = 784, 100


def network(integration: str = "exact", scale: float = 2.0) -> nm.Circuit:
    return nm.connect(
        dict(
            pixels=nm.Poisson(units=INPUTS),
            synapse=nm.STDP(inputs=INPUTS, outputs=CELLS, eta=1e-3, scale=scale),
            cell=nm.LIF(units=CELLS, integration=integration),
            pre=nm.Trace(units=INPUTS),
            post=nm.Trace(units=CELLS),
        ),
        [
            wire("pixels.spikes", to="synapse.inputs"),
            wire("synapse.outputs", to="cell.current"),
            wire("pixels.spikes", to="pre.inputs"),
            wire("cell.spikes", to="post.inputs"),
            wire("pre.trace", to="synapse.pre_trace"),
            wire("post.trace", to="synapse.post_trace"),
            wire("cell.spikes", to="synapse.post"),
        ],
    )


@partial(jax.jit, static_argnames="steps")
def by_hand(circuit: nm.Circuit, state: Any, images: jax.Array, dt: jax.Array, steps: int) -> Any:
    """The same network as one function: what a careful user would write."""
    pixels, synapse = circuit["pixels"], circuit["synapse"]
    cell, pre, post = circuit["cell"], circuit["pre"], circuit["post"]
    chance = -jnp.expm1(-images * pixels.rate * dt / 1000.0)
    leak = -jnp.expm1(-dt / cell.tau)
    fade_pre, fade_post = -jnp.expm1(-dt / pre.tau), -jnp.expm1(-dt / post.tau)
    batch, units = images.shape

    def step(carry: Any, _: Any) -> Any:
        keys, v, refractory, x, y, weights = carry
        keys, draws = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
        uniform = jax.vmap(lambda key: jax.random.uniform(key, (units,)))(draws)
        spikes = (uniform < chance).astype(jnp.float32)
        v_inf = cell.v_rest + cell.resistance * synapse.scale * (spikes @ weights)
        v = v + (v_inf - v) * leak
        v = jnp.where(refractory > 0.5 * dt, cell.v_reset, v)
        fired = v >= cell.v_threshold
        v = jnp.where(fired, cell.v_reset, v)
        refractory = jnp.where(fired, cell.refractory_time, jnp.maximum(refractory - dt, 0.0))
        out = fired.astype(jnp.float32)
        x = x - x * fade_pre + pre.gain * spikes
        y = y - y * fade_post + post.gain * out
        grow, shrink = synapse.a_plus * out, synapse.a_minus * y
        change = jnp.concatenate([x, spikes]).T @ (jnp.concatenate([grow, -shrink]) / batch)
        weights = weights + synapse.eta * change
        weights = jnp.clip(weights, synapse.weight_min, synapse.weight_max)
        return (keys, v, refractory, x, y, weights), out

    names = ("pixels.key", "cell.v", "cell.refractory", "pre.trace", "post.trace")
    start = (*(state[name] for name in names), state["synapse.weights"])
    return jax.lax.scan(step, start, None, length=steps)


def compare(batch: int, steps: int, seed: int, repeats: int) -> dict[str, Any]:
    circuit = network()
    plain = jax.tree.map(jnp.float32, circuit)
    images = jax.random.uniform(jax.random.key(seed), (batch, INPUTS))
    ready = [nm.init(circuit, jax.random.key(seed + i), batch=batch) for i in range(4)]
    turn = dict.fromkeys(("run", "hand"), 0)

    def run() -> Any:
        turn["run"] += 1
        return nm.run(
            circuit,
            ready[turn["run"] % 4],
            steps=steps,
            clamp={"pixels.inputs": images},
            record="cell.spikes",
            learn=True,
        )

    def hand() -> Any:
        turn["hand"] += 1
        return by_hand(plain, ready[turn["hand"] % 4], images, jnp.float32(1.0), steps)

    compiled = compilations(run)
    again = compilations(run)
    turn.update(run=0, hand=0)
    first, second = run(), hand()
    found = {
        f"compilations_first_b{batch}": compiled,
        f"compilations_second_b{batch}": again,
        f"same_spikes_b{batch}": bool((first[1]["cell.spikes"] == second[1]).all()),
        f"rate_hz_b{batch}": float(second[1].mean() * 1000),
    }
    candidates = {"run": run, "hand": hand}
    if ngclearn_stdp.installed():
        candidates |= theirs(batch, steps, images, np.asarray(ready[0]["synapse.weights"]))
    times = interleaved(candidates, repeats)
    cpu = {name: value["cpu"] for name, value in times.items()}
    found |= {
        f"ratio_hand_b{batch}": cpu["run"] / cpu["hand"],
        f"run_ms_b{batch}": 1e3 * cpu["run"],
    }
    for name in ("scan", "loop"):
        if name in cpu:
            found[f"ngclearn_{name}_b{batch}"] = cpu[name] / cpu["run"]
    if batch == 1:
        idle = [
            nm.init(nm.Hopfield(slots=1000, features=64, initial="random"), jax.random.key(i))
            for i in range(50)
        ]
        with_idle = interleaved({"run": run, "hand": hand}, repeats)
        found["idle_ratio"] = (with_idle["run"]["cpu"] / with_idle["hand"]["cpu"]) / (
            cpu["run"] / cpu["hand"]
        )
        del idle
    return found


def compilations(function: Any) -> int:
    """How many XLA programs of the simulation a call compiles."""
    count = [0]

    def listen(event: str, duration: float, **_: object) -> None:
        count[0] += event == "/jax/core/compile/backend_compile_duration"

    jax.monitoring.register_event_duration_secs_listener(listen)
    jax.block_until_ready(function())
    jax.monitoring.unregister_event_duration_listener(listen)
    return count[0]


def theirs(batch: int, steps: int, images: jax.Array, weights: np.ndarray) -> dict[str, Any]:
    """ngc-learn's scan, and its loop over steps (a tenth of them, ten times over)."""
    process, targets, _ = ngclearn_stdp.build(
        f"bench{batch}", INPUTS, CELLS, batch, weights, encode=True,
        a_plus=1.0, a_minus=1.05, eta=1e-3, scale=2.0,
    )  # fmt: skip
    for target in targets:
        target.set(images)
    rows = jnp.asarray(process.pack_rows(steps, t=lambda i: float(i), dt=1.0))

    def loop() -> Any:
        for i in range(steps):
            seen = process.run(t=float(i), dt=1.0)
        return seen[1]

    return {"scan": lambda: process.scan(rows), "loop": loop}


def parity(seed: int, steps: int = 200) -> dict[str, Any]:
    """The same weights and input spikes through both libraries, forward Euler, batch 1."""
    circuit = network(integration="euler", scale=2.0)
    rng = np.random.default_rng(seed)
    spikes = (rng.random((steps, 1, INPUTS)) < 0.03).astype(np.float32)
    weights = rng.random((INPUTS, CELLS)).astype(np.float32)
    parts = {name: circuit[name] for name in ("synapse", "cell", "pre", "post")}
    parts["spikes"] = nm.RateCell(units=INPUTS, tau=1e-6)
    wires = [w for w in circuit.wires if not str(w.sources[0]).startswith("'pixels")]
    wires += [wire("spikes.outputs", to=to) for to in ("synapse.inputs", "pre.inputs")]
    alone = nm.connect(parts, wires)
    state = nm.init(alone, jax.random.key(0)).set({"synapse.weights": weights})
    _, seen = nm.run(
        alone,
        state,
        steps=steps,
        inputs={"spikes.inputs": spikes},
        record="cell.spikes",
        learn=True,
    )
    process, targets, _ = ngclearn_stdp.build(
        "parity", INPUTS, CELLS, 1, weights, encode=False,
        a_plus=1.0, a_minus=1.05, eta=1e-3, scale=2.0,
    )  # fmt: skip
    their_spikes = []
    for i in range(steps):
        for target in targets:
            target.set(jnp.asarray(spikes[i]))
        their_spikes.append(np.asarray(process.run(t=float(i), dt=1.0)[1][0]))
    ours, other = np.asarray(seen["cell.spikes"]), np.stack(their_spikes)
    differs = np.flatnonzero((ours != other).any((1, 2)))
    return {
        "parity_steps": steps,
        "parity_identical_steps": int(differs[0]) if len(differs) else steps,
        "parity_spikes": int(ours.sum()),
        "parity_spikes_ngclearn": int(other.sum()),
    }


def main() -> None:
    given = arguments("circuits", __doc__.splitlines()[0])
    steps, repeats = (50, 3) if given.quick else (1000, 15)
    found: dict[str, Any] = {"steps": steps}
    began = time.perf_counter()
    if ngclearn_stdp.installed():
        found |= parity(given.seed)
    for batch in progress((1, 32), "batch sizes"):
        found |= compare(batch, steps, given.seed, repeats)
    finish(found | {"seconds": time.perf_counter() - began}, given.out)


if __name__ == "__main__":
    main()
