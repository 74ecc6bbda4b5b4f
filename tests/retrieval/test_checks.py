"""Wrong arguments are refused by name, with what was expected."""

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
    with pytest.raises(ValueError) as raised:
        retrieve_batch(**(GOOD | wrong))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TopK(k=0), "at least 1, got 0"),
        (lambda: TopK(k=3, separation="softmx"), "softmx"),
        (lambda: Power(exponent=2.5), "exponent is 1, 2, 3"),
        (lambda: Entmax(alpha=1.0), "alpha > 1"),
    ],
)
def test_wrong_hyper_parameters(make, message):
    with pytest.raises(ValueError) as raised:
        make()
    assert message in str(raised.value)


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
