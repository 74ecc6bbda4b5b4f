"""The similarity and the separation of the documentation work like those of the library."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm

PAGE = Path(__file__).parents[2] / "docs" / "retrieval.md"
KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
PATTERNS, PROBES = RNG.normal(size=(6, 16)), RNG.normal(size=(3, 16))


@pytest.fixture(scope="module")
def page():
    block = re.search(r"test_of_your_own.py -->\n```python\n(.*?)```", PAGE.read_text(), re.S)
    names = {"nm": nm, "jnp": jnp}
    exec(block.group(1), names)
    return names


def test_outputs_and_weights_are_their_formulas(page):
    memory = page["memory"].replace(beta=0.3)
    state = nm.store(memory, nm.init(memory, KEY), PATTERNS)
    known = np.ones((3, 16))
    known[:, 10:] = 0.0
    found = nm.read(memory, state, PROBES, known=known)
    q, x = PROBES[:, None, :10], PATTERNS[None, :, :10]
    scores = -(np.abs(q - x) / (np.abs(q) + np.abs(x))).sum(-1)
    np.testing.assert_allclose(found.similarities[:, :6], scores, rtol=1e-5)
    weights = np.exp(0.3 * scores)
    np.testing.assert_allclose(found.memory_weights[:, :6], weights, rtol=1e-5)
    assert (np.asarray(found.memory_weights[:, 6:]) == 0.0).all()
    energy = -(np.expm1(0.3 * scores) / 0.3).sum(1)
    np.testing.assert_allclose(found.energy, energy, rtol=1e-5)


def test_streamed_is_materialised_and_the_weights_are_the_slope_of_phi(page):
    rule = page["Exponential"]()
    both = [
        nm.retrieval.retrieve_batch(
            PROBES, PATTERNS, beta=0.2, separation=rule, similarity="dot", method=method, chunk=2
        )
        for method in ("streamed", "materialised")
    ]
    np.testing.assert_allclose(both[0].outputs, both[1].outputs, rtol=1e-5)
    np.testing.assert_allclose(both[0].energy, both[1].energy, rtol=1e-5)
    scores = jnp.asarray(PATTERNS @ PROBES[0], jnp.float32)
    slope = jax.grad(lambda s: rule.potential(s, 0.2, None))(scores)
    np.testing.assert_allclose(rule(scores, 0.2, None), slope, rtol=1e-5)
    assert (
        nm.retrieval.descends(nm.retrieval.Dot(), rule).holds
        and not nm.retrieval.descends(nm.retrieval.Dot(), rule).bounded
    )
