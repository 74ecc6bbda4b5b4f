"""`store` of n rows is n stores of one row, for every memory and option that writes in turn."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ngcmem as nm
from ngcmem import plasticity as rules
from ngcmem.core import leaf_paths

TOGETHER = {  # these go over all rows of a call, and say so
    "GenerativePC": "store together what belongs together",
    "DeepTemporalPC": "one sequence per call",
}
DRAW = np.random.default_rng(0).normal
KEYS = DRAW(size=(7, 5)).astype(np.float32)
VALUES = DRAW(size=(7, 3)).astype(np.float32)
SIGNS, BITS = np.sign(KEYS), (KEYS > 0).astype(np.float32)
FIELDS = {"place": KEYS[:, :3], "time": KEYS[:, 3:]}

LINEAR = {
    "correlation": rules.Correlation(forgetting=0.8),
    "delta": rules.WidrowHoff(eta=0.5),
    "inverse": rules.PseudoInverse(),
    "inverse forgetting": rules.PseudoInverse(ridge=0.1, forgetting=0.8),
    "greville": rules.Greville(),
    "recursive": rules.RecursiveLeastSquares(forgetting=0.9),
}
STORAGE = {
    "hebb": rules.OuterProduct(),
    "storkey": rules.Storkey(),
    "storkey self": rules.Storkey(self_coupling=True),
    "projection": rules.Projection(),
}
UPDATES = {
    "additive": nm.memories.AdditiveUpdate(),
    "delta": nm.memories.DeltaUpdate(),
    "momentum": nm.memories.MomentumUpdate(),
    "least squares": nm.memories.LeastSquaresUpdate(),
}
EPISODIC: dict[str, dict[str, Any]] = {
    "fifo": dict(decay=0.1),
    "weakest": dict(when_full="weakest", decay=0.3),
    "refuse": dict(when_full="refuse"),
    "average": dict(duplicates="average", duplicate_threshold=1.2, decay=0.2),
    "skip": dict(duplicates="skip", duplicate_threshold=1.2),
    "overwrite": dict(duplicates="overwrite", duplicate_threshold=1.2),
    "least recently used": dict(when_full="least_recently_used"),
}
STORED: dict[str, tuple[nm.Memory, Any, Any]] = {
    **{
        f"LinearAssociative {name}": (
            nm.LinearAssociative(
                inputs=5, outputs=3, rule=rule, slots=5 if "greville" in name else 8
            ),
            KEYS[:5] if "greville" in name else KEYS,
            VALUES[:5] if "greville" in name else VALUES,
        )
        for name, rule in LINEAR.items()
    },
    **{
        f"ClassicalHopfield {name}": (nm.ClassicalHopfield(features=5, rule=rule), SIGNS[:5], None)
        for name, rule in STORAGE.items()
    },
    **{
        f"FastWeights {name}": (
            nm.FastWeights(features=5, values=3, update=update, decay=0.1, eta=0.3),
            KEYS,
            VALUES,
        )
        for name, update in UPDATES.items()
    },
    **{
        f"Episodic {name}": (
            nm.Episodic(slots=5, keys={"place": 3, "time": 2}, **options),
            FIELDS,
            None,
        )
        for name, options in EPISODIC.items()
    },
    "Hopfield fifo": (nm.Hopfield(slots=5, features=5), KEYS, None),
    "Hopfield refuse": (nm.Hopfield(slots=5, features=5, when_full="refuse"), KEYS, None),
    "Hopfield novelty": (nm.Hopfield(slots=5, features=5, novelty=0.5, p_conn=0.8), KEYS, None),
    "DenseAssociative": (nm.DenseAssociative(slots=8, features=5), SIGNS, None),
    "BidirectionalAssociative": (
        nm.BidirectionalAssociative(first=5, second=3),
        {"first": SIGNS, "second": np.sign(VALUES)},
        None,
    ),
    "Willshaw": (nm.Willshaw(inputs=5, outputs=5), BITS, None),
    "SparseDistributed": (
        nm.SparseDistributed(inputs=5, outputs=5, locations=9, radius=2, active_limit=9, clip=2),
        SIGNS,
        None,
    ),
    "Minerva2": (nm.Minerva2(slots=8, features=5), SIGNS, None),
    "SequenceHopfield": (nm.SequenceHopfield(slots=8, features=5), SIGNS[:-1], SIGNS[1:]),
    "TemporalPC": (nm.TemporalPC(features=5, ridge=0.1), KEYS[:-1], KEYS[1:]),
    "CovariancePC": (nm.CovariancePC(features=5, ridge=0.1), KEYS, None),
    "CovariancePC implicit": (nm.CovariancePC(features=5, ridge=0.1, form="implicit"), KEYS, None),
    "BayesPCN": (
        nm.BayesPCN(
            features=5, hidden=3, noise=0.1, decay=0.2, settle_steps=5, activation=jnp.tanh
        ),
        KEYS,
        None,
    ),
    "Scaffold": (
        nm.Scaffold(features=5, modules=(3, 4), hidden=20, rule=nm.plasticity.WidrowHoff(eta=0.5)),
        SIGNS,
        None,
    ),
    "InWeight": (
        nm.InWeight(
            vocabulary=5,
            outputs=3,
            hidden=4,
            embedding=3,
            memory_eta=None,
            memory_optimizer=optax.adam(0.1),
        ),
        np.eye(5, dtype=np.float32)[[0, 3, 1, 4]],
        np.eye(3, dtype=np.float32)[[0, 2, 1, 1]],
    ),
}


def test_every_memory_is_here_or_says_why_not() -> None:
    kinds = {type(memory).__name__ for memory, _, _ in STORED.values()} | set(TOGETHER)
    every = {
        name
        for name, value in vars(nm).items()
        if isinstance(value, type) and issubclass(value, nm.Memory) and value is not nm.Memory
    }
    assert kinds == every
    for name, words in TOGETHER.items():
        assert words in " ".join((getattr(nm, name).__doc__ or "").split())


@pytest.mark.parametrize("name", STORED)
def test_in_parts_is_at_once(name: str) -> None:
    memory, inputs, targets = STORED[name]
    empty = nm.init(memory, jax.random.key(1))

    whole, parts = nm.store(memory, empty, inputs, targets), empty
    for i in range(len(jax.tree.leaves(inputs)[0])):
        one = jax.tree.map(lambda x, i=i: x[i : i + 1], (inputs, targets))
        parts = nm.store(memory, parts, *one)
    for path, a, b in zip(leaf_paths(whole), *map(jax.tree.leaves, (whole, parts)), strict=True):
        if jnp.issubdtype(a.dtype, jax.dtypes.prng_key) or path == "statistics.error":
            continue  # keys count calls, the error is an estimate for the way it was solved
        scale = max(1.0, float(np.abs(np.asarray(a, np.float64)).max(initial=0)))
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-4 * scale, err_msg=path)


def test_a_batch_is_forgotten_as_quickly_as_its_rows_one_by_one() -> None:
    """Before: one `evolve` decayed once, whatever its batch."""
    memory = nm.BayesPCN(
        features=4, hidden=3, decay=0.3, noise=0.1, settle_steps=1, activation=jnp.zeros_like
    )
    state = nm.init(memory, jax.random.key(0), batch=4)
    means = tuple(m + 1.0 for m in state.means)
    state = nm.advance_state(memory, state.replace(means=means))
    after = nm.evolve(memory, state)
    # f = 0: nothing of the lower layer's weights can be learned, so all that moves is the decay.
    np.testing.assert_allclose(after.means[0] - state.prior_means[0], 0.7**2, rtol=1e-5)
