"""The Hopfield memory against float64 NumPy, and its storage."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from tests.memories import reference_hopfield as reference

KEY = jax.random.key(0)
RANDOM = np.random.default_rng(0)


def stored(patterns: Any, slots: int | None = None, **options: Any) -> tuple[nm.Hopfield, Any]:
    patterns = jnp.asarray(patterns, jnp.float32)
    slots = len(patterns) if slots is None else slots
    memory = nm.Hopfield(slots=slots, features=patterns.shape[1], **options)
    return memory, nm.store(memory, nm.init(memory, KEY), patterns)


def assert_within_float32(found: Any, probes: Any, patterns: Any, beta: float, **how: Any) -> None:
    """The tolerances of float32: energies, and outputs at the softmax's condition."""
    exact = reference.recall(probes, patterns, beta, **how)
    largest = np.sqrt((np.asarray(patterns, np.float64) ** 2).sum(1).max())
    length = (np.asarray(probes, np.float64) ** 2).sum(1)
    energy_tolerance = 1e-5 * (largest**2 + length / 2 + np.log(len(patterns)) / beta)
    assert (np.abs(found.energy - exact.energy) <= energy_tolerance).all()
    condition = 1 + beta * np.abs(exact.similarities).max()
    assert np.abs(found.outputs - exact.outputs).max() <= 1e-5 * condition * largest


PATTERN_SETS = {
    "normal": lambda n, d: RANDOM.normal(size=(n, d)),
    "binary": lambda n, d: np.sign(RANDOM.normal(size=(n, d))),
    "all equal": lambda n, d: np.broadcast_to(RANDOM.normal(size=(1, d)), (n, d)),
    "far from zero": lambda n, d: 3.0 + 0.3 * RANDOM.normal(size=(n, d)),
}


@pytest.mark.parametrize("similarity", ["dot", "euclidean"])
@pytest.mark.parametrize("kind", PATTERN_SETS)
@pytest.mark.parametrize("slots", [1, 7, 64, 4096])
def test_outputs_and_energy_against_numpy(similarity: Any, kind: str, slots: int) -> None:
    patterns = PATTERN_SETS[kind](slots, 16).astype(np.float32)
    probes = (patterns[:1] + RANDOM.normal(size=(6, 16))).astype(np.float32)
    memory, state = stored(patterns, similarity=similarity)
    for beta in (0.01, 0.1, 1.0, 10.0, 100.0):
        found = nm.read(memory.replace(beta=beta), state, probes)
        assert bool(found.matched.all())
        assert_within_float32(found, probes, patterns, beta, similarity=similarity)


def test_partly_filled_memory_uses_only_what_was_stored() -> None:
    patterns = RANDOM.normal(size=(5, 8)).astype(np.float32)
    probes = RANDOM.normal(size=(4, 8)).astype(np.float32)
    memory, state = stored(patterns, slots=64)
    found = nm.read(memory, state, probes)
    assert_within_float32(found, probes, patterns, 1.0)
    assert int(state.count) == 5
    np.testing.assert_array_equal(found.memory_weights[:, 5:], 0.0)


def test_an_empty_memory_answers_with_a_flag() -> None:
    for similarity in ("dot", "euclidean"):
        memory = nm.Hopfield(slots=4, features=3, similarity=similarity)
        found = nm.read(memory, nm.init(memory, KEY), jnp.ones((2, 3)), tol=1e-3)
        assert not found.matched.any()
        np.testing.assert_array_equal(found.outputs, 0.0)
        np.testing.assert_array_equal(found.energy, 0.0)


def test_known_features_are_compared_and_held() -> None:
    patterns = RANDOM.normal(size=(9, 12)).astype(np.float32)
    known = (RANDOM.random((5, 12)) < 0.6).astype(np.float32)
    cues = np.where(known, patterns[:5], 1e3).astype(np.float32)  # nonsense where unknown
    for similarity in ("dot", "euclidean"):
        memory, state = stored(patterns, similarity=similarity, beta=2.0)
        one = nm.read(memory, state, cues, known=known)
        exact = reference.recall(cues * known, patterns, 2.0, similarity, known)
        np.testing.assert_allclose(one.outputs, exact.outputs, atol=2e-5)
        two = nm.read(memory, state, cues, known=known, steps=2)
        filled = np.where(known, cues, exact.outputs)
        again = reference.recall(filled, patterns, 2.0, similarity)
        np.testing.assert_allclose(two.inputs, filled, atol=2e-5)
        np.testing.assert_allclose(two.outputs, again.outputs, atol=5e-5)


