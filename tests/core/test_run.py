"""`run`: recording, driving, clamping, sweeps, gradients, donation, and what compiles."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import wire

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def circuit() -> nm.Circuit:
    return nm.connect(
        dict(
            source=nm.Poisson(units=6, rate=400.0),
            synapse=nm.Dense(inputs=6, outputs=4),
            cell=nm.LIF(units=4, resistance=60.0),
            memory=nm.Hopfield(slots=5, features=4, eta=0.1, initial="random"),
        ),
        [
            wire("source.spikes", to="synapse.inputs"),
            wire("synapse.outputs", to="cell.current"),
            wire("cell.spikes", to="memory.inputs"),
        ],
    )


@pytest.fixture(scope="module")
def state(circuit: nm.Circuit) -> Any:
    return nm.init(circuit, KEY, batch=2)


IMAGES = jnp.linspace(0.2, 1.0, 12).reshape(2, 6)


@pytest.mark.usefixtures("optimised")
def test_fifteen_and_twenty_five_steps_are_forty_bit_for_bit(
    circuit: nm.Circuit, state: Any
) -> None:
    clamp, names = {"source.inputs": IMAGES}, ("cell.spikes", "cell.v")
    whole, seen = nm.run(circuit, state, steps=40, clamp=clamp, record=names, learn=True)
    half, first = nm.run(circuit, state, steps=15, clamp=clamp, record=names, learn=True)
    both, rest = nm.run(circuit, half, steps=25, clamp=clamp, record=names, learn=True)
    for name in names:
        np.testing.assert_array_equal(seen[name], np.concatenate([first[name], rest[name]]))
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(both), strict=True):
        assert bool((a == b).all())


@pytest.mark.parametrize("every", [1, 3, 4, 12])
def test_recording_every_so_many_steps(circuit: nm.Circuit, state: Any, every: int) -> None:
    held = {"source.inputs": IMAGES}
    names = ("cell.v", "memory.weights")
    final, all_of_them = nm.run(circuit, state, steps=12, clamp=held, record=names, learn=True)
    last, some = nm.run(
        circuit, state, steps=12, clamp=held, record=names, learn=True, record_every=every
    )
    assert some["cell.v"].shape == (12 // every, 2, 4)
    assert some["memory.weights"].shape == (12 // every, 5, 4)
    for name in names:
        np.testing.assert_allclose(some[name], all_of_them[name][every - 1 :: every], rtol=1e-6)
    np.testing.assert_array_equal(last["cell.v"], final["cell.v"])


def test_keys_can_be_recorded(circuit: nm.Circuit, state: Any) -> None:
    final, seen = nm.run(circuit, state, steps=2, record="source.key")
    keys = jax.random.key_data(seen["source.key"])
    assert keys.shape[:2] == (2, 2)
    np.testing.assert_array_equal(keys[-1], jax.random.key_data(final["source.key"]))


def test_records_may_leave_a_remainder(circuit: nm.Circuit, state: Any) -> None:
    final, seen = nm.run(circuit, state, steps=11, record="source.spikes", record_every=4)
    assert seen["source.spikes"].shape == (2, 2, 6)
    whole, _ = nm.run(circuit, state, steps=11)
    np.testing.assert_array_equal(final["memory.outputs"], whole["memory.outputs"])


def test_inputs_are_time_major_and_clamps_are_held(circuit: nm.Circuit, state: Any) -> None:
    drive = jnp.broadcast_to(IMAGES, (7, 2, 6))
    by_time, _ = nm.run(circuit, state, steps=7, inputs={"source.inputs": drive})
    by_clamp, _ = nm.run(circuit, state, steps=7, clamp={"source.inputs": np.asarray(IMAGES)})
    np.testing.assert_array_equal(by_time["cell.v"], by_clamp["cell.v"])
    cell = nm.Trace(units=1, tau=1e9)
    ramp = jnp.arange(5.0).reshape(5, 1, 1)
    _, seen = nm.run(cell, nm.init(cell, KEY), steps=5, inputs={"inputs": ramp}, record="trace")
    np.testing.assert_allclose(seen["trace"][:, 0, 0], np.cumsum(np.arange(5.0)), rtol=1e-6)


def test_weight_changes_are_recorded_and_not_applied(circuit: nm.Circuit, state: Any) -> None:
    final, seen = nm.run(
        circuit,
        state,
        steps=3,
        clamp={"source.inputs": IMAGES},
        record="memory.weight_changes",
        learn=True,
    )
    moved = final["memory.weights"] - state["memory.weights"]
    np.testing.assert_allclose(0.1 * seen["memory.weight_changes"].sum(0), moved, atol=1e-6)
    wanted = nm.weight_changes(circuit, final)
    assert list(wanted) == ["memory"] and wanted["memory"].shape == (5, 4)


def test_only_evolve_learns(circuit: nm.Circuit, state: Any) -> None:
    final, _ = nm.run(circuit, state, steps=5)
    np.testing.assert_array_equal(final["memory.weights"], state["memory.weights"])


def test_sweeps_over_hyper_parameters_are_loops(circuit: nm.Circuit, state: Any) -> None:
    taus = jnp.array([5.0, 20.0, 60.0])

    def last_v(tau: Any) -> jax.Array:
        swept = nm.with_parameters(circuit, {"cell.tau": tau})
        return nm.run(swept, state, steps=6, clamp={"source.inputs": IMAGES})[0]["cell.v"]

    together = jax.vmap(last_v)(taus)
    for tau, v in zip(taus, together, strict=True):
        np.testing.assert_allclose(last_v(tau), v, rtol=1e-6)


def test_seeds_by_vmap(circuit: nm.Circuit) -> None:
    def spikes(key: jax.Array) -> jax.Array:
        start = nm.init(circuit, key, batch=2).set({"source.inputs": IMAGES})
        return nm.run(circuit, start, steps=4, record="source.spikes")[1]["source.spikes"]

    keys = jax.random.split(KEY, 3)
    np.testing.assert_array_equal(jax.vmap(spikes)(keys), jnp.stack([spikes(k) for k in keys]))


def test_gradients_through_run() -> None:
    cell = nm.LIF(units=2, v_threshold=1e3)  # never spikes: a leaky integrator
    start = nm.init(cell, KEY).replace(current=jnp.full((1, 2), 10.0))

    def last(tau: Any) -> jax.Array:
        return nm.run(cell.replace(tau=tau), start, steps=10)[0].v.sum()

    tau, t = 20.0, 10.0
    exact = -2 * 10.0 * np.exp(-t / tau) * t / tau**2  # d/dtau of R I (1 - exp(-t/tau))
    np.testing.assert_allclose(jax.grad(last)(tau), exact, rtol=1e-4)


def test_donation_frees_the_state(circuit: nm.Circuit) -> None:
    start = nm.init(circuit, KEY, batch=2)
    weights = start["synapse.weights"]
    final, _ = nm.run(circuit, start, steps=2, donate=True)
    assert weights.is_deleted() and not final["synapse.weights"].is_deleted()


def test_donation_takes_nothing_else(circuit: nm.Circuit) -> None:
    """Neither the numbers and clamps of a call nor what another run needs."""
    held = {"source.inputs": jnp.array(IMAGES)}
    state = nm.run(circuit, nm.init(circuit, KEY, batch=2), steps=2, dt=3.0, clamp=held)[0]
    state = nm.run(circuit, state, steps=2, dt=3.0, clamp=held, donate=True)[0]
    state = nm.run(circuit, state, steps=2, dt=4.0, clamp=held, donate=True)[0]
    cell = nm.LIF(units=2)
    for dt in (3.0, 4.0):
        other = nm.run(cell, nm.init(cell, KEY), steps=2, dt=dt)[0]
        assert bool(jnp.isfinite(other.v).all())
    assert not held["source.inputs"].is_deleted()
    np.testing.assert_allclose(state.t, 2 * 3.0 + 2 * 3.0 + 2 * 4.0)


def test_other_values_seeds_and_an_equal_rebuild_compile_nothing(
    circuit: nm.Circuit, compilations: Any
) -> None:
    def go(scale: Any, seed: int) -> None:
        rebuilt = nm.connect(dict(circuit.components), [w for w in circuit.wires])
        swept = nm.with_parameters(rebuilt, {"cell.tau": scale, "memory.beta": scale})
        start = nm.init(swept, jax.random.key(seed), batch=2)
        held = {"source.inputs": IMAGES * seed / 100}
        jax.block_until_ready(nm.run(swept, start, steps=4, dt=scale, clamp=held, learn=True)[0])

    go(1.0, 1)
    go(jnp.float32(1.0), 1)
    before = compilations()
    for i in range(2, 51):
        kinds = (int, float, np.float32, np.float64, jnp.float32)
        go(kinds[i % 5](i), i)
    assert compilations() == before


def test_carries_only_what_the_next_step_reads(circuit: nm.Circuit, state: Any) -> None:
    """Wired inputs, read-outs and weights at rest stay outside the loop."""
    jaxpr = jax.make_jaxpr(
        lambda s: nm.run(circuit, s, steps=5, clamp={"source.inputs": IMAGES})[0]
    )(state)
    scans = [e for e in _equations(jaxpr.jaxpr) if e.primitive.name == "scan"]
    carried = [len(e.outvars) for e in scans]  # nothing is recorded: all it returns is carried
    assert carried == [4], "the source's keys, the cell's v, its rounding and refractory time"


def _equations(jaxpr: Any) -> list[Any]:
    found = []
    for equation in jaxpr.eqns:
        found.append(equation)
        for value in equation.params.values():
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns") and equation.primitive.name in ("jit", "pjit"):
                found += _equations(inner)
    return found
