"""Every hyper-parameter on both sides of every edge of its domain, as a number and traced."""

import importlib.util
import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.core import AnyState, Interval, Pytree, leaf_domains
from ngcmem.memories import AdditiveUpdate
from tests.components import COMPONENTS, PATTERNS, SIGNS, Entry
from tests.test_every_component import prepared

ROOT = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("parameters_table", ROOT / "docs/parameters_table.py")
assert SPEC is not None and SPEC.loader is not None
TABLE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(TABLE)


def _stored(*rows: Any) -> Callable[[Any, Any], Any]:
    return lambda component, state: nm.store(component, state, *rows)


def _hopfield(**options: Any) -> Entry:
    return Entry(lambda: nm.Hopfield(slots=8, features=6, **options), prepare=_stored(PATTERNS))


def _linear(rule: nm.plasticity.LinearRule) -> Entry:
    build = lambda: nm.LinearAssociative(inputs=6, outputs=6, rule=rule)  # noqa: E731
    return Entry(build, prepare=_stored(PATTERNS))


def _classical(rule: nm.plasticity.HopfieldRule) -> Entry:
    return Entry(lambda: nm.ClassicalHopfield(features=6, rule=rule), prepare=_stored(SIGNS))


def _fast(update: Any) -> Entry:
    return Entry(lambda: nm.FastWeights(features=5, values=3, update=update, eta=0.5))


WEIGHTS = jnp.linspace(0.5, 1.0, 6)
OTHERS = {  # what the table of components does not have, so that no parameter is left out
    "rules of slots": _hopfield(
        eta=0.1, rule=nm.plasticity.Noisy(rule=nm.plasticity.Perturbation()), weight_decay=0.1
    ),
    "novelty": _hopfield(novelty=0.5, scale=0.8, patterns=PATTERNS),
    "feature weights": _hopfield(similarity=nm.retrieval.Dot(feature_weights=WEIGHTS)),
    "hamming": _hopfield(similarity=nm.retrieval.Hamming(threshold=0.1)),
    "threshold": _hopfield(separation=nm.retrieval.Threshold(threshold=0.1)),
    "log_sum_relu": _hopfield(separation="log_sum_relu", similarity="euclidean"),
    "entmax": _hopfield(separation="entmax"),
    "power": _hopfield(separation="power"),
    "Episodic options": Entry(
        lambda: nm.Episodic(
            slots=8,
            keys=6,
            threshold=-2.0,
            adaptive_gain=nm.retrieval.EntropyGain(),
            duplicates="average",
            duplicate_threshold=0.9,
            storage_probability=0.5,
            write_noise=0.1,
            decay=0.1,
            rehearsal=0.1,
            initial_keys=PATTERNS,
        ),
    ),
    "Episodic contrast": Entry(
        lambda: nm.Episodic(slots=8, keys=6, adaptive_gain=nm.retrieval.ContrastGain()),
        prepare=_stored(PATTERNS),
    ),
    "Episodic values": Entry(
        lambda: nm.Episodic(
            slots=8, keys=6, values=3, initial_keys=PATTERNS, initial_values=PATTERNS[:, :3]
        )
    ),
    "Correlation": _linear(nm.plasticity.Correlation(forgetting=0.9)),
    "WidrowHoff": _linear(nm.plasticity.WidrowHoff()),
    "PseudoInverse": _linear(nm.plasticity.PseudoInverse(ridge=0.1)),
    "Greville": _linear(nm.plasticity.Greville()),
    "RecursiveLeastSquares": _linear(nm.plasticity.RecursiveLeastSquares()),
    "OuterProduct": _classical(nm.plasticity.OuterProduct()),
    "Projection": _classical(nm.plasticity.Projection()),
    "Perceptron": _classical(nm.plasticity.Perceptron(slots=8, rounds=9.0)),
    "MinimumProbabilityFlow": _classical(nm.plasticity.MinimumProbabilityFlow(slots=8, steps=9.0)),
    "graded": Entry(
        lambda: nm.ClassicalHopfield(features=6, response="graded"), prepare=_stored(SIGNS)
    ),
    "AdditiveUpdate": _fast(AdditiveUpdate()),
    "MomentumUpdate": _fast(nm.memories.MomentumUpdate()),
    "LeastSquaresUpdate": _fast(nm.memories.LeastSquaresUpdate()),
    "GenerativePC step": Entry(
        lambda: nm.GenerativePC(features=6, hidden=4, settle_steps=3, store_steps=2, eta=0.1)
    ),
    "in weight": Entry(
        lambda: nm.InWeight(vocabulary=4, outputs=3, hidden=5, memory=2, embedding=4, eta=0.1)
    ),
    **{
        f"EnergyNeurons {type(lagrangian).__name__}": Entry(
            lambda lagrangian=lagrangian: nm.EnergyNeurons(units=6, lagrangian=lagrangian),
            drive={"held": None},
            prepare=lambda component, state: state.set({"begun": jnp.ones_like(state.begun)}),
        )
        for lagrangian in (
            nm.cells.LayerNormLagrangian(),
            nm.cells.SphericalLagrangian(),
            nm.cells.TanhLagrangian(),
        )
    },
    "HyperSynapse memory": Entry(
        lambda: nm.HyperSynapse(layers={"a": 6}, interaction=nm.synapses.MemoryInteraction(slots=4))
    ),
    "HyperSynapse difference": Entry(
        lambda: nm.HyperSynapse(
            layers={"a": 6, "b": 6}, interaction=nm.synapses.DifferenceInteraction()
        )
    ),
    "plastic": Entry(lambda: nm.STDP(inputs=5, outputs=3, eta=0.1, total=1.0)),
}
ENTRIES = {
    name: entry
    for name, entry in {**COMPONENTS, **OTHERS}.items()
    if any(found is not None for found in leaf_domains(entry.build()))
}
NEAR = 1e-3
"""How far from an end the values beside it are taken."""
STIFF = {  # where the equation is valid there but the step of the table does not resolve it
    "HodgkinHuxley: capacitance": 0.5,
}
COUNTS = ("Perceptron: rounds", "MinimumProbabilityFlow: steps")
"""How often a loop is gone through: the upper end, a billion, is right and takes hours."""
MANY = 300.0


