"""A probe that is not finite has no answer, and neither has a memory that is not."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.core import Role
from ngcmem.retrieval import retrieve_batch, streamable
from tests.components import COMPONENTS, Entry
from tests.retrieval.pairs import SEPARATIONS, SIMILARITIES

MEMORIES = [
    pytest.param(entry, id=name, marks=pytest.mark.xdist_group(f"component {name}"))
    for name, entry in COMPONENTS.items()
    if isinstance(entry.build(), nm.Memory)
]


def _prepared(entry: Entry) -> tuple[nm.Memory, Any]:
    memory = entry.build()
    return memory, entry.prepare(memory, nm.init(memory, jax.random.key(0), batch=3))


def _probes(state: Any) -> Any:
    """One with NaN, one with infinity, and one that is sound."""

    def make(x: jax.Array) -> np.ndarray:
        rows = np.ones((3, *x.shape[1:]), np.float32)
        rows[0, 0], rows[1, -1] = np.nan, np.inf
        return rows

    return jax.tree.map(make, state["inputs"])


@pytest.mark.parametrize("entry", MEMORIES)
def test_the_outputs_are_nan_and_nothing_is_matched(entry: Entry) -> None:
    memory, state = _prepared(entry)

    @jax.jit
    def read(probes: Any, state: Any) -> Any:
        found = nm.read(memory, state, probes)
        return found.outputs, found.matched

    outputs, matched = read(_probes(state), state)
    for leaf in jax.tree.leaves(outputs):
        assert np.isnan(leaf[:2]).all() and np.isfinite(leaf[2]).all()
    assert not np.asarray(matched)[:2].any()

    floats = [
        jnp.full_like(leaf, jnp.nan)
        if role is Role.SHARED and jnp.issubdtype(leaf.dtype, jnp.floating)
        else leaf
        for leaf, role in zip(jax.tree.leaves(state), state.leaf_roles(), strict=True)
    ]
    if any(a is not b for a, b in zip(floats, jax.tree.leaves(state), strict=True)):
        broken = jax.tree.unflatten(jax.tree.structure(state), floats)
        assert not np.asarray(read(_probes(state), broken)[1]).any()


@pytest.mark.parametrize("entry", MEMORIES)
@pytest.mark.parametrize("library", [np.asarray, np.ndarray.tolist])
def test_a_probe_on_the_host_is_refused(entry: Entry, library: Any) -> None:
    memory, state = _prepared(entry)
    probes = jax.tree.map(library, _probes(state), is_leaf=lambda x: isinstance(x, np.ndarray))
    for verb in (nm.read, nm.recall):
        with pytest.raises(
            ValueError, match=rf"{verb.__name__}: inputs.*holds nan at \[0, 0\].*known="
        ):
            verb(memory, state, probes)


def test_where_it_is_not_known_a_probe_on_the_host_may_hold_nan() -> None:
    memory = nm.Hopfield(slots=2, features=3, beta=50.0)
    state = nm.store(memory, nm.init(memory, jax.random.key(0)), [[1.0, 2, 3], [-1, 0, 1]])
    probe = np.array([[1.0, 2.0, np.nan]])
    for known in (np.isfinite(probe), np.isfinite(probe).tolist(), jnp.isfinite(probe)):
        np.testing.assert_allclose(
            nm.recall(memory, state, probe, known=known), [[1, 2, 3]], rtol=1e-5
        )
    with pytest.raises(ValueError, match="holds nan at"):
        nm.recall(memory, state, probe, known=np.array([[True, False, True]]))


def test_learning_that_diverged_is_not_matched() -> None:
    memory = nm.Hopfield(slots=2, features=3, eta=1e30, beta=1.0)
    state = nm.store(memory, nm.init(memory, jax.random.key(0)), [[1.0, 2, 3], [-1, 0, 1]])
    state = state.replace(inputs=[[0.5, 1.0, -1.0]])
    for _ in range(3):
        state = nm.evolve(memory, nm.advance_state(memory, state))
    assert not nm.read(memory, state, [[1.0, 2, 3]]).matched.any()


@pytest.mark.parametrize("separation", SEPARATIONS)
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_both_routes_say_so(similarity: str, separation: str) -> None:
    draw = np.random.default_rng(0).normal
    patterns, values = draw(size=(7, 4)).astype(np.float32), draw(size=(7, 2)).astype(np.float32)
    probes = patterns[:3].copy()
    probes[0, 1], probes[1, 2] = np.nan, np.inf
    broken = patterns.copy()
    broken[4, 1] = np.nan
    methods = ["materialised"]
    if streamable(SEPARATIONS[separation]):
        methods.append("streamed")
    for method in methods:

        @jax.jit
        def found(probes, patterns, method=method):
            return retrieve_batch(
                probes,
                patterns,
                values=values,
                count=6,
                similarity=SIMILARITIES[similarity],
                separation=SEPARATIONS[separation],
                method=method,
                chunk=2 if method == "streamed" else None,
            )

        sound = found(probes, patterns)
        assert np.isnan(sound.outputs[:2]).all() and np.isfinite(sound.outputs[2]).all()
        assert np.isnan(sound.energy[:2]).all() and not sound.matched[:2].any()
        in_use = found(probes, broken)
        assert np.isnan(in_use.outputs).all() and not in_use.matched.any()
        broken[4], broken[6] = patterns[4], np.nan  # not in use: it may hold anything
        np.testing.assert_array_equal(found(probes, broken).outputs, sound.outputs)
        broken[4, 1] = np.nan


def test_a_field_that_is_not_compared_may_hold_anything() -> None:
    memory = nm.Episodic(
        slots=4, keys={"a": 2, "b": 2}, field_weights={"a": 1.0, "b": 0.0}, similarity="dot"
    )
    rows = {"a": np.eye(2), "b": np.eye(2)}
    state = nm.store(memory, nm.init(memory, jax.random.key(0)), rows)
    probe, known = {"a": np.eye(2), "b": np.full((2, 2), np.nan)}, {"a": 1, "b": 0}
    known = {name: np.full((2, 2), float(k)) for name, k in known.items()}
    outputs = nm.recall(memory, state, probe, known=known)
    np.testing.assert_allclose(outputs["b"], np.eye(2), atol=1e-4)
