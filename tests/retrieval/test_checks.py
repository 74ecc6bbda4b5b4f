"""Wrong arguments are refused by name, with what was expected."""

import re

import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.retrieval import Dot, Entmax, Power, Softmax, TopK, retrieve_batch

GOOD = dict(
    probes=jnp.ones((2, 5)), patterns=jnp.ones((8, 5)), similarity="dot", separation="softmax"
)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (dict(probes=jnp.ones(5)), "write probes[None]"),
        (dict(probes=jnp.ones((2, 4))), "probes has shape (2, 4), expected (2, 5)"),
        (dict(patterns=jnp.ones(5)), "patterns are rows of shape (slots, features)"),
        (dict(known=jnp.ones(5)), "known has shape (5,), expected (2, 5)"),
        (dict(values=jnp.ones((3, 5))), "values has shape (3, 5), expected (8, 5)"),
        (dict(similarity=Dot(feature_weights=jnp.ones(4))), "feature_weights has shape (4,)"),
        (dict(similarity="dott"), "Did you mean 'dot'?"),
        (dict(separation=Softmax), "Softmax is a class: pass an instance, separation=Softmax(...)"),
        (dict(method="fast"), "'auto', 'materialised' and 'streamed'"),
        (dict(chunk=0), "chunk is a number of slots, at least 1"),
    ],
)
def test_wrong_arguments(wrong, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        retrieve_batch(**(GOOD | wrong))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TopK(k=0), "at least 1, got 0"),
        (lambda: Power(exponent=2.5), "exponent is a whole number of at least 1, got 2.5"),
        (lambda: Entmax(alpha=0.9), "alpha is a number in [1, inf), got 0.9"),
    ],
)
def test_wrong_hyper_parameters(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_numpy_lists_and_integers_are_taken_as_floats():
    patterns, probes = [[1, 0, 2], [0, 3, 1]], np.array([[1, 0, 1]])
    options = dict(similarity="dot", separation="softmax", beta=0.3)
    wanted = nm.retrieval.retrieve_batch(
        jnp.asarray(probes, float), jnp.asarray(patterns, float), **options
    )
    given = nm.retrieval.retrieve_batch(probes, patterns, **options)
    np.testing.assert_allclose(given.outputs, wanted.outputs, rtol=1e-6)
    assert given.outputs.dtype == wanted.outputs.dtype and not (given.outputs % 1 == 0).all()
    one = nm.retrieval.retrieve([1, 0, 1], np.array(patterns, float), **options)
    np.testing.assert_allclose(one.outputs, wanted.outputs[0], rtol=1e-6)
