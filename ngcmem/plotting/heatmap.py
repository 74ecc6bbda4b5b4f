"""What a slot memory holds, as a picture."""

from typing import Any

import numpy as np
from jax.typing import ArrayLike

from ngcmem.plotting._axes import subplots


def memory_heatmap(
    rows: ArrayLike,
    *,
    count: ArrayLike | None = None,
    title: str = "",
    label: str = "value",
    limits: tuple[float, float] | None = None,
    ax: Any = None,
) -> Any:
    """A heat map of stored rows: slots downwards, features to the right.

    Args:
        rows: (slots, features), such as `state.keys` or `state["values.next"]`.
        count: how many slots are in use; the others are hatched. All if None.
        title: above the picture.
        label: of the colour bar; no bar if empty.
        limits: the values at the two ends of the colours; those of the used rows if None.
        ax: matplotlib Axes to draw into; a new figure if None.

    Returns:
        The matplotlib Axes.

    Raises:
        ValueError: rows that are not (slots, features).
        ImportError: matplotlib is not installed.
    """
    picture = np.asarray(rows, float)
    if picture.ndim != 2:
        raise ValueError(
            f"memory_heatmap: rows is (slots, features), got shape {picture.shape}. For named "
            f"fields plot one of them: state['keys.state']."
        )
    slots, features = picture.shape
    used = slots if count is None else int(np.asarray(count))
    if ax is None:
        ax = subplots(1, 1, (0.6 + min(8.0, 2.0 + 0.25 * features), min(8.0, 1.2 + 0.2 * slots)))[
            0, 0
        ]
    shown = picture[:used] if used else np.zeros((1, features))
    low, high = (shown.min(), shown.max()) if limits is None else limits
    image = ax.imshow(picture, aspect="auto", cmap="viridis", vmin=low, vmax=max(high, low + 1e-9))
    if used < slots:
        ax.axhspan(used - 0.5, slots - 0.5, facecolor="white", edgecolor="0.6", hatch="///")
    ax.set(xlabel="features", ylabel="slots", title=title)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.yaxis.get_major_locator().set_params(integer=True)
    if label:
        ax.figure.colorbar(image, ax=ax, label=label)
    return ax
