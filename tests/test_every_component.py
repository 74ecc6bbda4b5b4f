"""One contract for every component of the table in `tests/components.py`.

Ranks and dtypes are never promoted silently: `tests/settings.py` forbids it everywhere.
"""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.core import AnyState, Role, is_random, leaf_paths, named_sizes
from tests.components import COMPONENTS, Entry

BATCH = 3
ROUNDINGS = 100  # of float32 at the size of the largest number: what a step may add up to


def _is_float(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jnp.floating)


def driven(entry: Entry, state: AnyState, key: jax.Array, steps: int | None = None) -> dict:
    """Random values for the free inputs: (batch, ...), or (steps, batch, ...)."""
    component = entry.build()
    wired = dict(component.driven()) if isinstance(component, nm.Circuit) else {}
    values = {}
    for path, spec in state.specs().items():
        scale = entry.drive.get(path, 1.0)
        gate = path.rpartition(".")[2] in ("known", "learn", "gate", "free")
        if not spec.role.writable or path in wired or scale is None or gate:
            continue
        leaves, structure = jax.tree.flatten(state[path])
        new = []
        for leaf in leaves:
            key, draw = jax.random.split(key)
            shape = leaf.shape if steps is None else (steps, *leaf.shape)
            new.append((scale * jax.random.uniform(draw, shape)).astype(leaf.dtype))
        values[path] = jax.tree.unflatten(structure, new)
    return values


def stochastic(state: Any) -> bool:
    """Whether a random key or generator is among its leaves."""
    return any(is_random(x) for x in jax.tree.leaves(state))


@cache
def prepared(entry: Entry) -> tuple[nm.Component, Any]:
    component = entry.build()
    state = nm.init(component, jax.random.key(1), batch=BATCH)
    state = entry.prepare(component, state)
    return component, state.set(driven(entry, state, jax.random.key(2)))


def numbers(state: Any) -> list[np.ndarray]:
    """Every leaf as NumPy, keys as their data."""
    return [
        np.asarray(jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x)
        for x in jax.tree.leaves(state)
    ]


def assert_close(first: Any, second: Any, tolerance: float = 1e-6) -> None:
    for path, a, b in zip(leaf_paths(first), numbers(first), numbers(second), strict=True):
        if a.dtype.kind == "f":
            scale = max(1.0, float(np.abs(a[np.isfinite(a)]).max(initial=0.0)))
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale, err_msg=path)
        else:
            np.testing.assert_array_equal(a, b, err_msg=path)


def assert_identical(first: Any, second: Any) -> None:
    for path, a, b in zip(leaf_paths(first), numbers(first), numbers(second), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=path)


PARAMETERS = [  # the tests of one component share a worker, and so its compiled programs
    pytest.param(name, marks=pytest.mark.xdist_group(f"component {name}")) for name in COMPONENTS
]


@pytest.fixture(params=PARAMETERS, ids=str)
def entry(request: pytest.FixtureRequest) -> Entry:
    return COMPONENTS[request.param]


def one_step(component: nm.Component, state: Any, dt: Any) -> Any:
    return nm.evolve(component, nm.advance_state(component, state, dt=dt), dt=dt)


def test_jit_is_no_jit(entry: Entry) -> None:
    component, state = prepared(entry)
    jitted = one_step(component, state, entry.dt)
    with jax.disable_jit():
        eager = one_step(component, state, entry.dt)
    assert_close(jitted, eager)
    for path, spec in jitted.specs().items():
        if spec.role is Role.PER_EXAMPLE:
            assert all(np.isfinite(x).all() for x in numbers(jitted[path])), path


def test_batch_is_a_loop_over_examples(entry: Entry) -> None:
    component, state = prepared(entry)
    together = nm.advance_state(component, state, dt=entry.dt)
    roles, structure = state.leaf_roles(), jax.tree.structure(state)

    def example(whole: Any, i: int) -> Any:
        leaves = [
            leaf[i : i + 1] if role.batched else leaf
            for leaf, role in zip(jax.tree.leaves(whole), roles, strict=True)
        ]
        return jax.tree.unflatten(structure, leaves)

    for i in range(BATCH):
        alone = nm.advance_state(component, example(state, i), dt=entry.dt)
        assert_close(example(together, i), alone)


