"""One word for one thing, over all constructors: docs/words.md is held here."""

import dataclasses
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest

import ngcmem as nm
from ngcmem import cells, circuits, memories, plasticity, retrieval, synapses
from ngcmem.core.compartments import AnyState

TABLE = Path(__file__).parents[1] / "docs" / "words.md"
CLASSES = [
    value
    for folder in (cells, circuits, memories, plasticity, retrieval, synapses)
    for value in vars(folder).values()
    if inspect.isclass(value) and issubclass(value, nm.Pytree) and not issubclass(value, AnyState)
]
FIELDS = {
    f"{owner.__name__}.{field.name}": (owner, field)
    for owner in CLASSES
    for field in dataclasses.fields(owner)
}
HERTZ = {"Poisson.rate", "PoissonInput.rate", "InhibitorySTDP.target_rate"}


def _rows() -> list[list[str]]:
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _named(word: str) -> list[tuple[str, Any]]:
    return [(path, field) for path, (_, field) in FIELDS.items() if field.name == word]


def _kind(field: Any) -> Any:
    """The annotation without `Static[...]`."""
    return get_args(field.type)[0] if "static" in get_args(field.type)[1:] else field.type


def test_the_other_words_are_used_nowhere() -> None:
    banned = {}
    for row in _rows():
        words = set(re.findall(r"`([^`]+)`", row[0]))
        for other in re.split(r", ", row[3]):
            if re.fullmatch(r"[a-z_]+", other) and other not in words:
                banned[other] = row[0]
    banned.pop("patterns"), banned.pop("pairs"), banned.pop("rate", None)  # right elsewhere
    banned.pop("gain", None)  # of a trace: what a spike adds; a factor, no inverse temperature
    used = {path: field.name for path, (_, field) in FIELDS.items()}
    assert [(path, banned[name]) for path, name in used.items() if name in banned] == []
    assert not [path for path, name in used.items() if name.endswith("_tau")]


def test_every_word_of_the_table_is_used() -> None:
    names = {field.name for _, field in FIELDS.values()} | {
        name
        for law in vars(nm.analysis).values()
        if inspect.isfunction(law)
        for name in inspect.signature(law).parameters
    }
    for row in _rows():
        for word in re.findall(r"`([^`]+)`", row[0]):
            pattern = re.compile(word.replace("*", r"\w+"))
            assert any(pattern.fullmatch(name) for name in names), word


def test_rates_are_in_hertz() -> None:
    rates = {path for path, (_, field) in FIELDS.items() if re.search(r"(^|_)rate$", field.name)}
    assert rates == HERTZ
    for path in HERTZ:
        owner = FIELDS[path][0]
        assert "Hz" in inspect.getsource(owner)


def test_numbers_and_arrays() -> None:
    for path, _ in _named("patterns"):
        assert FIELDS[path][0].domains["patterns"].kind == "an array", path
    for word in ("slots", "units", "features", "n_patterns", "exponent", "settle_steps"):
        for path, field in _named(word):
            kinds = (int, int | None, *[int | tuple[int, ...]] * (word == "units"))
            assert _kind(field) in kinds, path


@pytest.mark.parametrize("word", ["activation", "output_activation"])
def test_activations_are_functions(word: str) -> None:
    assert _named(word)
    for path, field in _named(word):
        assert get_origin(_kind(field)) is Callable, path


def test_separations_and_similarities_are_names_or_instances() -> None:
    for word, base in (("separation", retrieval.Separation), ("similarity", retrieval.Similarity)):
        for path, field in _named(word):
            kinds = set(get_args(field.type)) or {field.type}
            assert base in kinds, path
            assert str in kinds, path


def test_full_memories_speak_alike() -> None:
    for path, field in _named("when_full"):
        words = get_args(_kind(field))
        assert {"fifo", "refuse"} <= set(words), path
        assert field.default == "fifo", path


def test_none_and_all_are_the_same_numbers_everywhere() -> None:
    for word, nothing in (("decay", (0.0, None)), ("weight_decay", (0.0,)), ("forgetting", (1.0,))):
        assert _named(word)
        for path, field in _named(word):
            assert field.default in nothing, path


COMPONENTS = [
    value
    for value in vars(nm).values()
    if inspect.isclass(value) and issubclass(value, nm.Component)
]


@pytest.mark.parametrize("owner", COMPONENTS, ids=lambda owner: owner.__name__)
def test_every_component_names_its_source(owner: type) -> None:
    if owner in (nm.Component, nm.Memory, nm.Circuit, nm.Population):
        return
    assert re.search(r"(19|20)\d\d", inspect.getdoc(owner) or ""), owner


@pytest.mark.parametrize("owner", CLASSES, ids=lambda owner: owner.__name__)
def test_a_constructor_that_raises_says_so(owner: type) -> None:
    own = vars(owner).get("__post_init__")
    if own is not None and re.search(r"raise |check_|as_layers", inspect.getsource(own)):
        assert "Raises:" in (inspect.getdoc(owner) or ""), owner
