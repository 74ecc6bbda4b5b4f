"""The ends of beta and alpha: energies keep their digits, limits are what they should be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.retrieval import Entmax, retrieve_batch
from ngcmem.retrieval.retrieve import Method
from ngcmem.retrieval.sparse import entmax_weights
from tests.retrieval import reference

RNG = np.random.default_rng(0)
PATTERNS = RNG.normal(size=(130, 6)).astype(np.float32)
PROBES = RNG.normal(size=(2, 6)).astype(np.float32)
METHODS = ("materialised", "streamed")
BETAS = (0.0, 1e-8, 1e-6, 1e-4, 1e-2, 0.3, 3.0)


def scores(similarity: str) -> np.ndarray:
    """In float64, (2, 130)."""
    probes, patterns = PROBES.astype(np.float64), PATTERNS.astype(np.float64)
    if similarity == "dot":
        return probes @ patterns.T
    return -0.5 * np.sum((probes[:, None] - patterns) ** 2, -1)


def potential(separation: str, s: np.ndarray, beta: float) -> np.ndarray:
    """Phi about the mean score, in float64, with the limit at 0."""
    if separation == "softmax":
        mean = s.mean(1)
        if beta == 0:
            return mean
        return mean + np.log1p(np.mean(np.expm1(beta * (s - mean[:, None])), 1)) / beta
    everything = 1e-6 + s.shape[1]
    if beta == 0:
        return s.sum(1) / everything
    return np.log1p(np.maximum(beta * s, -1.0).sum(1) / everything) / beta


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("similarity", "separation"),
    [("dot", "softmax"), ("euclidean", "softmax"), ("euclidean", "log_sum_relu")],
)
def test_energies_of_small_betas(similarity: str, separation: str, method: Method) -> None:
    def energy(beta: jax.Array) -> jax.Array:
        return retrieve_batch(
            PROBES,
            PATTERNS,
            count=jnp.int32(len(PATTERNS)),
            similarity=similarity,
            separation=separation,
            beta=beta,
            method=method,
            chunk=32,
        ).energy

    found = jax.jit(jax.vmap(energy))(jnp.asarray(BETAS, jnp.float32))
    penalty = np.zeros(2)
    if similarity == "dot":
        longest = np.max(np.sum(PATTERNS.astype(np.float64) ** 2, 1))
        penalty = 0.5 * np.sum(PROBES.astype(np.float64) ** 2, 1) + 0.5 * longest
    for beta, energies in zip(BETAS, found, strict=True):
        beta = float(np.float32(beta))
        expected = penalty - potential(separation, scores(similarity), beta)
        np.testing.assert_allclose(energies, expected, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("method", METHODS)
def test_the_slope_by_beta_at_0_is_half_the_variance(method: Method) -> None:
    def energy(beta: jax.Array) -> jax.Array:
        options = dict(similarity="dot", separation="softmax", method=method, chunk=32)
        return retrieve_batch(PROBES, PATTERNS, beta=beta, **options).energy.sum()

    expected = -scores("dot").var(1).sum() / 2
    slopes = [jax.grad(energy)(jnp.float32(beta)) for beta in (0.0, 1e-7)]
    np.testing.assert_allclose(slopes, expected, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("separation", ["softmax", "relu", "power", "log_sum_relu", "identity"])
def test_a_negative_beta_is_refused_or_nan(separation: str, method: Method) -> None:
    def recall(beta: jax.Array) -> tuple[jax.Array, jax.Array]:
        found = retrieve_batch(
            PROBES, PATTERNS, similarity="dot", separation=separation, beta=beta, method=method
        )
        return found.outputs, found.energy

    with pytest.raises(ValueError, match=r"retrieve: beta is a number in \[0, inf\), got -3"):
        recall(-3)  # type: ignore[arg-type]
    for values in jax.vmap(recall)(jnp.array([-3.0, -1e-6, jnp.inf, jnp.nan])):
        assert jnp.isnan(values).all()


def test_beta_0_weighs_all_patterns_alike() -> None:
    memory = nm.Hopfield(slots=200, features=6, beta=0)
    state = nm.store(memory, nm.init(memory, jax.random.key(0)), PATTERNS)
    read = nm.read(memory, state, PROBES)
    np.testing.assert_allclose(read.memory_weights[:, :130], 1 / 130, rtol=1e-6)
    np.testing.assert_allclose(read.outputs, [PATTERNS.mean(0)] * 2, atol=1e-6)
    assert jnp.isfinite(read.energy).all()


def entmax(s: np.ndarray, beta: float, alpha: float) -> tuple[np.ndarray, float]:
    """Weights and potential by bisection in extended precision."""
    s, beta, alpha = s.astype(np.longdouble), np.longdouble(beta), np.longdouble(alpha)
    a, n = alpha - 1, len(s)
    z = beta * (s - s.max())

    def weights(shift: np.longdouble) -> np.ndarray:
        if a == 0:
            return np.exp(z - shift)
        base = a * (z - shift)
        some = base > -1
        return np.where(some, np.exp(np.log1p(np.where(some, base, 0)) / a), 0)

    low, high = np.longdouble(0), np.log(np.longdouble(n))
    if a > 0:
        high = -np.expm1(-a * high) / a
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if weights(middle).sum() >= 1 else (low, middle)
    w = weights(low) / weights(low).sum()
    if beta == 0:
        return w, float((w * s).sum())
    logs = np.log(np.where(w > 0, w * n, 1))
    rise = (w * logs).sum() if a == 0 else n ** (-a) * (w * np.expm1(a * logs)).sum() / (alpha * a)
    return w, float((w * s).sum() - rise / beta)


@pytest.mark.parametrize("alpha", [1.0, 1.0 + 1e-6, 1.001, 1.2, 2.0, 3.0])
def test_entmax_down_to_softmax_and_to_beta_0(alpha: float) -> None:
    s = scores("dot")[0].astype(np.float32)

    def both(beta: jax.Array, alpha: jax.Array) -> tuple[jax.Array, jax.Array]:
        return entmax_weights(s, beta, alpha, None), Entmax(alpha=alpha).potential(s, beta, None)

    betas, alpha = jnp.asarray((*BETAS, 40.0), jnp.float32), float(np.float32(alpha))
    weights, potentials = jax.jit(jax.vmap(both, (0, None)))(betas, jnp.float32(alpha))
    for beta, w, phi in zip(betas, weights, potentials, strict=True):
        expected = entmax(s, float(beta), alpha)
        np.testing.assert_allclose(w, expected[0].astype(float), atol=2e-6)
        np.testing.assert_allclose(phi, expected[1], rtol=1e-6, atol=2e-6)


def test_an_entropy_gain_never_prefers_the_worst() -> None:
    """PsyNeuLink's formula falls below 0 for scores far below 0."""
    gain = nm.retrieval.EntropyGain(weight=1.0)(jnp.array([-9.0, -12.0]), jnp.ones(2, bool))
    assert gain == 0


@pytest.mark.parametrize("alpha", [1.2, 1.5, 2.0, 3.0, 4.0, 6.0])
def test_entmax_is_as_exact_as_it_says(alpha):
    """4 eps^(1 / (alpha - 1)), for alpha above 2 the size of what rounding of one score does."""
    draw = np.random.default_rng(0)
    weigh = jax.jit(jax.vmap(entmax_weights, (0, None, None, None)))
    bound = 4 * float(np.finfo(np.float32).eps) ** (1 / max(alpha - 1, 1))
    for slots, beta in ((4, 1.0), (20, 0.01), (20, 1.0), (200, 10.0)):
        scores = draw.normal(size=(20, slots)).astype(np.float32)
        found = weigh(scores, beta, alpha, None)
        beta, rounded = float(np.float32(beta)), float(np.float32(alpha))
        right = [reference.entmax(beta * row.astype(np.float64), rounded) for row in scores]
        np.testing.assert_allclose(found, right, atol=bound + 4e-7)