def outer_and_inner(interval: Interval) -> tuple[list[float], list[float]]:
    """Values out of an interval and in it, on both sides of its two ends."""
    outer, inner = [math.nan], []
    for end, closed, outward in (
        (interval.low, interval.with_low, -1.0),
        (interval.high, interval.with_high, 1.0),
    ):
        step = outward * NEAR * max(1.0, abs(end) if math.isfinite(end) else 1.0)
        if closed:
            inner.append(end)
            outer += [end + step, outward * math.inf] if math.isfinite(end) else []
        else:
            inner += [end - step] if math.isfinite(end) else []
            outer += [end] + ([end + step, outward * math.inf] if math.isfinite(end) else [])
    return outer, inner


def pytrees(node: Any) -> Iterator[Pytree]:
    """A component and all that it is made of."""
    children = jax.tree.leaves(node, is_leaf=lambda one: one is not node)
    if isinstance(node, Pytree):
        yield node
    for child in children:
        if child is not node:
            yield from pytrees(child)


FIELDS = {  # by the class that declares them
    (base, name): domain.values
    for folder in TABLE.FOLDERS.values()
    for owner in TABLE.classes(folder)
    for name, domain in TABLE.parameters(owner).items()
    for base in owner.__mro__
    if isinstance(domain.values, Interval) and name in inspect.get_annotations(base)
}
MADE = [one for entry in ENTRIES.values() for one in pytrees(entry.build())] + [
    nm.retrieval.FieldSimilarity(
        widths=(1,), similarities=(nm.retrieval.Dot(),), weights=(1.0,), threshold=0.0
    )
]


def test_the_page_of_parameters_is_what_the_classes_say() -> None:
    assert TABLE.PAGE.read_text() == TABLE.page(), "run python docs/parameters_table.py"


def test_every_number_of_every_constructor_has_a_domain() -> None:
    silent = [
        f"{owner.__name__}.{name}"
        for folder in TABLE.FOLDERS.values()
        for owner in vars(folder).values()
        if isinstance(owner, type) and issubclass(owner, Pytree) and not issubclass(owner, AnyState)
        for name, domain in owner.domains.items()
        if domain.values is None and owner.__name__ != "InferredCauses"  # a result
    ]
    assert silent == []


def test_defaults_lie_in_their_domains() -> None:
    for (owner, name), interval in FIELDS.items():
        default = getattr(owner, name, None)
        if isinstance(default, (int, float)):
            assert interval.holds(default), (owner.__name__, name)


