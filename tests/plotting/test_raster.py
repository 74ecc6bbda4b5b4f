"""Spikes as dots."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from ngcmem.plotting import plot_raster


def test_a_dot_for_every_spike_at_the_end_of_its_step() -> None:
    spikes = np.zeros((10, 4))
    spikes[[2, 2, 9], [0, 3, 1]] = 1
    (dots,) = plot_raster(spikes, dt=0.5, first=4).get_lines()
    np.testing.assert_allclose(dots.get_xdata(), [1.5, 1.5, 5.0])
    np.testing.assert_array_equal(dots.get_ydata(), [4, 7, 5])


def test_a_second_population_widens_the_limits_of_the_axes() -> None:
    ax = plot_raster(np.ones((10, 4)))
    assert ax.get_xlim() == (0, 10) and ax.get_ylim() == (-0.5, 3.5)
    plot_raster(np.ones((20, 3)), first=4, ax=ax, color="red")
    assert ax.get_xlim() == (0, 20) and ax.get_ylim() == (-0.5, 6.5)
    plot_raster(np.ones((5, 2)), ax=ax)
    assert ax.get_xlim() == (0, 20) and ax.get_ylim() == (-0.5, 6.5)
    for dots in ax.get_lines():
        assert 0 < dots.get_xdata().min() and dots.get_xdata().max() <= ax.get_xlim()[1]
        assert dots.get_ydata().max() < ax.get_ylim()[1]


def test_fresh_axes_show_the_whole_time_and_all_units() -> None:
    given = plt.figure().gca()
    silent = np.zeros((30, 5))
    silent[3, 2] = 1
    plot_raster(silent, ax=given)
    assert given.get_xlim() == (0, 30) and given.get_ylim() == (-0.5, 4.5)
    curve = plt.figure().gca()
    curve.plot([0.0, 50.0], [-3.0, 2.0])
    plot_raster(silent, ax=curve)
    assert curve.get_xlim()[1] >= 50 and curve.get_ylim()[0] <= -3 and curve.get_ylim()[1] == 4.5


def test_a_batch_is_told_how_to_choose_an_example() -> None:
    with pytest.raises(ValueError, match=r"seen\['cell.spikes'\]\[:, 0\]"):
        plot_raster(np.zeros((10, 2, 4)))
