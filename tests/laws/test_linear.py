"""Kohonen and Ruohonen (1973): what linear read-outs recall of random pairs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.analysis import cosine_similarity, euclidean_distance, laws
from ngcmem.plasticity import solve

SIZES = [(d, n) for d in (16, 64) for n in (4, d // 2, d, 2 * d, 4 * d, 16 * d)]


def check_pinv(d, n, seed=0):
    draw = np.random.default_rng((seed, d, n))
    keys, values = draw.standard_normal((2, n, d), dtype=np.float32)
    fit = jax.jit(solve)(keys, values)
    recalled = np.asarray(keys @ fit.weights)
    cos = float(cosine_similarity(recalled, values).mean())
    away = float(euclidean_distance(recalled, values).mean())
    apart = float(euclidean_distance(values, np.roll(values, 1, axis=0)).mean())
    assert abs(apart - laws.random_distance(d)) <= 5 / np.sqrt(n)
    if n <= d:
        assert laws.pinv_cosine(d, n) == 1.0 and cos >= 0.9999
        assert away <= 1e-2 * laws.mean_chi(d)
    else:
        slack = 0.02 * np.sqrt(d / n) + 4 / np.sqrt(d * n)
        assert abs(cos - laws.pinv_cosine(d, n)) <= slack
        law = laws.pinv_distance(d, n)
        assert abs(away - law) <= 0.02 * law + 4 / np.sqrt(n)
    if n == d:  # where random keys are worst conditioned
        exact = np.linalg.solve(keys.astype(float), values.astype(float))
        error = np.linalg.norm(fit.weights - exact) / np.linalg.norm(exact)
        assert error <= float(fit.error) <= max(2e3 * error, 1e-5)


@pytest.mark.parametrize("d, n", SIZES)
def test_pinv_recalls_as_the_law_says(d, n):
    check_pinv(d, n)


@pytest.mark.slow
@pytest.mark.parametrize("d", [16, 32, 64, 128, 256, 512, 1024])
def test_pinv_recalls_as_the_law_says_at_every_size_of_the_document(d):
    for k in range(2, 16):
        check_pinv(d, 2**k, seed=1)


def check_read_out(readout, sizes):
    """Keys are stored as correlations, so that nothing is solved that the read-out ignores."""
    memory = nm.LinearAssociative(
        inputs=64, outputs=64, rule=nm.plasticity.Correlation(), readout=readout, slots=max(sizes)
    )
    draw = np.random.default_rng(3)
    for n in sizes:
        keys, values = draw.standard_normal((2, n, 64)).astype(np.float32)
        state = nm.store(memory, nm.init(memory, jax.random.key(0)), keys, values)
        found = float(cosine_similarity(nm.recall(memory, state, keys), jnp.asarray(values)).mean())
        if readout == "softmax":
            assert found >= 0.999, n
        else:
            law = float({"dot": laws.dot_cosine, "relu": laws.relu_cosine}[readout](64, n))
            assert abs(found - law) <= 0.02 * law + 4 / np.sqrt(64 * n), n


@pytest.mark.parametrize("readout", ["dot", "relu", "softmax"])
def test_other_read_outs_at_64_inputs(readout):
    check_read_out(readout, (16, 128, 1024))


@pytest.mark.slow
@pytest.mark.parametrize("readout", ["dot", "relu", "softmax"])
def test_other_read_outs_at_every_load_of_the_document(readout):
    check_read_out(readout, [2**k for k in range(2, 15)])


def test_the_error_estimate_is_honest_where_keys_are_nearly_dependent():
    """n = d, the methods asked for by name, four draws: the estimate covers the error."""
    for method in ("cholesky", "qr", "svd"):
        for seed in range(4):
            keys, values = np.random.default_rng(seed).standard_normal((2, 48, 48))
            exact = np.linalg.solve(keys, values)
            fit = jax.jit(solve, static_argnames="method")(
                keys.astype(np.float32), values.astype(np.float32), method=method
            )
            error = np.linalg.norm(fit.weights - exact) / np.linalg.norm(exact)
            assert error <= float(fit.error) <= max(2e3 * error, 1e-5), (method, seed)
            if method != "cholesky":
                assert error <= 1e-3


def test_correlation_memory_has_hebbs_bit_error():
    """One formula for Hopfield, BAM, correlation matrix: erfc(sqrt(N / 2P)) / 2."""
    n, p = 500, 185
    draw = np.random.default_rng(0)
    keys, values = draw.choice([-1.0, 1.0], (2, p, n)).astype(np.float32)
    memory = nm.LinearAssociative(inputs=n, outputs=n, rule=nm.plasticity.Correlation())
    state = nm.store(memory, nm.init(memory, jax.random.key(0)), keys, values)
    wrong = float(np.mean(np.sign(nm.recall(memory, state, keys)) != values))
    assert abs(wrong - float(laws.hebb_bit_error(n, p))) <= 4 * np.sqrt(0.05 / (n * p))
