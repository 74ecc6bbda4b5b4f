"""Lines of code and functions per folder: no docstrings, comments or blank lines.

    python benchmarks/code_size.py ngcmem/core ngcmem/drivers --against OLD/ngcmem/core

A line counts when a token of code stands on it, so a wrapped call counts as often as it is
wrapped. Functions are `def`s and methods, nested ones too; lambdas are not counted.
"""

import argparse
import ast
import io
import json
import tokenize
from pathlib import Path
from typing import NamedTuple

LAYOUT = (
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
)


class Size(NamedTuple):
    files: int
    lines: int
    functions: int


def docstring_lines(tree: ast.AST) -> set[int]:
    """The numbers of the lines that docstrings take, those after an assignment too."""
    found: set[int] = set()
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            text = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            if text and isinstance(child.value.value, str):
                found |= set(range(child.lineno, (child.end_lineno or child.lineno) + 1))
    return found


def size_of(source: str) -> Size:
    """One file's size."""
    tree = ast.parse(source)
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in LAYOUT:
            lines |= set(range(token.start[0], token.end[0] + 1))
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return Size(1, len(lines - docstring_lines(tree)), len(functions))


def size_of_folder(folder: Path) -> Size:
    """All Python files below a folder."""
    sizes = [size_of(path.read_text()) for path in sorted(folder.rglob("*.py"))]
    if not sizes:
        raise SystemExit(f"There is no Python file below {folder}.")
    return Size(*map(sum, zip(*sizes, strict=True)))


def show(folders: list[Path]) -> Size:
    sizes = {str(folder): size_of_folder(folder) for folder in folders}
    total = Size(*map(sum, zip(*sizes.values(), strict=True)))
    for name, size in (sizes | {"together": total} if len(sizes) > 1 else sizes).items():
        print(f"{size.lines:6} lines {size.functions:5} functions {size.files:4} files  {name}")
    return total


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    package = Path(__file__).parents[1] / "ngcmem"
    parser.add_argument("folders", nargs="*", type=Path, default=sorted(package.glob("*/")))
    parser.add_argument("--against", nargs="+", type=Path, help="folders of another checkout")
    given = parser.parse_args()
    now = show(given.folders)
    metrics: dict[str, float] = dict(now._asdict())
    if given.against:
        before = show(given.against)
        metrics |= {f"{key}_before": value for key, value in before._asdict().items()}
        metrics["lines_ratio"] = now.lines / before.lines
    print(json.dumps(metrics))


if __name__ == "__main__":
    main()
