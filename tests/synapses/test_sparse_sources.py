"""-1 is no connection; any other position that is no input is refused, or NaN if traced."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm

SYNAPSE = nm.Sparse(inputs=4, outputs=2, connections=3)
WEIGHTS = np.float32([[1.0, 10.0, 100.0], [2.0, 20.0, 200.0]])
INPUTS = np.float32([[1.0, 2.0, 3.0, 4.0]])


def _state(sources):
    state = nm.init(SYNAPSE, jax.random.key(0)).replace(weights=WEIGHTS, inputs=INPUTS)
    return state.set({"sources": sources})


def test_minus_one_is_no_connection():
    state = _state(np.int32([[0, -1, -1], [3, 1, -1]]))
    outputs = nm.advance_state(SYNAPSE, state).outputs
    np.testing.assert_array_equal(outputs, [[1.0, 2 * 4.0 + 20 * 2.0]])


def test_the_active_units_of_a_raster_are_sources():
    raster = nm.SpikeIndices(units=4, max_spikes=3)
    spikes = np.float32([[0, 1, 0, 1], [1, 0, 0, 0]])
    state = nm.init(raster, jax.random.key(0), batch=2).replace(inputs=spikes)
    listed = nm.advance_state(raster, state).indices
    outputs = nm.advance_state(SYNAPSE, _state(listed)).outputs
    np.testing.assert_array_equal(outputs, [[1 * 2.0 + 10 * 4.0, 2 * 1.0]])


@pytest.mark.parametrize("kind", [np.int32, jnp.int32])
@pytest.mark.parametrize("wrong", [-2, 4, 5, 1_000_000])
def test_a_position_that_is_no_input_is_refused_where_it_is_set(kind, wrong):
    with pytest.raises(ValueError, match=rf"sources.*0 to 3, or -1.*got {wrong} at \[1, 2\]"):
        _state(kind([[0, 1, 2], [0, 1, wrong]]))


@pytest.mark.parametrize("wrong", [-2, -3, 4, 5])
def test_a_traced_one_makes_its_output_nan_and_no_other(wrong):
    @jax.jit
    def outputs(sources):
        return nm.advance_state(SYNAPSE, _state(sources)).outputs

    found = outputs(jnp.array([[0, 1, wrong], [0, 1, -1]], jnp.int32))
    assert np.isnan(found[0, 0]) and found[0, 1] == 2 * 1.0 + 20 * 2.0
