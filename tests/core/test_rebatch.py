"""`nm.rebatch`: another number of examples, everything learned."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import delayed, wire
from ngcmem.core import Role, check_state, is_key, leaf_paths
from tests.components import COMPONENTS

KEY = jax.random.key(0)
PATTERNS = jnp.sign(jax.random.normal(KEY, (3, 8)))


@pytest.mark.parametrize("name", COMPONENTS)
def test_what_is_shared_is_the_same_arrays_and_the_rest_is_new(name: str) -> None:
    component = COMPONENTS[name].build()
    old = nm.init(component, KEY, batch=3)
    new = nm.rebatch(component, old, batch=5)
    check_state(component, new)
    fresh = jax.eval_shape(lambda: nm.init(component, jax.random.key(1), batch=5))
    leaves = zip(
        leaf_paths(old), old.leaf_roles(), *map(jax.tree.leaves, (old, new, fresh)), strict=True
    )
    for path, role, before, after, begun in leaves:
        if role in (Role.SHARED, Role.BORROWED):
            assert after is before, path
        else:
            assert after.shape == begun.shape and after.dtype == begun.dtype, path


def test_stored_rows_and_learned_weights_survive_and_time_begins_anew() -> None:
    circuit = nm.connect(
        dict(
            source=nm.Poisson(units=8, rate=400.0),
            synapse=nm.Hebbian(inputs=8, outputs=8, eta=0.1),
            memory=nm.Hopfield(slots=4, features=8, beta=10.0),
        ),
        [
            wire("source.spikes", to="synapse.inputs"),
            wire(delayed("synapse.outputs", steps=3), to="memory.inputs"),
            wire("source.spikes", to="synapse.post"),
        ],
    )
    state = nm.init(circuit, KEY, batch=2)
    state = state.set({"memory": nm.store(circuit["memory"], state["memory"], PATTERNS)})
    state, _ = nm.run(
        circuit, state, steps=7, learn=True, clamp={"source.inputs": jnp.ones((2, 8))}
    )
    other = nm.rebatch(circuit, state, batch=6)
    np.testing.assert_array_equal(other["synapse.weights"], state["synapse.weights"])
    np.testing.assert_array_equal(nm.recall(circuit["memory"], other["memory"], PATTERNS), PATTERNS)
    assert float(other.t) == 0.0 and int(other["memory.count"]) == 3
    later, seen = nm.run(
        circuit, other, steps=20, clamp={"source.inputs": jnp.ones((6, 8))}, record="source.spikes"
    )
    assert float(later.t) == 20.0
    spikes = np.asarray(seen["source.spikes"])
    assert len({spikes[:, i].tobytes() for i in range(6)}) == 6  # noise of their own
    again = nm.rebatch(circuit, state, batch=6, key=jax.random.key(9))
    keys = [np.asarray(jax.random.key_data(s["source.key"])) for s in (other, again)]
    assert (keys[0] != keys[1]).any(axis=1).all()
    back = nm.rebatch(circuit, other, batch=2)
    np.testing.assert_array_equal(back["memory.weights"], state["memory.weights"])


def test_fast_weights_are_one_per_example_and_begin_empty() -> None:
    memory = nm.FastWeights(features=8, values=2)
    state = nm.init(memory, KEY, batch=3)
    state = nm.store(memory, state, PATTERNS, jnp.ones((3, 2)))
    other = nm.rebatch(memory, state, batch=4)
    answers = nm.recall(memory, state, PATTERNS)
    assert float(jnp.abs(answers).min()) > 0.1
    assert float(jnp.abs(nm.recall(memory, other, jnp.ones((4, 8)))).max()) == 0.0


def test_the_dtype_of_the_state_is_kept() -> None:
    cell = nm.LIF(units=2)
    narrow = jax.tree.map(
        lambda x: x if is_key(x) else x.astype(jnp.bfloat16), nm.init(cell, KEY, batch=2)
    )
    assert nm.rebatch(cell, narrow, batch=3).v.dtype == jnp.bfloat16


def advised(make: Any) -> str:
    with pytest.raises(ValueError, match=r"batch") as caught:
        make()
    return str(caught.value)


def test_errors_advise_the_line_that_keeps_what_was_stored() -> None:
    memory = nm.Hopfield(slots=4, features=8, beta=10.0)
    state = nm.store(memory, nm.init(memory, KEY, batch=2), PATTERNS)
    texts = [
        advised(lambda: state.replace(inputs=jnp.zeros((5, 8)))),
        advised(lambda: nm.run(memory, state, steps=2, clamp={"inputs": jnp.zeros((5, 8))})),
        advised(lambda: nm.run(memory, state, steps=2, inputs={"inputs": jnp.zeros((2, 5, 8))})),
    ]
    for text in texts:
        assert "nm.rebatch(component, state, batch=5)" in text and "nm.init" not in text
        names = dict(nm=nm, component=memory, state=state)
        changed = eval("nm.rebatch(component, state, batch=5)", names).replace(
            inputs=jnp.zeros((5, 8))
        )
        np.testing.assert_array_equal(changed.weights, state.weights)
    wrong = advised(lambda: nm.run(memory, state, steps=2, clamp={"inputs": jnp.zeros((2, 9))}))
    assert "rebatch" not in wrong


def test_mistakes_are_explained() -> None:
    cell = nm.LIF(units=2)
    with pytest.raises(ValueError, match="rebatch: batch is a whole number of at least 1, got 0"):
        nm.rebatch(cell, nm.init(cell, KEY), batch=0)
    with pytest.raises(ValueError, match="is not a state of LIF"):
        nm.rebatch(cell, nm.init(nm.Trace(units=2), KEY), batch=2)
