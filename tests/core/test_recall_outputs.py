"""`nm.recall` computes the outputs and nothing as large as examples times slots."""

import jax
import jax.numpy as jnp
import numpy as np

import ngcmem as nm

BATCH, SLOTS = 64, 20_000
memory = nm.Hopfield(slots=SLOTS, features=3, beta=2.0)


def _sizes(function, *arguments):
    """Sizes of the results of every program the function calls."""
    equations = jax.make_jaxpr(function)(*arguments).eqns
    return [variable.aval.size for equation in equations for variable in equation.outvars]


def test_recall_returns_no_weight_of_every_example_and_slot():
    state = jax.eval_shape(lambda: nm.init(memory, jax.random.key(0)))
    probes = jax.ShapeDtypeStruct((BATCH, 3), jnp.float32)
    read = _sizes(lambda state, probes: nm.read(memory, state, probes).outputs, state, probes)
    recall = _sizes(lambda state, probes: nm.recall(memory, state, probes), state, probes)
    assert max(read) >= BATCH * SLOTS > max(recall)


def test_recall_is_read(key):
    small = nm.Hopfield(slots=9, features=3, beta=2.0)
    patterns = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    state = nm.store(small, nm.init(small, key), patterns)
    for options in (dict(), dict(steps=3), dict(tol=1e-4), dict(known=np.ones((9, 3)))):
        np.testing.assert_allclose(
            nm.recall(small, state, patterns, **options),
            nm.read(small, state, patterns, **options).outputs,
            rtol=1e-5,
        )


def test_reading_a_bfloat16_state_gives_a_bfloat16_state(key):
    small = nm.Hopfield(slots=9, features=3, beta=2.0)
    state = nm.store(small, nm.init(small, key), np.eye(3, dtype=np.float32))
    half = jax.tree.map(lambda x: x.astype(jnp.bfloat16) if x.dtype == jnp.float32 else x, state)
    found = nm.read(small, half, jnp.ones((4, 3), jnp.bfloat16), steps=2)
    assert [x.dtype for x in jax.tree.leaves(found)] == [x.dtype for x in jax.tree.leaves(half)]
