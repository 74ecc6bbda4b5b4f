"""The Axes every plotting function draws into; the only place that imports matplotlib."""

from typing import Any


def axes_or_new(ax: Any = None, size: tuple[float, float] = (5.0, 3.5)) -> Any:
    """The Axes given, or those of a new figure of this size in inches.

    Raises:
        ImportError: matplotlib is not installed.
    """
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            'Plotting needs matplotlib: pip install "ngcmem[examples]" (or pip install matplotlib).'
        ) from error
    return plt.subplots(figsize=size, layout="constrained")[1]
