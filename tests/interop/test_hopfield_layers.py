"""Hopfield retrieval with learned projections, beside NumPy and torch's multi-head attention."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from ngcmem.interop import HopfieldLookup, HopfieldPooling, HopfieldRetrieval

QUERIES, STORED = (
    np.asarray(jax.random.normal(jax.random.key(i), (2, length, 6)))
    for i, length in ((0, 3), (1, 5))
)


def _projected(layer: nnx.Linear, x: np.ndarray) -> np.ndarray:
    kernel, bias = (np.asarray(p.get_value(), np.float64) for p in (layer.kernel, layer.bias))
    return x @ kernel + bias


def _by_numpy(layer: HopfieldRetrieval, queries: np.ndarray, stored: np.ndarray) -> np.ndarray:
    """One set of patterns, all of which take part; the softmax."""
    beta = float(layer.beta.get_value())
    parts = [
        np.split(_projected(project, x), layer.heads, axis=-1)
        for project, x in ((layer.query, queries), (layer.key, stored), (layer.value, stored))
    ]
    heads = []
    for xi, keys, values in zip(*parts, strict=True):
        for step in range(layer.steps):
            scores = beta * xi @ keys.T
            weights = np.exp(scores - scores.max(-1, keepdims=True))
            weights /= weights.sum(-1, keepdims=True)
            xi = weights @ (values if step == layer.steps - 1 else keys)
        heads.append(xi)
    return _projected(layer.out, np.concatenate(heads, axis=-1))


def _biased(layer: HopfieldRetrieval) -> HopfieldRetrieval:
    for i, part in enumerate((layer.query, layer.key, layer.value, layer.out)):
        shape = part.bias.get_value().shape
        part.bias.set_value(jax.random.normal(jax.random.key(i), shape))
    return layer


@pytest.mark.parametrize("options", [{}, {"heads": 2, "steps": 3, "beta": 2.0, "head_features": 4}])
def test_against_numpy(options: dict) -> None:
    layer = _biased(HopfieldRetrieval(6, rngs=nnx.Rngs(0), **options))
    found = nnx.jit(lambda layer, q, s: layer(q, s))(layer, QUERIES, STORED)
    for i in range(2):
        expected = _by_numpy(layer, QUERIES[i], STORED[i])
        np.testing.assert_allclose(found[i], expected, atol=1e-5)


def test_patterns_not_in_use_do_not_count_and_may_hold_anything() -> None:
    layer = _biased(HopfieldRetrieval(6, heads=2, rngs=nnx.Rngs(0)))
    used = np.array([[True, False, True, True, False], [False, False, False, True, True]])
    stored = np.where(used[..., None], STORED, np.nan)
    found = layer(jnp.asarray(QUERIES), jnp.asarray(stored), used=used)
    for i in range(2):
        expected = _by_numpy(layer, QUERIES[i], STORED[i][used[i]])
        np.testing.assert_allclose(found[i], expected, atol=1e-5)
    none = layer(jnp.asarray(QUERIES), jnp.asarray(STORED), used=np.zeros((2, 5)))
    np.testing.assert_allclose(none, jnp.broadcast_to(layer.out.bias.get_value(), none.shape))

    def loss(layer: HopfieldRetrieval) -> jax.Array:
        return layer(jnp.asarray(QUERIES), jnp.asarray(stored), used=used).sum()

    assert all(np.isfinite(g).all() for g in jax.tree.leaves(nnx.grad(loss)(layer)))


def test_a_sparse_separation_gives_most_patterns_nothing() -> None:
    layer = HopfieldRetrieval(6, separation="sparsemax", beta=20.0, rngs=nnx.Rngs(0))
    moved = STORED.copy()
    found = layer(jnp.asarray(QUERIES), jnp.asarray(STORED))
    gradient = jax.grad(lambda s: (layer(jnp.asarray(QUERIES), s) ** 2).sum())(jnp.asarray(moved))
    assert np.isfinite(found).all() and (np.abs(gradient).max(-1) == 0).any()


def test_pooling_and_lookup_are_retrieval_with_one_side_learned() -> None:
    pooling = _biased(HopfieldPooling(6, count=2, heads=2, rngs=nnx.Rngs(0)))
    found = pooling(jnp.asarray(STORED))
    assert found.shape == (2, 2, 6)
    for i in range(2):
        expected = _by_numpy(pooling, np.asarray(pooling.queries.get_value()), STORED[i])
        np.testing.assert_allclose(found[i], expected, atol=1e-5)
    lookup = _biased(HopfieldLookup(6, slots=5, heads=2, rngs=nnx.Rngs(0)))
    found = lookup(jnp.asarray(QUERIES))
    for i in range(2):
        expected = _by_numpy(lookup, QUERIES[i], np.asarray(lookup.stored.get_value()))
        np.testing.assert_allclose(found[i], expected, atol=1e-5)
    assert lookup(jnp.asarray(QUERIES[0])).shape == (3, 6)


def test_beta_is_trained_where_asked() -> None:
    for train in (False, True):
        layer = HopfieldRetrieval(6, train_beta=train, rngs=nnx.Rngs(0))
        gradient = nnx.grad(lambda m: (m(jnp.asarray(QUERIES), jnp.asarray(STORED)) ** 2).sum())(
            layer
        )
        assert ("beta" in gradient) == train


@pytest.mark.parametrize("heads", [1, 2])
def test_one_step_is_torchs_multi_head_attention(heads: int) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: nothing to compare with")
    layer = _biased(HopfieldRetrieval(6, heads=heads, rngs=nnx.Rngs(0)))
    theirs = torch.nn.MultiheadAttention(6, heads, batch_first=True)
    used = np.array([[True, False, True, True, False], [False, True, False, True, True]])

    def tensor(x: jax.Array) -> object:
        return torch.from_numpy(np.array(x))

    with torch.no_grad():
        parts = (layer.query, layer.key, layer.value)
        theirs.in_proj_weight.copy_(
            tensor(jnp.concatenate([p.kernel.get_value().T for p in parts]))
        )
        theirs.in_proj_bias.copy_(tensor(jnp.concatenate([p.bias.get_value() for p in parts])))
        theirs.out_proj.weight.copy_(tensor(layer.out.kernel.get_value().T))
        theirs.out_proj.bias.copy_(tensor(layer.out.bias.get_value()))
        expected = theirs(
            tensor(QUERIES), tensor(STORED), tensor(STORED), key_padding_mask=tensor(~used)
        )[0]
    found = layer(jnp.asarray(QUERIES), jnp.asarray(STORED), used=used)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="give head_features="):
        HopfieldRetrieval(6, heads=4, rngs=nnx.Rngs(0))
    layer = HopfieldRetrieval(6, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="same leading axes"):
        layer(jnp.asarray(QUERIES), jnp.asarray(STORED[0]))
    with pytest.raises(ValueError, match="one for every stored pattern"):
        layer(jnp.asarray(QUERIES), jnp.asarray(STORED), used=np.ones(5))