@pytest.mark.parametrize(
    ("owner", "name"),
    [pytest.param(*field, id=f"{field[0].__name__}.{field[1]}") for field in FIELDS],
)
def test_numbers_on_both_sides_of_every_edge(owner: type[Pytree], name: str) -> None:
    interval = FIELDS[owner, name]
    made = [one for one in MADE if isinstance(one, owner)]
    made = [one for one in made if not isinstance(getattr(one, name), (dict, type(None)))]
    assert made, f"nothing in this file has a {owner.__name__} with {name}="
    now = getattr(made[0], name)
    arrays = np.ndim(now) > 0
    kinds = [float, np.float32, jnp.float32] if not arrays else [jnp.float32]
    outer, inner = outer_and_inner(interval)
    for kind in kinds:

        def of(value: float, kind: Any = kind) -> Any:
            if isinstance(now, tuple):
                return (kind(value),)
            return jnp.full(np.shape(now), value) if arrays else kind(value)

        for value in outer:
            with pytest.raises(
                ValueError, match=rf"{type(made[0]).__name__}: {name} is .*, got .*"
            ):
                made[0].replace(**{name: of(value)})
        for value in inner:
            made[0].replace(**{name: of(value)})


def _words() -> dict[tuple[type[Pytree], str], Pytree]:
    return {
        (type(one), field.name): one
        for one in MADE
        for field in fields(one)
        if isinstance(getattr(one, field.name), str)
    }


@pytest.mark.parametrize(
    ("owner", "name", "one"),
    [
        pytest.param(owner, name, one, id=f"{owner.__name__}.{name}")
        for (owner, name), one in _words().items()
    ],
)
def test_a_word_that_names_no_option_is_refused(owner: type, name: str, one: Pytree) -> None:
    with pytest.raises(ValueError, match=rf"{name}( is|=).* of '"):
        one.replace(**{name: "no such word"})


def lanes(component: nm.Component) -> Iterator[tuple[int, float, bool]]:
    """(number of the leaf, its value, whether that lies in its domain) for all edges."""
    leaves = jax.tree.leaves(component)
    for i, (leaf, found) in enumerate(zip(leaves, leaf_domains(component), strict=True)):
        if found is None or not isinstance(found.domain.values, Interval):
            continue
        now = float(np.max(np.abs(np.asarray(leaf))))
        outer, inner = outer_and_inner(found.domain.values)
        yield from ((i, value, False) for value in outer)
        if found.place in STIFF:
            inner = [STIFF[found.place] * now]
        if found.place in COUNTS:
            inner = [min(value, MANY) for value in inner]
        yield from ((i, value, True) for value in inner)


def used(component: Any, state: Any, dt: float, entry: Entry) -> Any:
    """A step, what is learned from it, and what is stored where the component stores."""
    after = nm.advance_state(component, state, dt=dt)
    return after, nm.evolve(component, after, dt=dt)


def _is_list(leaf: Any) -> bool:
    """Whether a leaf of a component is no number but a list of connections."""
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.integer) and leaf.ndim > 0


@pytest.mark.parametrize("name", ENTRIES)
def test_traced_values_on_both_sides_of_every_edge(name: str) -> None:
    """All edges of all parameters of a component at once, one lane of a vmap each."""
    entry = ENTRIES[name]
    component, state = prepared(entry)
    memory = isinstance(component, nm.Memory)
    cases = list(lanes(component))
    leaves, structure = jax.tree.flatten(component)
    leaves = [leaf if _is_list(leaf) else jnp.asarray(leaf, float) for leaf in leaves]
    swept = [jnp.broadcast_to(leaf, (len(cases) + 1, *leaf.shape)) for leaf in leaves]
    for lane, (i, value, _) in enumerate(cases, start=1):  # lane 0: as it is
        swept[i] = swept[i].at[lane].set(value)

    def one(leaves: list[Any]) -> Any:
        return used(jax.tree.unflatten(structure, leaves), state, entry.dt, entry)

    found = jax.tree.leaves(jax.jit(jax.vmap(one))(swept))
    before = jax.tree.leaves((state, state))
    given = [np.asarray(leaf) for leaf in jax.tree.leaves(state["inputs"])] if memory else []
    floats = [
        np.asarray(new)
        for old, new in zip(before, found, strict=True)
        if jnp.issubdtype(new.dtype, jnp.floating)
        and np.isfinite(new[0]).all()
        and not np.array_equal(np.broadcast_to(old, new.shape[1:]), new[0])
        and not any(np.array_equal(new[0], one) for one in given)  # stored as it was given
    ]
    assert floats
    places = list(leaf_domains(component))
    for lane, (i, value, within) in enumerate(cases, start=1):
        what = f"{places[i].place} = {value}"  # pyright: ignore[reportOptionalMemberAccess]
        for values in floats:
            if within:
                assert np.isfinite(values[lane]).all(), what
            else:
                assert np.isnan(values[lane]).all(), what
