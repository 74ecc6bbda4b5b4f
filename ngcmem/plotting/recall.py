"""Figures of recall: what was shown, what came back, what was stored; and the energy."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ngcmem.plotting._axes import subplots


def plot_recall(
    probes: Any,
    recalled: Any,
    stored: Any,
    shape: tuple[int, int],
    *,
    known: Any = None,
    count: int = 10,
) -> Any:
    """Three rows of images: cue, recalled, stored. Unknown pixels of the cue are grey.

    Args:
        probes: the cues, (batch, features).
        recalled: what came back, (batch, features).
        stored: what was stored, (batch, features).
        shape: rows and columns of one image.
        known: (batch, features), 1 where the cue is known.
        count: how many examples to show.

    Returns:
        The matplotlib Axes, (3, count).
    """
    rows = {"cue": probes, "recalled": recalled, "stored": stored}
    return plot_images(
        rows, shape, known={} if known is None else {"cue": known}, count=count, like=stored
    )


def plot_images(
    rows: Mapping[str, Any],
    shape: tuple[int, int],
    *,
    known: Mapping[str, Any] | None = None,
    count: int = 10,
    like: Any = None,
) -> Any:
    """Rows of images with their names. Pixels that a row does not know are grey.

    Args:
        rows: by name, (batch, features); every row shows its first images.
        shape: rows and columns of one image.
        known: by name of the row, (batch, features), 1 where known.
        count: how many images of a row.
        like: images whose range sets the greys; those of the first row if None.

    Returns:
        The matplotlib Axes, (rows, count).
    """
    count = min(count, *(len(images) for images in rows.values()))
    axes = subplots(len(rows), count, size=(0.75 * count + 0.6, 0.8 * len(rows) + 0.2))
    like = next(iter(rows.values())) if like is None else like
    low, high = float(np.min(like)), float(np.max(like))
    for row, (name, images) in zip(axes, rows.items(), strict=True):
        for i, axis in enumerate(row):
            image = np.asarray(images[i], np.float64).reshape(shape)
            if known is not None and name in known:
                image = np.ma.masked_where(np.asarray(known[name][i]).reshape(shape) == 0, image)
            axis.set_facecolor("0.6")
            axis.imshow(image, cmap="gray_r", vmin=low, vmax=high)
            axis.set_xticks([])
            axis.set_yticks([])
        row[0].set_ylabel(name, rotation=0, ha="right", va="center")
    return axes


def plot_energy(energies: Mapping[str, Any]) -> Any:
    """Energy over steps, a panel each: the median of the examples in a band that holds them all.

    Args:
        energies: by name, (steps, batch).

    Returns:
        The matplotlib Axes, (panels,).
    """
    axes = subplots(1, len(energies), size=(3.6 * len(energies), 2.8), sharey=True)[0]
    for axis, (name, energy) in zip(axes, energies.items(), strict=True):
        energy = np.asarray(energy)
        steps = np.arange(len(energy))
        axis.plot(
            steps, np.median(energy, 1), marker="o" if len(steps) <= 30 else "", label="median"
        )
        axis.fill_between(steps, energy.min(1), energy.max(1), alpha=0.2, label="all examples")
        axis.set_title(name, fontsize="medium")
        axis.set_xlabel("step of recall")
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylabel("energy of the probe")
    axes[0].legend(frameon=False)
    return axes
