"""How many bound pairs a bundle holds, against the law of Frady, Kleyko and Sommer (2018)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from ngcmem.analysis import bundle_accuracy
from ngcmem.vector_symbols import FHRR, HRR, MAP, VectorSymbols

FEATURES, ENTRIES, LOADS, QUERIES = 512, 64, (25, 50, 100, 200), 16_000


def accuracy(symbols: VectorSymbols, n_pairs: int, key: jax.Array) -> float:
    """The share of pairs, of at least 16,000, whose value is recalled from a bundle of them."""

    def one(key: jax.Array) -> jax.Array:
        keys, book, draw = jax.random.split(key, 3)
        names, values = symbols.random(keys, (n_pairs,)), symbols.random(book, (ENTRIES,))
        chosen = jax.random.randint(draw, (n_pairs,), 0, ENTRIES)
        trace = symbols.bundle(symbols.bind(names, values[chosen]))
        found = symbols.nearest(symbols.unbind(trace[None], names), values)
        return jnp.mean((found == chosen).astype(float))

    bundles = jax.random.split(key, -(-QUERIES // n_pairs))
    return float(jnp.mean(jax.jit(lambda keys: jax.lax.map(one, keys))(bundles)))


def test_the_integral_is_that_of_scipy() -> None:
    for n, m, d in ((512, 25, 64), (512, 200, 64), (100, 400, 2)):
        snr = np.sqrt(n / m)
        exact = integrate.quad(
            lambda h: stats.norm.pdf(h - snr) * stats.norm.cdf(h) ** (d - 1),  # noqa: B023
            snr - 12,
            snr + 12,
        )[0]
        assert bundle_accuracy(n, m, d) == pytest.approx(exact, rel=1e-7)
    assert bundle_accuracy(512, [25, 50], 1) == pytest.approx([1.0, 1.0])
    assert bundle_accuracy(512, 50, 64, phasors=True) == bundle_accuracy(1024, 50, 64)
    published = [0.976, 0.785, 0.475, 0.252]  # an independent evaluation
    np.testing.assert_allclose(bundle_accuracy(512, LOADS, 64), published, atol=6e-4)


@pytest.mark.parametrize("n_pairs", LOADS)
@pytest.mark.parametrize(
    ("symbols", "more", "phasors"),
    [
        (MAP(features=FEATURES), 0, False),
        (FHRR(features=FEATURES), 0, True),
        (HRR(features=FEATURES), 1, False),
        (HRR(features=FEATURES, unitary=True), 0, False),
    ],
    ids=["MAP", "FHRR", "HRR", "unitary HRR"],
)
def test_recall_from_a_bundle(
    symbols: VectorSymbols, more: int, phasors: bool, n_pairs: int
) -> None:
    law = bundle_accuracy(FEATURES, n_pairs + more, ENTRIES, phasors=phasors)
    measured = accuracy(symbols, n_pairs, jax.random.key(n_pairs))
    assert abs(measured - law) <= 0.02
