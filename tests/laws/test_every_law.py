"""Every law is a test: each function of `ngcmem.analysis.laws` is used by a test in this folder."""

import ast
import inspect
from pathlib import Path

import pytest

from ngcmem.analysis import laws

LAWS = [
    name
    for name, value in vars(laws).items()
    if inspect.isfunction(value) and value.__module__ == laws.__name__ and name[0] != "_"
]


def _named(tree: ast.AST) -> set[str]:
    """The names and attributes that stand in a piece of code."""
    nodes = list(ast.walk(tree))
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return attributes | {node.id for node in nodes if isinstance(node, ast.Name)}


def _used_by_tests() -> dict[str, set[str]]:
    """What every test of the folder names, in itself or in a function of its file it names."""
    found = {}
    for file in Path(__file__).parent.glob("test_*.py"):
        if file == Path(__file__):
            continue
        functions = {
            node.name: node
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.FunctionDef)
        }
        for name in functions:
            if not name.startswith("test_"):
                continue
            names, waiting = set(), [name]
            while waiting:
                more = _named(functions[waiting.pop()]) - names
                names |= more
                waiting += [other for other in more if other in functions]
            found[f"{file.name}::{name}"] = names
    return found


USED = _used_by_tests()


@pytest.mark.parametrize("law", LAWS)
def test_the_law_is_held_by_a_test(law: str) -> None:
    assert len(LAWS) > 15
    assert [test for test, names in USED.items() if law in names], f"no test of {law}"
