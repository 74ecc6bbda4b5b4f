"""Fast weights against float64 NumPy loops, chunked against sequential, and their promises."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

import ngcmem as nm

STEPS, BATCH, FEATURES, VALUES = 21, 2, 5, 3
UPDATES = {
    "hebb": nm.memories.AdditiveUpdate(),
    "delta": nm.memories.DeltaUpdate(),
    "momentum": nm.memories.MomentumUpdate(momentum=0.7),
    "least squares": nm.memories.LeastSquaresUpdate(ridge=0.5),
}


def stream() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Queries, keys and values, and data-dependent gates; one key is missing."""
    random = np.random.default_rng(0)
    shapes = {"queries": FEATURES, "keys": FEATURES, "values": VALUES}
    given = {n: random.normal(size=(STEPS, BATCH, w)) / w**0.5 for n, w in shapes.items()}
    given["keys"][5, 1] = 0.0
    gates = {
        "write_gate": (random.uniform(size=(STEPS, BATCH)) > 0.3).astype(float),
        "learning_rate": random.uniform(0.5, 1.0, size=(STEPS, BATCH)),
        "decay": random.uniform(0.0, 0.1, size=(STEPS, BATCH)),
    }
    return given, gates


def build(update: Any, **more: Any) -> tuple[nm.FastWeights, nm.memories.FastWeightsState]:
    memory = nm.FastWeights(
        features=FEATURES, values=VALUES, update=update, eta=0.8, decay=0.02, **more
    )
    state = nm.init(memory, jax.random.key(0), batch=BATCH)
    slow = np.random.default_rng(1).normal(size=(FEATURES, VALUES))
    return memory, state.replace(weights=slow)


def by_hand(
    name: str, slow: np.ndarray, before: bool, eta: float = 0.8, rate: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """The four recurrences as a NumPy loop; least squares solves its normal equations anew."""
    given, gates = stream()
    rate = gates["learning_rate"] if rate is None else rate
    outputs, finals = np.zeros((STEPS, BATCH, VALUES)), []
    for b in range(BATCH):
        M, S = np.zeros((FEATURES, VALUES)), np.zeros((FEATURES, VALUES))
        A, C = 0.5 * np.eye(FEATURES), np.zeros((FEATURES, VALUES))
        for t in range(STEPS):
            q, k, v = (given[n][t, b] for n in ("queries", "keys", "values"))
            s = eta * rate[t, b] * gates["write_gate"][t, b]
            r = (1 - 0.02) * (1 - gates["decay"][t, b])
            old = M
            if k.any():
                if name == "hebb":
                    M = r * M + s * np.outer(k, v)
                elif name == "delta":
                    M = r * M + s * np.outer(k, v - k @ (slow + r * M))
                elif name == "momentum":
                    S = 0.7 * S + s * np.outer(k, v - k @ (slow + M))
                    M = r * M + S
                else:
                    A, C = r * A + s * np.outer(k, k), r * C + s * np.outer(k, v - k @ slow)
                    M = np.linalg.solve(A, C)
            outputs[t, b] = q @ (slow + (old if before else M))
        finals.append(M)
    return outputs, np.stack(finals)


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("name", UPDATES)
def test_sequential_equals_numpy_and_chunked_equals_sequential(name: str, before: bool) -> None:
    memory, state = build(UPDATES[name], read_before_write=before)
    given, gates = stream()
    expected, final = by_hand(name, np.asarray(state.weights, np.float64), before)
    one, outputs = nm.memories.regress_sequence(memory, state, **given, **gates)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    np.testing.assert_allclose(one.memory_weights, final, atol=1e-5)
    many, chunked = nm.memories.regress_sequence(memory, state, **given, **gates, chunk=8)
    np.testing.assert_allclose(chunked, outputs, atol=1e-5)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(many), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("name", ["momentum", "least squares"])
def test_the_state_is_handed_on_between_calls(name: str) -> None:
    """Rules with a memory of their own, chunked in other places: as one NumPy loop over all."""
    memory, state = build(UPDATES[name])
    given, gates = stream()
    expected, final = by_hand(name, np.asarray(state.weights, np.float64), False)
    parts = []
    for part in (slice(0, 10), slice(10, None)):
        streams = {key: value[part] for key, value in {**given, **gates}.items()}
        state, seen = nm.memories.regress_sequence(memory, state, **streams, chunk=8)
        parts.append(seen)
    np.testing.assert_allclose(np.concatenate(parts), expected, atol=1e-5)
    np.testing.assert_allclose(state.memory_weights, final, atol=1e-5)
    assert not nm.reset(memory, state).memory_weights.any()


def test_a_multilayer_perceptron_takes_the_gradient_step_worked_out_by_hand() -> None:
    memory = nm.FastWeights(
        features=FEATURES, values=VALUES, regressor=nm.memories.MLPRegressor(hidden=4), eta=0.3
    )
    state = nm.init(memory, jax.random.key(0), batch=BATCH)
    random = np.random.default_rng(2)
    slow = {"first": random.normal(size=(FEATURES, 4)), "second": random.normal(size=(4, VALUES))}
    given, _ = stream()
    k, v = given["keys"][0], given["values"][0]
    state = state.replace(weights=slow, keys=k, values=v, inputs=k)
    after = nm.advance_state(memory, state)
    for b in range(BATCH):
        a = k[b] @ slow["first"]
        cdf = 0.5 * (1 + erf(a / np.sqrt(2)))
        slope = cdf + a * np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi)
        error = v[b] - (a * cdf) @ slow["second"]
        second = 0.3 * np.outer(a * cdf, error)
        first = 0.3 * np.outer(k[b], slow["second"] @ error * slope)
        np.testing.assert_allclose(after.memory_weights["second"][b], second, atol=1e-5)
        np.testing.assert_allclose(after.memory_weights["first"][b], first, atol=1e-5)
        np.testing.assert_allclose(after.surprise[b], error @ error / 2, rtol=1e-5)
    assert not nm.reset(memory, after).memory_weights["first"].any()


