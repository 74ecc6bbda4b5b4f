"""Derivatives against finite differences of the float64 reference, and where there are none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcmem.retrieval import (
    Dot,
    Entmax,
    Softmax,
    Sparsemax,
    Threshold,
    TopK,
    retrieve,
    retrieve_batch,
)
from tests.retrieval import reference
from tests.retrieval.pairs import NOT_STREAMED, SEPARATIONS, SIMILARITIES

SLOTS, COUNT, BATCH, FEATURES, WIDTH, CHUNK = 22, 19, 3, 5, 4, 8
CASES = [
    ("dot", "softmax", "materialised"),
    ("dot", "softmax", "streamed"),
    ("euclidean", "softmax", "streamed"),
    ("cosine", "softmax", "streamed"),
    ("manhattan", "softmax", "streamed"),
    ("dot", "cube", "streamed"),
    ("euclidean", "log_sum_relu", "streamed"),
    ("euclidean", "top_3", "streamed"),
    ("dot", "entmax", "materialised"),
    ("dot", "top_3_entmax", "streamed"),
]


def _arguments(seed=0):
    random = np.random.default_rng(seed)
    probes = random.normal(size=(BATCH, FEATURES))
    patterns = random.normal(size=(SLOTS, FEATURES))
    values = random.normal(size=(SLOTS, WIDTH))
    return probes, patterns, values, 0.7


def _loss_of_reference(similarity, separation, probes, patterns, values, beta, readout):
    known = np.ones(FEATURES)
    loss = 0.0
    for probe in probes:
        outputs, energy, _, _ = reference.retrieve(
            similarity, separation, probe, patterns[:COUNT], values[:COUNT], beta, known
        )
        loss += readout @ outputs + energy
    return loss


@pytest.mark.parametrize(("similarity", "separation", "method"), CASES)
def test_by_probes_patterns_values_and_beta(similarity, separation, method):
    arguments = _arguments()
    readout = np.linspace(-1, 1, WIDTH)
    junk = arguments[1].copy()
    junk[COUNT:] = np.nan

    @jax.jit
    def gradient(probes, patterns, values, beta):
        def loss(probes, patterns, values, beta):
            recall = retrieve_batch(
                probes,
                patterns,
                values=values,
                count=COUNT,
                similarity=SIMILARITIES[similarity],
                separation=SEPARATIONS[separation],
                beta=beta,
                method=method,
                chunk=CHUNK,
            )
            return (recall.outputs @ jnp.asarray(readout, jnp.float32) + recall.energy).sum()

        return jax.grad(loss, (0, 1, 2, 3))(probes, patterns, values, beta)

    single = [np.asarray(argument, np.float32) for argument in (arguments[0], junk, *arguments[2:])]
    analytic = [np.asarray(part, np.float64) for part in gradient(*single)]
    assert not np.any(analytic[1][COUNT:])
    step, random = 1e-5, np.random.default_rng(1)
    for place, part in enumerate(analytic):
        direction = random.normal(size=np.shape(part))
        ends = []
        for sign in (1, -1):
            moved = list(arguments)
            moved[place] = moved[place] + sign * step * direction
            ends.append(_loss_of_reference(similarity, separation, *moved, readout))
        numeric = (ends[0] - ends[1]) / (2 * step)
        scale = np.sqrt((part**2).sum()) * np.sqrt((direction**2).sum())
        assert abs((part * direction).sum() - numeric) <= 1e-4 * scale + 1e-5


SIMILARITY_OF = {"log_sum_relu": "euclidean", "top_3": "euclidean", "max": "euclidean"}


@pytest.mark.parametrize("separation", SEPARATIONS)
def test_first_and_second_derivatives_of_both_methods(separation):
    """Along one direction in probes, patterns, values and beta: against float64, and each other."""
    similarity = SIMILARITY_OF.get(separation, "dot")
    arguments, readout = _arguments(seed=7), np.linspace(-1, 1, WIDTH)
    arguments = (*(0.7 * a for a in arguments[:2]), *arguments[2:])
    random = np.random.default_rng(6)
    directions = [random.normal(size=np.shape(part)) for part in arguments]

    def slopes(method):
        def loss(*arguments):
            probes, patterns, values, beta = arguments
            recall = retrieve_batch(
                probes,
                patterns[:COUNT],
                values=values[:COUNT],
                similarity=SIMILARITIES[similarity],
                separation=SEPARATIONS[separation],
                beta=beta,
                method=method,
                chunk=CHUNK,
            )
            return (recall.outputs @ jnp.asarray(readout, jnp.float32) + recall.energy).sum()

        return jax.jvp(jax.grad(loss, (0, 1, 2, 3)), *map(tuple, single))

    single = [[jnp.asarray(a, jnp.float32) for a in part] for part in (arguments, directions)]
    methods = ["materialised"] + ["streamed"] * (separation not in NOT_STREAMED)
    found = jax.jit(lambda: {method: slopes(method) for method in methods})()

    def along(step):
        moved = [a + step * d for a, d in zip(arguments, directions, strict=True)]
        return _loss_of_reference(similarity, separation, *moved, readout)

    first = (along(1e-6) - along(-1e-6)) / 2e-6
    second = (along(1e-5) - 2 * along(0) + along(-1e-5)) / 1e-10
    for method in methods:
        for order, numeric in enumerate((first, second)):
            parts = [np.asarray(part, np.float64) for part in found[method][order]]
            terms = [(part * d).sum() for part, d in zip(parts, directions, strict=True)]
            scale = max(map(abs, terms)) + 1
            assert abs(sum(terms) - numeric) <= (1e-4, 1e-3)[order] * scale, (method, order)
    for one, other in zip(
        *(jax.tree.leaves(found[m]) for m in (methods[0], methods[-1])), strict=True
    ):
        np.testing.assert_allclose(
            one, other, rtol=1e-3, atol=1e-3 * float(jnp.abs(one).max()) + 1e-6
        )


@pytest.mark.parametrize("similarity", ["dot", "euclidean"])
def test_at_ties_and_kinks_both_methods_have_the_same_subgradient(similarity):
    """Equal rows, rows of equal length, similarities of exactly 0, at a threshold, at a kink."""
    patterns = jnp.array([[1, 0], [1, 0], [0, 1], [-1, 0], [0, -1], [0, 0], [1, 1], [1, 1.0]])
    probes, values = jnp.array([[1, 0], [0, 1], [1, 1.0]]), jnp.arange(16.0).reshape(8, 2)
    rules = {name: SEPARATIONS[name] for name in SEPARATIONS if name not in NOT_STREAMED}
    rules |= {"at_threshold": Threshold(threshold=0.0), "top_2": TopK(k=2)}

    @jax.jit
    def subgradients(probes, patterns, values):
        def loss(probes, patterns, values, separation, method):
            recall = retrieve_batch(
                probes,
                patterns,
                values=values,
                similarity=SIMILARITIES[similarity],
                separation=separation,
                method=method,
                chunk=3,
            )
            return (recall.outputs**2).sum() + recall.energy.sum()

        slope = jax.grad(loss, (0, 1, 2))
        return {
            name: [slope(probes, patterns, values, rule, m) for m in ("materialised", "streamed")]
            for name, rule in rules.items()
        }

    for name, (one, other) in subgradients(probes, patterns, values).items():
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("alpha", [1.1, 1.5, 1.9, 2.5])
def test_entmax_by_alpha(alpha):
    s = np.random.default_rng(3).normal(size=11)
    readout = np.linspace(-1, 1, 11)

    def loss(alpha):
        separation = Entmax(alpha=alpha)
        scores, used = jnp.asarray(s, jnp.float32), jnp.ones(11, bool)
        weights = separation(scores, 1.3, used)
        return weights @ jnp.asarray(readout, jnp.float32), separation.potential(scores, 1.3, used)

    def expected(alpha):
        conjugate = reference.entmax_conjugate(1.3 * s, alpha)
        potential = (conjugate - reference.entmax_conjugate(0 * s, alpha)) / 1.3
        return np.array([readout @ reference.entmax(1.3 * s, alpha), potential])

    numeric = (expected(alpha + 1e-5) - expected(alpha - 1e-5)) / 2e-5
    for derivative in (jax.jacrev(loss), jax.jacfwd(loss)):
        np.testing.assert_allclose(np.array(derivative(alpha)), numeric, rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("separation", [*SEPARATIONS.values()], ids=[*SEPARATIONS])
def test_weights_are_the_gradient_of_the_potential(separation):
    """Up to a positive factor for LogSumRelu, which declares it by not being convex."""
    s = jnp.asarray(np.random.default_rng(4).normal(size=9), jnp.float32)
    used = jnp.arange(9) < 7
    gradient = np.asarray(jax.grad(separation.potential)(s, 1.7, used))
    weights = np.asarray(separation(s, 1.7, used))
    if not separation.laws().convex:
        gradient = gradient / gradient.sum()
    np.testing.assert_allclose(gradient, weights, rtol=1e-4, atol=1e-5)
    assert abs(separation.potential(0 * s, 1.7, used)) <= 1e-6


@pytest.mark.parametrize("separation", [*SEPARATIONS.values()], ids=[*SEPARATIONS])
def test_no_nan_where_nothing_or_only_minus_infinity_is_used(separation):
    for s, used in (
        (jnp.array([jnp.nan, jnp.inf, -jnp.inf]), jnp.zeros(3, bool)),
        (jnp.full(3, -jnp.inf), jnp.ones(3, bool)),
        (jnp.array([-jnp.inf, -500.0, jnp.nan]), jnp.array([True, True, False])),
        (jnp.array([-3e4, 2.0, -jnp.inf]), jnp.ones(3, bool)),
    ):
        value, gradient = jax.value_and_grad(
            lambda s, beta, used=used: (
                separation(s, beta, used) @ jnp.arange(3.0) + separation.potential(s, beta, used)
            ),
            (0, 1),
        )(s, 1.0)
        assert np.isfinite(value) and all(np.isfinite(part).all() for part in gradient)
        weights = separation(s, 1.0, used)
        assert not np.any(weights[~np.asarray(used) | np.isneginf(s)])


def _streamed(beta):
    probes, patterns, values, _ = (jnp.asarray(a, jnp.float32) for a in _arguments())
    return retrieve_batch(
        probes,
        patterns,
        values=values,
        similarity=Dot(),
        separation=Softmax(),
        beta=beta,
        method="streamed",
        chunk=CHUNK,
    ).outputs


@pytest.mark.parametrize(
    "forward",
    [
        lambda: jax.jvp(_streamed, (1.0,), (1.0,)),
        lambda: jax.jacfwd(_streamed)(1.0),
        lambda: jax.jit(jax.jacfwd(_streamed))(1.0),
        lambda: jax.jit(lambda beta: jax.jvp(_streamed, (beta,), (1.0,)))(1.0),
    ],
    ids=["jvp", "jacfwd", "jit-jacfwd", "jit-jvp"],
)
def test_forward_mode_through_streaming_names_the_way_out(forward):
    with pytest.raises(TypeError, match='method="materialised"'):
        forward()


def test_second_derivatives_of_the_streamed_path_are_those_of_the_materialised() -> None:
    probes, patterns, values, _ = (jnp.asarray(a, jnp.float32) for a in _arguments())

    def whole(beta):
        return retrieve_batch(
            probes,
            patterns,
            values=values,
            similarity=Dot(),
            separation=Softmax(),
            beta=beta,
            method="materialised",
        ).outputs.sum()

    streamed = jax.jit(jax.hessian(lambda beta: _streamed(beta).sum()))(1.0)
    np.testing.assert_allclose(streamed, jax.jit(jax.hessian(whole))(1.0), rtol=1e-4)


def test_reverse_mode_composes_with_vmap_and_checkpoint():
    betas = jnp.array([0.5, 1.0, 2.0])
    slope = jax.jit(jax.grad(lambda beta: _streamed(beta).sum()))
    expected = [slope(beta) for beta in betas]
    for inner in (_streamed, jax.checkpoint(_streamed)):
        got = jax.jit(jax.vmap(jax.grad(lambda beta, inner=inner: inner(beta).sum())))(betas)
        np.testing.assert_allclose(got, jnp.stack(expected), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", ["materialised", "streamed"])
def test_one_probe_under_vmap_is_the_batch(method):
    """Values, gradients summed over examples and gradients per example."""
    probes, patterns, values, _ = (jnp.asarray(a, jnp.float32) for a in _arguments())
    fixed = dict(similarity=Dot(), separation=Softmax(), beta=0.7, method=method, chunk=CHUNK)

    def one(probe, patterns, axis_name):
        recall = retrieve(probe, patterns, values=values, axis_name=axis_name, **fixed)
        return (recall.outputs**2).sum() + recall.energy

    def batch(patterns):
        recall = retrieve_batch(probes, patterns, values=values, **fixed)
        return (recall.outputs**2).sum() + recall.energy.sum()

    expected = jax.jit(jax.grad(batch))(patterns)
    for name in (None, "examples"):

        def total(patterns, name=name):
            each = jax.vmap(lambda probe: one(probe, patterns, name), axis_name="examples")
            return each(probes).sum()

        summed = jax.jit(jax.grad(total))(patterns)
        np.testing.assert_allclose(summed, expected, rtol=1e-4, atol=1e-5)
    each = jax.vmap(jax.grad(lambda probe, patterns: one(probe, patterns, None), 1), (0, None))
    each = jax.jit(each)
    np.testing.assert_allclose(each(probes, patterns).sum(0), expected, rtol=1e-4, atol=1e-5)


def test_sparsemax_cannot_be_streamed_and_says_so():
    probes, patterns, _, _ = (jnp.asarray(a, jnp.float32) for a in _arguments())
    with pytest.raises(ValueError, match=r"TopK\(k=..., separation=Sparsemax"):
        retrieve_batch(
            probes, patterns, similarity=Dot(), separation=Sparsemax(), method="streamed"
        )
    with pytest.raises(ValueError, match="'materialised' and 'streamed'"):
        retrieve_batch(
            probes,
            patterns,
            similarity=Dot(),
            separation=Softmax(),
            method="fast",  # pyright: ignore[reportArgumentType]
        )
