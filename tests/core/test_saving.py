"""What the documentation says of saving: a state is data, a component is code."""

import copy
import pickle
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ngcmem as nm
from ngcmem import wire
from ngcmem.drivers import from_arrays, to_arrays
from tests.components import COMPONENTS

KEY = jax.random.key(0)
PATTERNS = jnp.sign(jax.random.normal(KEY, (3, 8)))


@pytest.fixture(scope="module")
def circuit() -> nm.Circuit:
    return nm.connect(
        dict(source=nm.Poisson(units=8), memory=nm.Hopfield(slots=4, features=8, beta=10.0)),
        [wire("source.spikes", to="memory.inputs")],
    )


@pytest.fixture(scope="module")
def state(circuit: nm.Circuit) -> Any:
    state = nm.init(circuit, KEY, batch=2)
    return state.set({"memory": nm.store(circuit["memory"], state["memory"], PATTERNS)})


def assert_same(circuit: nm.Circuit, state: Any, loaded: Any) -> None:
    recalled = nm.recall(circuit["memory"], loaded["memory"], PATTERNS)
    np.testing.assert_allclose(recalled, PATTERNS, atol=1e-3)
    further = [nm.run(circuit, s, steps=5, record="source.spikes")[1] for s in (state, loaded)]
    np.testing.assert_array_equal(*(seen["source.spikes"] for seen in further))


def test_a_state_can_be_pickled(circuit: nm.Circuit, state: Any) -> None:
    assert_same(circuit, state, pickle.loads(pickle.dumps(state)))


def test_a_state_goes_through_flax_and_numpy(
    circuit: nm.Circuit, state: Any, tmp_path: Path
) -> None:
    serialization = pytest.importorskip("flax.serialization")
    fresh = nm.init(circuit, jax.random.key(1), batch=2)
    data = serialization.to_bytes(to_arrays(state))
    assert_same(circuit, state, from_arrays(fresh, serialization.msgpack_restore(data)))
    np.savez(tmp_path / "state.npz", **to_arrays(state))
    assert_same(circuit, state, from_arrays(fresh, np.load(tmp_path / "state.npz")))


def test_arrays_that_are_not_of_the_state_are_named(circuit: nm.Circuit, state: Any) -> None:
    arrays = to_arrays(state)
    for changes, text in (
        ({"memory.weihgts": arrays["memory.weights"]}, "Did you mean 'memory.weights'"),
        ({"memory.weights": np.zeros((5, 8))}, r"memory.weights has shape \(4, 8\), got \(5, 8\)"),
        ({"source.key": np.zeros((2, 3), np.uint32)}, "source.key has shape"),
    ):
        with pytest.raises(ValueError, match=text):
            from_arrays(state, {**arrays, **changes})
    del arrays["memory.weights"]
    with pytest.raises(ValueError, match=r"'memory\.weights' is missing"):
        from_arrays(state, arrays)


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_component_can_be_pickled(name: str) -> None:
    component = COMPONENTS[name].build()
    chosen = [getattr(component, field) for field in component.static_names]
    given = [x for x in chosen if isinstance(x, optax.GradientTransformation)]
    if any("<locals>" in one.init.__qualname__ for one in given):  # optax.sgd(...), of the table
        data = pytest.importorskip("cloudpickle").dumps(component)
        pickle.loads(data)
        return
    loaded = pickle.loads(pickle.dumps(component))
    assert jax.tree.structure(loaded) == jax.tree.structure(component)  # nothing compiles anew
    for old, new in zip(jax.tree.leaves(component), jax.tree.leaves(loaded), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_shallow_copy_has_the_same_functions() -> None:
    cell = nm.RateCell(units=2, activation=jnp.tanh)
    for again in (copy.copy(cell), copy.deepcopy(cell), pickle.loads(pickle.dumps(cell))):
        assert again.activation is jnp.tanh


def test_a_state_is_saved_and_restored_by_orbax(
    circuit: nm.Circuit, state: Any, tmp_path: Path
) -> None:
    checkpoints = pytest.importorskip("orbax.checkpoint")
    fresh = nm.init(circuit, jax.random.key(1), batch=2)
    with checkpoints.StandardCheckpointer() as saver:
        saver.save(tmp_path / "run", state)
        saver.wait_until_finished()
        loaded = saver.restore(tmp_path / "run", fresh)
    assert_same(circuit, state, loaded)
