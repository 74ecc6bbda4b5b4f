"""Matplotlib, imported when a figure is drawn and not before."""

from typing import Any


def subplots(rows: int, columns: int, size: tuple[float, float], **options: Any) -> Any:
    """Axes (rows, columns) of a new figure of a size in inches.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            'Figures are drawn by matplotlib: pip install "ngcmem[examples]".'
        ) from error
    _, axes = pyplot.subplots(
        rows, columns, figsize=size, squeeze=False, layout="constrained", **options
    )
    return axes
