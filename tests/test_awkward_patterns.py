"""No memory answers with NaN because of what it was given to keep."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from tests.components import COMPONENTS

DEFAULTS = {  # the table has these with a strong ridge
    "TemporalPC": nm.TemporalPC(features=12),
    "LinearAssociative": nm.LinearAssociative(inputs=6, outputs=3),
    "CovariancePC": nm.CovariancePC(features=6),
}
MEMORIES = [
    pytest.param(memory, id=name, marks=pytest.mark.xdist_group(f"component {name}"))
    for name, memory in [
        *((name, entry.build()) for name, entry in COMPONENTS.items()),
        *((f"{name} defaults", memory) for name, memory in DEFAULTS.items()),
    ]
    if isinstance(memory, nm.Memory)
]
ROWS = np.sign(np.random.default_rng(0).normal(size=(3, 64))).astype(np.float32)
AWKWARD = {
    "zeros": np.zeros((3, 64)),
    "ones": np.ones((3, 64)),
    "thrice the same": np.repeat(ROWS[:1], 3, 0),
    "half always 1": np.where(np.arange(64) < 32, 1.0, ROWS),
    "bits": (ROWS > 0).astype(np.float32),
    "far from zero": 200.0 + ROWS,
}


@pytest.mark.parametrize("memory", MEMORIES)
def test_recall_is_finite_whatever_was_stored(memory: nm.Memory) -> None:
    empty = nm.init(memory, jax.random.key(0), batch=3)  # a fast memory per example
    stored = 0
    for kind, rows in AWKWARD.items():
        inputs = _like(empty["inputs"], rows)
        try:
            state = _stored(memory, _stored(memory, empty, inputs, rows), inputs, rows)
        except ValueError as refused:  # bits where signs belong, or a full memory
            assert "store" in str(refused), (kind, refused)  # noqa: PT017 (most are taken)
            continue
        stored += 1
        found = nm.read(memory, state, inputs)
        for part in ("outputs", "energy"):
            if part in found.specs():
                leaves = jax.tree.leaves(found[part])
                assert all(bool(jnp.isfinite(x).all()) for x in leaves), (kind, part)
    assert stored > 0


def _stored(memory: nm.Memory, state: Any, inputs: Any, rows: np.ndarray) -> Any:
    if not memory.autoassociative:
        try:
            return nm.store(memory, state, inputs, _like(state["outputs"], rows))
        except ValueError as refused:
            if "leave out targets" not in str(refused):
                raise
    return nm.store(memory, state, inputs)


def _like(compartment: Any, rows: np.ndarray) -> Any:
    def cut(x: Any) -> np.ndarray:
        return np.resize(rows, (3, *x.shape[1:])).astype(x.dtype)

    return jax.tree.map(cut, compartment)
