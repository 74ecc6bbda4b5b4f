"""Scores of several fields, thresholds, and gains that adapt."""

import jax
import jax.numpy as jnp
import numpy as np

from ngcmem.retrieval import (
    ContrastGain,
    Cosine,
    Dot,
    EntropyGain,
    FieldSimilarity,
    mask_scores,
    retrieve_batch,
    score_fields,
)
from tests.retrieval import reference


def test_fields_side_by_side_score_as_fields_apart() -> None:
    rng = np.random.default_rng(0)
    probe, patterns = rng.normal(size=5), rng.normal(size=(4, 5))
    apart = score_fields(
        [jnp.asarray(probe[:2]), jnp.asarray(probe[2:])],
        [jnp.asarray(patterns[:, :2]), jnp.asarray(patterns[:, 2:])],
        [None, None],
        (Dot(), Cosine()),
        (2.0, 3.0),
    )
    cosine = patterns[:, 2:] @ probe[2:] / np.linalg.norm(probe[2:])
    cosine /= np.linalg.norm(patterns[:, 2:], axis=1)
    np.testing.assert_allclose(apart, 2 * patterns[:, :2] @ probe[:2] + 3 * cosine, rtol=1e-5)
    joined = FieldSimilarity(widths=(2, 3), similarities=(Dot(), Cosine()), weights=(2.0, 3.0))
    together = joined(jnp.asarray(probe), jnp.asarray(patterns), jnp.ones(5))
    np.testing.assert_allclose(together, apart, rtol=1e-6)


def test_slots_below_the_threshold_take_no_part_with_or_without_a_count() -> None:
    rng = np.random.default_rng(1)
    probes, patterns = (rng.normal(size=(n, 4)).astype(np.float32) for n in (3, 20))
    similarity = FieldSimilarity(widths=(4,), similarities=(Dot(),), weights=(1.0,), threshold=0.5)
    scores = probes.astype(np.float64) @ patterns.T.astype(np.float64)
    cases = [("identity", "streamed"), ("softmax", "streamed")]
    cases += [(name, "materialised") for name in ("identity", "softmax", "entmax")]

    @jax.jit
    def recalls(probes, patterns, count):
        return [
            retrieve_batch(
                probes,
                patterns,
                count=used,
                similarity=similarity,
                separation=separation,
                method=method,
                chunk=8,
            )
            for separation, method in cases
            for used in (None, count)
        ]

    for i, recall in enumerate(recalls(probes, patterns, 20)):
        for row in range(3):
            among = scores[row] > 0.5
            weights, potential = reference.SEPARATIONS[cases[i // 2][0]](scores[row][among], 1.0)
            np.testing.assert_allclose(recall.outputs[row], weights @ patterns[among], rtol=1e-4)
            np.testing.assert_allclose(recall.energy[row], -potential, rtol=1e-4, atol=1e-6)


def test_the_threshold_itself_is_masked() -> None:
    scores = jnp.array([0.5, 0.4, -0.9])
    np.testing.assert_array_equal(mask_scores(scores, 0.4), [0.5, -np.inf, -np.inf])
    np.testing.assert_array_equal(mask_scores(scores, 0.4, True), [0.5, -np.inf, scores[2]])
    assert mask_scores(scores, None) is scores


def test_entropy_gain_is_psyneulinks_formula() -> None:
    scores = np.array([0.9, 0.1, -0.4, 7.0], np.float32)
    level = 1 / (1 + np.exp(-scores[:3]))
    expected = 1 + 0.1 * np.log(-np.sum(level * np.log(level)))
    gain = EntropyGain()(jnp.asarray(scores), jnp.array([True, True, True, False]))
    np.testing.assert_allclose(gain, expected, rtol=1e-6)


def test_entropy_gain_of_a_score_whose_level_is_zero() -> None:
    level = 1 / (1 + np.exp(-1.0))
    expected = 1 + 0.1 * np.log(-level * np.log(level))
    both = jnp.array([-200.0, 1.0])
    np.testing.assert_allclose(EntropyGain()(both, jnp.ones(2, bool)), expected, rtol=1e-6)
    slope = jax.grad(lambda s: EntropyGain()(s, jnp.ones(2, bool)))(both)
    assert np.isfinite(slope).all()


def test_contrast_gain_gives_the_best_its_share_among_used_slots() -> None:
    """Scores below 0 and slots not in use: their 0 is no score, and no best one."""
    scores = jnp.array([-3.0, -1.0, 5.0, -3.0, -3.0])
    used = jnp.array([True, True, False, True, True])
    gain = float(ContrastGain(share=0.9)(scores, used))
    np.testing.assert_allclose(gain, np.log(3 * 0.9 / 0.1) / 2.0, rtol=1e-6)
    weights = np.exp(gain * np.array([-3.0, -1.0, -3.0, -3.0]))
    np.testing.assert_allclose(weights[1] / weights.sum(), 0.9, rtol=1e-6)


def test_contrast_gain_at_its_limits() -> None:
    equal, all_used = jnp.full(5, 0.7), jnp.ones(5, bool)
    wanted = np.log(4 * 0.99 / 0.01)
    np.testing.assert_allclose(ContrastGain()(equal, all_used), wanted / 1e-3, rtol=1e-3)
    wide = ContrastGain(smallest=0.5)(equal, all_used)
    np.testing.assert_allclose(wide, wanted / 0.5, rtol=1e-6)
    # A share that an even split already gives asks for no gain, and never for a negative one.
    assert float(ContrastGain(share=0.1)(jnp.arange(5.0), all_used)) == 0.0
    two = ContrastGain(share=0.8)(jnp.array([1.0, 3.0]), jnp.ones(2, bool))
    np.testing.assert_allclose(two, np.log(4.0) / 2.0, rtol=1e-6)


def test_gains_of_nothing_and_of_equal_scores_are_finite() -> None:
    for gain in (ContrastGain(), EntropyGain()):
        for used in (jnp.zeros(3, bool), jnp.array([True, False, False]), jnp.ones(3, bool)):
            value = gain(jnp.where(used, 0.5, -jnp.inf), used)
            assert np.isfinite(value), (gain, used)
            assert float(value) == 1.0 or used.all()
