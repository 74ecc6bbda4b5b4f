"""Episodic: reading, its modes, gradients, and what went wrong in its sources."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.retrieval import TopK
from tests.memories.episodic_helpers import EYE, KEY, filled, small


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
    streamed = nm.recall(memory.replace(method="streamed"), state, query, known=known)
    for name, stored in values.items():
        np.testing.assert_allclose(streamed[name], p @ stored, atol=1e-6)
    joined = memory.replace(concatenate=True, field_weights=2.0)
    together = [np.concatenate([tree[n] for n in widths], 1) for tree in (query, keys, known)]
    score = np.zeros((2, 4))
    for b in range(2):
        m = together[2][b]
        q, k = together[0][b] * m, together[1] * m
        score[b] = 2.0 * (k @ q) / np.linalg.norm(q) / np.linalg.norm(k, axis=1)
    p = softmax(np.where(score > 0.1, 1.7 * score, -np.inf))
    for method in ("materialised", "streamed"):
        outputs = nm.recall(joined.replace(method=method), state, query, known=known)
        for name, stored in values.items():
            np.testing.assert_allclose(outputs[name], p @ stored, atol=1e-6)


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
        best = 0.0 if state is empty else float(np.max(EYE[:3] @ query[0]))
        np.testing.assert_array_equal(seen.best_similarity, [best])


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
