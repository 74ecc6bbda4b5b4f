"""The conventions of the benchmark scripts: those of the examples, and timing in turns."""

import runpy
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax

EXAMPLES = Path(__file__).parents[1] / "examples"
_of_examples = runpy.run_path(str(EXAMPLES / "_script.py"))  # this module has the same name
arguments, finish, progress = (_of_examples[n] for n in ("arguments", "finish", "progress"))

__all__ = ["EXAMPLES", "arguments", "finish", "interleaved", "progress"]


def interleaved(
    candidates: Mapping[str, Callable[[], Any]], repeats: int = 15
) -> dict[str, dict[str, float]]:
    """Time several functions in turn, so that a busy machine slows all of them alike.

    Args:
        candidates: by name; each returns what it computed, which is waited for.
        repeats: rounds; each function is called once before, to compile.

    Returns:
        Per name the medians of CPU time (`cpu`, all threads) and wall time (`wall`), seconds.
    """
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in candidates}
    for function in candidates.values():
        jax.block_until_ready(function())
    for _ in range(repeats):
        for name, function in candidates.items():
            cpu, wall = time.process_time(), time.perf_counter()
            jax.block_until_ready(function())
            times[name].append((time.process_time() - cpu, time.perf_counter() - wall))
    return {
        name: {
            "cpu": statistics.median(cpu for cpu, _ in pairs),
            "wall": statistics.median(wall for _, wall in pairs),
        }
        for name, pairs in times.items()
    }
