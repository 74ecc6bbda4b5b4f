"""Spikes as dots."""

import numpy as np
import pytest

from ngcmem.plotting import plot_raster


def test_a_dot_for_every_spike_at_the_end_of_its_step() -> None:
    spikes = np.zeros((10, 4))
    spikes[[2, 2, 9], [0, 3, 1]] = 1
    (dots,) = plot_raster(spikes, dt=0.5, first=4).get_lines()
    np.testing.assert_allclose(dots.get_xdata(), [1.5, 1.5, 5.0])
    np.testing.assert_array_equal(dots.get_ydata(), [4, 7, 5])


def test_a_batch_is_told_how_to_choose_an_example() -> None:
    with pytest.raises(ValueError, match=r"seen\['cell.spikes'\]\[:, 0\]"):
        plot_raster(np.zeros((10, 2, 4)))
