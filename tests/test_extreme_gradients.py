"""Where a step gives numbers, its derivatives are numbers, for every component of the table.

`jnp.where` hides an overflow forward and multiplies it by 0 backward, which is NaN. Examples of one
batch drive everything an example has, inputs and what it remembers, from 0 to +-1e6.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from tests.components import COMPONENTS, Entry
from tests.test_every_component import PARAMETERS

SCALES = jnp.array([0.0, 1e-6, 1.0, 30.0, 300.0, 3e3, 1e6, -1.0, -30.0, -300.0, -3e3, -1e6])


def _examples(entry: Entry) -> tuple[Any, Any, list[str]]:
    """The component, a state of one example per scale, and what an example has in it."""
    component = entry.build()
    state = entry.prepare(component, nm.init(component, jax.random.key(1), batch=len(SCALES)))
    paths, values = [], {}
    for index, (path, spec) in enumerate(state.specs().items()):
        leaves = jax.tree.leaves(state[path])
        per_example = spec.role.writable or spec.role.name == "PER_EXAMPLE"
        last = path.rpartition(".")[2]
        other = last in ("known", "learn", "gate", "free") or last.endswith("rounding")
        if not per_example or other or entry.drive.get(path, 1.0) is None:
            continue
        if not leaves or not all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves):
            continue
        draw = jax.random.key(index)

        def spread(leaf: jax.Array, draw: jax.Array = draw) -> jax.Array:
            sizes = SCALES.reshape(-1, *[1] * (leaf.ndim - 1))
            part = jax.random.uniform(draw, leaf.shape, minval=0.5)
            part = part if leaf.ndim == 1 else part.at[..., :1].set(1)  # one unit at the scale
            return (sizes * part).astype(leaf.dtype)

        values[path] = jax.tree.map(spread, state[path])
        paths.append(path)
    return component, state.set(values), paths


def _floats(state: Any) -> list[jax.Array]:
    leaves = jax.tree.leaves(state)
    return [
        a for a in leaves if jnp.issubdtype(a.dtype, jnp.floating) and a.shape[:1] == SCALES.shape
    ]


@pytest.mark.parametrize("name", PARAMETERS)
def test_derivatives_are_finite_where_the_step_is(name: str) -> None:
    entry = COMPONENTS[name]
    component, state, paths = _examples(entry)

    @jax.jit
    def both(given: dict[str, Any]) -> tuple[Any, Any]:
        def total(given: dict[str, Any]) -> tuple[jax.Array, list[jax.Array]]:
            found = _floats(nm.advance_state(component, state.set(given), dt=entry.dt))
            sums = [jnp.sum(jnp.where(jnp.isfinite(a), a, 0)) for a in found]
            return sum(sums[1:], sums[0]), found

        return jax.grad(total, has_aux=True)(given)

    slopes, found = both({path: state[path] for path in paths})
    fine = np.ones(len(SCALES), bool)
    for leaf in found:
        fine &= np.isfinite(leaf).reshape(len(SCALES), -1).all(1)
    assert fine[:3].all()
    for path in paths:
        for leaf in jax.tree.leaves(slopes[path]):
            wrong = ~np.isfinite(leaf).reshape(len(SCALES), -1).all(1)
            assert not (wrong & fine).any(), (path, np.asarray(SCALES)[wrong & fine])
