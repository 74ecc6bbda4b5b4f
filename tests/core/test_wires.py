"""What a wire may bring: parts, scales, other axes, delays in ms; and populations with a shape."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import delayed, reshaped, wire

STEPS = 24


def _seen(source, to_units, steps=STEPS, dt=1.0, units=(4, 3)):
    """What comes in at a cell wired to an Ornstein-Uhlenbeck process, and the process."""
    circuit = nm.connect(
        dict(noise=nm.OrnsteinUhlenbeck(units=units), cell=nm.RateCell(units=to_units)),
        [wire(*source, to="cell.inputs")],
    )
    state = nm.init(circuit, jax.random.key(0), batch=2)
    names = ("noise.outputs", "cell.inputs")
    _, seen = nm.run(circuit, state, steps=steps, dt=dt, record=names)
    return np.asarray(seen["noise.outputs"]), np.asarray(seen["cell.inputs"])


@pytest.mark.parametrize(
    "source, units, expected",
    [
        (("2 * noise.outputs",), (4, 3), lambda x: 2 * x),
        (("noise.outputs", "-.5*noise.outputs"), (4, 3), lambda x: 0.5 * x),
        (("- noise.outputs",), (4, 3), lambda x: -x),
        (("noise.outputs[1:3]",), (2, 3), lambda x: x[:, :, 1:3]),
        (("noise.outputs[::-2, 1]",), 2, lambda x: x[:, :, ::-2, 1]),
        (("1e1 * noise.outputs[-1]",), 3, lambda x: 10 * x[:, :, -1]),
        ((reshaped("noise.outputs", -1),), 12, lambda x: x.reshape(STEPS, 2, 12)),
        (
            (reshaped("noise.outputs[:2]", 3, 2), "3 * noise.outputs[1:, :2]"),
            (3, 2),
            lambda x: x[:, :, :2].reshape(STEPS, 2, 3, 2) + 3 * x[:, :, 1:, :2],
        ),
    ],
)
def test_a_source_brings_what_numpy_makes_of_it(source, units, expected) -> None:
    noise, brought = _seen(source, units)
    np.testing.assert_allclose(brought, expected(noise), rtol=1e-6)


@pytest.mark.parametrize(
    "ms, dt, lag", [(1.5, 0.1, 15), (1.5, 0.5, 3), (1.5, 1.0, 2), (0.3, 0.1, 3), (1.0, 2.0, 1)]
)
def test_a_delay_in_ms_lasts_the_nearest_whole_steps(ms, dt, lag) -> None:
    noise, brought = _seen((delayed("2 * noise.outputs[1]", ms=ms),), 3, dt=dt)
    expected = np.concatenate([np.zeros((lag, 2, 3)), 2 * noise[: STEPS - lag, :, 1]])
    np.testing.assert_allclose(brought, expected, rtol=1e-6)


def test_what_was_sent_with_another_dt_is_nan_until_it_has_passed() -> None:
    circuit = nm.connect(
        dict(clock=nm.OrnsteinUhlenbeck(units=1), cell=nm.RateCell(units=1)),
        [wire(delayed("clock.outputs", ms=2.0), to="cell.inputs")],
    )
    state = nm.init(circuit, jax.random.key(0))
    state, _ = nm.run(circuit, state, steps=5, dt=1.0)
    state, seen = nm.run(circuit, state, steps=8, dt=0.5, record="cell.inputs")
    assert np.isnan(seen["cell.inputs"][:4]).all()
    assert np.isfinite(seen["cell.inputs"][4:]).all()
    at = state.set({"t": 100.0})
    _, seen = nm.run(circuit, at, steps=3, dt=0.5, record="cell.inputs")
    assert np.isfinite(seen["cell.inputs"]).all()  # the time is set, what was sent is not lost
    fresh = nm.reset(circuit, state)
    _, seen = nm.run(circuit, fresh, steps=3, dt=1.0, record="cell.inputs")
    assert np.isfinite(seen["cell.inputs"]).all()


def test_a_dt_that_the_delay_does_not_fit_is_an_error_before_anything_compiles() -> None:
    circuit = nm.connect(
        dict(a=nm.RateCell(units=1), b=nm.RateCell(units=1)),
        [wire(delayed("a.outputs", ms=1.0, max_steps=4), to="b.inputs")],
    )
    state = nm.init(circuit, jax.random.key(0))
    nm.run(circuit, state, steps=2, dt=0.25)
    for dt in (0.2, 2.5):
        with pytest.raises(ValueError, match=r"too (short|long) a step"):
            nm.run(circuit, state, steps=2, dt=dt)
    traced = jax.vmap(lambda dt: nm.run(circuit, state, steps=2, dt=dt, record="b.inputs")[1])
    seen = traced(jnp.array([0.2, 0.25, 2.5]))["b.inputs"]
    assert np.isnan(seen[0]).all() and np.isfinite(seen[1]).all() and np.isnan(seen[2]).all()


def test_a_delay_in_ms_splits_over_runs_and_batches() -> None:
    circuit = nm.connect(
        dict(noise=nm.Poisson(units=3, rate=200.0), cell=nm.LIF(units=3, resistance=300.0)),
        [wire("noise.spikes", delayed("-cell.spikes", ms=1.5), to="cell.current")],
    )
    state = nm.init(circuit, jax.random.key(0), batch=2)
    drive = {"noise.inputs": jnp.ones((2, 3))}
    whole, seen = nm.run(circuit, state, steps=30, dt=0.5, clamp=drive, record="cell.v")
    half, first = nm.run(circuit, state, steps=11, dt=0.5, clamp=drive, record="cell.v")
    half, second = nm.run(circuit, half, steps=19, dt=0.5, clamp=drive, record="cell.v")
    parts = np.concatenate([first["cell.v"], second["cell.v"]])
    np.testing.assert_array_equal(parts, seen["cell.v"])
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(half), strict=True):
        if not jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
            np.testing.assert_array_equal(a, b)


def test_records_of_parts_are_parts_of_records() -> None:
    circuit = nm.connect(
        dict(noise=nm.OrnsteinUhlenbeck(units=(4, 3)), synapse=nm.Dense(inputs=12, outputs=5)),
        [wire(reshaped("noise.outputs", -1), to="synapse.inputs")],
    )
    state = nm.init(circuit, jax.random.key(0), batch=2)
    names = ("noise.outputs", "noise.outputs[1:, 2]", "synapse.weights[3, :2]")
    _, seen = nm.run(circuit, state, steps=5, record=names)
    np.testing.assert_array_equal(seen["noise.outputs[1:, 2]"], seen["noise.outputs"][:, :, 1:, 2])
    weights = np.broadcast_to(state["synapse.weights"][3, :2], (5, 2))
    np.testing.assert_array_equal(seen["synapse.weights[3, :2]"], weights)
    with pytest.raises(ValueError, match=r"record names 'noise.outputs\[7\]', but \[7\] takes"):
        nm.run(circuit, state, steps=5, record="noise.outputs[7]")


def test_a_population_with_a_shape_is_the_flat_one_with_other_axes() -> None:
    def column(units):
        return nm.connect(
            dict(
                cell=nm.AdaptiveLIF(units=units, resistance=50.0, homeostasis_increment=0.1),
                late=nm.Delay(units=units, max_steps=4, delay=2.0),
                trace=nm.Trace(units=units),
                inhibition=nm.LateralInhibition(units=units, strength=0.1),
                first=nm.WinnerTakeAll(units=units),
                raster=nm.SpikeIndices(units=units, max_spikes=6),
            ),
            [
                wire("cell.spikes", to="late.inputs"),
                wire("late.outputs", to="trace.inputs"),
                wire("trace.trace", to="inhibition.inputs"),
                wire("20 * inhibition.outputs", to="first.current"),
                wire("cell.spikes", to="raster.inputs"),
            ],
        )

    current = np.asarray(jax.random.uniform(jax.random.key(1), (2, 12))) * 3.0
    records = {}
    for units in (12, (2, 3, 2)):
        circuit = column(units)
        state = nm.init(circuit, jax.random.key(0), batch=2)
        clamp = {"cell.current": current.reshape(state["cell.current"].shape)}
        paths = ("cell.v", "trace.trace", "first.v", "first.spikes", "raster.indices")
        state, seen = nm.run(circuit, state, steps=40, clamp=clamp, record=paths, learn=True)
        seen["homeostasis"] = state["cell.homeostasis"][None, None]
        records[units] = {k: np.asarray(v) for k, v in seen.items()}
    assert records[12]["trace.trace"].max() > 0.5
    assert records[12]["first.spikes"].max() == 1.0
    for name, flat in records[12].items():
        np.testing.assert_array_equal(records[2, 3, 2][name].reshape(flat.shape), flat, name)


def test_hyper_parameters_along_an_axis() -> None:
    cell = nm.LIF(units=(2, 3), tau=jnp.array([[5.0, 10.0, 20.0]]))
    state = nm.init(cell, jax.random.key(0)).replace(current=jnp.ones((1, 2, 3)))
    v = nm.advance_state(cell, state).v
    np.testing.assert_allclose(v[0], np.tile(-65 - np.expm1(-1 / np.array([5, 10, 20])), (2, 1)))
    with pytest.raises(ValueError, match=r"one along some axes, such as \(1, 3\)"):
        nm.init(nm.LIF(units=(2, 3), tau=jnp.ones(3)), jax.random.key(0))
    with pytest.raises(ValueError, match=r"or a tuple of them, got \[2, 3\]. Write units=\(2, 3\)"):
        nm.LIF(units=[2, 3])  # pyright: ignore


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: delayed("a.outputs", ms=0.0), "ms is a number in (0, inf), got 0.0"),
        (lambda: delayed("a.outputs", steps=2, ms=1.0), "give steps or ms, got steps=2 and ms=1.0"),
        (lambda: delayed(delayed("a.outputs")), "lags already"),
        (lambda: delayed("a.outputs", max_steps=3), "max_steps is for ms"),
        (lambda: reshaped("a.outputs"), "write reshaped('a.outputs', -1)"),
        (lambda: reshaped("a.outputs", -1, -1), "at most one of them -1"),
        (lambda: wire("a.outputs[x]", to="b.inputs"), "whole numbers and slices: 'a.outputs[:80]'"),
        (lambda: wire("a.outputs * b.outputs", to="c.inputs"), "Several sources are several"),
    ],
)
def test_mistakes_in_a_source(make, text) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        make()


def test_wires_are_shown_as_they_are_written() -> None:
    written = [
        "wire('2.0 * a.outputs[:80]', to='b.inputs')",
        "wire(reshaped(delayed('-a.outputs', steps=3), 4, -1), to='b.inputs')",
        "wire(delayed('a.outputs', ms=1.5, max_steps=20), to='b.inputs')",
    ]
    for text in written:
        assert repr(eval(text, dict(wire=wire, reshaped=reshaped, delayed=delayed))) == text
