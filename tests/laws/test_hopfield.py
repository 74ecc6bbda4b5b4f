"""Capacity of Hebb's rule and its successors; energies; the same law in a BAM."""

import jax
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.analysis import laws

KEY = jax.random.key(0)


def bipolar(seed, *shape):
    return np.random.default_rng(seed).choice([-1.0, 1.0], shape).astype(np.float32)


def stored(memory, patterns):
    return nm.store(memory, nm.init(memory, KEY), patterns)


def test_one_step_bit_error_of_hebb():
    """Hertz, Krogh and Palmer (1991), table 2.1: loads .105, .138, .185, .37 at N = 2000."""
    memory = nm.ClassicalHopfield(features=2000, updates="synchronous")
    x = bipolar(210, 740, 2000)
    state, before = nm.init(memory, KEY), 0
    for p, published in [(210, 0.001), (276, 0.0036), (370, 0.01), (740, 0.05)]:
        state, before = nm.store(memory, state, x[before:p]), p
        wrong = float(np.mean(np.asarray(nm.recall(memory, state, x[:210])) != x[:210]))
        law = float(laws.hebb_bit_error(2000, p))
        assert abs(law - published) <= 0.05 * published
        assert abs(wrong - law) <= 0.08 * law, p


@pytest.mark.slow
def test_retrieval_transition_of_amit_gutfreund_sompolinsky():
    """AGS (1985): m = .97 or more below the load .138, breakdown above."""
    memory = nm.ClassicalHopfield(features=2000)
    for load, low, high in [(0.12, 0.97, 1.0), (0.18, -1.0, 0.75)]:
        x = bipolar(1, int(load * 2000), 2000)
        recalled = nm.recall(memory, stored(memory, x), x[:24], steps=30)
        median = float(np.median(np.mean(np.asarray(recalled) * x[:24], axis=1)))
        assert low < median <= high, load


def test_overlap_equation_of_amit_gutfreund_sompolinsky():
    """alpha_c = .138 and m_c = .967 (AGS 1985)."""
    transition = laws.hopfield_transition()
    assert transition == pytest.approx(0.138, abs=5e-4)
    assert laws.hopfield_overlap(transition) == pytest.approx(0.967, abs=0.004)
    assert laws.hopfield_overlap(transition + 2e-4) == 0.0  # the same load by another road
    assert laws.hopfield_overlap(0.05) > 0.9999


@pytest.mark.parametrize(
    "rule, p, low, high",
    [
        (nm.plasticity.OuterProduct(), round(float(laws.hebb_fixed_points(300))), 0.7, 1.0),
        (nm.plasticity.OuterProduct(), 60, 0.0, 0.15),
        (nm.plasticity.Storkey(), 60, 0.98, 1.0),  # N / sqrt(2 ln N) = 89
        (
            nm.plasticity.Storkey(self_coupling=True),
            round(float(laws.storkey_fixed_points(300))),
            0.98,
            1.0,
        ),
        (nm.plasticity.Projection(), 120, 1.0, 1.0),  # Personnaz et al. (1986): all up to P < N
        (nm.plasticity.Projection(self_coupling=True), 270, 1.0, 1.0),
        (
            nm.plasticity.Perceptron(slots=150, margin=0.1),
            150,
            1.0,
            1.0,
        ),  # Gardner (1988): up to 2N
        (nm.plasticity.MinimumProbabilityFlow(slots=80), 80, 1.0, 1.0),
    ],
)
def test_exact_fixed_points_at_300_units(rule, p, low, high):
    """N / (2 ln N) = 26 for Hebb's rule, N / sqrt(2 ln N) = 89 for Storkey's."""
    assert p in (26, 60, 89, 120, 270, 150, 80)
    memory = nm.ClassicalHopfield(features=300, rule=rule, updates="synchronous")
    x = bipolar(p, p, 300)
    fixed = float(np.mean(np.all(np.asarray(nm.recall(memory, stored(memory, x), x)) == x, axis=1)))
    assert low <= fixed <= high


@pytest.mark.parametrize("margin, below, above", [(0.0, 140, 260), (1.0, 30, 70)])
def test_perceptron_learns_below_gardners_capacity_and_not_above(margin, below, above):
    """Gardner (1988): no couplings beyond 2N, .52 N at margin 1; N = 100, not symmetrised."""
    assert below < 100 * laws.perceptron_capacity(margin) < above
    rule = nm.plasticity.Perceptron(slots=260, margin=margin, rounds=5000, symmetrised=False)
    memory = nm.ClassicalHopfield(features=100, rule=rule, updates="synchronous")
    unstable = [int(stored(memory, bipolar(17, p, 100)).statistics["unstable"])
                for p in (below, above)]  # fmt: skip
    assert unstable[0] == 0 and unstable[1] > 0


def test_projection_corrects_errors_at_load_0_4():
    """N = 300, P = 120: cues with a tenth of the bits flipped come back whole."""
    x = bipolar(5, 120, 300)
    cues = x.copy()
    draw = np.random.default_rng(6)
    for row in cues:
        row[draw.choice(300, 30, replace=False)] *= -1
    memory = nm.ClassicalHopfield(features=300, rule=nm.plasticity.Projection())
    found = nm.read(memory, stored(memory, x), cues, tol=0, max_steps=40)
    assert np.mean(np.all(np.asarray(found.outputs) == x, axis=1)) >= 0.97
    assert bool(found.converged.all())


