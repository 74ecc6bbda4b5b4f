"""The conventions of the example and benchmark scripts: options, progress, metrics."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def arguments(
    name: str, description: str, options: Callable[[argparse.ArgumentParser], None] | None = None
) -> argparse.Namespace:
    """Parse `--seed`, `--quick` and `--out DIR` (made if missing; `out/<name>` by default)."""
    parser = argparse.ArgumentParser(prog=f"{name}.py", description=description)
    parser.add_argument("--seed", type=int, default=0, help="random seed (default 0)")
    parser.add_argument("--quick", action="store_true", help="a smaller run of the same")
    parser.add_argument("--out", type=Path, default=Path("out") / name, metavar="DIR")
    if options is not None:
        options(parser)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    return given


def progress(items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """The items, with a progress bar on standard error when rich is installed."""
    try:
        from rich.console import Console
        from rich.progress import track
    except ImportError:
        yield from items
        return
    yield from track(items, description=label, total=total, console=Console(file=sys.stderr))


def finish(metrics: Mapping[str, Any], out: Path) -> None:
    """Save `metrics.json` under `out` and print the metrics as the last line of output."""
    plain = json.loads(json.dumps(dict(metrics), default=_plain))
    (out / "metrics.json").write_text(json.dumps(plain, indent=2) + "\n")
    sys.stdout.flush()
    print(json.dumps(plain))


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)
