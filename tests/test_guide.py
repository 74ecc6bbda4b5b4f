"""docs/own_component.md: every skeleton on it runs, with its test and its entry in the table."""

import re
from pathlib import Path

import jax
import pytest

import ngcmem as nm
from tests.components import Entry
from tests.core import author_mistakes
from tests.test_every_component import (
    test_batch_is_a_loop_over_examples as batch_is_a_loop,
)
from tests.test_every_component import (
    test_gradients_are_finite as gradients_are_finite,
)
from tests.test_every_component import (
    test_run_is_step_by_step_and_continues_bit_for_bit as run_is_step_by_step,
)

PAGE = (Path(__file__).parents[1] / "docs" / "own_component.md").read_text()
SECTIONS = {
    title: re.findall(r"```python\n(.*?)```", body, re.DOTALL)
    for title, body in re.findall(r"\n## (A [a-z ]+)\n(.*?)(?=\n## )", PAGE, re.DOTALL)
}
COMMON = "import jax\nimport numpy as np\nimport ngcmem as nm\nfrom tests.components import Entry\n"


def names_of(section: str) -> dict:
    names: dict = {"__name__": "guide"}
    exec(
        compile(COMMON + "\n".join(SECTIONS[section]), f"own_component.md: {section}", "exec"),
        names,
    )
    return names


@pytest.mark.parametrize("section", ["A cell", "A plastic synapse", "A memory"])
def test_skeleton(section: str) -> None:
    names = names_of(section)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 1
    tests[0]()
    entry = names["entry"]
    assert isinstance(entry, Entry)
    component = entry.build()
    assert isinstance(component, nm.Component) and type(component).__module__ == "guide"
    nm.advance_state(component, nm.init(component, jax.random.key(0)))
    for check in (batch_is_a_loop, run_is_step_by_step, gradients_are_finite):
        check(entry)


def test_the_pitfalls_are_the_errors_that_are_raised() -> None:
    """Every text of the table is, names aside, one of the exact texts that are tested."""
    table = PAGE.split("## Pitfalls")[1]
    texts = re.findall(r"^\|.*\| `([^\n]+?)`(?: \.\.\.)? \|$", table, re.MULTILINE)
    assert len(texts) >= 10

    def plain(text: str) -> str:
        return re.sub(r"[`\s]+", " ", re.sub(r"^\w+[.:]|\b[A-Z]\w+\.|\b[A-Z]\w*State\b", "", text))

    exact = [plain(mistake.text) for mistake in author_mistakes.MISTAKES]
    held = [text for text in texts if any(_tells(plain(text), known) for known in exact)]
    assert len(held) >= 7, set(texts) - set(held)


def _tells(text: str, known: str) -> bool:
    """Whether most words of a text stand in an exact one."""
    words = set(text.removesuffix(" ...").split())
    return len(words & set(known.split())) >= 0.8 * len(words)
