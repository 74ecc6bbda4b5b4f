"""Kanerva (1988), Willshaw et al. (1969) and Hintzman (1986, 1988)."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.analysis import laws
from ngcmem.memories import hard_locations, read_sparsely

KEY = jax.random.key(0)


def bipolar(seed, *shape):
    return np.random.default_rng(seed).choice([-1.0, 1.0], shape).astype(np.float32)


def flipped(x, bits, seed):
    draw = np.random.default_rng(seed)
    cues = x.copy()
    for row in cues:
        row[draw.choice(x.shape[1], bits, replace=False)] *= -1
    return cues


def test_share_of_active_locations():
    """Kanerva's table: p = .00107, 1,072 of a million; and the small memory below."""
    assert laws.sdm_activation(1000, 451) == pytest.approx(0.00107, abs=5e-6)
    assert 1e5 * laws.sdm_activation(256, 103) == pytest.approx(106.7, abs=0.1)


def test_small_sparse_distributed_memory():
    """n = 256, 1e5 locations, radius 103, 400 words: 40 wrong bits come nearer, 100 do not."""
    n, locations, radius = 256, 100_000, 103
    limit = laws.sdm_active_limit(n, radius, locations)
    memory = nm.SparseDistributed(
        inputs=n, outputs=n, locations=locations, radius=radius, active_limit=limit
    )
    x = bipolar(0, 400, n)
    state = nm.store(memory, nm.init(memory, KEY), x)
    assert int(state.overflowed) == 0
    near = nm.read(memory, state, flipped(x[:40], 40, 1))
    assert float(near.active.mean()) == pytest.approx(106.7, abs=8)
    assert np.mean(np.sum(np.asarray(near.outputs) != x[:40], axis=1)) <= 10
    far = np.asarray(nm.recall(memory, state, flipped(x[:40], 100, 2)))
    assert np.mean(np.sum(far != x[:40], axis=1)) >= 100


def test_reading_without_counters_gives_the_same_sums():
    memory = nm.SparseDistributed(
        inputs=64, outputs=64, locations=3000, radius=24, active_limit=200, chunk=700
    )
    x = bipolar(3, 20, 64)
    state = nm.store(memory, nm.init(memory, KEY), x)
    cues = flipped(x, 8, 4)
    read = nm.read(memory, state, cues)
    sparsely = partial(read_sparsely, limit=200, chunk=700)
    sums, active = jax.jit(jax.vmap(sparsely, (0, None, None, None, None)))(
        cues, state.addresses, x, x, 24.0
    )
    assert np.array_equal(read.sums, sums) and np.array_equal(read.active, active)


@pytest.mark.slow
def test_critical_distance_at_kanervas_parameters():
    """1000 bits, 10^6 locations, 10,000 words under themselves: 209 comes nearer, 250 does not."""
    x = bipolar(5, 10_000, 1000)
    locations = hard_locations(KEY, 1_000_000, 1000)
    limit = laws.sdm_active_limit(1000, 451, 1_000_000)
    read = jax.jit(lambda cue: read_sparsely(cue, locations, x, x, 451.0, limit=limit))
    for bits, nearer in [(209, True), (250, False)]:
        left = []
        for row, cue in zip(x[:6], flipped(x[:6], bits, bits), strict=True):
            sums, active = read(cue)
            assert 800 < int(active) < 1350
            left.append(np.sum(np.where(np.asarray(sums) >= 0, 1, -1) != row))
        assert (np.mean(left) < bits) == nearer


def test_counters_are_clipped_write_by_write():
    memory = nm.SparseDistributed(
        inputs=32, outputs=8, locations=50, radius=32, active_limit=50, clip=2
    )
    word = np.ones((1, 8))
    address = bipolar(6, 1, 32)
    rows = np.concatenate([word] * 4 + [-word])
    state = nm.store(memory, nm.init(memory, KEY), np.repeat(address, 5, 0), rows)
    assert np.all(np.asarray(state.counters) == 1)  # 1, 2, 2, 2, 1


def sparse_bits(draw, rows, n, ones):
    order = np.argsort(draw.random((rows, n)), axis=1)[:, :ones]
    bits = np.zeros((rows, n), np.float32)
    np.put_along_axis(bits, order, 1, axis=1)
    return bits


