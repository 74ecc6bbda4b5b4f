"""Where convergence is promised, random couplings cannot raise an energy or keep recall moving."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import plasticity as rules

FEATURES, PATTERNS, PROBES, SWEEPS = 11, 6, 24, 12
RULES = {
    "hebb": rules.OuterProduct(),
    "unlearning": rules.OuterProduct(eta=-1.0),
    "storkey": rules.Storkey(),
    "storkey self": rules.Storkey(self_coupling=True),
    "projection": rules.Projection(),
    "projection self": rules.Projection(self_coupling=True),
    "perceptron": rules.Perceptron(slots=PATTERNS, rounds=20.0),
    "perceptron unsymmetric": rules.Perceptron(slots=PATTERNS, rounds=20.0, symmetrised=False),
    "flow": rules.MinimumProbabilityFlow(slots=PATTERNS, steps=20.0),
}
MEMORIES: dict[str, nm.Memory] = {
    **{
        f"ClassicalHopfield {name} {response}": nm.ClassicalHopfield(
            features=FEATURES, rule=rule, response=response, beta=3.0
        )
        for name, rule in RULES.items()
        for response in ("binary", "graded")
    },
    "ClassicalHopfield synchronous": nm.ClassicalHopfield(features=FEATURES, updates="synchronous"),
    **{
        f"DenseAssociative {kind} {n}": nm.DenseAssociative(
            slots=PATTERNS, features=FEATURES, interaction=kind, exponent=n
        )
        for kind, n in (("polynomial", 3), ("polynomial", 2), ("rectified", 4), ("exponential", 2))
    },
    "Hopfield": nm.Hopfield(slots=PATTERNS, features=FEATURES, beta=1.0, p_conn=0.7, scale=-0.8),
    "Hopfield entmax": nm.Hopfield(
        slots=PATTERNS, features=FEATURES, separation="entmax", similarity="euclidean"
    ),
    "Hopfield cosine": nm.Hopfield(slots=PATTERNS, features=FEATURES, similarity="cosine"),
    "BidirectionalAssociative": nm.BidirectionalAssociative(first=FEATURES, second=5),
}
PROMISED = [name for name, memory in MEMORIES.items() if memory.no_convergence() is None]


def _rows(key: int, number: int, memory: nm.Memory) -> Any:
    rows = np.random.default_rng(key).normal(size=(number, FEATURES)).astype(np.float32)
    if isinstance(memory, nm.Hopfield):
        return rows
    rows = np.sign(rows)
    if isinstance(memory, nm.BidirectionalAssociative):
        return {"first": rows, "second": np.sign(np.roll(rows, 1, 1))[:, :5]}
    return rows


def _energies(memory: nm.Memory, state: Any, key: int) -> tuple[np.ndarray, np.ndarray]:
    """Energies (sweeps, probes), and which probes still moved in the last two sweeps."""
    start = nm.init(memory, jax.random.key(key), batch=PROBES)
    shared = {n: state[n] for n, spec in state.specs().items() if spec.role is nm.core.Role.SHARED}
    now = start.set(shared | {"inputs": _rows(key, PROBES, memory)})
    energies, moved = [], np.ones(PROBES, bool)
    for _ in range(SWEEPS):
        before, now = now, nm.advance_state(memory, now)
        gaps = jax.tree.map(
            lambda a, b: np.abs(np.asarray(a) - np.asarray(b)).max(1),
            now["outputs"],
            before["inputs"],
        )
        moved = np.stack(jax.tree.leaves(gaps)).max(0) > 1e-3
        energies.append(np.asarray(now["energy"], np.float64))
        now = now.set({"inputs": now["outputs"]})
    return np.stack(energies), moved


def _rises(energies: np.ndarray) -> int:
    rounding = 1e-5 * np.maximum(1.0, np.abs(energies).max(0))
    return int((np.diff(energies, axis=0) > rounding).sum())


@pytest.mark.parametrize("name", PROMISED)
def test_what_is_promised_holds(name: str) -> None:
    memory = MEMORIES[name]
    for key in range(3):
        state = nm.store(memory, nm.init(memory, jax.random.key(key)), _rows(key, PATTERNS, memory))
        energies, moved = _energies(memory, state, key + 10)
        assert _rises(energies) == 0
        if "Hopfield" != name.split()[0] and "graded" not in name:
            assert not moved.any()  # there are finitely many states


def test_what_is_not_promised_can_be_broken() -> None:
    """Else the promise could be made: self-coupling, unsymmetric storage, all units at once."""
    refused = {name for name in MEMORIES if name not in PROMISED}
    assert refused == {
        "ClassicalHopfield storkey self binary",
        "ClassicalHopfield storkey self graded",
        "ClassicalHopfield perceptron unsymmetric binary",
        "ClassicalHopfield perceptron unsymmetric graded",
        "ClassicalHopfield synchronous",
        "Hopfield cosine",
    }
    for name in sorted(refused - {"Hopfield cosine"}):
        memory, broken = MEMORIES[name], 0
        for key in range(3):
            state = nm.init(memory, jax.random.key(key))
            for _ in range(4):  # stored again and again, Storkey's diagonal turns negative
                state = nm.store(memory, state, _rows(key, PATTERNS, memory))
            energies, moved = _energies(memory, state, key + 10)
            broken += _rises(energies) + int(moved.sum())
        assert broken > 0, name


@pytest.mark.parametrize("response", ["binary", "graded"])
def test_couplings_of_any_sign_descend_if_they_are_as_the_text_says(response: str) -> None:
    """Symmetric with a diagonal of at least 0: descent. Either left out: energies rise."""
    memory = nm.ClassicalHopfield(features=FEATURES, response=response, beta=2.0)
    rises = {}
    for kind in ("symmetric", "negative diagonal", "unsymmetric"):
        rises[kind] = 0
        for key in range(4):
            w = np.random.default_rng(key).normal(size=(FEATURES, FEATURES)).astype(np.float32)
            w = w if kind == "unsymmetric" else (w + w.T) / 2
            sign = -8.0 if kind == "negative diagonal" else 1.0
            np.fill_diagonal(w, sign * np.abs(np.diagonal(w)))
            state = nm.init(memory, jax.random.key(key)).replace(weights=w)
            rises[kind] += _rises(_energies(memory, state, key)[0])
    assert rises["symmetric"] == 0
    assert rises["negative diagonal"] > 0 and rises["unsymmetric"] > 0


def test_a_read_that_cannot_settle_says_so() -> None:
    """Two units that want to differ from each other and from themselves never rest."""
    memory = nm.ClassicalHopfield(features=2)
    weights = jnp.array([[-2.0, 0.5], [0.5, -2.0]])
    state = nm.init(memory, jax.random.key(0)).replace(weights=weights)
    found = nm.read(memory, state, [[1.0, -1.0]], tol=1e-3, max_steps=20)
    assert not bool(found.converged[0]) and int(found.steps_used[0]) == 20
    storing = memory.replace(rule=rules.Storkey(self_coupling=True))
    fresh = nm.init(storing, jax.random.key(0))
    with pytest.raises(ValueError, match="negative weight"):
        nm.read(storing, fresh, [[1.0, -1.0]], tol=1e-3)