@pytest.mark.parametrize("name, chunk", [("delta", None), ("momentum", 8), ("least squares", 8)])
def test_gradients_run_through_the_carried_state(name: str, chunk: int | None) -> None:
    """Slow weights, step size and gates, through two calls: slopes of the float64 NumPy loop."""
    memory, state = build(UPDATES[name])
    given, gates = stream()
    slow, rate = np.asarray(state.weights, np.float64), gates["learning_rate"]
    wanted = np.random.default_rng(3).normal(size=(STEPS, BATCH, VALUES))

    def loss(eta: Any, slow: Any, rate: Any) -> jax.Array:
        now, total = state.replace(weights=slow), 0.0
        for part in (slice(0, 10), slice(10, None)):
            streams = {**given, **gates, "learning_rate": rate}
            now, outputs = nm.memories.regress_sequence(
                memory.replace(eta=eta),
                now,
                **{key: value[part] for key, value in streams.items()},
                chunk=chunk,
            )
            total += jnp.sum(outputs * wanted[part])
        return total

    def by_loop(step: float) -> float:
        moved = slow + step * along_slow
        return float((by_hand(name, moved, False, 0.8 + step, rate + step)[0] * wanted).sum())

    along_slow = np.random.default_rng(4).normal(size=slow.shape)
    found = jax.grad(loss, argnums=(0, 1, 2))(0.8, slow, rate)
    slope = found[0] + (found[1] * along_slow).sum() + found[2].sum()
    exact = (by_loop(1e-5) - by_loop(-1e-5)) / 2e-5
    np.testing.assert_allclose(slope, exact, rtol=1e-4)


