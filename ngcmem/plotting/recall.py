"""Figures of recall: what was shown, what came back, what was stored; and the energy."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ngcmem.plotting.axes import subplots


def plot_recall(
    probes: Any,
    recalled: Any,
    stored: Any,
    shape: tuple[int, int],
    *,
    known: Any = None,
    count: int = 10,
) -> Any:
    """Three rows of images: cue, recalled, stored. Unknown pixels of the cue are hatched grey.

    Args:
        probes, recalled, stored: (batch, features).
        shape: rows and columns of one image.
        known: (batch, features), 1 where the cue is known.
        count: how many examples to show.

    Returns:
        The matplotlib Axes, (3, count).
    """
    count = min(count, len(probes))
    axes = subplots(3, count, size=(0.75 * count + 0.6, 2.6))
    low, high = float(np.min(stored)), float(np.max(stored))
    rows = [("cue", probes), ("recalled", recalled), ("stored", stored)]
    for row, (name, images) in zip(axes, rows, strict=True):
        for i, axis in enumerate(row):
            image = np.asarray(images[i], np.float64).reshape(shape)
            if known is not None and name == "cue":
                image = np.ma.masked_where(np.asarray(known[i]).reshape(shape) == 0, image)
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
    axes = subplots(1, len(energies), size=(3.6 * len(energies), 2.8))[0]
    for axis, (name, energy) in zip(axes, energies.items(), strict=True):
        energy = np.asarray(energy)
        steps = np.arange(len(energy))
        axis.plot(steps, np.median(energy, 1), marker="o", label="median")
        axis.fill_between(steps, energy.min(1), energy.max(1), alpha=0.2, label="all examples")
        axis.set_title(name, fontsize="medium")
        axis.set_xlabel("step of recall")
        axis.set_xticks(steps)
    axes[0].set_ylabel("energy of the probe")
    axes[0].legend(frameon=False)
    return axes
