"""The documentation speaks of what exists, and of all of it."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import ngcmem as nm

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("docs/*.md"), ROOT / "README.md"])
PUBLIC = [name for name in dir(nm) if not name.startswith("_")]
PUBLIC = [name for name in PUBLIC if not inspect.ismodule(getattr(nm, name))]


def _exists(path: str) -> bool:
    """Whether `.name` or `.folder.name` is public."""
    first, *inner = path.lstrip(".").split(".")
    found = getattr(nm, first, None)
    return found is not None and (
        not inner or not inspect.ismodule(found) or hasattr(found, inner[0])
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_only_what_exists_and_its_code_parses(page: Path) -> None:
    text = page.read_text()
    missing = {
        path for path in re.findall(r"\bnm((?:\.[A-Za-z_0-9]+)+)", text) if not _exists(path)
    }
    assert not missing, f"{page.name} speaks of {sorted(missing)}, which ngcmem does not have"
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        ast.parse(block)


def test_every_public_name_has_a_page_and_a_docstring() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))  # prose has words too
    states = {name for name in PUBLIC if name.endswith("State")}  # described where declared
    unseen = [n for n in PUBLIC if n not in states and not re.search(rf"\b{n}\b", code)]
    assert not unseen, f"in no page of docs/ or the README: {unseen}"
    described = [n for n in PUBLIC if n not in states and callable(getattr(nm, n))]
    silent = [n for n in described if not (getattr(nm, n).__doc__ or "").strip()]
    assert not silent, f"without a docstring: {silent}"


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text()
    assert [page.name for page in ROOT.glob("docs/*.md") if page.name not in navigation] == []
