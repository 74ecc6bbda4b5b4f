"""Pen trajectories from files, and what makes them comparable."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np


def resample(path: np.ndarray, steps: int) -> np.ndarray:
    """A path (points, dimensions) at `steps` equal distances along its length.

    Raises:
        ValueError: a path without length.
    """
    pieces = np.linalg.norm(np.diff(path, axis=0), axis=1)
    keep = np.concatenate([[True], pieces > 0])
    path, pieces = path[keep], pieces[pieces > 0]
    if len(path) < 2:
        raise ValueError("resample: the path has no length; give two different points or more.")
    along = np.concatenate([[0.0], np.cumsum(pieces)])
    at = np.linspace(0.0, along[-1], steps)
    return np.stack([np.interp(at, along, column) for column in path.T], 1)


def standardise(trajectories: np.ndarray) -> np.ndarray:
    """Each coordinate with mean 0 and standard deviation 1 over all steps and trajectories."""
    mean = trajectories.mean((0, 1), keepdims=True)
    spread = trajectories.std((0, 1), keepdims=True)
    return ((trajectories - mean) / spread).astype(np.float32)


def load_trajectories(file: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Trajectories and labels saved as `.npz` with arrays `trajs` and `labels`.

    Nothing is unpickled.

    Returns:
        Trajectories (steps, sequences, dimensions), time first, and labels (sequences,).

    Raises:
        ValueError: an array is missing, holds objects, or has another number of axes.
    """
    try:
        with np.load(file, allow_pickle=False) as saved:
            found = {name: saved[name] for name in ("trajs", "labels") if name in saved.files}
            names = saved.files
    except ValueError as error:
        raise ValueError(
            f"load_trajectories: {file} holds pickled objects or is no .npz of arrays, and is "
            f"not unpickled ({error}). Save it with np.savez(file, trajs=..., labels=...)."
        ) from None
    if "trajs" not in found or found["trajs"].ndim != 3:
        raise ValueError(
            f"load_trajectories: {file} has the arrays {names}; it needs trajs (steps, sequences, "
            f"dimensions) and may have labels (sequences,)."
        )
    trajectories = np.asarray(found["trajs"], np.float32)
    labels = found.get("labels", np.arange(trajectories.shape[1]).astype(str))
    if labels.shape != trajectories.shape[1:2]:
        raise ValueError(
            f"load_trajectories: labels has shape {labels.shape}, expected "
            f"({trajectories.shape[1]},): one per sequence."
        )
    return trajectories, labels


def load_character_trajectories(
    file: str | Path, letters: Sequence[str] | None = None, steps: int = 60
) -> tuple[np.ndarray, np.ndarray]:
    """Pen-tip velocities of the UCI Character Trajectories `.mat`, integrated to positions.

    One trajectory per letter, the first in the file, resampled and standardised; pass the file
    you downloaded. Reference: Williams (2006), doi:10.24432/C58G7V.

    Args:
        file: `mixoutALL_shifted.mat`.
        letters: which letters; all 20 of the file by default.
        steps: points per trajectory.

    Returns:
        Trajectories (steps, letters, 2), time first, and labels (letters,).

    Raises:
        ImportError: SciPy is not installed.
        ValueError: the file has other contents, or no such letter.
    """
    try:
        from scipy.io import loadmat
    except ImportError:
        raise ImportError(
            'load_character_trajectories needs SciPy: pip install "ngcmem[examples]"'
        ) from None
    saved = loadmat(file, squeeze_me=True, struct_as_record=False)
    if "mixout" not in saved or "consts" not in saved:
        raise ValueError(
            f"load_character_trajectories: {file} has {sorted(k for k in saved if k[0] != '_')}, "
            f"expected mixout and consts, as in mixoutALL_shifted.mat."
        )
    consts = saved["consts"]
    names = [str(name) for name in np.atleast_1d(consts.key)]
    labels = np.array([names[int(label) - 1] for label in np.atleast_1d(consts.charlabels)])
    chosen = list(dict.fromkeys(labels) if letters is None else letters)
    if missing := [letter for letter in chosen if letter not in labels]:
        raise ValueError(f"load_character_trajectories: {file} has no letter {missing[0]!r}.")
    paths = []
    for letter in chosen:
        velocity = saved["mixout"][int(np.argmax(labels == letter))]
        paths.append(resample(np.cumsum(velocity[:2], axis=1).T, steps))
    return standardise(np.stack(paths, 1)), np.array(chosen)
