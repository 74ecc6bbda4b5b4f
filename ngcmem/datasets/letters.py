"""Handwritten-like letters as trajectories of a pen, offline."""

import numpy as np

from ngcmem.datasets.trajectories import resample, standardise

LETTERS = "abcdeghlmnopqrsuvwyz"


def hershey_letters(
    letters: str = LETTERS, steps: int = 60, font: str = "scripts"
) -> tuple[np.ndarray, np.ndarray]:
    """Letters of a Hershey vector font as the path of a pen that stays on the paper.

    The strokes of a letter are joined in the order they are drawn, sampled at equal distances
    along the path, moved to start at one common point, and standardised. Reference: Hershey
    (1967), Calligraphy for computers.

    Args:
        letters: which letters.
        steps: points per trajectory.
        font: a name in `HersheyFonts().default_font_names`.

    Returns:
        Trajectories (steps, letters, 2), time first, each coordinate of mean 0 and standard
        deviation 1 over all points, float32; and the labels (letters,).

    Raises:
        ImportError: Hershey-Fonts is not installed.
        ValueError: a character that the font does not draw.
    """
    try:
        from HersheyFonts import HersheyFonts
    except ImportError:
        raise ImportError(
            'hershey_letters needs Hershey-Fonts: pip install "ngcmem[examples]"'
        ) from None
    hershey = HersheyFonts()
    hershey.load_default_font(font)
    paths = []
    for letter in letters:
        strokes = [np.asarray(stroke, float) for stroke in hershey.strokes_for_text(letter)]
        if not strokes:
            raise ValueError(f"hershey_letters: the font {font!r} does not draw {letter!r}.")
        paths.append(resample(np.concatenate(strokes), steps))
    trajectories = np.stack(paths, 1)
    trajectories = trajectories - trajectories[:1]
    return standardise(trajectories * np.array([1.0, -1.0])), np.array(list(letters))
