"""Real handwritten digits, offline."""

import numpy as np


def handwritten_digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's 1,797 handwritten digits of 8 x 8 pixels.

    Reference: Alpaydin and Kaynak (1998), Cascading classifiers, UCI Optical Recognition of
    Handwritten Digits, doi:10.24432/C50P49.

    Returns:
        Images (1797, 64) as rows, 0 (paper) to 1 (ink), float32; and labels (1797,), 0..9.

    Raises:
        ImportError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ImportError(
            'handwritten_digits needs scikit-learn: pip install "ngcmem[examples]"'
        ) from None
    digits = load_digits()
    return (digits.data / 16.0).astype(np.float32), digits.target  # pyright: ignore