@pytest.mark.usefixtures("optimised")
def test_run_is_step_by_step_and_continues_bit_for_bit(entry: Entry) -> None:
    component, state = prepared(entry)
    inputs, dt = driven(entry, state, jax.random.key(3), steps=40), 0.3 * entry.dt

    def run(state: Any, steps: int, begin: int) -> Any:
        part = jax.tree.map(lambda x: x[begin : begin + steps], inputs)
        t = {} if isinstance(component, nm.Circuit) else {"t": begin * dt}
        return nm.run(component, state, steps=steps, dt=dt, inputs=part, learn=True, **t)[0]

    half = run(state, 20, 0)  # both halves share a program; 15 + 25 = 40 is in tests/core
    assert_identical(run(state, 40, 0), run(half, 20, 20))

    stepped = state
    for i in range(20):
        now = jax.tree.map(lambda x, i=i: x[i], inputs)
        t = {} if isinstance(component, nm.Circuit) else {"t": i * dt}
        stepped = nm.advance_state(component, stepped.set(now), dt=dt, **t)
        stepped = nm.evolve(component, stepped, dt=dt, **t)
    assert_close(half, stepped)


def test_every_compartment_can_be_set_to_what_it_is(entry: Entry) -> None:
    _, state = prepared(entry)
    for path, spec in state.specs().items():
        if spec.role is not Role.CLOCK:
            assert_identical(state.set({path: state[path]}), state)


def test_reset_restores_dynamics_and_keeps_what_was_learned(entry: Entry) -> None:
    component, state = prepared(entry)
    after = one_step(component, state, entry.dt)
    again = nm.reset(component, after)
    fresh = nm.init(component, jax.random.key(1), batch=BATCH)
    for path, role, kept, new, began in zip(
        leaf_paths(state), state.leaf_roles(), *map(jax.tree.leaves, (after, again, fresh)),
        strict=True,
    ):  # fmt: skip
        if role is Role.SHARED or is_random(new):
            np.testing.assert_array_equal(*(numbers(x)[0] for x in (kept, new)), err_msg=path)
        elif role.batched:
            assert new.shape == began.shape and new.dtype == began.dtype, path
            if not stochastic(state):
                np.testing.assert_array_equal(new, began, err_msg=path)


def test_other_values_compile_nothing(entry: Entry, compilations: Any) -> None:
    component, state = prepared(entry)
    leaves, structure = jax.tree.flatten(component)

    def go(component: Any, dt: Any) -> None:
        jax.block_until_ready(one_step(component, state, dt))

    go(component, entry.dt)
    kinds = (np.float32, np.float64, jnp.float32)
    others = [
        jax.tree.unflatten(
            structure, [kind(leaf) if np.ndim(leaf) == 0 else leaf for leaf in leaves]
        )
        for kind in kinds
    ]
    durations = (0.75 * entry.dt, np.float64(0.5 * entry.dt), jnp.float32(0.25 * entry.dt))
    before = compilations()
    for other, dt in zip(others, durations, strict=True):
        go(other, dt)
    assert compilations() == before


def after_a_step(component: nm.Component, state: Any, dt: float) -> Any:
    """The shapes and dtypes after a step and learning; traced, not compiled."""
    return jax.eval_shape(lambda s: one_step(component, s, dt), state)


def test_dtypes_are_kept(entry: Entry) -> None:
    component, state = prepared(entry)

    def halved(which: Any) -> Any:
        leaves = [
            leaf.astype(jnp.bfloat16) if _is_float(leaf) and which(role) else leaf
            for leaf, role in zip(jax.tree.leaves(state), state.leaf_roles(), strict=True)
        ]
        return jax.tree.unflatten(jax.tree.structure(state), leaves)

    for which in (lambda role: role is Role.SHARED, lambda role: role is not Role.CLOCK):
        before = halved(which)
        # A state in half precision meets hyper-parameters in single: the user's mixture.
        with jax.numpy_dtype_promotion("standard"):
            after = after_a_step(component, before, entry.dt)
        for path, a, b in zip(
            leaf_paths(state), *map(jax.tree.leaves, (before, after)), strict=True
        ):
            assert a.dtype == b.dtype, path


