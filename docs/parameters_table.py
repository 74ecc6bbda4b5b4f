"""Writes docs/parameters.md: every parameter of every class, with its domain, default and unit.

Run it after a change of a parameter: `python docs/parameters_table.py`.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ngcmem import cells, memories, plasticity, retrieval, synapses
from ngcmem.core import AnyState, Domain, Interval, Pytree

PAGE = Path(__file__).parent / "parameters.md"
FOLDERS = {
    "Cells": cells,
    "Synapses": synapses,
    "Memories": memories,
    "Rules of learning and storage": plasticity,
    "Similarities, separations and gains": retrieval,
}
INTRODUCTION = """# Parameters and their domains

Every number that a constructor takes, with the values it may have. This page is made from the
classes by `python docs/parameters_table.py`.

- `(0, inf]` is an interval: a round bracket leaves its end out, a square one takes it in. inf is in
  a domain only where it has a meaning (`tau=inf`: nothing leaks), NaN in none.
- A number, NumPy or jax array out of its domain is an error of the constructor, of `replace` and of
  `nm.with_parameters`; the text names class, parameter, domain and value.
- A traced value (`jax.vmap`, `jax.grad`, `jax.jit`) cannot be refused. Out of its domain, all that
  `nm.advance_state`, `nm.run`, `nm.store` and the other verbs compute from it is NaN, flags such as
  `matched` are False, and so are its derivatives: a sweep shows where it left the domain.
- On a closed end the value is the limit of the equation: `tau=0` of a trace is gone with the next
  step, `beta=0` weighs all patterns alike, `slope=0` of `AdEx` is a sharp threshold.
- In a component of your own write the domain into the annotation: `tau: PositiveOrInf = 20.0`, with
  the names of `ngcmem.core` (`Real`, `Positive`, `NonNegative`, `Probability`, ...) or
  `Annotated[float | Array, Interval("[0, 1)")]`.
"""


def classes(folder: Any) -> list[type[Pytree]]:
    """The public classes of a folder that have a parameter with a domain."""
    found = [
        value
        for value in vars(folder).values()
        if inspect.isclass(value) and issubclass(value, Pytree) and not issubclass(value, AnyState)
    ]
    return [one for one in sorted(found, key=lambda one: one.__name__) if parameters(one)]


def parameters(owner: type[Pytree]) -> dict[str, Domain]:
    """The fields of a class that hold numbers, in the order of its constructor."""
    names = inspect.signature(owner).parameters
    numeric = {n: owner.domains[n] for n in names if n in owner.domains}
    return {name: domain for name, domain in numeric.items() if domain.values is not None}


def comment(owner: type[Pytree], name: str) -> str:
    """What stands behind the field in the source: its unit and meaning."""
    for base in owner.__mro__:
        if name in inspect.get_annotations(base):
            line = re.search(rf"^    {name}: .*?(?:  # (.*))?$", inspect.getsource(base), re.M)
            return (line and line[1]) or ""
    return ""


def rows(owner: type[Pytree]) -> Iterator[str]:
    """The lines of the table for one class."""
    for name, domain in parameters(owner).items():
        if isinstance(domain.values, Interval):
            values = domain.values.text
        else:
            values = f"whole, from {domain.values.least}"  # pyright: ignore
        none = " or None" if domain.optional else ""
        default = inspect.signature(owner).parameters[name].default
        shown = "" if default is inspect.Parameter.empty else f"`{default!r}`"
        yield f"| `{name}` | `{values}`{none} | {shown} | {comment(owner, name)} |"


def page() -> str:
    """The text of docs/parameters.md."""
    parts = [INTRODUCTION]
    for title, folder in FOLDERS.items():
        parts.append(f"## {title}\n")
        for owner in classes(folder):
            head = "| Parameter | Domain | Default | Unit, meaning |\n|---|---|---|---|"
            parts.append("\n".join([f"### {owner.__name__}\n", head, *rows(owner), ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page())
