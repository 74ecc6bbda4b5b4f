"""`nm.clear`, and storing only some of the patterns given."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.core import Role, leaf_paths
from tests.components import COMPONENTS, Entry

KEY = jax.random.key(0)
MEMORIES = [
    pytest.param(entry, id=name)
    for name, entry in COMPONENTS.items()
    if isinstance(entry.build(), nm.Memory)
]


@pytest.mark.parametrize("entry", MEMORIES)
def test_a_cleared_memory_answers_as_one_just_made(entry: Entry) -> None:
    memory = entry.build()
    fresh = nm.init(memory, KEY, batch=2)
    full = entry.prepare(memory, fresh)
    empty = nm.clear(memory, full, key=KEY)
    expected = empty if isinstance(memory, nm.Episodic) else fresh
    for path, role, mine, theirs in zip(
        leaf_paths(empty), empty.leaf_roles(), *map(jax.tree.leaves, (empty, expected)), strict=True
    ):
        if role is Role.SHARED and not jnp.issubdtype(mine.dtype, jax.dtypes.prng_key):
            np.testing.assert_array_equal(mine, theirs, err_msg=path)
    if isinstance(memory, nm.Episodic):
        assert int(empty.count) == 0


def test_a_fast_memory_forgets_what_each_example_holds() -> None:
    memory = nm.FastWeights(features=3, values=2)
    state = nm.init(memory, KEY, batch=2)
    full = nm.store(memory, state, jnp.eye(3), jnp.ones((3, 2)))
    assert np.any(nm.recall(memory, full, jnp.eye(3)[:2]))
    assert not np.any(nm.recall(memory, nm.clear(memory, full), jnp.eye(3)[:2]))


def test_clear_takes_a_memory() -> None:
    cell = nm.LIF(units=2)
    with pytest.raises(TypeError, match=r"nm\.clear takes \(memory, state\), got LIF"):
        nm.clear(cell, nm.init(cell, KEY))


@pytest.mark.parametrize(
    "gate", [np.array([True, False, True]), [0.9, 0.5, 1], jnp.array([1, 0, 1])]
)
def test_the_gate_chooses_what_is_stored(gate: object) -> None:
    memory = nm.Hopfield(slots=4, features=3)
    state = nm.init(memory, KEY)
    patterns = np.eye(3, dtype=np.float32)
    patterns[1] = np.nan  # what is not stored may hold anything
    stored = nm.store(memory, state, patterns, gate=gate)
    expected = nm.store(memory, state, patterns[[0, 2]])
    for mine, theirs in zip(*map(jax.tree.leaves, (stored, expected)), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert nm.store(memory, state, patterns, gate=np.zeros(3)) is state


def test_the_gate_goes_with_targets_and_fields() -> None:
    memory = nm.Episodic(slots=4, keys={"place": 2, "time": 3}, values=2)
    state = nm.init(memory, KEY)
    keys = {"place": np.ones((2, 2)), "time": np.eye(3)[:2]}
    stored = nm.store(memory, state, keys, np.eye(2), gate=[0, 1])
    assert int(stored.count) == 1
    np.testing.assert_array_equal(stored.values[0], [0, 1])
    np.testing.assert_array_equal(stored["keys.time"][0], [0, 1, 0])


@pytest.mark.parametrize("gate", [[1, 0], [[1, 0, 1]], [np.nan, 1, 1], ["a", "b", "c"], True])
def test_a_gate_that_does_not_fit_is_refused(gate: object) -> None:
    memory = nm.Hopfield(slots=4, features=3)
    with pytest.raises(ValueError, match="store: gate has one number or truth value for every"):
        nm.store(memory, nm.init(memory, KEY), np.eye(3), gate=gate)


def test_a_traced_gate_is_refused() -> None:
    memory = nm.Hopfield(slots=4, features=3)
    state = nm.init(memory, KEY)
    with pytest.raises(ValueError, match="gate is traced"):
        jax.jit(lambda gate: nm.store(memory, state, np.eye(3), gate=gate))(jnp.ones(3))
