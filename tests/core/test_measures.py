"""Measures in place of whole records: the same numbers, with the memory of their result."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.drivers import Events, Mean, PopulationMean, Sum, Variance

CIRCUIT = nm.connect(
    dict(noise=nm.Poisson(units=(4, 3), rate=120.0), cell=nm.LIF(units=(4, 3), resistance=400.0)),
    [nm.wire("noise.spikes", to="cell.current")],
)
STATE = nm.init(CIRCUIT, jax.random.key(0), batch=2)
DRIVE = {"noise.inputs": jnp.ones((2, 4, 3))}
STEPS = 61


def _run(record, **options):
    return nm.run(CIRCUIT, STATE, steps=STEPS, clamp=DRIVE, record=record, **options)[1]


def _dense(path, **options):
    return np.asarray(_run(path, **options)[path], np.float64)


@pytest.mark.parametrize("every", [1, 4])
def test_sums_means_and_variances_are_those_of_the_whole_record(every: int) -> None:
    v, spikes = (_dense(path, record_every=every) for path in ("cell.v", "noise.spikes"))
    record = dict(
        count=Sum("noise.spikes"),
        mean=Mean("cell.v"),
        variance=Variance("cell.v[1:, 2]"),
        rate=PopulationMean("noise.spikes"),
        v="cell.v[0]",
    )
    seen = _run(record, record_every=every)
    np.testing.assert_array_equal(seen["count"], spikes.sum(0))
    np.testing.assert_allclose(seen["mean"], v.mean(0), rtol=1e-6)
    np.testing.assert_allclose(seen["variance"], v.var(0)[:, 1:, 2], rtol=1e-4)
    np.testing.assert_allclose(seen["rate"], spikes.mean((2, 3)), rtol=1e-6)
    np.testing.assert_array_equal(seen["v"], v[:, :, 0].astype(np.float32))


def _expected(spikes):
    steps, examples, rows, columns = np.nonzero(spikes)
    return steps, examples, 3 * rows + columns


@pytest.mark.parametrize("per_step", [1, 2, 5, 64])
def test_events_are_all_that_is_not_zero(per_step: int) -> None:
    spikes = _dense("noise.spikes")
    steps, examples, units = _expected(spikes)
    most = len(steps) + 7
    events = _run(dict(e=Events("noise.spikes", most=most, per_step=per_step)))["e"]
    assert (int(events.kept), int(events.lost)) == (len(steps), 0)
    for found, expected in ((events.steps, steps), (events.examples, examples)):
        np.testing.assert_array_equal(found[: len(steps)], expected)
        assert (np.asarray(found)[len(steps) :] == -1).all()
    np.testing.assert_array_equal(events.units[: len(steps)], units)
    np.testing.assert_array_equal(events.values[: len(steps)], 1.0)
    times, mine = nm.drivers.as_list(events, dt=0.5, example=1)
    np.testing.assert_array_equal(times, 0.5 * (steps[examples == 1] + 1))
    np.testing.assert_array_equal(mine, units[examples == 1])


@pytest.mark.parametrize("most", [1, 50, "all but one"])
def test_events_without_room_are_counted(most) -> None:
    steps, _, units = _expected(_dense("noise.spikes"))
    most = len(steps) - 1 if most == "all but one" else most
    events = _run(dict(e=Events("noise.spikes", most=most, per_step=3)))["e"]
    assert (int(events.kept), int(events.lost)) == (most, len(steps) - most)
    np.testing.assert_array_equal(events.units, units[:most])
    np.testing.assert_array_equal(events.steps, steps[:most])
    with pytest.raises(ValueError, match=f"make most {len(steps)} or more"):
        nm.drivers.as_list(events)


def test_events_keep_what_a_step_held() -> None:
    source = nm.Poisson(units=5, rate=1500.0, counts=True)
    state = nm.init(source, jax.random.key(1), batch=1)
    clamp = {"inputs": jnp.ones((1, 5))}
    record = dict(all="spikes", events=Events("spikes", most=200))
    _, seen = nm.run(source, state, steps=20, clamp=clamp, record=record)
    dense = np.asarray(seen["all"])
    assert dense.max() > 2
    np.testing.assert_array_equal(
        np.asarray(seen["events"].values)[: int(seen["events"].kept)], dense[dense != 0]
    )


def test_a_mean_over_many_steps_keeps_its_digits() -> None:
    cell = nm.RateCell(units=1, activation=jnp.abs, tau=1e-3)
    state = nm.init(cell, jax.random.key(0))
    clamp = {"inputs": jnp.full((1, 1), 0.1)}
    record = dict(mean=Mean("outputs"), total=Sum("outputs"))
    _, seen = nm.run(cell, state, steps=200_000, clamp=clamp, record=record)
    np.testing.assert_allclose(seen["mean"], np.float32(0.1), rtol=3e-7)
    np.testing.assert_allclose(seen["total"], 200_000 * float(np.float32(0.1)), rtol=3e-7)


def test_examples_that_end_early_add_nothing_more() -> None:
    lengths = jnp.array([10, 61])
    record = dict(count=Sum("noise.spikes"), events=Events("noise.spikes", most=500))
    seen = _run(record, lengths=lengths)
    spikes = _dense("noise.spikes", lengths=lengths)
    np.testing.assert_array_equal(seen["count"], spikes.sum(0))
    assert int(seen["events"].kept) == int(spikes.sum())


def test_a_long_run_of_many_cells_fits() -> None:
    """The dense record of these spikes would take 40 GB."""
    source = nm.Poisson(units=1000, rate=5.0)
    state = nm.init(source, jax.random.key(0))
    clamp = {"inputs": jnp.ones((1, 1000))}
    record = dict(e=Events("spikes", most=20_000), r=PopulationMean("spikes"))

    def program(state):
        return nm.run(source, state, steps=10_000_000, clamp=clamp, record=record, dt=0.1)[1]

    memory = jax.jit(program).lower(state).compile().memory_analysis()
    assert memory.temp_size_in_bytes + memory.output_size_in_bytes < 200e6


@pytest.mark.parametrize(
    "record, options, text",
    [
        (Events("noise.spikes", most=5), {}, "write record={'spikes': Events(...)}"),
        (dict(a=3), {}, "record names paths such as 'cell.v', got 3"),
        (dict(a=Mean("cell.w")), {}, "record names 'cell.w'."),
        (dict(a=Mean("noise.key")), {}, "no array with one value per example"),
        (dict(a=Events("cell.spikes", most=9)), dict(record_every=2), "Write record_every=1"),
        (dict(a=Mean("cell.v")), dict(lengths=jnp.array([3, 4])), "Write Sum('cell.v')"),
    ],
)
def test_mistakes(record, options, text) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(text)):
        _run(record, **options)


def test_events_need_a_length() -> None:
    with pytest.raises(ValueError, match=r'Write Events\("cell.spikes", most=100_000\)'):
        Events("cell.spikes")