def test_reading_leaves_the_memory_alone_and_storing_writes_rows_in_order() -> None:
    memory, state = build(UPDATES["momentum"])
    given, _ = stream()
    keys, values = given["keys"][:, 0], given["values"][:, 0]
    stored = nm.store(memory, state, keys, values)
    both = {name: np.stack([value[:, 0]] * BATCH, 1) for name, value in given.items()}
    written, _ = nm.memories.regress_sequence(memory, state, **both)
    np.testing.assert_allclose(stored.memory_weights, written.memory_weights, atol=1e-6)
    np.testing.assert_allclose(stored.update_state, written.update_state, atol=1e-6)
    read = nm.read(memory, stored, keys[:BATCH])
    np.testing.assert_array_equal(read.memory_weights, stored.memory_weights)
    np.testing.assert_array_equal(read.update_state, stored.update_state)
    total = np.asarray(state.weights) + np.asarray(stored.memory_weights)
    np.testing.assert_allclose(
        nm.recall(memory, stored, keys[:BATCH]),
        np.einsum("bi,bij->bj", keys[:BATCH], total),
        atol=1e-5,
    )
    assert read.matched.all() and not nm.read(memory, state, keys[:BATCH]).matched.any()


class Lazy(nm.memories.Update):
    """A rule of one's own, without a chunk form."""

    def step(self, predict: Any, fast: Any, own: Any, pair: Any, s: Any, r: Any) -> Any:
        return fast, own


def test_mistakes_are_named() -> None:
    memory, state = build(UPDATES["delta"])
    given, _ = stream()
    deep = nm.FastWeights(
        features=FEATURES, values=VALUES, regressor=nm.memories.MLPRegressor(hidden=4)
    )
    mistakes: list[tuple[Any, str]] = [
        (
            lambda: nm.FastWeights(
                features=2,
                values=2,
                regressor=nm.memories.MLPRegressor(hidden=4),
                update=nm.memories.LeastSquaresUpdate(),
            ),
            "LeastSquaresUpdate solves linear memories only",
        ),
        (
            lambda: nm.FastWeights(features=2, values=2, update=nm.memories.DeltaUpdate),  # pyright: ignore
            "update is an nm.memories.Update such as nm.memories.DeltaUpdate()",
        ),
        (
            lambda: nm.memories.regress_sequence(
                deep, nm.init(deep, jax.random.key(0), 2), **given, chunk=4
            ),
            "only linear memories have a chunk-parallel form",
        ),
        (
            lambda: nm.memories.regress_sequence(*build(Lazy()), **given, chunk=4),
            "Lazy defines no chunk-parallel form. Leave out chunk=.",
        ),
        (
            lambda: nm.memories.MLPRegressor(hidden=0),
            "hidden is a whole number of at least 1, got 0",
        ),
        (
            lambda: nm.memories.regress_sequence(memory, state, **given, chunk=0),
            "chunk is a whole number of at least 1, got 0",
        ),
        (
            lambda: nm.memories.regress_sequence(
                memory, state, **{**given, "queries": np.zeros(3)}
            ),
            "queries has shape (3,), expected (steps, batch, 5)",
        ),
        (
            lambda: nm.memories.regress_sequence(
                memory, state, **{**given, "keys": np.zeros((2, 21, 5))}
            ),
            "keys has shape (2, 21, 5), expected (steps, batch=2, 5): time first. For (batch, "
            "steps, 5) write keys.transpose(1, 0, 2).",
        ),
        (
            lambda: nm.memories.regress_sequence(
                memory, state, **{**given, "keys": np.zeros((21, 2, 4))}
            ),
            "inputs['keys'] has shape (21, 2, 4), expected (21, 2, 5)",
        ),
        (
            lambda: nm.store(memory, state, given["keys"][0]),
            "write nm.store(memory, state, keys, values)",
        ),
        (
            lambda: nm.recall(memory, state, given["keys"][:, 0]),
            "so the probes come in the state's batch, 2, got 21",
        ),
    ]
    for mistake, text in mistakes:
        with pytest.raises(ValueError, match=re.escape(text)):
            mistake()
    with pytest.raises(TypeError, match="of a FastWeights, got FastWeights and FastWeights"):
        nm.memories.regress_sequence(memory, memory, **given)  # pyright: ignore[reportArgumentType]
