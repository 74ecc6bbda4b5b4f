"""Heat maps of memories."""

import numpy as np
import pytest

from ngcmem.plotting import memory_heatmap


def test_it_shows_the_rows_and_hatches_free_slots() -> None:
    rows = np.arange(12.0).reshape(4, 3)
    ax = memory_heatmap(rows, count=2, title="keys")
    (image,) = ax.get_images()
    np.testing.assert_array_equal(image.get_array(), rows)
    assert image.get_clim() == (0.0, 5.0)  # the colours span the used rows
    assert ax.patches[0].get_hatch() and ax.get_title() == "keys"
    ax.figure.clear()


def test_rows_of_one_field() -> None:
    with pytest.raises(ValueError, match="rows is \\(slots, features\\), got shape \\(3,\\)"):
        memory_heatmap(np.zeros(3))