def test_float64(entry: Entry) -> None:
    """A step in float64 keeps float64, and float32 differs from it by its rounding only."""
    component, state = prepared(entry)
    narrow = one_step(component, state, entry.dt)
    with jax.enable_x64(True):
        fresh = jax.eval_shape(lambda key: nm.init(component, key, batch=BATCH), jax.random.key(1))
        assert all(x.dtype == jnp.float64 for x in jax.tree.leaves(fresh) if _is_float(x))
        doubled = jax.tree.map(lambda x: x.astype(jnp.float64) if _is_float(x) else x, state)
        wide = one_step(component, doubled, entry.dt)
        for path, a, b in zip(
            leaf_paths(state), *map(jax.tree.leaves, (doubled, wide)), strict=True
        ):
            assert a.dtype == b.dtype, path
    for path, spec in wide.specs().items():
        if spec.role is Role.PER_EXAMPLE:
            assert all(np.isfinite(x).all() for x in numbers(wide[path])), path
    if not stochastic(state):  # other draws
        assert_close(wide, narrow, tolerance=ROUNDINGS * float(jnp.finfo(jnp.float32).eps))


def test_gradients_are_finite(entry: Entry) -> None:
    component, state = prepared(entry)
    names = entry.outputs or [
        path
        for path, spec in state.specs().items()
        if spec.role is Role.PER_EXAMPLE and all(_is_float(x) for x in jax.tree.leaves(state[path]))
    ]

    def total(component: Any, params: dict) -> jax.Array:
        after = nm.advance_state(component, state.set(params), dt=entry.dt)
        return sum(jnp.sum(x) for name in names for x in jax.tree.leaves(after[name]))

    parts, structure = jax.tree.flatten(component)  # lists of connections have no gradient
    lists = {i: leaf for i, leaf in enumerate(parts) if getattr(leaf, "dtype", None) == jnp.int32}
    floats = {i: jnp.asarray(x, jnp.float32) for i, x in enumerate(parts) if i not in lists}

    def of_floats(floats: dict, params: dict) -> jax.Array:
        leaves = [(floats | lists)[i] for i in range(len(parts))]
        return total(jax.tree.unflatten(structure, leaves), params)

    gradients = jax.jit(jax.grad(of_floats, argnums=(0, 1)))(floats, nm.parameters(state))
    leaves = jax.tree.leaves(gradients)
    assert all(bool(jnp.isfinite(x).all()) for x in leaves)
    assert entry.no_gradient or not leaves or any(bool((x != 0).any()) for x in leaves)


def test_lowers_for_cpu_cuda_and_tpu(entry: Entry) -> None:
    component, state = prepared(entry)
    leaves, structure = jax.tree.flatten((component, state))

    def step(leaves: list) -> list:
        component, state = jax.tree.unflatten(structure, leaves)
        return jax.tree.leaves(one_step(component, state, entry.dt))

    exported = jax.export.export(jax.jit(step), platforms=("cpu", "cuda", "tpu"))(leaves)
    assert set(exported.platforms) == {"cpu", "cuda", "tpu"}


def test_declared_axes_fit_and_are_shown(entry: Entry) -> None:
    component = entry.build()
    state = nm.init(component, jax.random.key(0), batch=2)
    for path, spec in state.specs().items():
        for leaf in jax.tree.leaves(state[path]):
            if spec.axes:
                own = leaf.shape[spec.role.batched :]
                assert named_sizes(component, path, spec.axes, own) is not None, path
    assert type(component).__name__ in repr(component)
    assert (type(component).__doc__ or "").strip()
