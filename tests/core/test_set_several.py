"""`state.set` and `run` write several compartments of one component at once."""

import jax
import jax.numpy as jnp
import numpy as np

import ngcmem as nm


def test_two_compartments_of_one_component_are_both_set_driven_and_clamped():
    circuit = nm.connect(dict(synapse=nm.Hebbian(inputs=2, outputs=2), cell=nm.LIF(units=2)))
    state = nm.init(circuit, jax.random.key(0))
    both = {"synapse.inputs": jnp.ones((1, 2)), "synapse.post": 2.0 * jnp.ones((1, 2))}
    changed = state.set({**both, "cell.v": jnp.zeros((1, 2))})
    for path, value in both.items():
        np.testing.assert_array_equal(changed[path], value)
    final, _ = nm.run(circuit, state, steps=2, clamp=both)
    for path, value in both.items():
        np.testing.assert_array_equal(final[path], value)
    driven = {path: jnp.stack([value, 3.0 * value]) for path, value in both.items()}
    final, _ = nm.run(circuit, state, steps=2, inputs=driven)
    for path, value in both.items():
        np.testing.assert_array_equal(final[path], 3.0 * value)


def test_the_whole_state_of_a_component_is_set() -> None:
    circuit = nm.connect(dict(a=nm.RateCell(units=2), b=nm.RateCell(units=2)), [])
    state = nm.init(circuit, jax.random.key(0))
    other = state["a"].replace(z=np.ones((1, 2)))
    changed = state.set({"a": other})
    np.testing.assert_array_equal(changed["a.z"], other.z)
    np.testing.assert_array_equal(changed["b.z"], state["b.z"])