def test_bam_has_the_same_bit_error():
    """Kosko (1988) with n = p = 500; the formula is Hebb's."""
    n, p = 500, 90
    pairs = {"first": bipolar(7, p, n), "second": bipolar(8, p, n)}
    memory = nm.BidirectionalAssociative(first=n, second=n)
    recalled = nm.recall(memory, stored(memory, pairs), pairs)
    wrong = float(np.mean(np.asarray(recalled["second"]) != pairs["second"]))
    law = float(laws.hebb_bit_error(n, p))
    assert abs(wrong - law) <= 4 * np.sqrt(law / (n * p)) + 0.1 * law


@pytest.mark.slow
def test_bam_relaxed_capacity_is_a_fifth():
    """n = 1000: nearly all pairs at .18 n come back from one side, few at .25 n."""
    memory = nm.BidirectionalAssociative(first=1000, second=1000)
    found = []
    for p in (180, 250):
        pairs = {"first": bipolar(p, p, 1000), "second": bipolar(p + 1, p, 1000)}
        cue = {"first": pairs["first"], "second": 0 * pairs["second"]}
        recalled = nm.recall(memory, stored(memory, pairs), cue, steps=40)["second"]
        found.append(np.mean(np.mean(np.asarray(recalled) * pairs["second"], axis=1) > 0.9))
    assert found[0] > 0.95 and found[1] < 0.7


def random_couplings(draw, n):
    half = draw.standard_normal((n, n))
    couplings = half + half.T
    np.fill_diagonal(couplings, draw.uniform(0, 1, n))  # not negative
    return couplings.astype(np.float32)


def check_descent(memory, state, energy):
    """5,000 random states, two steps each: the energy, computed anew in NumPy, never rises."""
    before, moved = energy(state.inputs), 0
    for _ in range(2):
        state = nm.advance_state(memory, state)
        after = energy(state.outputs)
        np.testing.assert_allclose(state.energy, after, rtol=1e-4, atol=1e-4)
        assert np.all(after <= before + 1e-5 * (1 + np.abs(before)))
        moved += int(np.sum(after < before))
        before, state = after, state.replace(inputs=state.outputs)
    assert moved > 5000


@pytest.mark.parametrize("activation", ["binary", "graded"])
def test_asynchronous_energy_never_rises(activation):
    """Random symmetric couplings and fields, 24 units."""
    draw = np.random.default_rng(9)
    graded = activation == "graded"
    memory = nm.ClassicalHopfield(features=24, response=activation, beta=1.3)
    couplings, field = random_couplings(draw, 24), draw.standard_normal((5000, 24))
    if graded:
        np.fill_diagonal(couplings, 0)  # each update is then the exact minimum along its unit

    def energy(x):
        x = np.asarray(x, float)
        entropy = sum(np.log(np.maximum(y, 1e-300)) * y for y in (1 + x, 1 - x)).sum(1) / 2
        return (
            -np.einsum("bi,ij,bj->b", x, couplings, x) / 2
            - np.sum(np.float32(field) * x, 1)
            + (entropy / 1.3 if graded else 0)
        )

    state = nm.init(memory, KEY, batch=5000).replace(
        weights=couplings, field=field, inputs=bipolar(10, 5000, 24) * (0.9 if graded else 1)
    )
    check_descent(memory, state, energy)


def test_bam_energy_never_rises():
    couplings = np.random.default_rng(11).standard_normal((24, 17)).astype(np.float32)
    memory = nm.BidirectionalAssociative(first=24, second=17)
    state = nm.init(memory, KEY, batch=5000).replace(
        weights=couplings,
        inputs={"first": bipolar(12, 5000, 24), "second": bipolar(13, 5000, 17)},
    )
    check_descent(
        memory,
        state,
        lambda z: -np.einsum("bi,ij,bj->b", z["first"], couplings, z["second"], dtype=float),
    )


@pytest.mark.parametrize("interaction", ["polynomial", "rectified", "exponential"])
def test_dense_energy_never_rises(interaction):
    memory = nm.DenseAssociative(slots=40, features=20, interaction=interaction, exponent=3)
    patterns = bipolar(14, 40, 20)

    def energy(x):
        sums = np.asarray(x, float) @ patterns.T
        if interaction == "exponential":
            return -np.log(np.exp(sums).sum(1))
        return -np.sum((sums if interaction == "polynomial" else np.maximum(sums, 0)) ** 3, 1)

    state = nm.store(memory, nm.init(memory, KEY, batch=5000), patterns)
    check_descent(memory, state.replace(inputs=bipolar(15, 5000, 20)), energy)


def test_synchronous_recall_may_cycle_and_says_so():
    """Goles and Olivos (1981): two units that swap for ever."""
    memory = nm.ClassicalHopfield(features=2, updates="synchronous")
    state = nm.init(memory, KEY).replace(weights=np.array([[0.0, 1.0], [1.0, 0.0]]), count=1)
    read = nm.read(memory, state, np.array([[1.0, -1.0]]), steps=3)
    assert bool(read.two_cycle[0])
    assert not bool(nm.read(memory, state, np.array([[1.0, 1.0]]), steps=3).two_cycle[0])
    with pytest.raises(ValueError, match="cycle of two states"):
        nm.read(memory, state, np.array([[1.0, -1.0]]), tol=0)
