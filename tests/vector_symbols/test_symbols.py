"""The operations, against their definitions in NumPy, and what one may rely on."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.vector_symbols import FHRR, HRR, MAP, VectorSymbols, unit_modulus

N = 256
FAMILIES = {
    "MAP": MAP(features=N),
    "FHRR": FHRR(features=N),
    "HRR": HRR(features=N),
    "unitary": HRR(features=N, unitary=True),
    "odd": HRR(features=N - 1, unitary=True),
}
EXACT = [name for name in FAMILIES if name != "HRR"]


@pytest.fixture(params=FAMILIES)
def symbols(request: pytest.FixtureRequest) -> VectorSymbols:
    return FAMILIES[request.param]


def codes(symbols: VectorSymbols, entries: int = 3) -> jax.Array:
    return symbols.random(jax.random.key(0), (entries,))


def test_binding_is_the_definition() -> None:
    a, b, bound = (np.asarray(x, np.float64) for x in _pair(HRR(features=N)))
    places = np.arange(N)
    convolved = np.array([a @ b[(k - places) % N] for k in places])
    np.testing.assert_allclose(bound, convolved, atol=1e-6)
    back = HRR(features=N).unbind(jnp.asarray(bound, jnp.float32), jnp.asarray(b, jnp.float32))
    np.testing.assert_allclose(back, [bound @ b[(places - k) % N] for k in places], atol=1e-6)
    for symbols in (MAP(features=N), FHRR(features=N)):
        a, b, bound = map(np.asarray, _pair(symbols))
        np.testing.assert_allclose(bound, a * b, atol=1e-6)


def _pair(symbols: VectorSymbols) -> tuple[jax.Array, jax.Array, jax.Array]:
    a, b = codes(symbols, 2)
    return a, b, symbols.bind(a, b)


def test_random_codes_are_of_length_one_and_unlike(symbols: VectorSymbols) -> None:
    book = codes(symbols, 40)
    found = np.asarray(symbols.similarities(book, book))
    deviation = 1 / np.sqrt(symbols.features * (2 if isinstance(symbols, FHRR) else 1))
    own = 0.3 if symbols is FAMILIES["HRR"] else 1e-5  # |x|^2 of Gaussian codes varies
    np.testing.assert_allclose(np.diag(found), 1, atol=own)
    others = found[~np.eye(40, dtype=bool)]
    assert abs(others.std() / deviation - 1) < 0.1 and abs(others.mean()) < 0.3 * deviation
    np.testing.assert_allclose(found[0, 1], symbols.similarity(book[0], book[1]), atol=1e-5)


def test_binding_is_commutative_and_like_none_of_its_factors(symbols: VectorSymbols) -> None:
    a, b, c = codes(symbols)
    bound = symbols.bind(a, b, c)
    np.testing.assert_allclose(bound, symbols.bind(symbols.bind(c, a), b), atol=1e-5)
    for factor in (a, b, c):
        assert abs(symbols.similarity(bound, factor)) < 0.3


@pytest.mark.parametrize("name", EXACT)
def test_unbinding_is_exact_however_many_are_bound(name: str) -> None:
    symbols = FAMILIES[name]
    a, *others = codes(symbols, 12)
    np.testing.assert_allclose(symbols.unbind(symbols.bind(a, *others), *others), a, atol=1e-4)


def test_unbinding_of_plain_hrr_is_approximate() -> None:
    """What is found is the code and noise of as much power: E (|b_k|^2 - 1)^2 = 1 of Gaussians."""
    symbols = HRR(features=1024)
    a, b = symbols.random(jax.random.key(0), (2, 500))
    found = symbols.unbind(symbols.bind(a, b), b)
    error = np.asarray(jnp.sum((found - a) ** 2, axis=-1))
    assert abs(error.mean() - 1.0) < 4 * error.std() / np.sqrt(500)
    assert float(jnp.mean(symbols.similarity(found, a))) == pytest.approx(1.0, abs=0.02)


def test_a_bundle_is_like_its_members_and_keeps_structure(symbols: VectorSymbols) -> None:
    book = codes(symbols, 6)
    bundle = symbols.bundle(book[:3])
    np.testing.assert_allclose(bundle, np.asarray(book[:3]).sum(0), atol=1e-5)
    found = symbols.similarities(bundle, book)
    assert (found[:3] > 0.6).all() and (abs(found[3:]) < 0.4).all()
    inside = symbols.bundle(symbols.bind(book[:3], book[5]))  # binding distributes
    np.testing.assert_allclose(symbols.bind(bundle, book[5]), inside, atol=1e-5)


def test_permutation_is_another_code_and_can_be_undone(symbols: VectorSymbols) -> None:
    a = codes(symbols, 1)[0]
    turned = symbols.permute(a)
    assert abs(symbols.similarity(a, turned)) < 0.3
    np.testing.assert_array_equal(symbols.permute(turned, -1), a)


def test_normalised_vectors_have_the_form_of_codes(symbols: VectorSymbols) -> None:
    book = codes(symbols, 5)
    again = symbols.normalise(symbols.normalise(symbols.bundle(book)))
    np.testing.assert_allclose(again, symbols.normalise(symbols.bundle(book)), atol=1e-4)
    assert symbols.similarity(again, again) == pytest.approx(1.0, abs=1e-4)
    assert not np.isnan(symbols.normalise(jnp.zeros_like(book))).any()


def test_a_tie_of_signs_is_zero() -> None:
    symbols = MAP(features=2)
    np.testing.assert_array_equal(symbols.normalise(jnp.array([0.0, -3.0])), [0.0, -1.0])


def test_cleanup_is_the_nearest_entry(symbols: VectorSymbols) -> None:
    book = codes(symbols, 20)
    noisy = symbols.bundle(jnp.stack([book[:4], book[7:11] * 0.5], axis=-2))
    np.testing.assert_array_equal(symbols.nearest(noisy, book), np.arange(4))
    np.testing.assert_allclose(symbols.cleanup(noisy, book), book[:4], atol=1e-6)
    soft = symbols.cleanup(noisy[0], book, separation="softmax", beta=5.0)
    weights = jax.nn.softmax(5.0 * symbols.similarities(noisy[0], book)).astype(book.dtype)
    np.testing.assert_allclose(soft, weights @ book, atol=1e-5)


def test_the_librarys_memories_take_codes() -> None:
    symbols = FHRR(features=N)
    book = symbols.random(jax.random.key(1), (10,))
    memory = nm.Hopfield(slots=10, features=2 * N, separation="max")
    state = nm.init(memory, jax.random.key(0))
    state = nm.store(memory, state, symbols.as_real(book))
    noisy = symbols.bundle(jnp.stack([book, book[::-1] * 0.7], axis=-2))
    recalled = nm.recall(memory, state, symbols.as_real(noisy))
    np.testing.assert_allclose(recalled, symbols.as_real(book), atol=1e-6)


def test_powers_of_phasors_encode_quantities() -> None:
    symbols = FHRR(features=20_000)
    code = codes(symbols, 1)[0]
    apart = jnp.linspace(0.0, 4.0, 9)
    points = symbols.power(code, apart + 1.0)
    found = symbols.similarities(points, symbols.power(code, 1.0)[None])[:, 0]
    np.testing.assert_allclose(found, np.sinc(apart), atol=0.03)  # 3 deviations: 0.015
    np.testing.assert_allclose(symbols.power(code, 2.0), symbols.bind(code, code), atol=1e-4)


def test_axes_are_broadcast_under_strict_ranks(symbols: VectorSymbols) -> None:
    book = codes(symbols, 4)
    assert symbols.bind(book[:, None], book[None]).shape == (4, 4, symbols.features)
    np.testing.assert_allclose(
        symbols.bind(book, book[0])[2], symbols.bind(book[2], book[0]), atol=1e-6
    )


def test_everything_is_jitted_and_differentiable(symbols: VectorSymbols) -> None:
    book = codes(symbols, 4)
    real = symbols.as_real(book).dtype

    def loss(scale: jax.Array) -> jax.Array:
        bound = symbols.bind(book * scale.astype(book.dtype), book[0])
        clean = symbols.normalise(symbols.unbind(bound, book[1]))
        return jnp.sum(symbols.similarity(clean, symbols.permute(book)))

    slope = jax.jit(jax.grad(loss))(jnp.ones((), real))
    assert jnp.isfinite(slope)

    def moduli(scale: jax.Array) -> jax.Array:
        return jnp.sum(jnp.real(unit_modulus(scale.astype(book.dtype) * book)))

    assert jnp.isfinite(jax.grad(moduli)(jnp.zeros((), real)))


def test_double_precision(symbols: VectorSymbols) -> None:
    with jax.enable_x64(True):
        a, b = symbols.random(jax.random.key(0), (2,))
        assert jnp.finfo(a.dtype).dtype == np.float64
        if symbols is not FAMILIES["HRR"]:
            back = symbols.unbind(symbols.bind(a, b), b)
            np.testing.assert_allclose(back, a, atol=1e-13)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda s: s.bind(jnp.ones(N), jnp.ones(3)), r"MAP\.bind: vectors are"),
        (lambda s: s.bind(), "at least one vector"),
        (lambda s: s.cleanup(jnp.ones(N), jnp.ones(N)), r"symbols\.random\(key, \(entries,\)\)"),
        (lambda s: s.nearest(jnp.ones(N), jnp.ones((2, 3))), "codebook is"),
        (lambda s: MAP(features=0), "features"),
    ],
)
def test_mistakes_say_what_to_write(call: object, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call(MAP(features=N))  # pyright: ignore
