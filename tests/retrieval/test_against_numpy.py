"""Every similarity x separation x {materialised, streamed} against float64 NumPy."""

from functools import cache

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ngcmem.retrieval import retrieve_batch
from tests.retrieval import reference
from tests.retrieval.pairs import NOT_STREAMED, SEPARATIONS, SIMILARITIES

SHAPES = (
    (37, 4, 5, 8),
    (1, 1, 3, 1),
    (100, 3, 16, 32),
    (64, 1, 8, 64),
    (129, 2, 4, 16),
    (200, 8, 12, 48),
)
"""(N, B, d, chunk); the chunk divides N in two of them."""

LARGEST = 1e30
"""Weights or energies beyond it may overflow in float32 on the way: cubes of 1e14, for example."""

FAST = [(name, SHAPES[i]) for i, name in enumerate(SIMILARITIES)]
ALL = [(name, shape) for name in SIMILARITIES for shape in SHAPES if (name, shape) not in FAST]


def _all_separations(similarity, names, chunk):
    def run(probes, patterns, values, count, beta, known):
        def recall(name, method):
            return retrieve_batch(
                probes,
                patterns,
                values=values,
                count=count,
                similarity=SIMILARITIES[similarity],
                separation=SEPARATIONS[name],
                beta=beta,
                known=known,
                method=method,
                chunk=chunk,
            )

        materialised = {name: recall(name, "materialised") for name in names}
        streamed = {name: recall(name, "streamed") for name in names if name not in NOT_STREAMED}
        return materialised, streamed

    return jax.jit(run)


programs = cache(_all_separations)

draws = st.fixed_dictionaries(
    dict(
        seed=st.integers(0, 2**31),
        log_scale=st.one_of(st.floats(-2, 2), st.sampled_from((-14.0, 14.0))),
        log_beta=st.floats(-2, 2),
        offset=st.sampled_from((0.0, 30.0)),
        equal=st.booleans(),
        fill=st.floats(0, 1),
        masked=st.booleans(),
        junk=st.sampled_from((np.nan, np.inf, -np.inf, 7.0)),
    )
)


def _data(shape, draw):
    slots, batch, features, _ = shape
    random = np.random.default_rng(draw["seed"])
    scale = 10.0 ** draw["log_scale"]
    patterns = scale * (random.normal(size=(slots, features)) + draw["offset"])
    if draw["equal"]:
        patterns[:] = patterns[0]
    probes = scale * (random.normal(size=(batch, features)) + draw["offset"])
    count = round(draw["fill"] * slots)
    values = random.normal(size=(slots, 3))
    known = np.ones((batch, features))
    if draw["masked"]:
        known = random.integers(0, 2, size=(batch, features)).astype(float)
    patterns[count:] = values[count:] = draw["junk"]
    probes[known == 0] = np.nan
    arrays = (probes, patterns, values, known)
    probes, patterns, values, known = (array.astype(np.float32) for array in arrays)
    return probes, patterns, values, count, np.float32(10.0 ** draw["log_beta"]), known


def _ambiguous(name, s, beta, equal):
    """Whether rounding may decide which slots take part, so that weights may jump."""
    margin = 1e-5 * (np.abs(s).max() + 1e-3)
    if name == "threshold":
        return np.abs(s - 0.1).min() < margin
    if name == "log_sum_relu":
        return np.abs(s + 1 / beta).min() < margin + 1e-5 / beta
    if name in ("max", "top_3", "top_3_entmax") and len(s) > 1 and not equal:
        ranked = np.sort(s)[::-1]
        return np.min(np.abs(np.diff(ranked[:4]))) < margin
    return name in ("max", "top_3", "top_3_entmax")


def _moved(name, s, beta, weights, values):
    """Eight times what errors of 1e-5 of the largest similarity do to the outputs or weights.

    The bound with beta |s| in it is larger than any output in a third of the draws, although the
    weights of most of those stand fast: one slot far ahead, or kernels that are powers of s.
    """
    random, moved = np.random.default_rng(0), 0.0
    reach = np.sqrt((values.astype(np.float64) ** 2).sum(1).max())
    for _ in range(3):
        other = s + 1e-5 * np.abs(s).max() * random.uniform(-1, 1, len(s))
        change = reference.weights(name, other, float(beta)) - weights
        moved = max(moved, np.abs(change @ values).max(), np.abs(change).max() * reach)
    return 8 * moved


def _check(similarity, name, recall, row, expected, data, equal):
    """Tolerances of the foundation; N max|w| stands for sum w = 1 where there is no such sum."""
    probes, patterns, values, count, beta, known = data
    outputs, energy, weights, s = expected
    got = recall.outputs[row], recall.energy[row]
    if np.abs(weights).sum() > LARGEST or abs(energy) > LARGEST:
        return
    assert np.isfinite(got[0]).all() and np.isfinite(got[1])
    if count == 0:
        assert not recall.matched[row] and not np.any(got[0]) and got[1] == 0
        return
    normalised = SEPARATIONS[name].laws().normalised
    total = 1.0 if normalised else max(1.0, count * np.abs(weights).max())
    cue = np.where(known[row] > 0, probes[row], 0.0).astype(np.float64)
    largest = np.sqrt((patterns[:count].astype(np.float64) ** 2).sum(1).max())
    reach = np.sqrt((values[:count].astype(np.float64) ** 2).sum(1).max())
    size = largest**2 + (cue**2).sum() / 2 + np.log(count) / beta
    if not (similarity in ("dot", "euclidean") and normalised):
        size += total * (np.abs(s).max() + 1 / beta)
    if _ambiguous(name, s, beta, equal):
        return
    logarithm = 2e-7 / beta  # a few ulps of 1: what ln(1 + small) / beta loses of a small potential
    assert abs(got[1] - energy) <= 1e-5 * size + logarithm
    bound = 1e-5 * (1 + beta * np.abs(s).max()) * reach * total
    if bound > 1e-3 * reach * total:  # where it says little: what rounding can do to these scores
        bound = min(bound, 1e-5 * reach * total + _moved(name, s, beta, weights, values[:count]))
    assert np.abs(got[0] - outputs).max() <= bound
    if not 0 < np.abs(weights).max() < 1 / LARGEST:  # such weights may be 0 in float32
        assert bool(recall.matched[row]) == bool(np.any(weights != 0))
    if recall.weights is not None:
        assert np.abs(recall.weights[row, :count] - weights).max() <= bound / reach
        assert not np.any(recall.weights[row, count:])
        if normalised and weights.any():
            assert abs(recall.weights[row].sum() - 1) <= 1e-5


def _compare(similarity, shape, draw):
    data = _data(shape, draw)
    probes, patterns, values, count, beta, known = data
    materialised, streamed = jax.tree.map(
        np.asarray, programs(similarity, tuple(SEPARATIONS), shape[-1])(*data)
    )
    wide = [array.astype(np.float64) for array in (probes, patterns[:count], values[:count], known)]
    for name in SEPARATIONS:
        for row in range(len(probes)):
            expected = reference.retrieve(
                similarity, name, wide[0][row], *wide[1:3], float(beta), wide[3][row]
            )
            for form in (materialised, streamed):
                if name in form:
                    _check(similarity, name, form[name], row, expected, data, draw["equal"])


@pytest.mark.parametrize(("similarity", "shape"), FAST)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(draw=draws)
def test_every_pair(similarity, shape, draw):
    _compare(similarity, shape, draw)


@pytest.mark.slow
@pytest.mark.parametrize(("similarity", "shape"), ALL)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(draw=draws)
def test_every_pair_in_every_shape(similarity, shape, draw):
    _compare(similarity, shape, draw)
