"""What is converted into a compartment's dtype, and what is refused: one rule."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm

CELL = nm.LIF(units=3)
STATE = nm.init(CELL, jax.random.key(0))


@pytest.mark.parametrize("library", [np.array, jnp.array, lambda x: x])
def test_bools_and_integers_become_floats(library):
    for rows, expected in (([[True, False, True]], [[1, 0, 1]]), ([[3, -2, 7]], [[3, -2, 7]])):
        for given in (STATE.replace(current=library(rows)), STATE.set({"current": library(rows)})):
            assert given.current.dtype == jnp.float32
            np.testing.assert_array_equal(given.current, expected)
        held = nm.run(CELL, STATE, steps=1, clamp={"current": np.array(rows)})[0].current
        np.testing.assert_array_equal(held, expected)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.int64])
def test_integers_that_fit_pass_exactly(kind):
    top = min(np.iinfo(kind).max, 2**24)
    np.testing.assert_array_equal(
        STATE.replace(current=np.full((1, 3), top, kind)).current, float(top)
    )


@pytest.mark.parametrize("number", [2**24 + 1, -(2**24) - 1, 2**31 - 1, 2**53 + 1, 2**63 - 1])
def test_an_integer_the_float_cannot_hold_is_refused(number):
    for given in (np.full((1, 3), number), [[number, 0, 0]]):
        with pytest.raises(ValueError, match=rf"float32.*cannot hold {number} exactly"):
            STATE.replace(current=given)


def test_an_integer_too_large_for_a_counter_is_refused():
    memory = nm.Hopfield(slots=2, features=3)
    state = nm.init(memory, jax.random.key(0))
    assert int(state.replace(written=np.int64(2**31 - 1)).written) == 2**31 - 1
    with pytest.raises(ValueError, match=r"int32.*cannot hold 4294967296 exactly"):
        state.replace(written=np.int64(2**32))
    with pytest.raises(ValueError, match="holds int32, got float32"):
        state.replace(written=np.float32(1.0))


def test_a_mask_of_bools_is_what_is_known():
    memory = nm.Hopfield(slots=2, features=3, beta=50.0)
    state = nm.store(memory, nm.init(memory, jax.random.key(0)), [[1.0, 2, 3], [-1, 0, 1]])
    known = np.array([[True, True, False]])
    for mask in (known, jnp.asarray(known), known.tolist(), known.astype(np.int8)):
        np.testing.assert_array_equal(
            nm.recall(memory, state, [[1.0, 2.0, 9.0]], known=mask),
            nm.recall(memory, state, [[1.0, 2.0, 9.0]], known=known.astype(np.float32)),
        )
