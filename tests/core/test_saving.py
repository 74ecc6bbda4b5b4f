"""What the documentation says of saving: a state is data, a component is code."""

import pickle
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import wire

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
