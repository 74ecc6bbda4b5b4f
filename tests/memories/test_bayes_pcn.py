"""BayesPCN against the conjugate update in float64 NumPy, and its forgetting."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm

RNG = np.random.default_rng(0)
MEMORY = nm.BayesPCN(
    features=8, hidden=(7, 4), activation=jnp.tanh, noise=0.05, prior=0.6, settle_steps=400
)
ROWS = RNG.normal(size=(6, 8)).astype(np.float32)


def begun():
    return nm.init(MEMORY, jax.random.key(0))


def in_float64(state):
    return [
        [np.asarray(x, np.float64) for x in state[name]]
        for name in ("means", "covariances", "prior_means")
    ]


def layers(row, hidden):
    """(z, x) of every layer for one pattern."""
    values = [np.asarray(x, np.float64).reshape(-1) for x in (row, *hidden)]
    return list(zip([*map(np.tanh, values[1:]), np.ones(1)], values, strict=True))


def posterior(mean, covariance, z, x, noise=0.05):
    """Bayesian linear regression by the precision matrix, not by gains."""
    precision = np.linalg.inv(covariance)
    after = np.linalg.inv(precision + np.outer(z, z) / noise)
    return after @ (precision @ mean + np.outer(z, x) / noise), after


def test_every_write_is_the_conjugate_update_at_the_settled_values():
    state = begun()
    for row in ROWS:
        hidden = nm.read(MEMORY, state, row[None]).hidden
        means, covariances, _ = in_float64(state)
        state = nm.store(MEMORY, state, row[None])
        new_means, new_covariances, _ = in_float64(state)
        for layer, (z, x) in enumerate(layers(row, hidden)):
            mean, covariance = posterior(means[layer], covariances[layer], z, x)
            np.testing.assert_allclose(new_means[layer], mean, atol=1e-4)
            np.testing.assert_allclose(new_covariances[layer], covariance, atol=1e-4)
    at_once = nm.store(MEMORY, begun(), ROWS)
    for a, b in zip(in_float64(state)[0], in_float64(at_once)[0], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    assert int(at_once.count) == 6


def test_energy_is_the_negative_log_density_with_unknown_features_integrated_out():
    known = np.ones((6, 8), np.float32)
    known[:, :3] = 0.0
    state = nm.store(MEMORY, begun(), ROWS[:4])
    read = nm.read(MEMORY, state, ROWS, known=known)
    means, covariances, _ = in_float64(state)

    def energy(row, hidden):
        total = 0.0
        for layer, (z, x) in enumerate(layers(row, hidden)):
            seen = slice(3, None) if layer == 0 else slice(None)
            variance = 0.05 + z @ covariances[layer] @ z
            gap = (x - z @ means[layer])[seen]
            total += 0.5 * gap @ gap / variance + 0.5 * len(gap) * np.log(variance)
        return total

    for i, row in enumerate(ROWS):
        hidden = [x[i] for x in read.hidden]
        least = energy(row, hidden)
        np.testing.assert_allclose(read.energy[i], least, rtol=1e-4)
        z = np.tanh(np.asarray(hidden[0], np.float64))
        np.testing.assert_allclose(read.outputs[i], z @ means[0], atol=1e-4)
        np.testing.assert_allclose(read.variance[i], 0.05 + z @ covariances[0] @ z, rtol=1e-3)
        for step in 1e-2 * RNG.normal(size=(20, 11)):  # it rests at a minimum
            near = [hidden[0] + step[:7], hidden[1] + step[7:]]
            assert energy(row, near) > least - 1e-4


@pytest.mark.parametrize("momentum", [0.9, 0.0])
def test_more_steps_never_end_at_a_higher_energy(momentum):
    """The relu network of the defaults, whose descent jumps to and fro across kinks."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3, 4)).astype(np.float32)
    memory = nm.BayesPCN(features=4, hidden=(3,), momentum=momentum)
    probes = np.concatenate([rows + 0.1 * rng.normal(size=(3, 4)), rng.normal(size=(6, 4))])
    state = nm.store(memory, nm.init(memory, jax.random.key(0)), rows)
    energies = np.stack(
        [
            nm.read(memory.replace(settle_steps=steps), state, probes).energy
            for steps in (1, 50, 400, 420, 440)
        ]
    )
    assert np.all(np.diff(energies, axis=0) <= 2e-6 * (1 + np.abs(energies[:-1])))


def test_forgetting_leads_to_the_prior_and_adds_up():
    state = nm.store(MEMORY, begun(), ROWS)
    means, covariances, prior = in_float64(state)
    twice = in_float64(MEMORY.forget(MEMORY.forget(state, 0.3), 0.5))
    for layer, (mean, covariance, start) in enumerate(zip(means, covariances, prior, strict=True)):
        kept = 0.7 * 0.5
        np.testing.assert_allclose(
            twice[0][layer], start + np.sqrt(kept) * (mean - start), atol=1e-5
        )
        expected = kept * covariance + (1 - kept) * 0.6 * np.eye(len(covariance))
        np.testing.assert_allclose(twice[1][layer], expected, atol=1e-5)
    for wholly, fresh in zip(
        in_float64(MEMORY.forget(state, 1.0)), in_float64(begun()), strict=True
    ):
        for a, b in zip(wholly, fresh, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_evolve_writes_the_settled_batch_at_once():
    memory = MEMORY.replace(decay=0.2)
    known = np.ones((6, 8), np.float32)
    known[:, 0] = 0.0
    state = nm.init(memory, jax.random.key(0), batch=6).replace(inputs=ROWS, known=known)
    state = nm.advance_state(memory, state)
    after, changes = nm.evolve(memory, state), nm.weight_changes(memory, state)
    means, covariances, _ = in_float64(memory.forget(state, 0.2))
    seen = np.where(known > 0, ROWS, state.outputs)
    values = [np.asarray(x, np.float64) for x in (seen, *state.hidden)]
    rates = [*map(np.tanh, values[1:]), np.ones((6, 1))]
    for layer, (z, x) in enumerate(zip(rates, values, strict=True)):
        precision = np.linalg.inv(covariances[layer])
        covariance = np.linalg.inv(precision + z.T @ z / 0.05)
        mean = covariance @ (precision @ means[layer] + z.T @ x / 0.05)
        np.testing.assert_allclose(after.means[layer], mean, atol=1e-4)
        np.testing.assert_allclose(after.covariances[layer], covariance, atol=1e-4)
        np.testing.assert_allclose(changes[layer], mean - state.means[layer], atol=1e-4)


def test_old_patterns_stay_without_forgetting_and_fade_first_with_it():
    patterns = np.sign(RNG.normal(size=(12, 32))).astype(np.float32)
    known = np.ones_like(patterns)
    known[:, :12] = 0.0
    keep = nm.BayesPCN(features=32, hidden=(96,))
    right = {}
    for name, memory in {"keep": keep, "fade": keep.replace(decay=0.2)}.items():
        state = nm.store(memory, nm.init(memory, jax.random.key(0)), patterns)
        outputs = nm.recall(memory, state, patterns * known, known=known)
        right[name] = (np.sign(outputs) == patterns)[:, :12].mean(1)
    assert (right["keep"] == 1.0).all()
    assert (right["fade"][-2:] == 1.0).all() and right["fade"][:4].mean() <= 0.7  # chance: 0.5


def test_mistakes_are_named():
    with pytest.raises(ValueError, match=r"BayesPCN: hidden is a tuple .* got 0"):
        nm.BayesPCN(features=4, hidden=0)
    with pytest.raises(ValueError, match="side by side"):
        nm.store(MEMORY, begun(), ROWS, ROWS)
