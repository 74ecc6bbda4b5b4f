"""What a Hopfield memory keeps: appending, the ring, refusal, novelty, masks, initial patterns."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm

KEY = jax.random.key(0)
ROWS = np.random.default_rng(0).normal(size=(11, 3)).astype(np.float32)


def one_by_one(
    memory: nm.Hopfield, state: nm.memories.HopfieldState, rows: np.ndarray
) -> nm.memories.HopfieldState:
    for row in rows:
        state = nm.store(memory, state, row[None])
    return state


@pytest.mark.parametrize("when_full", ["fifo", "refuse"])
@pytest.mark.parametrize("before", [0, 3])
@pytest.mark.parametrize("rows", [2, 4, 8])
def test_storing_rows_is_storing_them_one_by_one(when_full: str, before: int, rows: int) -> None:
    memory = nm.Hopfield(slots=4, features=3, when_full=when_full)  # type: ignore[arg-type]
    start = nm.init(memory, KEY)
    if before:
        start = nm.store(memory, start, ROWS[-before:])
    together = nm.store(memory, start, ROWS[:rows])
    alone = one_by_one(memory, start, ROWS[:rows])
    for name in ("weights", "count", "written", "refused"):
        np.testing.assert_array_equal(together[name], alone[name], err_msg=name)
    total = before + rows
    assert int(together.count) == min(total, 4)
    if when_full == "refuse":
        assert int(together.refused) == max(total - 4, 0)
        assert int(together.written) == min(total, 4)
    else:
        everything = np.concatenate([ROWS[-before:] if before else ROWS[:0], ROWS[:rows]])
        kept = {tuple(row) for row in np.asarray(together.weights)[: int(together.count)]}
        assert kept == {tuple(row) for row in everything[-4:]}
        assert int(together.written) == total and int(together.refused) == 0


def test_only_novel_rows_are_appended() -> None:
    memory = nm.Hopfield(slots=6, features=3, similarity="euclidean", novelty=-0.01)
    rows = np.stack([ROWS[0], ROWS[0] + 1e-3, ROWS[1], ROWS[0], ROWS[1] - 1e-3])
    state = nm.store(memory, nm.init(memory, KEY), rows)
    assert int(state.count) == 2
    np.testing.assert_array_equal(state.weights[:2], rows[[0, 2]])
    again = nm.store(memory, state, rows)
    assert int(again.count) == 2


def test_unused_slots_are_like_nothing() -> None:
    """Rows of zeros have a dot product of 0 with everything: more than -1/2, were they stored."""
    memory = nm.Hopfield(slots=6, features=2, similarity="dot", novelty=-0.5)
    rows = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], np.float32)
    state = nm.store(memory, nm.init(memory, KEY), rows)
    assert int(state.count) == 2  # the third has 0 with the first, the last 1 with the second
    np.testing.assert_array_equal(state.weights[:3], [rows[0], rows[1], [0.0, 0.0]])


def test_evolve_appends_the_novel_and_adapts_from_the_familiar() -> None:
    memory = nm.Hopfield(
        slots=6, features=3, similarity="euclidean", novelty=-0.5, eta=0.5, beta=50.0
    )
    state = nm.store(memory, nm.init(memory, KEY, batch=3), ROWS[:1])
    near, far = ROWS[0] + 0.1, ROWS[0] + 9.0
    state = state.replace(inputs=np.stack([near, far, far]))
    after = nm.evolve(memory, nm.advance_state(memory, state))
    assert int(after.count) == 2  # the third is no longer novel once the second is stored
    np.testing.assert_allclose(after.weights[1], far, rtol=1e-6)
    # the familiar probes are the first and the third; eta / batch * s (x - x_hat), with s = 1
    # for both, because the memory held one pattern when they were recalled
    taught = ROWS[0] + 0.5 / 3 * ((near - ROWS[0]) + (far - ROWS[0]))
    np.testing.assert_allclose(after.weights[0], taught, rtol=1e-5)
    gated = nm.evolve(memory, nm.advance_state(memory, state.replace(learn=jnp.zeros(3))))
    np.testing.assert_array_equal(gated.weights, state.weights)


def test_initial_patterns_fill_the_first_slots() -> None:
    memory = nm.Hopfield(slots=5, features=3, patterns=ROWS[:2])
    state = nm.init(memory, KEY)
    np.testing.assert_array_equal(state.weights[:2], ROWS[:2])
    np.testing.assert_array_equal(state.weights[2:], 0.0)
    assert int(state.count) == int(state.written) == 2
    np.testing.assert_array_equal(nm.store(memory, state, ROWS[2:3]).weights[2], ROWS[2])


def test_random_patterns_count_as_used() -> None:
    memory = nm.Hopfield(
        slots=5, features=3, initial="random", weight_init=jax.nn.initializers.uniform(2.0)
    )
    state = nm.init(memory, KEY)
    assert int(state.count) == 5
    assert 0.0 <= float(state.weights.min()) and float(state.weights.max()) <= 2.0
    assert bool(nm.read(memory, state, ROWS[:1]).matched.all())


def test_scale_and_connections_enter_everywhere() -> None:
    patterns = np.random.default_rng(1).normal(size=(6, 40)).astype(np.float32)
    memory = nm.Hopfield(slots=6, features=40, p_conn=0.5, scale=0.7, beta=0.3, eta=0.1)
    state = nm.store(memory, nm.init(memory, KEY, batch=2), patterns)
    mask = np.asarray(state.mask)
    assert 0.35 < mask.mean() < 0.65 and set(np.unique(mask)) == {0.0, 1.0}
    np.testing.assert_allclose(state.weights, patterns * mask, atol=1e-7)
    plain = nm.Hopfield(slots=6, features=40, beta=0.3)
    effective = nm.store(plain, nm.init(plain, KEY, batch=2), 0.7 * patterns * mask)
    probes = patterns[:2] + 1.0
    found, expected = nm.read(memory, state, probes), nm.read(plain, effective, probes)
    for name in ("outputs", "similarities", "memory_weights", "energy"):
        np.testing.assert_allclose(found[name], expected[name], rtol=2e-5, atol=1e-5)
    learned = nm.evolve(memory, nm.advance_state(memory, state.replace(inputs=probes)))
    assert (np.asarray(learned.weights)[mask == 0] == 0).all()
    assert (np.asarray(learned.weights) != np.asarray(state.weights)).any()


def test_reading_changes_nothing_that_is_remembered() -> None:
    memory = nm.Hopfield(slots=6, features=3)
    state = nm.store(memory, nm.init(memory, KEY), ROWS[:3])
    found = nm.read(memory, state, ROWS[:5], tol=1e-3)
    for name in ("weights", "count", "written"):
        np.testing.assert_array_equal(found[name], state[name])


def test_storing_inside_a_circuit() -> None:
    circuit = nm.connect(dict(memory=nm.Hopfield(slots=6, features=3, beta=20.0)), [])
    state = nm.init(circuit, KEY, batch=2)
    state = state.set({"memory": nm.store(circuit["memory"], state["memory"], ROWS[:4])})  # type: ignore[arg-type]
    state, _ = nm.run(circuit, state, steps=1, clamp={"memory.inputs": ROWS[:2] * 3})
    np.testing.assert_allclose(state["memory.outputs"], ROWS[:2], atol=1e-2)


def test_a_row_written_over_another_is_not_moved_by_the_change_meant_for_that():
    memory = nm.Hopfield(slots=2, features=2, eta=1.0, novelty=0.5, similarity="cosine", beta=1.0)
    state = nm.store(memory, nm.init(memory, jax.random.key(0), batch=2), np.eye(2))
    state = nm.advance_state(memory, state.replace(inputs=np.array([[-1.0, -1.0], [0.3, 2.0]])))
    after = nm.evolve(memory, state)
    np.testing.assert_array_equal(after.weights[0], [-1.0, -1.0])  # new, in the place of (1, 0)
    assert (np.asarray(after.weights[1]) != [0.0, 1.0]).any()  # the known one learns