def test_recall_repeats_and_recall_until_convergence() -> None:
    patterns = RANDOM.normal(size=(20, 6)).astype(np.float32)
    probes = RANDOM.normal(size=(8, 6)).astype(np.float32)
    memory, state = stored(patterns, beta=1.5)
    expected = probes.astype(np.float64)
    for steps in range(1, 5):
        expected = reference.recall(expected, patterns, 1.5).outputs
        found = nm.read(memory, state, probes, steps=steps)
        np.testing.assert_allclose(found.outputs, expected, atol=2e-5)
        assert (found.steps_used == steps).all()
    settled = nm.read(memory, state, probes, tol=1e-4, max_steps=500)
    assert settled.converged.all() and (settled.steps_used > 1).all()
    for i, steps in enumerate(np.asarray(settled.steps_used)):
        assert np.abs(settled.outputs[i] - settled.inputs[i]).max() <= 1e-4
        before = nm.read(memory, state, probes[i : i + 1], steps=int(steps) - 1)
        assert np.abs(before.outputs - before.inputs).max() > 1e-4
    hurried = nm.read(memory, state, probes, tol=1e-9, max_steps=3)
    assert not hurried.converged.all() and (hurried.steps_used <= 3).all()


def test_energy_never_rises() -> None:
    for similarity in ("dot", "euclidean"):
        for beta in (0.05, 1.0, 20.0):
            patterns = RANDOM.normal(size=(50, 10)).astype(np.float32)
            memory, state = stored(patterns, similarity=similarity, beta=beta)
            state = nm.init(memory, KEY, batch=40).set({"weights": state.weights}).replace(
                count=state.count, inputs=3 * RANDOM.normal(size=(40, 10))
            )  # fmt: skip
            loop = nm.connect(dict(m=memory), [nm.wire(nm.delayed("m.outputs"), to="m.inputs")])
            start = nm.init(loop, KEY, batch=40).set({"m": state.replace(outputs=state.inputs)})
            _, seen = nm.run(loop, start, steps=12, record="m.energy")
            energy = np.asarray(seen["m.energy"], np.float64)
            size = (patterns**2).sum(1).max() + np.log(50) / beta
            length = (np.asarray(state.inputs) ** 2).sum(1) / 2
            assert (np.diff(energy, axis=0) <= 1e-5 * (size + length)).all()
            assert (energy >= -1e-5 * size).all()


def test_gradients_match_finite_differences() -> None:
    patterns = RANDOM.normal(size=(6, 5))
    probes = RANDOM.normal(size=(3, 5))
    direction = RANDOM.normal(size=patterns.shape)
    with jax.enable_x64(True):
        memory = nm.Hopfield(slots=6, features=5)
        state = nm.store(memory, nm.init(memory, jax.random.key(0)), patterns)

        def total(beta: Any, weights: Any) -> jax.Array:
            swept = state.set({"weights": weights})
            return (nm.recall(memory.replace(beta=beta), swept, probes, steps=2) ** 2).sum()

        by_beta, by_weights = jax.grad(total, (0, 1))(0.7, state.weights)
        step = 1e-6
        beta_slope = (total(0.7 + step, state.weights) - total(0.7 - step, state.weights)) / (
            2 * step
        )
        weight_slope = (
            total(0.7, state.weights + step * direction)
            - total(0.7, state.weights - step * direction)
        ) / (2 * step)
        np.testing.assert_allclose(by_beta, beta_slope, rtol=1e-6)
        np.testing.assert_allclose((by_weights * direction).sum(), weight_slope, rtol=1e-6)


def test_vmap_over_beta_and_seeds_is_the_loop() -> None:
    patterns = RANDOM.normal(size=(6, 5)).astype(np.float32)
    probes = RANDOM.normal(size=(3, 5)).astype(np.float32)
    memory = nm.Hopfield(slots=8, features=5, rule=nm.plasticity.Perturbation(), eta=1e-2)

    def learned(beta: Any, seed: Any) -> jax.Array:
        swept = memory.replace(beta=beta)
        state = nm.init(swept, jax.random.key(seed), batch=3)
        state = nm.store(swept, state, patterns).replace(inputs=probes)
        return nm.evolve(swept, nm.advance_state(swept, state)).weights

    betas, seeds = jnp.array([0.5, 2.0]), jnp.arange(2)
    together = jax.vmap(jax.vmap(learned, (None, 0)), (0, None))(betas, seeds)
    for i, beta in enumerate(betas):
        for j, seed in enumerate(seeds):
            # a change is a difference of errors over sigma = 0.01: 100 times their rounding
            np.testing.assert_allclose(together[i, j], learned(beta, seed), atol=5e-6)
    assert (together[:, 0] != together[:, 1]).any()


def test_fifty_values_compile_nothing(compilations: Any) -> None:
    memory = nm.Hopfield(slots=4, features=3, eta=0.1)
    state = nm.init(memory, KEY, batch=2)
    weights = jnp.ones((2, 3))

    def go(value: Any) -> None:
        swept = memory.replace(beta=value, eta=value)
        after = nm.evolve(swept, nm.advance_state(swept, state, dt=value), dt=value)
        jax.block_until_ready((after, nm.recall(swept, state, weights, steps=2)))

    go(1.0)
    go(jnp.float32(1.0))
    before = compilations()
    kinds = (int, float, np.float32, np.float64, jnp.float32, np.int64)
    for i in range(2, 52):
        go(kinds[i % len(kinds)](i))
    assert compilations() == before
