"""Diagnostics against cases with a known answer, and names."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcmem.retrieval import (
    Dot,
    Entmax,
    Euclidean,
    Max,
    Softmax,
    diagnostics,
    expand_fields,
    resolve_separation,
    resolve_similarity,
    retrieve_batch,
)


def test_entropy_and_effective_memories():
    weights = jnp.array([[0.25] * 4, [1.0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.0] * 4])
    expected = [np.log(4), 0, np.log(2), 0]
    np.testing.assert_allclose(diagnostics.entropy(weights), expected, atol=1e-6)
    np.testing.assert_allclose(
        jax.jit(diagnostics.effective_memories)(weights), [4, 1, 2, 1], rtol=1e-6
    )


def test_classes_of_fixed_points():
    patterns = jnp.array([[1.0, 0.0], [-1.0, 0.0], [jnp.nan, 9.0]])
    states = jnp.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.7]])
    weights = jnp.array([[1.0, 0, 0], [0.5, 0.5, 0], [0.5, 0.5, 0]])
    found = jax.jit(jax.vmap(lambda state, w: diagnostics.classify(state, patterns, w, count=2)))(
        states, weights
    )
    assert found.tolist() == [diagnostics.STORED, diagnostics.MIXTURE, diagnostics.SPURIOUS]


def test_basin_radius_of_the_nearest_pattern_is_half_the_distance():
    """Nearest-neighbour recall: towards the other pattern 1/2, away from it without end."""
    patterns = jnp.array([[0.0, 0.0], [1.0, 0.0]])

    def recall(probe):
        return retrieve_batch(
            probe[None], patterns, similarity=Euclidean(), separation=Max()
        ).outputs[0]

    directions = jnp.array([[1.0, 0.0], [2.0, 2.0], [-3.0, 0.0]])
    radii = jax.jit(
        lambda p: diagnostics.basin_radii(recall, p, directions, largest=4.0, tolerance=1e-3)
    )(patterns)
    np.testing.assert_allclose(radii[0], [0.5, np.sqrt(0.5), 4.0], atol=1e-4)
    np.testing.assert_allclose(radii[1], [4.0, 4.0, 0.5], atol=1e-4)


@pytest.mark.parametrize("steps", [1, 3, 6, 12])
def test_bisection_goes_to_its_last_bit(steps):
    """A basin that ends at 0.3: the largest multiple of 2^-steps in it."""

    def recall(probe):
        return jnp.where(jnp.abs(probe[0]) <= 0.3, 0.0, 9.0)[None]

    radius = diagnostics.basin_radius(
        recall, jnp.zeros(1), jnp.ones(1), largest=1.0, tolerance=1e-3, steps=steps
    )
    assert float(radius) == np.floor(0.3 * 2**steps) / 2**steps


def test_a_pattern_that_is_no_fixed_point_has_no_basin():
    def elsewhere(probe):
        return probe + 1.0

    radius = diagnostics.basin_radius(
        elsewhere, jnp.zeros(2), jnp.array([1.0, 0.0]), largest=2.0, tolerance=0.1
    )
    assert radius == 0


def test_names_resolve_to_defaults_and_instances_to_themselves():
    assert isinstance(resolve_similarity("dot"), Dot)
    assert isinstance(resolve_separation("softmax"), Softmax)
    mine = Entmax(alpha=1.3)
    assert resolve_separation(mine) is mine


@pytest.mark.parametrize(
    ("resolve", "name", "message"),
    [
        (resolve_similarity, "euclidian", "Did you mean 'euclidean'?"),
        (resolve_similarity, "nothing like it", "Names: 'dot', 'cosine'"),
        (resolve_similarity, 3, "neither a Similarity instance nor a name"),
        (resolve_separation, "soft_max", "Did you mean 'softmax'"),
        (resolve_separation, "topk", "Did you mean 'top_k'"),
        (resolve_separation, "top_k", r"separation=TopK(k=8)"),
        (resolve_separation, "threshold", "needs a number"),
    ],
)
def test_unknown_names_are_refused_with_suggestions(resolve, name, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        resolve(name)


def test_feature_weights_by_field():
    sizes = {"place": 2, "face": 3}
    weights = expand_fields({"face": 0.5, "place": 2.0}, sizes)
    assert weights.tolist() == [2.0, 2.0, 0.5, 0.5, 0.5]
    probe, patterns = jnp.arange(5.0), jnp.ones((1, 5))
    assert Dot(feature_weights=weights)(probe, patterns)[0] == 2 * 1 + 0.5 * (2 + 3 + 4)
    with pytest.raises(ValueError, match="the fields are"):
        expand_fields({"face": 1.0}, sizes)
