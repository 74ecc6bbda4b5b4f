"""Scikit-learn's handwritten digits: real data that ships with a package, read offline."""

import numpy as np


def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 handwritten digits.

    Returns:
        Images (1797, 64), 8x8 pixels row by row, float32 in 0..1; labels (1797,), int.

    Raises:
        ImportError: scikit-learn is not installed.

    Reference: Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI
    Machine Learning Repository, doi:10.24432/C50P49.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            'The digits come with scikit-learn: pip install "ngcmem[examples]".'
        ) from error
    data = load_digits()
    return (data.data / 16.0).astype(np.float32), data.target  # pyright: ignore
