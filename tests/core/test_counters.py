"""int32 counters near their end: ticks, rings, slots, stamps and counts."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import delayed, wire
from ngcmem.core import LAST, counted, ring_counted

KEY = jax.random.key(0)


def test_a_count_stops_and_a_ring_goes_on() -> None:
    assert int(counted(jnp.int32(LAST - 2), 5)) == LAST == int(counted(jnp.int32(LAST), 1))
    assert int(counted(jnp.int32(3), 4)) == 7
    count = jnp.int32(2**30 - 5)
    place = (2**30 - 5) % 7
    for _ in range(20):
        count, place = ring_counted(count, 3, 7), (place + 3) % 7
        assert int(count) % 7 == place and int(count) >= 0


@pytest.mark.parametrize("ticks", [2**31 - 5, 2**31 - 1, -3, 2**30])
def test_delayed_wires_and_the_time_go_on_where_ticks_go_round(ticks: int) -> None:
    circuit = nm.connect(
        dict(source=nm.RateCell(units=1, tau=1e-6), late=nm.RateCell(units=1, tau=1e-6)),
        [wire(delayed("source.outputs", steps=3), to="late.inputs")],
    )
    signal = jnp.arange(1.0, 21.0)[:, None, None]
    state = nm.init(circuit, KEY)
    expected = nm.run(
        circuit, state, steps=20, inputs={"source.inputs": signal}, record="late.outputs"
    )[1]["late.outputs"]
    since = np.int32(ticks) - np.int32(7)  # dt last changed seven steps ago
    clock = state.clock.replace(ticks=jnp.int32(ticks), since=since, dt=jnp.float32(1.0))
    state, before = state.replace(clock=clock), 7.0
    assert float(state.t) == before
    for steps in (6, 14):
        part, signal = signal[:steps], signal[steps:]
        state, seen = nm.run(
            circuit, state, steps=steps, inputs={"source.inputs": part}, record="late.outputs"
        )
        before += steps
        assert float(state.t) == before and float(state.clock.began) == before - 1
        np.testing.assert_array_equal(seen["late.outputs"], expected[:steps])
        expected = expected[steps:]


def test_the_time_goes_on_after_so_many_steps_of_one_dt() -> None:
    circuit = nm.connect(dict(cell=nm.LIF(units=1)))
    state = nm.init(circuit, KEY)
    clock = state.clock.replace(ticks=jnp.int32(2**31 - 3), dt=jnp.float32(0.5))
    state = state.replace(clock=clock)
    for _ in range(3):
        state, _ = nm.run(circuit, state, steps=4, dt=0.5)
    np.testing.assert_allclose(state.t, 0.5 * (2**31 - 3 + 12), rtol=1e-6)
    assert float(state.clock.began) <= float(state.t)


def test_a_full_memory_overwrites_its_oldest_row_for_ever() -> None:
    memory = nm.Hopfield(slots=3, features=2)
    rows = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    state = nm.store(memory, nm.init(memory, KEY), rows[:3])
    cycle = 2**30 // 3 * 3
    for begin in (cycle - 2, cycle, 2**31 - 4):
        place, now = begin % 3, state.replace(written=jnp.int32(begin))
        kept = np.array(now.weights)
        for row in rows[3:]:
            now = nm.store(memory, now, row[None])
            kept[place], place = row, (place + 1) % 3
            np.testing.assert_array_equal(now.weights, kept)


@pytest.mark.parametrize("when_full", ["least_recently_used", "weakest", "fifo"])
def test_an_episodic_memory_gives_up_the_same_entry_when_its_clock_goes_round(
    when_full: str,
) -> None:
    memory = nm.Episodic(slots=3, keys=2, when_full=when_full)
    rows = np.random.default_rng(0).normal(size=(8, 2)).astype(np.float32)

    def kept(shift: int) -> np.ndarray:
        state: Any = nm.store(memory, nm.init(memory, KEY), rows[:3])
        move = jnp.int32(shift)
        state = state.replace(
            clock=state.clock + move, written=state.written + move, last_used=state.last_used + move
        )
        for row in rows[3:]:
            state = nm.store(memory, state, row[None])
        assert (np.asarray(memory.age(state)) >= 0).all()
        return np.asarray(jax.tree.leaves(state.keys)[0])

    np.testing.assert_array_equal(kept(2**31 - 6), kept(0))
