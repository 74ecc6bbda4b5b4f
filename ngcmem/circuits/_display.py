"""A component's or circuit's compartments as a table, for `print` and for Jupyter."""

import html
from collections.abc import Sequence
from functools import reduce
from typing import Any

import jax

from ngcmem.core import Component, compartment_of, shown_sizes

_HEAD = ("component", "compartment", "role", "axes", "driven by")


def rows(component: Component, order: Sequence[str]) -> list[tuple[str, ...]]:
    """One row per compartment: component and its class, name, role, axes with sizes, writer.

    Components stand in the order given, that of execution.
    """
    shapes = jax.eval_shape(component.init, jax.random.key(0))
    specs, driven = shapes.specs(), component.driven()
    table, last = [], ""
    for path in sorted(specs, key=lambda path: order.index(path.partition(".")[0])):
        spec = specs[path]
        owner, _, name = path.rpartition(".")
        part = reduce(lambda one, inner: one.parts.get(inner, one), owner.split("."), component)
        label = f"{owner}: {type(part).__name__}"
        writer = "; ".join(str(w) for k, w in driven.items() if compartment_of(k, (path,)))
        row = (label if label != last else "", name, spec.role.value)
        table.append((*row, _axes(component, path, spec.axes, shapes[path]), writer))
        last = label
    return table


def _axes(component: Component, path: str, names: tuple[str, ...], value: Any) -> str:
    leaves = jax.tree.leaves(value)
    shown = shown_sizes(component, path, names, leaves[0].shape) if len(leaves) == 1 else None
    return " ".join(str(leaf.shape) for leaf in leaves) if shown is None else shown


def as_text(component: Component, order: Sequence[str]) -> str:
    """The table in aligned columns."""
    table = [_HEAD, *rows(component, order)]
    widths = [max(len(row[i]) for row in table) for i in range(len(_HEAD))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def as_html(component: Component, order: Sequence[str]) -> str:
    """The table for a notebook."""

    def line(tag: str, row: tuple[str, ...]) -> str:
        cells = (f"<{tag} style='text-align:left'>{html.escape(cell)}</{tag}>" for cell in row)
        return f"<tr>{''.join(cells)}</tr>"

    body = "".join(line("td", row) for row in rows(component, order))
    return f"<table><thead>{line('th', _HEAD)}</thead><tbody>{body}</tbody></table>"
