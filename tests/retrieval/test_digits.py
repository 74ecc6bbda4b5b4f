"""Which similarity recalls real digits (Millidge et al. 2022, arXiv 2202.04557), max separation."""

from functools import partial

import jax
import numpy as np
import pytest

from ngcmem.retrieval import Max, retrieve_batch
from tests.retrieval.pairs import SIMILARITIES


@pytest.fixture(scope="module")
def digits():
    datasets = pytest.importorskip("sklearn.datasets")
    return (datasets.load_digits().data / 16).astype(np.float32)


@partial(jax.jit, static_argnames="name")
def _weights(stored, probes, name):
    return retrieve_batch(
        probes,
        stored,
        similarity=SIMILARITIES[name],
        separation=Max(),
        method="materialised",
    ).weights


def _accuracy(stored, probes, name):
    """Share of probes whose most similar slot is their own."""
    weights = np.asarray(_weights(stored, probes, name))
    return float((np.argmax(weights, axis=1) == np.arange(len(probes))).mean())


def _accuracies(stored, probes):
    return {
        name: _accuracy(stored, probes, name)
        for name in ("dot", "cosine", "euclidean", "manhattan")
    }


def test_half_masked_and_unmarked(digits):
    stored = digits[:200]
    probes = stored.copy()
    probes[:, 32:] = 0
    found = _accuracies(stored, probes)
    assert found["manhattan"] > max(found["cosine"], found["euclidean"])
    assert min(found["cosine"], found["euclidean"]) > found["dot"]


def test_noise(digits):
    stored = digits[:500]
    noise = np.random.default_rng(0).normal(size=stored.shape)
    found = _accuracies(stored, (stored + 0.4 * noise).astype(np.float32))
    assert min(found["euclidean"], found["manhattan"], found["cosine"]) > 2 * found["dot"]
