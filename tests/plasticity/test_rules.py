"""Plasticity rules of slot memories against float64 NumPy."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ngcmem as nm
from tests.memories import reference_hopfield as reference

KEY = jax.random.key(0)
PATTERNS = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
PROBES = np.random.default_rng(1).normal(size=(6, 4)).astype(np.float32)
BETA = 0.8


def ready(**options: Any) -> tuple[nm.Hopfield, nm.memories.HopfieldState]:
    memory = nm.Hopfield(slots=7, features=4, beta=BETA, **options)
    state = nm.store(memory, nm.init(memory, KEY, batch=6), PATTERNS).replace(inputs=PROBES)
    return memory, nm.advance_state(memory, state)


def changes(rule: nm.plasticity.SlotRule, **options: Any) -> np.ndarray:
    memory, state = ready(rule=rule, **options)
    wanted = np.asarray(nm.weight_changes(memory, state))
    assert wanted.shape == (7, 4)
    np.testing.assert_array_equal(wanted[5:], 0.0)  # unused slots
    return wanted[:5]


def test_delta_rule() -> None:
    expected = reference.delta(PROBES, PATTERNS, BETA)
    np.testing.assert_allclose(changes(nm.plasticity.Delta()), expected, atol=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("winners", [None, 2])
def test_contrastive_rule(steps: int, winners: int | None) -> None:
    expected = reference.contrastive(PROBES, PATTERNS, BETA, steps, winners)
    found = changes(nm.plasticity.Contrastive(steps=steps, winners=winners))
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_the_contrastive_rule_uses_the_memorys_temperature() -> None:
    at_one = reference.contrastive(PROBES, PATTERNS, 1.0, 1)
    assert np.abs(changes(nm.plasticity.Contrastive()) - at_one).max() > 1e-2


def test_energy_gradient_is_exact() -> None:
    expected = -reference.energy_gradient(PROBES, PATTERNS, BETA)
    np.testing.assert_allclose(changes(nm.plasticity.EnergyGradient()), expected, atol=2e-6)


def test_perturbation_estimates_the_gradient_of_the_recall_error() -> None:
    def loss(weights: np.ndarray) -> float:
        outputs = reference.recall(PROBES, weights, BETA).outputs
        return float(0.5 * ((PROBES - outputs) ** 2).sum(1).mean())

    gradient = np.zeros_like(PATTERNS, np.float64)
    for index in np.ndindex(*PATTERNS.shape):
        plus, minus = (PATTERNS.astype(np.float64) for _ in range(2))
        plus[index] += 1e-5
        minus[index] -= 1e-5
        gradient[index] = (loss(plus) - loss(minus)) / 2e-5
    memory, state = ready(rule=nm.plasticity.Perturbation(sigma=3e-2))

    def draw(key: jax.Array) -> jax.Array:
        return nm.weight_changes(memory, state.replace(learning_key=key))

    draws = np.asarray(jax.vmap(draw)(jax.random.split(KEY, 4000)))[:, :5]
    error = draws.std(0) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(0) + gradient) < 5 * error + 1e-3).all()
    assert np.abs(gradient).max() > 20 * error.max() / 5  # the estimate says something


def test_noise_has_its_standard_deviation_and_moves_on() -> None:
    memory, state = ready(rule=nm.plasticity.Noisy(rule=nm.plasticity.Delta(), sigma=0.3), eta=1.0)
    plain = reference.delta(PROBES, PATTERNS, BETA)

    def noise(key: jax.Array) -> jax.Array:
        return nm.weight_changes(memory, state.replace(learning_key=key))[:5] - plain

    drawn = np.asarray(jax.vmap(noise)(jax.random.split(KEY, 500)))
    assert abs(drawn.mean()) < 5 * 0.3 / np.sqrt(drawn.size)
    assert abs(drawn.std() / 0.3 - 1) < 0.03
    once = nm.evolve(memory, state)
    wanted = nm.weight_changes(memory, state)
    np.testing.assert_allclose(once.weights - state.weights, wanted, atol=1e-6)
    assert (nm.weight_changes(memory, once.replace(weights=state.weights)) != wanted).any()


def test_unknown_features_teach_nothing() -> None:
    memory, state = ready(rule=nm.plasticity.Delta())
    known = np.ones((6, 4), np.float32)
    known[:, 2] = 0.0
    state = nm.advance_state(memory, state.replace(known=known))
    wanted = np.asarray(nm.weight_changes(memory, state))
    np.testing.assert_array_equal(wanted[:, 2], 0.0)
    assert np.abs(wanted[:5, :2]).max() > 0.01


def test_the_gate_selects_examples() -> None:
    memory, state = ready(rule=nm.plasticity.Delta())
    gate = jnp.array([1.0, 0, 0, 1.0, 0, 0])
    expected = reference.delta(PROBES[[0, 3]], PATTERNS, BETA) * 2 / 6
    found = nm.weight_changes(memory, state.replace(learn=gate))
    np.testing.assert_allclose(found[:5], expected, atol=1e-6)


def test_learning_rate_decay_and_optimizers() -> None:
    memory, state = ready(eta=0.5, weight_decay=0.01)
    dw = np.asarray(nm.weight_changes(memory, state))
    w = np.asarray(state.weights)
    expected = w + 0.5 * dw - 0.01 * w
    np.testing.assert_allclose(nm.evolve(memory, state).weights, expected, atol=1e-6)

    memory, state = ready(optimizer=optax.sgd(0.5))
    np.testing.assert_allclose(nm.evolve(memory, state).weights, w + 0.5 * dw, atol=1e-6)

    memory, state = ready(optimizer=optax.adam(0.1))
    after = nm.evolve(memory, nm.evolve(memory, state))
    assert int(after.optimizer_state[0].count) == 2  # type: ignore[index]
    moved = np.asarray(nm.evolve(memory, state).weights - state.weights)
    np.testing.assert_allclose(moved, 0.1 * np.sign(dw) * (np.abs(dw) > 0), atol=1e-4)

    memory, state = ready()
    np.testing.assert_array_equal(nm.evolve(memory, state).weights, state.weights)
