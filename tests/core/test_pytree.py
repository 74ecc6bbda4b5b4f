"""Pytrees of our own: the class is part of the structure, so no class runs another's program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import Pytree, Static


def make_class(i: int) -> type:
    fields = {"__annotations__": {"gain": float, "units": Static[int]}, "number": float(i)}
    return type(f"Class{i}", (Pytree,), fields)


@jax.jit
def which(node: Pytree) -> jax.Array:
    """A program that differs by class and nothing else."""
    return jnp.float32(type(node).number)  # type: ignore[attr-defined]


def test_equal_shapes_of_different_classes_have_unequal_structures() -> None:
    first, second = (make_class(i)(gain=1.0, units=3) for i in range(2))
    assert jax.tree.structure(first) != jax.tree.structure(second)
    assert jax.tree.structure(first) == jax.tree.structure(first.replace(gain=2.0))
    assert jax.tree.structure(first) != jax.tree.structure(first.replace(units=4))


def test_four_hundred_classes_through_one_jit_run_their_own_program() -> None:
    nodes = [make_class(i)(gain=1.0, units=3) for i in range(400)]
    wrong = [i for i, node in enumerate(nodes) if int(which(node)) != i]
    assert wrong == []


def test_flattening_passes_placeholders_and_keeps_paths() -> None:
    node = make_class(0)(gain=1.0, units=3)
    assert jax.tree.unflatten(jax.tree.structure(node), [None]).gain is None
    assert [jax.tree_util.keystr(p) for p, _ in jax.tree_util.tree_leaves_with_path(node)] == [
        ".gain"
    ]


def test_unknown_fields_are_named() -> None:
    with pytest.raises(TypeError, match=r"LIF has no 'taus'\. Did you mean 'tau'\?"):
        nm.LIF(units=2).replace(taus=3.0)


def test_string_annotations_are_refused() -> None:
    with pytest.raises(TypeError, match="from __future__ import annotations"):
        type("Late", (Pytree,), {"__annotations__": {"gain": "float"}})


def test_repr_shows_sizes_then_hyper_parameters() -> None:
    text = repr(nm.Population(member=nm.Dense(inputs=2, outputs=1), count=3))
    assert text.startswith("Population(count=3, varying=(), member=Dense(inputs=2, outputs=1,")
    assert "tau=float32[3]" in repr(nm.LIF(units=3, tau=np.ones(3, np.float32)))
