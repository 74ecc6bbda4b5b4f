"""What the associative memories have in common: empty, stored, evolved, and their errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.plasticity import hopfield_storage as storage

KEY = jax.random.key(0)
BITS = np.random.default_rng(0).choice([-1.0, 1.0], (4, 12)).astype(np.float32)
SPARSE = (BITS > 0).astype(np.float32)
PAIR = {"first": BITS, "second": BITS[:, :7]}

LINEAR = nm.LinearAssociative(inputs=12, outputs=12)
CLASSICAL = nm.ClassicalHopfield(features=12)
DENSE = nm.DenseAssociative(slots=4, features=12)
BAM = nm.BidirectionalAssociative(first=12, second=7)
WILLSHAW = nm.Willshaw(inputs=12, outputs=12)
SDM = nm.SparseDistributed(inputs=12, outputs=12, locations=64, radius=5, active_limit=64)
MINERVA = nm.Minerva2(slots=4, features=12)
SEQUENCE = nm.SequenceHopfield(slots=4, features=12)

CASES = [
    (LINEAR, BITS, "weights"),
    (CLASSICAL, BITS, "weights"),
    (DENSE, BITS, "weights"),
    (BAM, PAIR, "weights"),
    (WILLSHAW, SPARSE, "weights"),
    (SDM, BITS, "counters"),
    (MINERVA, BITS, "weights"),
]
NAMES = [type(case[0]).__name__ for case in CASES]


@pytest.mark.parametrize("memory, patterns, learned", CASES, ids=NAMES)
def test_empty_stored_and_evolved(memory, patterns, learned):
    """Nothing matches an empty memory; `store` and `evolve` write the same; reading writes not."""
    empty = nm.init(memory, KEY, batch=4)
    silent = nm.read(memory, empty, patterns)
    assert not bool(silent.matched.any())
    assert all(bool(jnp.isfinite(x).all()) for x in jax.tree.leaves(silent.outputs))
    stored = nm.store(memory, empty, patterns)
    state = empty.replace(inputs=patterns)
    if hasattr(state, "targets"):
        state = state.replace(targets=patterns)
    evolved = nm.evolve(memory, state)
    assert np.array_equal(stored[learned], evolved[learned])
    assert np.array_equal(stored.count, 4)
    halves = empty
    for rows in (slice(0, 1), slice(1, 4)):
        halves = nm.store(memory, halves, jax.tree.map(lambda x, r=rows: x[r], patterns))
    np.testing.assert_allclose(halves[learned], stored[learned], atol=1e-4)
    read = nm.read(memory, stored, patterns)
    assert bool(read.matched.all()) and np.array_equal(read[learned], stored[learned])


def test_sequence_walks_and_takes_pairs():
    state = nm.store(SEQUENCE, nm.init(SEQUENCE, KEY), BITS)
    assert int(state.count) == 3
    pairs = nm.store(SEQUENCE, nm.init(SEQUENCE, KEY), BITS[:3], BITS[1:])
    assert np.array_equal(pairs.successors, state.successors)
    assert not bool(nm.read(SEQUENCE, nm.init(SEQUENCE, KEY), BITS).matched.any())


def store(memory, *args):
    return lambda: nm.store(memory, nm.init(memory, KEY), *args)


MISTAKES = [
    (store(CLASSICAL, BITS * 0.5), "store: inputs of ClassicalHopfield are -1 or \\+1, got"),
    (store(CLASSICAL, SPARSE), "For 0/1 bits write 2 \\* inputs - 1"),
    (store(DENSE, SPARSE), "store: inputs of DenseAssociative are -1 or \\+1"),
    (store(SDM, SPARSE), "store: inputs of SparseDistributed are -1 or \\+1"),
    (store(SEQUENCE, SPARSE), "store: inputs of SequenceHopfield are -1 or \\+1"),
    (store(BAM, {"first": BITS, "second": SPARSE[:, :7]}), "inputs\\['second'\\] of Bidirectional"),
    (store(WILLSHAW, BITS), "store: inputs of Willshaw are 0 or 1, got -1.0"),
    (store(WILLSHAW, SPARSE, BITS), "store: targets of Willshaw are 0 or 1"),
    (store(MINERVA, BITS * 0.5), "store: inputs of Minerva2 are -1, \\+1 or 0 \\(unknown\\), got"),
    (store(LINEAR, BITS, BITS[:, :5]), "store: targets has shape \\(4, 5\\), expected \\(4, 12\\)"),
    (lambda: storage.unlearn(jnp.eye(12), BITS[0]), "For one state write states\\[None\\]"),
    (lambda: nm.LinearAssociative(inputs=3, outputs=3, slots=0), "at least 1 or None, got 0"),
    (lambda: nm.recall(CLASSICAL, nm.init(CLASSICAL, KEY), BITS * 0.3), "0 \\(unknown\\), got"),
    (store(CLASSICAL, BITS[:, :5]), "expected \\(rows, 12\\)"),
    (store(CLASSICAL, BITS, BITS), "nm.BidirectionalAssociative"),
    (store(DENSE, np.tile(BITS, (2, 1))), "8 patterns do not fit into slots=4: write slots=8"),
    (store(MINERVA, np.tile(BITS, (2, 1))), "8 traces do not fit into slots=4: write slots=8"),
    (store(SEQUENCE, np.tile(BITS, (2, 1))), "7 transitions do not fit into slots=4"),
    (store(SEQUENCE, BITS[:1]), "a sequence has at least two patterns"),
    (store(MINERVA, BITS, BITS), "jnp.concatenate\\(\\[names, items\\], axis=1\\)"),
    (store(BAM, BITS), "dict of the fields first, second"),
    (
        store(nm.ClassicalHopfield(features=3, rule=nm.plasticity.Projection()), BITS[:, :3]),
        "4 patterns, and Projection takes at most 3",
    ),
    (
        store(
            nm.LinearAssociative(inputs=3, outputs=3, rule=nm.plasticity.Greville()), BITS[:, :3]
        ),
        "4 pairs, and Greville with inputs=3",
    ),
    (store(nm.LinearAssociative(inputs=12, outputs=7), BITS), "targets are the values to recall"),
    (store(nm.Willshaw(inputs=12, outputs=7), SPARSE), "targets are the 0/1 patterns"),
    (lambda: nm.LinearAssociative(inputs=3, outputs=3, readout="relu"), "write slots=n"),
    (
        lambda: nm.LinearAssociative(inputs=3, outputs=3, readout="max"),
        "readout is one",
    ),
    (
        lambda: nm.LinearAssociative(
            inputs=3, outputs=3, readout="dot", rule=nm.plasticity.WidrowHoff()
        ),
        "readout='dot' reads the correlation matrix",
    ),
    (
        lambda: nm.ClassicalHopfield(features=3, updates="random"),
        "updates is one",
    ),
    (
        lambda: nm.ClassicalHopfield(features=3, rule="hebb"),
        "a storage rule such as nm.plasticity.OuterProduct",
    ),
    (
        lambda: nm.DenseAssociative(slots=3, features=3, interaction="cubic"),
        "interaction is one",
    ),
    (
        lambda: nm.SequenceHopfield(slots=3, features=3, interaction="tanh"),
        "interaction is one",
    ),
    (
        lambda: nm.read(SEQUENCE, nm.init(SEQUENCE, KEY), BITS, tol=0),
        "A sequence goes on. Use steps=",
    ),
    (
        lambda: nm.read(
            nm.LinearAssociative(inputs=12, outputs=12),
            nm.init(nm.LinearAssociative(inputs=12, outputs=12), KEY),
            BITS,
            tol=1e-3,
        ),
        "may grow from step to step. Use steps=",
    ),
    (
        lambda: nm.read(
            nm.ClassicalHopfield(
                features=12, rule=nm.plasticity.Perceptron(slots=4, symmetrised=False)
            ),
            nm.init(CLASSICAL, KEY),
            BITS,
            tol=0,
        ),
        "Perceptron gives couplings that are not symmetric",
    ),
]


@pytest.mark.parametrize("count", [0, 1, 4])
def test_a_sequence_of_single_units_with_unused_slots(count):
    """One unit has no others to overlap with: every stored successor counts alike."""
    memory = nm.SequenceHopfield(slots=4, features=1, interaction="exponential", persistence=0.5)
    state, up = nm.init(memory, KEY, batch=2), np.ones((2, 1))
    if count:
        state = nm.store(memory, state, np.ones((count, 1)), -np.ones((count, 1)))
    after = nm.read(memory, state, up)
    np.testing.assert_array_equal(after.outputs, -up if count else up)


@pytest.mark.parametrize("mistake, text", MISTAKES, ids=[m[1][:40] for m in MISTAKES])
def test_mistakes_say_what_to_write(mistake, text):
    with pytest.raises(ValueError, match=text):
        mistake()


def test_dot_product_and_solving_on_demand_read_the_same_sums():
    memory = LINEAR.replace(rule=nm.plasticity.PseudoInverse(on_demand=True))
    state = nm.store(memory, nm.init(memory, KEY), BITS)
    dot = nm.read(memory.replace(readout="dot"), state, BITS)
    np.testing.assert_allclose(dot.outputs, BITS @ BITS.T @ BITS)
    assert bool(dot.matched.all()) and not bool(nm.read(memory, state, BITS).matched.any())
    solved = nm.read(memory, memory.solve(state), BITS)
    assert bool(solved.matched.all())
    np.testing.assert_allclose(solved.outputs, BITS, atol=1e-5)


def test_novelty_is_what_no_key_reaches():
    """Kohonen (1989): the filter passes what is new, and nothing of what is known."""
    keys = np.eye(12, dtype=np.float32)[:5] + np.eye(12, dtype=np.float32)[1:6]
    probe = np.ones((1, 12), np.float32)
    expected = probe[0] - np.linalg.pinv(keys) @ keys @ probe[0]
    for rule in (nm.plasticity.PseudoInverse(), nm.plasticity.Greville()):
        memory = nm.LinearAssociative(inputs=12, outputs=12, rule=rule)
        state = nm.store(memory, nm.init(memory, KEY), keys)
        np.testing.assert_allclose(nm.read(memory, state, probe).novelty[0], expected, atol=1e-5)
        np.testing.assert_allclose(nm.read(memory, state, keys).novelty, 0, atol=1e-5)


def test_asynchronous_order_differs_between_examples_and_not_between_batches():
    couplings = np.random.default_rng(5).standard_normal((12, 12)).astype(np.float32)
    state = nm.init(CLASSICAL, KEY, batch=3).replace(weights=couplings + couplings.T)
    state = state.replace(inputs=np.ones((3, 12)), count=1)
    many = nm.advance_state(CLASSICAL, state).outputs
    one = nm.init(CLASSICAL, KEY).replace(weights=couplings + couplings.T, count=1)
    one = nm.advance_state(CLASSICAL, one.replace(inputs=np.ones((1, 12))))
    assert np.array_equal(one.outputs[0], many[0])
    assert len({tuple(row) for row in np.asarray(many)}) > 1


def test_bam_recalls_from_either_side():
    state = nm.store(BAM, nm.init(BAM, KEY), {k: v[:1] for k, v in PAIR.items()})
    cue = {"first": 0 * BITS[:1], "second": PAIR["second"][:1]}
    recalled = nm.read(BAM, state, cue, tol=0, max_steps=5)
    assert np.array_equal(recalled.outputs["first"], BITS[:1]) and bool(recalled.converged[0])


def test_willshaw_fires_exactly_at_its_threshold():
    """share * |a| against exact fractions, for every cue of 1 to 100 ones and every sum."""
    active, sums = np.arange(1, 101), np.arange(1, 101)
    weights = nm.store(
        (memory := nm.Willshaw(inputs=100, outputs=100)),
        nm.init(memory, jax.random.key(0)),
        np.tri(100),
        np.eye(100),
    ).weights  # output j sees the first j + 1 inputs
    state = nm.init(memory, jax.random.key(0), batch=100).replace(weights=weights, count=100)
    for percent in (60, 70, 80, 90, 95, 100):
        reader = nm.Willshaw(inputs=100, outputs=100, threshold=percent / 100)
        fires = nm.read(reader, state, np.tri(100)).outputs > 0
        seen = np.minimum(active[:, None], sums[None])
        assert np.array_equal(fires, 100 * seen >= percent * active[:, None]), percent


@pytest.mark.parametrize("power", [13, 20, 30])
@pytest.mark.parametrize("updates", ["asynchronous", "synchronous"])
def test_dense_recalls_where_powers_of_the_overlap_are_beyond_the_floats(power, updates):
    rng = np.random.default_rng(2)
    patterns = rng.choice([-1.0, 1.0], (5, 784)).astype(np.float32)
    cues = patterns * np.where(rng.uniform(size=patterns.shape) < 0.1, -1, 1)
    memory = nm.DenseAssociative(slots=6, features=784, exponent=power, updates=updates)
    state = nm.store(memory, nm.init(memory, KEY, batch=5), patterns)
    recalled = nm.read(memory, state, cues)
    np.testing.assert_array_equal(recalled.outputs, patterns)
    with np.errstate(over="ignore"):
        energy = -((patterns @ patterns.T).astype(float) ** power).sum(1).astype(np.float32)
    np.testing.assert_allclose(recalled.energy, energy, rtol=1e-5)


def test_minerva_forgets_and_encodes_with_its_probabilities():
    memory = nm.Minerva2(slots=200, features=50, encoding=0.6)
    rows = np.ones((200, 50), np.float32)
    state = nm.store(memory, nm.init(memory, KEY), rows)
    assert float(state.weights.mean()) == pytest.approx(0.6, abs=0.02)
    assert float(memory.forget(state, 0.5, KEY).weights.mean()) == pytest.approx(0.3, abs=0.02)
    same = nm.store(memory, nm.init(memory, KEY), rows, key=jax.random.key(7))
    assert not np.array_equal(same.weights, state.weights)
