"""Episodic: writing, policies, duplicates, deletion, and its mistakes explained."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from tests.memories.episodic_helpers import EYE, KEY, filled, small


def slots_written(memory: nm.Episodic, writes: int = 8) -> list[int]:
    """The slot every one of several writes changes."""
    state, places = nm.init(memory, KEY), []
    for i in range(writes):
        new = nm.store(memory, state, np.full((1, 5), i + 1.0), np.full((1, 5), i + 1.0))
        changed = np.any(np.asarray(new.keys) != np.asarray(state.keys), 1)
        places.append(int(np.argmax(changed)) if changed.any() else -1)
        state = new
    return places


def test_policies_when_full() -> None:
    assert slots_written(small(slots=3)) == [0, 1, 2, 0, 1, 2, 0, 1]
    # PsyNeuLink overwrites slot 0 for ever; equals give way by age.
    assert slots_written(small(slots=3, when_full="weakest"), 7) == [0, 1, 2, 0, 1, 2, 0]
    assert slots_written(small(slots=3, when_full="weakest", decay=0.1), 7) == [0, 1, 2, 0, 1, 2, 0]
    assert slots_written(small(slots=3, when_full="refuse"), 5) == [0, 1, 2, -1, -1]
    # There a zero vector gives way to whatever comes next, because its norm is the smallest.
    zeros = nm.store(small(slots=3), nm.init(small(slots=3), KEY), 0 * EYE[:1], EYE[:1])
    zeros = nm.store(small(slots=3), zeros, EYE[:1], EYE[1:2])
    np.testing.assert_array_equal(zeros.values[:2], EYE[:2])
    drawn = slots_written(small(slots=3, when_full="random"), 12)
    assert drawn[:3] == [0, 1, 2] and len(set(drawn[3:])) > 1
    memory = small(slots=3, when_full="refuse")
    state = nm.store(memory, nm.init(memory, KEY), EYE, EYE)
    assert int(state.refused) == 2 and int(state.count) == 3


def test_what_was_read_is_not_least_recently_used() -> None:
    memory = small(slots=3, when_full="least_recently_used", beta=30.0)
    state = filled(memory)
    state = nm.advance_state(memory, state.replace(inputs=EYE[:1], gate=np.zeros(1)))
    state = nm.evolve(memory, state)  # reads slot 0, stores nothing
    assert int(state.count) == 3 and float(state.usage[0]) > 0.99
    assert int(state.last_used[0]) > int(state.last_used[2]) > int(state.last_used[1])
    state = nm.store(memory, state, EYE[3:4], EYE[3:4])
    np.testing.assert_array_equal(state.keys[1], EYE[3])
    weakest = small(slots=3, when_full="weakest", beta=30.0, rehearsal=1.0)
    state = filled(weakest)
    state = nm.advance_state(weakest, state.replace(inputs=EYE[:1], gate=np.zeros(1)))
    state = nm.store(weakest, nm.evolve(weakest, state), EYE[3:4], EYE[3:4])
    np.testing.assert_array_equal(state.keys[0], EYE[0])  # rehearsed
    np.testing.assert_array_equal(state.keys[1], EYE[3])


def test_a_batch_is_sequential_writes_in_every_way() -> None:
    rng = np.random.default_rng(1)
    keys, values = rng.normal(size=(2, 7, 5)).astype(np.float32)
    for options in (dict(decay=0.2), dict(when_full="weakest", decay=0.2)):
        memory = small(slots=4, **options)
        start = nm.init(memory, KEY, batch=7)
        at_once = nm.store(memory, start, keys, values)
        two = nm.store(memory, start, keys[:3], values[:3])
        two = nm.store(memory, two, keys[3:], values[3:])
        learned = nm.evolve(memory, start.replace(inputs=keys, targets=values))
        one = start
        for k, v in zip(keys, values, strict=True):
            one = nm.store(memory, one, k[None], v[None])
        for name in ("keys", "values", "strength", "written", "count", "oldest"):
            shift = 1 if name == "written" else 0  # evolve accounts for the read first
            np.testing.assert_allclose(at_once[name], one[name], rtol=1e-6, err_msg=name)
            np.testing.assert_allclose(two[name], one[name], rtol=1e-6, err_msg=name)
            np.testing.assert_allclose(learned[name] - shift, one[name], rtol=1e-6, err_msg=name)


def test_duplicates() -> None:
    old, new = np.ones((1, 5)), np.zeros((1, 5))
    results = {}
    for choice in ("append", "overwrite", "skip", "average"):
        memory = small(duplicates=choice, duplicate_threshold=0.9, duplicate_eta=0.25)
        state = nm.store(memory, nm.init(memory, KEY), EYE[:2], np.concatenate([old, old]))
        state = nm.store(memory, state, EYE[:1], new)
        results[choice] = (int(state.count), float(state.values[0, 0]))
        state = nm.store(memory, state, EYE[2:3], new)  # nothing like it yet
        assert int(state.count) == results[choice][0] + 1
    assert results == dict(append=(3, 1.0), overwrite=(2, 0.0), skip=(2, 1.0), average=(2, 0.75))
    # Within one batch too: the second row is a duplicate of the first.
    memory = small(duplicates="skip", duplicate_threshold=0.9)
    assert int(nm.store(memory, nm.init(memory, KEY), EYE[[0, 0]], EYE[[0, 1]]).count) == 1


@pytest.mark.parametrize("weights", [1.0, {"place": 2.0, "time": 2.0}, {"place": 3.0, "time": 1}])
def test_entries_that_share_one_field_are_no_duplicates(weights: Any) -> None:
    """Cosines of 1 and 0: three quarters alike at most; every entry is counted somewhere."""
    memory = nm.Episodic(
        slots=8, keys={"place": 5, "time": 5}, values=5, field_weights=weights,
        duplicates="skip", duplicate_threshold=0.9,
    )  # fmt: skip
    keys = {"place": EYE[[0, 0, 1, 1, 0, 1]], "time": EYE[[0, 1, 0, 1, 0, 1]]}
    state = nm.store(memory, nm.init(memory, KEY), keys, np.ones((6, 5)))
    counts = [int(state[name]) for name in ("count", "skipped", "merged", "refused")]
    assert counts == [4, 2, 0, 0]
    for name in ("place", "time"):
        np.testing.assert_array_equal(state[f"keys.{name}"][:4], keys[name][:4])
    full = memory.replace(slots=3, when_full="refuse", duplicates="average")
    state = nm.store(full, nm.init(full, KEY), keys, np.ones((6, 5)))
    counts = [int(state[name]) for name in ("count", "skipped", "merged", "refused")]
    assert counts == [3, 0, 1, 2]  # the last equals the one refused
    state = nm.clear(full, state)
    assert [int(state[name]) for name in ("skipped", "merged", "refused")] == [0, 0, 0]


def test_an_entry_stored_again_is_a_duplicate_at_the_largest_score() -> None:
    """Its cosine with itself rounds to less than 1 for about half of all rows."""
    rows = np.random.default_rng(5).normal(size=(17, 50)).astype(np.float32)
    memory = nm.Episodic(slots=40, keys=50, duplicates="skip", duplicate_threshold=1.0)
    state = nm.store(memory, nm.init(memory, KEY), rows)
    again = nm.store(memory, state, np.concatenate([rows, rows[:3] + 0.05]))
    assert int(state.count) == 17 and int(again.count) == 20


def test_no_entry_is_torn_by_storage_probability() -> None:
    memory = nm.Episodic(
        slots=64, keys={"a": 2, "b": 3}, values=2, storage_probability=0.5, when_full="refuse"
    )
    rows = np.arange(1.0, 61.0)
    keys = {"a": np.tile(rows[:, None], 2), "b": np.tile(rows[:, None], 3)}
    state = nm.store(memory, nm.init(memory, KEY), keys, np.tile(rows[:, None], 2))
    count = int(state.count)
    assert 15 < count < 45
    for field in (state["keys.a"], state["keys.b"], state.values):
        np.testing.assert_array_equal(field[:, 0], state.values[:, 0])
    assert (np.asarray(state.values[:count, 0]) > 0).all()
    none = nm.store(memory.replace(storage_probability=0.0), nm.init(memory, KEY), keys,
                    np.tile(rows[:, None], 2))  # fmt: skip
    assert int(none.count) == 0


def test_decay_keeps_contents_and_noise_is_what_it_says() -> None:
    memory = small(slots=50, decay=0.5)
    state = nm.init(memory, KEY)
    state = nm.store(memory, state, np.tile(EYE, (10, 1)), np.tile(EYE, (10, 1)))
    np.testing.assert_array_equal(state.values, np.tile(EYE, (10, 1)))
    np.testing.assert_allclose(state.strength[-3:], [0.25, 0.5, 1.0])
    noisy = nm.Episodic(slots=400, keys=5, values=5, write_noise=0.3)
    state = nm.store(noisy, nm.init(noisy, KEY), np.zeros((400, 5)), np.zeros((400, 5)))
    assert abs(float(state.keys.std()) - 0.3) < 0.02
    assert abs(float(state.values.std()) - 0.3) < 0.02
    assert abs(np.corrcoef(state.keys.ravel(), state.values.ravel())[0, 1]) < 0.1


def test_delete_clear_age_and_initial_entries() -> None:
    memory = small(slots=3, initial_keys=EYE[:2], initial_values=EYE[:2])
    state = nm.init(memory, KEY)
    assert int(state.count) == 2
    state = nm.store(memory, state, EYE[2:4], EYE[2:4])  # a full fifo: slot 0 holds the newest
    np.testing.assert_array_equal(state.values.argmax(1), [3, 1, 2])
    np.testing.assert_array_equal(memory.age(state), [0, 2, 1])
    fewer = memory.delete(state, 1)  # the oldest
    np.testing.assert_array_equal(fewer.values.argmax(1)[:2], [2, 3])
    np.testing.assert_array_equal(memory.age(fewer), [1, 0, 0])
    again = nm.store(memory, fewer, EYE[[4, 0]], EYE[[4, 0]])
    np.testing.assert_array_equal(again.values.argmax(1), [0, 3, 4])  # entry 2 was the oldest
    kept = memory.delete(state, np.array([True, False, True]))
    assert int(kept.count) == 1 and int(kept.values[0].argmax()) == 1
    assert int(nm.clear(memory, state).count) == 0
    assert not nm.read(memory, nm.clear(memory, state), EYE[:1]).matched[0]
    with pytest.raises(ValueError, match="delete: slots is the number of one slot or a bool"):
        memory.delete(state, np.array([0, 1]))


def test_in_a_circuit_the_gate_decides() -> None:
    circuit = nm.connect(
        dict(sense=nm.Dense(inputs=5, outputs=5, weight_init=lambda k, s: jnp.eye(5)),
             memory=small(slots=8)),
        [nm.wire("sense.outputs", to="memory.inputs"),
         nm.wire("sense.outputs", to="memory.targets")],
    )  # fmt: skip
    state = nm.init(circuit, KEY)
    gate = np.array([[1.0], [0.0], [1.0], [0.0]])
    driven = {"sense.inputs": EYE[:4, None], "memory.gate": gate}
    state, _ = nm.run(circuit, state, steps=4, inputs=driven, learn=True)
    np.testing.assert_array_equal(state["memory.keys"][:3], [EYE[0], EYE[2], np.zeros(5)])
    assert int(state["memory.count"]) == 2


MISTAKES = {
    "an unknown policy": (dict(when_full="lru"), "when_full='lru' is none of 'fifo'"),
    "duplicates without a threshold": (
        dict(duplicates="skip"), "write duplicate_threshold=0.99"),
    "a field that is not there": (
        dict(keys={"state": 2}, field_weights={"stat": 1.0}), "no key field. Did you mean 'state'"),
    "a field forgotten": (
        dict(keys={"a": 2, "b": 2}, field_weights={"a": 1.0}), "says nothing of 'b'"),
    "no features": (dict(keys=0), "keys is a number of features"),
    "no field": (dict(keys={}), "keys has no field"),
    "names without widths": (dict(keys=["a", "b"]), "keys is .* a dict of them by field, got"),
    "weights of an unnamed field": (dict(field_weights={"a": 1.0}), "one unnamed field"),
    "concatenated with weights": (
        dict(keys={"a": 2}, field_weights={"a": 1.0}, concatenate=True), "field_weights is one"),
    "sampling streamed": (dict(sample=True, method="streamed"), "write method='materialised'"),
    "initial rows of another width": (
        dict(initial_keys=EYE[:2], initial_values=EYE[:2, :3]), r"expected \(2, 5\)"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_explained(mistake: str) -> None:
    options, text = MISTAKES[mistake]
    with pytest.raises(ValueError, match=text):
        small(**options)


def test_targets_are_asked_for() -> None:
    with pytest.raises(ValueError, match=r"write nm\.store\(memory, state, keys, values\)"):
        nm.store(small(), nm.init(small(), KEY), EYE)
    memory = nm.Episodic(slots=3, keys=5)
    with pytest.raises(ValueError, match="leave out targets"):
        nm.store(memory, nm.init(memory, KEY), EYE, EYE)
