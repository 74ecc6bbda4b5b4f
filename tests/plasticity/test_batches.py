"""Batch semantics over the whole table: what B different examples teach together.

Every rule's change is the mean of what each example alone would change, so that the batch size
alone changes nothing. Memories that write (`WRITES`) store the examples one after another instead.
"""

from typing import Any

import jax
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.core import Role
from tests.components import COMPONENTS, Entry
from tests.test_every_component import BATCH, prepared

WRITES = (  # `evolve` stores the batch's inputs, one after another, as `store` does
    "LinearAssociative",
    "LinearAssociative softmax",
    "ClassicalHopfield",
    "BidirectionalAssociative",
    "BayesPCN",  # without decay: that comes once per call
)


def _cases(names: Any) -> list[Any]:
    return [pytest.param(n, marks=pytest.mark.xdist_group(f"component {n}")) for n in names]


def _has_a_rule(component: nm.Component) -> bool:
    """Whether it says what it wants to change; others only write."""
    return type(component).weight_changes is not nm.Component.weight_changes and component.learns


LEARNS = [n for n, entry in COMPONENTS.items() if _has_a_rule(entry.build()) and n not in WRITES]


def example(state: Any, i: int) -> Any:
    leaves = [
        leaf[i : i + 1] if role.batched else leaf
        for leaf, role in zip(jax.tree.leaves(state), state.leaf_roles(), strict=True)
    ]
    return jax.tree.unflatten(jax.tree.structure(state), leaves)


@pytest.mark.parametrize("name", _cases(LEARNS))
def test_a_batch_wants_the_mean_of_what_its_examples_want(name: str) -> None:
    entry: Entry = COMPONENTS[name]
    component, state = prepared(entry)
    state = nm.advance_state(component, state, dt=entry.dt)
    together = jax.tree.leaves(nm.weight_changes(component, state, dt=entry.dt))
    alone = [
        jax.tree.leaves(nm.weight_changes(component, example(state, i), dt=entry.dt))
        for i in range(BATCH)
    ]
    differ = 0.0
    for k, found in enumerate(together):
        each = np.stack([np.asarray(one[k], np.float64) for one in alone])
        scale = max(1.0, np.abs(each).max())
        differ = max(differ, np.abs(each - each[:1]).max() / scale)
        np.testing.assert_allclose(found, each.mean(0), rtol=0, atol=1e-5 * scale, err_msg=name)
    # The examples teach different things; the parts of circuits stand in the table themselves.
    assert differ > 1e-4 or isinstance(component, nm.Circuit)


@pytest.mark.parametrize("name", _cases(WRITES))
def test_a_batch_is_written_one_example_after_another(name: str) -> None:
    entry: Entry = COMPONENTS[name]
    component, state = prepared(entry)
    if isinstance(component, nm.BayesPCN):
        component = component.replace(decay=0.0)
        state = nm.advance_state(component, state)
    together = nm.evolve(component, state, dt=entry.dt)
    one_by_one = example(state, 0)
    for i in range(BATCH):
        inputs = example(state, i)
        learned = {
            path: one_by_one[path]
            for path, spec in state.specs().items()
            if spec.role is Role.SHARED
        }
        one_by_one = nm.evolve(component, inputs.set(learned), dt=entry.dt)
    for path, spec in state.specs().items():
        if spec.role is Role.SHARED:
            for a, b in zip(*map(jax.tree.leaves, (together[path], one_by_one[path])), strict=True):
                np.testing.assert_allclose(a, b, rtol=0, atol=2e-5, err_msg=path)
    assert any(
        not np.allclose(a, b)
        for path in nm.parameters(state)
        for a, b in zip(*map(jax.tree.leaves, (together[path], state[path])), strict=True)
    )
