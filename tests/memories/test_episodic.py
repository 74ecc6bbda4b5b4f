"""Episodic: reading, writing, policies, and what went wrong in the sources it was built from."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.retrieval.sparse import TopK

KEY = jax.random.key(0)
EYE = np.eye(5, dtype=np.float32)


def small(**options: Any) -> nm.Episodic:
    """Five slots, keys and values of five features."""
    return nm.Episodic(**{**dict(slots=5, keys=5, values=5, similarity="dot"), **options})


def filled(memory: nm.Episodic, number: int = 3) -> Any:
    return nm.store(memory, nm.init(memory, KEY), EYE[:number], np.roll(EYE, 1, 1)[:number])


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_fields_weights_and_masks_against_numpy() -> None:
    rng = np.random.default_rng(0)
    widths = {"place": 3, "time": 4}
    memory = nm.Episodic(
        slots=6, keys=widths, values={"what": 2, "who": 3}, beta=1.7,
        field_weights={"place": 3.0, "time": 0.5}, similarity="cosine", threshold=0.1,
    )  # fmt: skip
    keys = {name: rng.normal(size=(4, d)) for name, d in widths.items()}
    values = {"what": rng.normal(size=(4, 2)), "who": rng.normal(size=(4, 3))}
    state = nm.store(memory, nm.init(memory, KEY), keys, values)
    query = {name: rng.normal(size=(2, d)) for name, d in widths.items()}
    known = {"place": np.ones((2, 3)), "time": np.array([[1, 1, 1, 1], [1, 0, 1, 0]])}
    seen = nm.read(memory, state, query, known=known)

    score = np.zeros((2, 4))
    for name, weight in (("place", 3.0), ("time", 0.5)):
        for b in range(2):
            m = known[name][b]
            q, k = query[name][b] * m, keys[name] * m
            score[b] += weight * (k @ q) / np.linalg.norm(q) / np.linalg.norm(k, axis=1)
    p = softmax(np.where(score > 0.1, 1.7 * score, -np.inf))
    np.testing.assert_allclose(seen.similarities[:, :4], score, atol=1e-6)
    np.testing.assert_allclose(seen.similarities[:, 4:], 0)
    np.testing.assert_allclose(seen.memory_weights[:, :4], p, atol=1e-6)
    np.testing.assert_allclose(seen.best_similarity, score.max(1), atol=1e-6)
    np.testing.assert_allclose(seen.intensity, 1, atol=1e-6)
    for name, stored in values.items():
        np.testing.assert_allclose(seen.outputs[name], p @ stored, atol=1e-6)
    for name, value in nm.recall(memory.replace(method="streamed"), state, query).items():
        np.testing.assert_allclose(value, nm.recall(memory, state, query)[name], atol=1e-6)


def test_batch_rows_are_independent() -> None:
    memory = small()
    state = filled(memory)
    together = nm.recall(memory, state, 30 * EYE[:3])
    for i in range(3):
        np.testing.assert_allclose(nm.recall(memory, state, 30 * EYE[i : i + 1])[0], together[i])
    assert np.allclose(nm.read(memory, state, EYE[:3]).memory_weights.sum(1), 1)


@pytest.mark.parametrize("options", [{}, {"threshold": 1.0}, {"separation": "power"}])
def test_nothing_that_matches_gives_zeros_and_a_flag(options: dict) -> None:
    memory = small(**options)
    empty = nm.init(memory, KEY)
    states = [empty] if not options else [empty, filled(memory)]
    for state in states:
        query = EYE[4:] if "separation" in options else EYE[:1]
        seen = nm.read(memory, state, query)
        assert not seen.matched[0]
        np.testing.assert_array_equal(seen.outputs, np.zeros((1, 5)))
        assert np.isfinite(seen.best_similarity).all()


def test_threshold_is_signed_unless_asked() -> None:
    memory = nm.Episodic(slots=3, keys=1, values=1, similarity="dot", threshold=0.5)
    state = nm.store(
        memory, nm.init(memory, KEY), np.array([[-1.0], [0.0], [0.0]]), np.eye(3)[:, :1]
    )
    assert not nm.read(memory, state, np.ones((1, 1))).matched[0]
    absolute = nm.read(memory.replace(absolute_threshold=True), state, np.ones((1, 1)))
    np.testing.assert_array_equal(absolute.memory_weights[0], [1, 0, 0])


def test_retrieves_before_it_is_full_and_the_callers_arrays_stay() -> None:
    memory, keys = small(slots=1000), EYE[:2].copy()
    state = nm.store(memory, nm.init(memory, KEY), keys, keys)
    state = nm.store(memory, state, EYE[2:3], EYE[2:3])
    np.testing.assert_array_equal(keys, EYE[:2])
    assert np.asarray(nm.recall(memory.replace(beta=30.0), state, EYE[:1])[0]).argmax() == 0
    assert int(state.count) == 3 and nm.read(memory, state, EYE[:1]).matched[0]


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
        memory = small(duplicates=choice, duplicate_threshold=0.9, average_rate=0.25)
        state = nm.store(memory, nm.init(memory, KEY), EYE[:2], np.concatenate([old, old]))
        state = nm.store(memory, state, EYE[:1], new)
        results[choice] = (int(state.count), float(state.values[0, 0]))
        state = nm.store(memory, state, EYE[2:3], new)  # nothing like it yet
        assert int(state.count) == results[choice][0] + 1
    assert results == dict(append=(3, 1.0), overwrite=(2, 0.0), skip=(2, 1.0), average=(2, 0.75))
    # Within one batch too: the second row is a duplicate of the first.
    memory = small(duplicates="skip", duplicate_threshold=0.9)
    assert int(nm.store(memory, nm.init(memory, KEY), EYE[[0, 0]], EYE[[0, 1]]).count) == 1


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
    assert int(memory.clear(state).count) == 0
    assert not nm.read(memory, memory.clear(state), EYE[:1]).matched[0]
    with pytest.raises(ValueError, match="delete: slots is the number of one slot or a bool"):
        memory.delete(state, np.array([0, 1]))


def test_modes() -> None:
    memory = small(beta=1.0)
    state = filled(memory)
    query = np.array([[0.9, 0.5, 0.1, 0, 0]], np.float32)
    soft = nm.read(memory, state, query)
    best = nm.read(memory.replace(separation=nm.Episodic(
        slots=1, keys=1, separation="max").separation), state, query)  # fmt: skip
    two = nm.read(small(separation=TopK(k=2), beta=1.0), state, query)
    np.testing.assert_array_equal(best.memory_weights[0, :3], [1, 0, 0])
    np.testing.assert_allclose(two.memory_weights[0, :2], softmax(np.array([0.9, 0.5])), atol=1e-6)
    for other in (best, two):  # the same similarity in every mode
        np.testing.assert_array_equal(other.similarities, soft.similarities)
    sampling = small(beta=1.0, sample=True)
    start = nm.init(sampling, KEY)
    start = nm.store(sampling, start, EYE[:3], EYE[:3])
    draws = nm.read(sampling, start, np.tile(query, (2000, 1))).memory_weights
    assert set(np.unique(draws)) == {0.0, 1.0} and (draws.sum(1) == 1).all()
    np.testing.assert_allclose(draws.mean(0), soft.memory_weights[0], atol=0.04)


def test_power_is_unnormalised_and_intensity_its_sum() -> None:
    memory = nm.Episodic(slots=4, keys=2, similarity="dot", separation="power", beta=1.0)
    state = nm.store(memory, nm.init(memory, KEY), np.array([[1.0, 0.0], [0.5, 0.5], [-0.5, 0.0]]))
    seen = nm.read(memory, state, np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(seen.memory_weights[0], [1, 0.125, -0.125, 0])
    np.testing.assert_allclose(seen.intensity, 1.0)
    np.testing.assert_allclose(seen.outputs[0], [1 + 0.0625 + 0.0625, 0.0625])


def test_autoassociative_completion_and_labels_of_weight_zero() -> None:
    memory = nm.Episodic(
        slots=4, keys={"face": 4, "name": 3}, field_weights={"face": 1.0, "name": 0.0}, beta=50.0
    )
    faces, names = np.eye(4), np.eye(3)
    entries = {"face": faces[:3], "name": names}
    state = nm.store(memory, nm.init(memory, KEY), entries)
    answer = nm.recall(memory, state, {"face": faces[:3], "name": np.zeros((3, 3))})
    np.testing.assert_allclose(answer["name"], names, atol=1e-6)
    assert nm.recall(memory, state, entries, steps=3)["face"].shape == (3, 4)
    with pytest.raises(ValueError, match="tol= needs a recall that converges"):
        nm.recall(memory, state, entries, tol=1e-3)


def test_concatenated_keys_are_one_key() -> None:
    rng = np.random.default_rng(3)
    one = nm.Episodic(slots=4, keys=5, values=2)
    two = nm.Episodic(slots=4, keys={"a": 2, "b": 3}, values=2, concatenate=True)
    keys, values, query = rng.normal(size=(4, 5)), rng.normal(size=(4, 2)), rng.normal(size=(2, 5))

    def fields(rows: np.ndarray) -> dict:
        return {"a": rows[:, :2], "b": rows[:, 2:]}

    expected = nm.recall(one, nm.store(one, nm.init(one, KEY), keys, values), query)
    given = nm.recall(two, nm.store(two, nm.init(two, KEY), fields(keys), values), fields(query))
    np.testing.assert_allclose(given, expected, atol=1e-6)


def test_gradients_through_stored_entries() -> None:
    query = np.array([[0.3, 0.2, 0.0, 0.0, 0.0]], np.float32)

    def answer(key: jax.Array, memory: nm.Episodic) -> jax.Array:
        state = nm.store(memory, nm.init(memory, KEY), key, jnp.asarray(EYE[:2]))
        return nm.recall(memory, state, query)[0, 0]

    memory, keys = small(beta=2.0), jnp.asarray(EYE[:2])
    slope = jax.grad(answer)(keys, memory)
    step = 1e-2
    for place in ((0, 0), (1, 1)):
        moved = [answer(keys.at[place].add(sign * step), memory) for sign in (1, -1)]
        assert abs(float(slope[place]) - float(moved[0] - moved[1]) / (2 * step)) < 1e-3
    assert not jax.grad(answer)(keys, memory.replace(stop_gradient=True)).any()


def test_one_memory_per_example_by_vmap() -> None:
    memory = small(beta=30.0)
    states = jax.vmap(lambda key: nm.init(memory, key))(jax.random.split(KEY, 3))
    keys = jnp.asarray(EYE[:3])[:, None]
    values = jnp.asarray(EYE[[1, 2, 3]])[:, None]
    states = jax.vmap(lambda s, k, v: nm.store(memory, s, k, v))(states, keys, values)
    answers = jax.vmap(lambda s, q: nm.recall(memory, s, q))(states, keys)
    np.testing.assert_allclose(answers, values, atol=1e-6)


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
    with pytest.raises(ValueError, match="write nm.store\\(memory, state, keys, values\\)"):
        nm.store(small(), nm.init(small(), KEY), EYE)
    memory = nm.Episodic(slots=3, keys=5)
    with pytest.raises(ValueError, match="leave out targets"):
        nm.store(memory, nm.init(memory, KEY), EYE, EYE)
