"""What is not known may hold anything: nothing read or learned depends on it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ngcmem as nm
from ngcmem.core import Role, leaf_paths
from tests.components import COMPONENTS, PATTERNS, Entry, _with_patterns

RULES = {
    "delta": nm.plasticity.Delta(),
    "contrastive": nm.plasticity.Contrastive(steps=2),
    "energy": nm.plasticity.EnergyGradient(),
    "perturbation": nm.plasticity.Perturbation(),
    "noisy": nm.plasticity.Noisy(rule=nm.plasticity.Delta()),
}
HERE = {
    "Hopfield energy": Entry(
        lambda: nm.Hopfield(slots=8, features=6, beta=2.0, eta=0.1, rule=RULES["energy"]),
        prepare=_with_patterns,
    ),
    **{
        f"Hopfield {similarity} {method}": Entry(
            lambda similarity=similarity, method=method: nm.Hopfield(
                slots=8,
                features=6,
                optimizer=optax.sgd(0.1, momentum=0.9),
                similarity=similarity,
                method=method,
                novelty=0.5,
            ),
            prepare=_with_patterns,
        )
        for similarity, method in (
            ("cosine", "streamed"),
            ("euclidean", "materialised"),
            ("manhattan", "streamed"),
            ("hamming", "materialised"),
        )
    },
    "Episodic values": Entry(
        lambda: nm.Episodic(
            slots=8, keys=6, values=3, duplicates="skip", duplicate_threshold=0.999
        ),
        prepare=lambda component, state: nm.store(component, state, PATTERNS, PATTERNS[:, :3]),
    ),
    "Episodic concatenated": Entry(
        lambda: nm.Episodic(slots=8, keys={"a": 4, "b": 2}, concatenate=True, method="streamed"),
        prepare=lambda component, state: nm.store(
            component, state, {"a": PATTERNS[:, :4], "b": PATTERNS[:, 4:]}
        ),
    ),
    "CovariancePC dendritic": Entry(
        lambda: nm.CovariancePC(features=6, ridge=0.1, eta=0.01, form="dendritic"),
        prepare=_with_patterns,
    ),
}
ENTRIES = [
    pytest.param(entry, id=name, marks=pytest.mark.xdist_group(f"component {name}"))
    for name, entry in (COMPONENTS | HERE).items()
    if isinstance(entry.build(), nm.Memory)
    and "known" in nm.init(entry.build(), jax.random.key(0)).specs()
]
BATCH = 3
KNOWN = np.array([[1, 0, 1, 1, 0, 1], [0, 1, 1, 0, 1, 1], [1, 1, 1, 1, 1, 0]], np.float32)


def _state(entry: Entry, filling: float, key: int = 1) -> tuple[nm.Memory, Any]:
    """A state whose inputs hold `filling` where nothing is known."""
    memory = entry.build()
    state = nm.init(memory, jax.random.key(key), batch=BATCH)
    state = entry.prepare(memory, state)
    known = jax.tree.map(lambda x: KNOWN[:, : x.shape[1]].astype(x.dtype), state["known"])
    rows = np.random.default_rng(3).normal(size=KNOWN.shape)

    def probe(x: Any, mask: Any) -> Any:
        return np.where(mask > 0, rows[:, : x.shape[1]], filling).astype(x.dtype)

    return memory, state.set(
        {"known": known, "inputs": jax.tree.map(probe, state["inputs"], known)}
    )


def _same(first: Any, second: Any, but: tuple[str, ...] = ("inputs",)) -> None:
    for path, a, b in zip(leaf_paths(first), *map(jax.tree.leaves, (first, second)), strict=True):
        if path.split(".")[0] in but:
            continue
        if jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
            a, b = jax.random.key_data(a), jax.random.key_data(b)
        assert np.isfinite(np.asarray(b, np.float64)).all(), path
        np.testing.assert_array_equal(a, b, err_msg=path)


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_is_unknown_changes_nothing(entry: Entry) -> None:
    memory, state = _state(entry, 0.25)
    steps = 2 if memory.autoassociative else 1
    read = nm.read(memory, state, state["inputs"], known=state["known"], steps=steps)
    before = nm.advance_state(memory, state)
    after = nm.evolve(memory, before)
    changes = nm.weight_changes(memory, before) if memory.learns else {}
    assert not all(
        np.array_equal(a, b)
        for a, b, role in zip(
            *map(jax.tree.leaves, (before, after)), before.leaf_roles(), strict=True
        )
        if role is Role.SHARED and not jnp.issubdtype(a.dtype, jax.dtypes.prng_key)
    ), "nothing was learned: the test shows nothing"
    for filling in (50.0, np.nan, -np.inf):
        _, other = _state(entry, filling)
        probe, known = other["inputs"], other["known"]
        _same(read, nm.read(memory, other, probe, known=known, steps=steps))
        moved = nm.advance_state(memory, other)
        _same(before, moved)
        _same(after, nm.evolve(memory, moved))
        if memory.learns:
            np.testing.assert_array_equal(
                jax.tree.leaves(changes)[0], jax.tree.leaves(nm.weight_changes(memory, moved))[0]
            )


@pytest.mark.parametrize("entry", ENTRIES)
def test_no_gradient_goes_through_what_is_unknown(entry: Entry) -> None:
    memory, state = _state(entry, 0.25)

    @jax.jit
    def slopes(state: Any) -> Any:
        def total(params: Any, probes: Any) -> jax.Array:
            now = nm.advance_state(memory, state.set({**params, "inputs": probes}))
            now = nm.evolve(memory, now) if memory.learns else now
            named = [n for n in ("outputs", "energy", "weights", "mean") if n in now.specs()]
            leaves = [x for name in named for x in jax.tree.leaves(now[name])]
            return sum(jnp.sum(x**2) for x in leaves)

        return jax.grad(total, (0, 1))(nm.parameters(state), state["inputs"])

    known = state["known"]
    by_weights, by_probe = slopes(state)
    other_weights, other_probe = slopes(_state(entry, np.nan)[1])
    for a, b in zip(*map(jax.tree.leaves, (by_weights, other_weights)), strict=True):
        assert np.isfinite(b).all()
        np.testing.assert_array_equal(a, b)
    for a, b, mask in zip(*map(jax.tree.leaves, (by_probe, other_probe, known)), strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.asarray(b)[np.asarray(mask) == 0].any()


def test_an_entry_is_stored_as_completed() -> None:
    """One clear match: the unknown half is that of the entry found, not the placeholder."""
    stored = np.sign(np.random.default_rng(0).normal(size=(2, 8))).astype(np.float32)
    stored[0, :4], stored[1, :4] = 1.0, -1.0
    for values in (None, 3):
        memory = nm.Episodic(slots=6, keys=8, values=values, beta=100.0)
        targets = None if values is None else np.eye(2, 3)
        state = nm.store(memory, nm.init(memory, jax.random.key(0)), stored, targets)
        known = np.float32([[1, 1, 1, 1, 0, 0, 0, 0]])
        probe = np.where(known > 0, stored[1], np.nan)
        state = nm.advance_state(memory, state.replace(inputs=probe, known=known))
        state = nm.evolve(memory, state)
        assert int(state.count) == 3
        np.testing.assert_allclose(state["keys"][2], stored[1], atol=1e-6)


def test_a_covariance_learns_nothing_from_a_placeholder() -> None:
    """Before: d mean was +62.6 for a placeholder of 50."""
    memory = nm.CovariancePC(features=3, ridge=0.1, eta=0.1)
    rows = np.random.default_rng(1).normal(size=(40, 3)) @ np.array(
        [[1.0, 0.8, 0.0], [0.0, 0.6, 0.2], [0.0, 0.0, 1.0]]
    )
    state = nm.store(memory, nm.init(memory, jax.random.key(0)), rows)
    state = state.replace(inputs=[[1.0, 0.5, 50.0]], known=[[1.0, 1.0, 0.0]])
    change = nm.weight_changes(memory, nm.advance_state(memory, state))
    covariance, mean = np.cov(rows.T, bias=True) + 0.1 * np.eye(3), rows.mean(0)
    away = np.array([1.0, 0.5]) - mean[:2]
    expected = np.append(np.linalg.solve(covariance[:2, :2], away), 0.0)
    np.testing.assert_allclose(change["mean"], expected, rtol=1e-3, atol=1e-3)


def test_an_example_nothing_is_learned_from_may_hold_anything() -> None:
    for rule in RULES.values():
        memory = nm.Hopfield(slots=4, features=6, eta=0.1, beta=2.0, rule=rule, novelty=0.1)
        state = nm.store(memory, nm.init(memory, jax.random.key(0), batch=2), PATTERNS)
        rows = np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32)
        rows[1] = np.nan
        now = nm.advance_state(memory, state.replace(inputs=rows, learn=np.float32([1.0, 0.0])))
        found = nm.evolve(memory, now).weights
        assert np.isfinite(found).all() and not np.array_equal(found, state.weights)


def test_a_pair_that_is_not_written_may_hold_anything() -> None:
    steps = 6
    draw = np.random.default_rng(0).normal
    queries, keys, values = (draw(size=(steps, 1, n)).astype(np.float32) for n in (4, 4, 3))
    gate = np.float32([1, 0, 1, 1, 0, 1])[:, None]
    for update in (
        nm.memories.AdditiveUpdate(),
        nm.memories.DeltaUpdate(),
        nm.memories.MomentumUpdate(),
        nm.memories.LeastSquaresUpdate(),
    ):
        memory = nm.FastWeights(features=4, values=3, update=update, decay=0.1)
        state = nm.init(memory, jax.random.key(0))
        for chunk in (None, 3):

            def outputs(keys, values, memory=memory, state=state, chunk=chunk):
                return nm.memories.regress_sequence(
                    memory, state, queries, keys, values, write_gate=gate, chunk=chunk
                )[1]

            hidden = np.where(gate[..., None] > 0, values, np.nan)
            np.testing.assert_array_equal(outputs(keys, values), outputs(keys, hidden))
            lost = np.where(gate[..., None] > 0, keys, np.nan)
            np.testing.assert_allclose(outputs(keys, values), outputs(lost, hidden), rtol=1e-6)