@pytest.mark.parametrize("n, k", [(256, 8), pytest.param(1024, 10, marks=pytest.mark.slow)])
def test_willshaw_at_half_load(n, k):
    """k = log2 n, M = ln 2 (n/k)^2: load .5, nothing missed, about one unit too many."""
    pairs = laws.willshaw_pairs(n, k)
    draw = np.random.default_rng(n)
    a, b = sparse_bits(draw, pairs, n, k), sparse_bits(draw, pairs, n, k)
    memory = nm.Willshaw(inputs=n, outputs=n)
    state = nm.store(memory, nm.init(memory, KEY), a, b)
    on = np.unpackbits(np.asarray(state.weights).view(np.uint8)).mean()
    assert on == pytest.approx(0.5, abs=0.01)
    assert on == pytest.approx(float(laws.willshaw_load(n, k, pairs)), abs=0.005)
    few = nm.store(memory, nm.init(memory, KEY), a[: pairs // 4], b[: pairs // 4])
    on = np.unpackbits(np.asarray(few.weights).view(np.uint8)).mean()
    assert on == pytest.approx(float(laws.willshaw_load(n, k, pairs // 4)), abs=0.005)
    narrow = nm.Willshaw(inputs=n, outputs=n // 2)
    half = sparse_bits(draw, pairs // 4, n // 2, 2 * k)
    few = nm.store(narrow, nm.init(narrow, KEY), a[: pairs // 4], half)
    on = np.unpackbits(np.asarray(few.weights).view(np.uint8)).mean()
    law = float(laws.willshaw_load(n, k, pairs // 4, n // 2, 2 * k))
    assert on == pytest.approx(law, abs=0.01)
    recalled = np.asarray(nm.recall(memory, state, a))
    assert np.sum(b * (1 - recalled)) == 0
    spurious = np.sum(recalled * (1 - b)) / pairs
    assert 0.9 <= spurious / float(laws.willshaw_spurious(n, k, pairs)) <= 1.8


def test_minerva_by_hand():
    """S = 2/4 and 1/4, A = 1/8 and 1/64 (Hintzman 1986, equations 1 to 4)."""
    memory = nm.Minerva2(slots=3, features=4)
    traces = np.array([[1.0, -1, 0, 1], [1, 1, 1, -1]])
    state = nm.store(memory, nm.init(memory, KEY), traces)
    echo = nm.read(memory, state, np.array([[1.0, -1, 1, 0]]))
    assert np.asarray(echo.similarities[0]).tolist() == [0.5, 0.25, 0.0]
    assert float(echo.intensity[0]) == 0.140625
    assert np.asarray(echo.outputs[0]).tolist() == [0.140625, -0.109375, 0.015625, 0.109375]


def test_minerva_tells_old_from_new_as_far_as_its_moments_say():
    """20 features, 40 traces: (old - new) / sd(new) of echo intensities at L = .5 and 1."""

    def intensities(key, encoding):
        memory = nm.Minerva2(slots=40, features=20, encoding=encoding)
        draw, store = jax.random.split(key)
        probes = jax.random.rademacher(draw, (80, 20), jnp.float32)
        state = nm.store(memory, nm.init(memory, KEY), probes[:40], key=store)
        return nm.read(memory, state, probes).intensity

    keys = jax.random.split(KEY, 200)
    measure = jax.jit(jax.vmap(intensities, (0, None)))
    for encoding in (0.5, 1.0):
        found = measure(keys, encoding)
        old, new = found[:, :40], found[:, 40:]
        measured = float((old.mean() - new.mean()) / new.std())
        law = float(laws.minerva_discriminability(20, 40, encoding))
        assert measured == pytest.approx(law, rel=0.06)


def test_minerva_abstracts_a_schema():
    """Hintzman (1986): 3, 6, 9 exemplars, 10 name and 13 item features, 4 of them flipped."""
    sizes = (3, 6, 9)
    owner = np.repeat(np.arange(3), sizes)
    memory = nm.Minerva2(slots=18, features=23)

    def correlation(a, b):
        a, b = a - a.mean(-1, keepdims=True), b - b.mean(-1, keepdims=True)
        norms = jnp.linalg.norm(a, axis=-1) * jnp.linalg.norm(b, axis=-1)
        return jnp.sum(a * b, -1) / jnp.maximum(norms, 1e-12)

    def distort(key, prototypes):
        scores = jax.random.uniform(key, prototypes.shape)
        return jnp.where(jnp.argsort(jnp.argsort(scores, -1), -1) < 4, -prototypes, prototypes)

    def once(key):
        keys = jax.random.split(key, 5)
        prototypes = jax.random.rademacher(keys[0], (3, 13), jnp.float32)
        names = jax.random.rademacher(keys[1], (3, 10), jnp.float32)
        old, new = distort(keys[2], prototypes[owner]), distort(keys[3], prototypes[owner])
        state = nm.store(memory, nm.init(memory, KEY), jnp.concatenate([names[owner], old], axis=1))
        items = jnp.concatenate([prototypes, old, new])
        probes = jnp.concatenate(
            [
                jnp.concatenate([names, jnp.zeros((3, 13))], axis=1),
                jnp.concatenate([jnp.zeros((39, 10)), items], axis=1),
            ]
        )
        wanted = jnp.concatenate([names, names[owner], names[owner]])

        def probed(state):
            echo = nm.recall(memory, state, probes)
            named = correlation(echo[3:, :10], wanted)
            means = jnp.stack([named[:3].mean(), named[3:21].mean(), named[21:].mean()])
            return correlation(echo[:3, 10:], prototypes), means

        return *probed(state), probed(memory.forget(state, 0.75, keys[4]))[1]

    schema, now, later = jax.tree.map(
        lambda x: np.asarray(x).mean(0), jax.jit(jax.vmap(once))(jax.random.split(KEY, 300))
    )
    assert schema[0] < schema[1] < schema[2]
    assert np.allclose(schema, [0.58, 0.72, 0.78], atol=0.06)
    prototype, old, new = now
    assert old > prototype > new
    assert later[0] >= later[1] - 0.01 and later[1] > later[2]
