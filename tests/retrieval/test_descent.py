"""Recall never raises the energy of a pair declared to descend, and does for the others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcmem.retrieval import (
    Cosine,
    Dot,
    Euclidean,
    LogSumRelu,
    Manhattan,
    Power,
    Softmax,
    descends,
    retrieve_batch,
)
from tests.retrieval.pairs import SEPARATIONS, SIMILARITIES

DESCENDING = [
    (similarity, separation)
    for similarity in SIMILARITIES
    for separation in SEPARATIONS
    if descends(SIMILARITIES[similarity], SEPARATIONS[separation]).holds
]
MEMORIES, SLOTS, PROBES, FEATURES, STEPS = 50, 12, 40, 4, 5
"""10,000 steps in all."""


def _trajectories(similarity, separation):
    """Probes (memories, probes, steps + 1, d) and energies over recall, and the patterns."""
    random = np.random.default_rng(0)
    patterns = random.normal(size=(MEMORIES, SLOTS, FEATURES)).astype(np.float32)
    probes = random.normal(size=(MEMORIES, PROBES, FEATURES)).astype(np.float32)
    betas = (10 ** random.uniform(-1.5, 1.5, MEMORIES)).astype(np.float32)

    def one(probes, patterns, beta):
        def step(probes, _):
            recall = retrieve_batch(
                probes, patterns, similarity=similarity, separation=separation, beta=beta
            )
            return recall.outputs, (probes, recall.energy)

        return jax.lax.scan(step, probes, None, length=STEPS + 1)[1]

    states, energies = jax.jit(jax.vmap(one))(probes, patterns, betas)
    states, energies = np.asarray(states), np.asarray(energies)
    return np.moveaxis(states, 1, 2), np.moveaxis(energies, 1, 2), patterns, betas


def _rises(similarity, separation):
    """How many steps raise the energy above the foundation's tolerance, and how many moved."""
    states, energies, patterns, betas = _trajectories(similarity, separation)
    largest = (patterns.astype(np.float64) ** 2).sum(-1).max(-1)[:, None, None]
    with np.errstate(invalid="ignore", over="ignore"):  # unbounded pairs diverge
        size = largest + (states.astype(np.float64) ** 2).sum(-1) / 2
        size = size + np.log(SLOTS) / betas[:, None, None]
        size = np.maximum(size, np.abs(energies))
        size = np.maximum(size[..., :-1], size[..., 1:])
        change = np.diff(energies.astype(np.float64), axis=-1)
        moved = np.abs(np.diff(states, axis=2)).max(-1) > 1e-6
    finite = np.isfinite(change) & np.isfinite(size)
    return int((change > 1e-5 * size)[finite].sum()), int((moved & finite).sum())


@pytest.mark.parametrize(("similarity", "separation"), DESCENDING)
def test_energy_never_rises(similarity, separation):
    rises, moved = _rises(SIMILARITIES[similarity], SEPARATIONS[separation])
    assert rises == 0 and moved > 0


def test_the_pairs_that_descend():
    assert {similarity for similarity, _ in DESCENDING} == {"dot", "euclidean"}
    assert not descends(Dot(), LogSumRelu()).holds
    assert not descends(Dot(), Power(exponent=2)).holds
    assert descends(Dot(), Power(exponent=2, rectified=True)).holds
    assert not descends(Euclidean(), SEPARATIONS["identity"]).holds
    for name in ("identity", "relu", "cube"):
        assert not descends(Dot(), SEPARATIONS[name]).bounded
    assert descends(Dot(), Softmax()).bounded


@pytest.mark.parametrize(
    ("similarity", "separation", "reason"),
    [
        (Manhattan(), Softmax(), "weighted median"),
        (Cosine(), Softmax(), "gradient of the cosine"),
        (Dot(), Power(exponent=2), "convex potential"),
        (Dot(), LogSumRelu(), "convex potential"),
    ],
)
def test_counterexamples_so_that_nobody_declares_them(similarity, separation, reason):
    declared = descends(similarity, separation)
    assert not declared.holds and reason in declared.reason
    rises, _ = _rises(similarity, separation)
    assert rises > 10


def test_an_unbounded_energy_diverges():
    """Identity with dot and beta |X|^2 > 1 doubles the probe for ever: E -> -inf."""
    pattern = jnp.array([[2.0, 0.0]])
    probe, energies = jnp.array([[0.1, 0.0]]), []
    for _ in range(40):
        recall = retrieve_batch(
            probe,
            pattern,
            similarity=Dot(),
            separation=SEPARATIONS["identity"],
            beta=1.0,
        )
        probe, energies = recall.outputs, [*energies, float(recall.energy[0])]
    assert energies[20] < -1e10 and not np.isfinite(energies[-1])
