"""`nm.run` for a time in ms, and for sequences of unequal length."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm

CELL = nm.LIF(units=2, tau=10.0)
CIRCUIT = nm.connect(
    dict(noise=nm.Poisson(units=3, rate=400.0), synapse=nm.Dense(inputs=3, outputs=2), cell=CELL),
    [
        nm.wire(nm.delayed("noise.spikes", steps=2), to="synapse.inputs"),
        nm.wire("synapse.outputs", to="cell.current"),
    ],
)
PATHS = ("cell.v", "noise.spikes", "synapse.weights")


def test_a_duration_is_so_many_steps() -> None:
    state = nm.init(CELL, jax.random.key(0))
    current = {"current": jnp.full((1, 2), 20.0)}
    by_time = nm.run(CELL, state, duration=0.7, dt=0.1, clamp=current, record="v")
    by_steps = nm.run(CELL, state, steps=7, dt=0.1, clamp=current, record="v")
    for a, b in zip(jax.tree.leaves(by_time), jax.tree.leaves(by_steps), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (dict(), r"steps=200\) or .*got neither"),
        (dict(steps=2, duration=2.0), "got both"),
        (dict(duration=1.0, dt=0.3), r"3.33333 steps of dt=0.3 ms.*duration=0.9\."),
        (dict(duration=0.01), r"duration=1\."),
        (dict(duration=-1.0), "whole number of at least 1"),
        (dict(duration=np.inf), "whole number of at least 1"),
    ],
)
def test_a_duration_that_is_no_number_of_steps_is_refused(options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        nm.run(CELL, nm.init(CELL, jax.random.key(0)), **options)


def _inputs() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0).uniform(size=(6, 3, 3))
    return {"noise.inputs": draw.astype(np.float32)}


def test_an_example_rests_after_its_end() -> None:
    state = nm.init(CIRCUIT, jax.random.key(0), batch=3)
    lengths = np.array([6, 0, 4])
    given = _inputs()
    beyond = given["noise.inputs"].copy()
    beyond[4:, 2] = np.nan  # what an example gets after its end does not count
    beyond[:, 1] = np.nan
    final, seen = nm.run(
        CIRCUIT,
        state,
        steps=6,
        inputs={"noise.inputs": jnp.asarray(beyond)},
        lengths=lengths,
        record=PATHS,
    )
    for example, length in enumerate(lengths):
        own = state
        if length:
            short = {"noise.inputs": given["noise.inputs"][:length]}
            own, expected = nm.run(CIRCUIT, state, steps=int(length), inputs=short, record=PATHS)
            for path in PATHS[:2]:
                np.testing.assert_array_equal(
                    seen[path][:length, example], expected[path][:, example]
                )
        for path in PATHS[:2]:
            assert not np.any(seen[path][length:, example])
        for role, mine, theirs in zip(
            final.leaf_roles(), jax.tree.leaves(final), jax.tree.leaves(own), strict=True
        ):
            if role.batched:
                mine, theirs = (
                    jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x
                    for x in (mine, theirs)
                )
                np.testing.assert_array_equal(mine[example], theirs[example])
    assert seen["synapse.weights"].shape == (6, 3, 2)
    np.testing.assert_array_equal(seen["synapse.weights"][5], state["synapse.weights"])


def test_other_lengths_compile_nothing(compilations) -> None:
    state = nm.init(CELL, jax.random.key(0), batch=2)
    nm.run(CELL, state, steps=3, lengths=[1, 3])
    before = compilations()
    nm.run(CELL, state, steps=3, lengths=np.array([2, 0]))
    assert compilations() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (dict(lengths=[1, 2, 3]), r"shape \(2,\), got \(3,\)"),
        (dict(lengths=[1.0, 2.0]), "whole number for every example"),
        (dict(lengths=[1, 5]), "from 0 to steps=4, got 1 to 5"),
        (dict(lengths=[-1, 2]), "from 0 to steps=4"),
        (dict(lengths=[1, 2], learn=True), "does not go with learn=True"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        nm.run(CELL, nm.init(CELL, jax.random.key(0), batch=2), steps=4, **options)
