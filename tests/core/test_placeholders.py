"""Constructors refuse words and lists, and nothing that a transformation may put in their place."""

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import PartitionSpec

import ngcmem as nm


@pytest.mark.parametrize(
    "leaf", [None, 0, object(), jax.ShapeDtypeStruct((), "float32"), PartitionSpec("x")]
)
def test_axes_shapes_and_shardings_pass(leaf: object) -> None:
    assert nm.Hopfield(slots=2, features=2, beta=leaf).replace(eta=leaf).beta is leaf  # type: ignore
    memory = nm.Episodic(slots=2, keys=2, storage_probability=leaf, field_weights=leaf)  # type: ignore
    assert memory.storage_probability is leaf


def test_tracers_and_axes_sweep_a_component() -> None:
    def cell(tau: jax.Array) -> jax.Array:
        return nm.LIF(units=1, tau=tau).tau * 2.0  # type: ignore[return-value]

    assert jax.jit(jax.vmap(cell))(jnp.arange(3.0)).tolist() == [0.0, 2.0, 4.0]
    axes = jax.tree.map(lambda _: None, nm.LIF(units=1)).replace(tau=0)
    swept = jax.vmap(lambda one: one.tau + one.v_rest, in_axes=(axes,))
    assert swept(nm.LIF(units=1, tau=jnp.arange(1.0, 4.0), v_rest=1.0)).tolist() == [2.0, 3.0, 4.0]
