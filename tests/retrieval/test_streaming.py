"""Streaming: memory, accuracy at a million slots, half precision, and the choice of method."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcmem.retrieval import (
    Dot,
    Euclidean,
    Max,
    Power,
    Softmax,
    Sparsemax,
    TopK,
    choose,
    retrieve_batch,
)


def _recall(probes, patterns, **changes):
    options = dict(similarity=Dot(), separation=Softmax(), beta=16.0) | changes
    return retrieve_batch(probes, patterns, **options)


def _temporary(function, *shapes, dtype=jnp.float32):
    """Bytes XLA allocates besides arguments and results; nothing is run."""
    arguments = [jax.ShapeDtypeStruct(shape, dtype) for shape in shapes]
    return jax.jit(function).lower(*arguments).compile().memory_analysis().temp_size_in_bytes


def test_temporary_memory_at_a_million_slots():
    shapes = (256, 64), (1_000_000, 64)
    streamed = _temporary(lambda q, x: _recall(q, x).outputs, *shapes)
    assert streamed <= 16e6
    naive = _temporary(lambda q, x: _recall(q, x, method="materialised").outputs, *shapes)
    assert naive >= 976e6


def test_temporary_memory_of_the_gradient():
    def gradient(probes, patterns):
        return jax.grad(lambda q, x: (_recall(q, x).outputs ** 2).sum(), (0, 1))(probes, patterns)

    assert _temporary(gradient, (256, 64), (131_072, 64)) <= 32e6


def test_accuracy_at_a_million_slots():
    random = np.random.default_rng(0)
    patterns = random.normal(size=(1_000_000, 64)).astype(np.float32)
    patterns /= np.linalg.norm(patterns, axis=1, keepdims=True)
    probe = patterns[7:8] + random.normal(size=(1, 64)).astype(np.float32) / 16
    got = _recall(jnp.asarray(probe), jnp.asarray(patterns), method="streamed").outputs
    scores = 16 * (patterns.astype(np.float64) @ probe[0].astype(np.float64))
    weights = np.exp(scores - scores.max())
    expected = weights @ patterns / weights.sum()
    error = np.linalg.norm(np.asarray(got)[0] - expected) / np.linalg.norm(expected)
    assert error <= 1e-6


def test_patterns_far_from_the_origin_keep_their_distances():
    random = np.random.default_rng(1)
    patterns = (1e3 + random.integers(-8, 8, size=(500, 16)) / 8).astype(np.float32)
    probes = patterns[:4] + np.float32(0.25)
    for method in ("materialised", "streamed"):
        recall = _recall(probes, patterns, similarity=Euclidean(), method=method, chunk=128)
        distances = ((probes[:, None].astype(np.float64) - patterns[None]) ** 2).sum(-1) / 2
        mean = np.exp(-16 * distances).mean(1)
        np.testing.assert_allclose(recall.energy, -np.log(mean) / 16, rtol=1e-5)


@pytest.mark.parametrize("method", ["materialised", "streamed"])
@pytest.mark.parametrize("outlier", [0, 1, 2])
def test_an_outlier_costs_the_other_patterns_no_digits(method, outlier):
    """In whichever slot it stands, with slots to spare and without."""
    patterns = np.insert([[0.0, 0.0], [1.0, 1.0]], outlier, [1e4, 0.0], axis=0)
    probe = np.array([0.1, 0.0])
    weights = np.exp(-((probe - patterns) ** 2).sum(1) / 2)
    expected = weights @ patterns / weights.sum()
    for spare, count in ((0, None), (5, 3)):
        slots = np.concatenate([patterns, np.full((spare, 2), np.nan)]).astype(np.float32)
        more = {"similarity": Euclidean(), "beta": 1.0, "method": method, "chunk": 3}
        found = _recall(probe[None].astype(np.float32), slots, count=count, **more)
        np.testing.assert_allclose(found.outputs[0], expected, atol=1e-5)


@pytest.mark.parametrize("method", ["materialised", "streamed"])
@pytest.mark.parametrize("stored", [jnp.bfloat16, jnp.float16])
def test_half_precision_is_stored_but_summed_in_single(method, stored):
    random = np.random.default_rng(2)
    patterns = jnp.asarray(random.normal(size=(300, 32)), stored)
    probes = jnp.asarray(random.normal(size=(3, 32)), jnp.float32)
    recall = _recall(probes, patterns, beta=1.0, method=method, chunk=64)
    wide = np.asarray(patterns.astype(jnp.float32), np.float64)
    scores = np.asarray(probes, np.float64) @ wide.T
    weights = np.exp(scores - scores.max(1, keepdims=True))
    expected = weights @ wide / weights.sum(1, keepdims=True)
    np.testing.assert_allclose(recall.outputs, expected, atol=1e-5)
    assert recall.energy.dtype == jnp.float32
    half = _recall(probes.astype(stored), patterns, beta=1.0, method=method, chunk=64)
    assert half.outputs.dtype == stored and half.energy.dtype == jnp.float32


def test_the_choice_of_method():
    assert choose(1, 1_000, Softmax()) == "materialised"
    assert choose(32, 100_000, Softmax(), counted=False) == "materialised"
    assert choose(32, 100_000, Softmax()) == "streamed"
    assert choose(256, 1_000_000, Softmax()) == "streamed"
    assert choose(256, 1_000_000, TopK(k=4)) == "streamed"
    assert choose(256, 1_000_000, Sparsemax()) == "materialised"
    probes, patterns = jnp.ones((2, 3)), jnp.ones((9, 3))
    assert _recall(probes, patterns, method="streamed").weights is None
    assert _recall(probes, patterns, method="materialised").weights.shape == (2, 9)


def test_without_a_count_the_last_chunk_has_the_slots_that_are_left():
    """37 slots by 8: no count, a count of 37 and the materialised form are one recall."""
    random = np.random.default_rng(3)
    probes, patterns = (jnp.asarray(random.normal(size=(n, 5)), jnp.float32) for n in (4, 37))

    @partial(jax.jit, static_argnames=("method", "count"))
    def gradients(patterns, method, count=None):
        def loss(patterns):
            total = 0.0
            for separation in (Softmax(), Power(exponent=3), TopK(k=6), Max()):
                recall = _recall(
                    probes,
                    patterns,
                    separation=separation,
                    beta=0.5,
                    method=method,
                    chunk=8,
                    count=count,
                )
                total = total + (recall.outputs**2).sum() + recall.energy.sum()
            return total

        return jax.value_and_grad(loss)(patterns)

    expected = gradients(patterns, "materialised")
    for got in (gradients(patterns, "streamed"), gradients(patterns, "streamed", 37)):
        for one, other in zip(got, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_another_count_beta_or_threshold_compiles_nothing(compilations):
    run = jax.jit(lambda q, x, count, beta: _recall(q, x, count=count, beta=beta).outputs)
    probes, patterns = jnp.ones((2, 3)), jnp.ones((9, 3))
    run(probes, patterns, 4, 1.0).block_until_ready()
    before = compilations()
    for count in range(10):
        run(probes, patterns, count, 1.0 + count).block_until_ready()
    assert compilations() == before
