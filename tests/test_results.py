"""The numbers of the documentation are those of `docs/results.json`, which the examples give.

An entry is `"script.metric": {script, args, value, tolerance, page, shown}`: the script, run with
args, prints `metric` (a dot leads into a dict) within `tolerance` of `value`; `page` says `shown`.
A metric that is a list or a dict is held to one value, or to a list of them, entry by entry.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
RESULTS: dict[str, dict[str, Any]] = json.loads((ROOT / "docs" / "results.json").read_text())
RUNS = sorted({(entry["script"], *entry["args"]) for entry in RESULTS.values()})

ELSEWHERE = {
    "letters_pc_rnn": "tests/laws/test_pc_rnn_parity.py",
    "associative_capacity": "tests/laws/test_linear.py",
    "hopfield_capacity": "tests/laws/test_hopfield.py",
    "sparse_distributed_memory": "tests/laws/test_binary_memories.py",
    "episodic_memory": "tests/laws/test_episodic_parity.py",
}
"""Examples whose numbers a test of their own holds."""


def _interval(shown: str) -> tuple[float, float] | None:
    """What a text such as "89.0 %", "96-97 %" or ".901" says: from ... to, with its rounding."""
    if not (found := re.fullmatch(r"(-?[\d.,e-]*?\d)(?:-([\d.]+))?( %)?( [a-z ]+)?", shown)):
        return None
    low, high = found[1], found[2] or found[1]
    number, _, power = low.replace(",", "").partition("e")
    digits = len(number.partition(".")[2])
    scale = (0.01 if found[3] else 1.0) * 10.0 ** int(power or 0)
    half = 0.5 * 10.0**-digits * scale * (1 + 1e-9)
    last = float(high.replace(",", "").partition("e")[0])
    return float(number) * scale - half, last * scale + half


@pytest.mark.parametrize(
    "shown, low, high",
    [
        ("89.0 %", 0.8895, 0.8905),
        ("96-97 %", 0.955, 0.975),
        (".901", 0.9005, 0.9015),
        ("-.004", -0.0045, -0.0035),
        ("2,048", 2047.5, 2048.5),
        ("7e-8", 6.5e-8, 7.5e-8),
        ("3.3 spikes", 3.25, 3.35),
    ],
)
def test_shown_numbers_are_read_with_their_rounding(shown: str, low: float, high: float) -> None:
    np.testing.assert_allclose(_interval(shown), (low, high))


@pytest.mark.parametrize("name", RESULTS)
def test_the_page_says_what_the_results_say(name: str) -> None:
    entry = RESULTS[name]
    assert set(entry) == {"script", "args", "value", "tolerance", "page", "shown"}
    assert (
        name.partition(".")[0] == Path(entry["script"]).stem and (ROOT / entry["script"]).exists()
    )
    page = " ".join((ROOT / entry["page"]).read_text().split())
    assert Path(entry["script"]).name in page
    assert re.search(rf"(?<![\d.]){re.escape(entry['shown'])}(?!\d)", page), entry["shown"]
    if (span := _interval(entry["shown"])) is not None:
        assert span[0] <= entry["value"] <= span[1], "the page rounds it to something else"


def test_every_example_that_a_page_quotes_has_its_numbers_here_or_in_a_test() -> None:
    quoted = {
        name
        for page in (ROOT / "docs").glob("*.md")
        for name in re.findall(r"`examples/(\w+)\.py`", page.read_text())
        if (ROOT / "examples" / f"{name}.py").exists()
    }
    here = {name.partition(".")[0] for name in RESULTS}
    assert quoted - here - set(ELSEWHERE) == set()
    assert all((ROOT / test).exists() for test in ELSEWHERE.values())
    assert not here & set(ELSEWHERE)


def _metric(metrics: dict[str, Any], path: str) -> np.ndarray:
    found: Any = metrics
    for key in path.split("."):
        found = found[key]
    return np.asarray(list(found.values()) if isinstance(found, dict) else found, float)


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS, ids=lambda run: Path(run[0]).stem)
def test_the_examples_give_these_numbers(run: tuple[str, ...], tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, *run, "--out", tmp_path], capture_output=True, text=True, cwd=ROOT
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    metrics = json.loads(ran.stdout.splitlines()[-1])
    wrong = []
    for name, entry in RESULTS.items():
        if (entry["script"], *entry["args"]) == run:
            found = _metric(metrics, name.partition(".")[2])
            if not np.all(np.abs(found - entry["value"]) <= entry["tolerance"] + 1e-12):
                wrong.append(f"{name}: {found}, {entry['value']} +- {entry['tolerance']}")
    assert not wrong, "\n".join(wrong)
