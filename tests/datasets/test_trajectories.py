"""Trajectories: equal steps, standardised, and files that are never unpickled."""

import numpy as np
import pytest

from ngcmem.datasets import (
    LETTERS,
    hershey_letters,
    load_character_trajectories,
    load_trajectories,
    resample,
    standardise,
)


def test_resampled_points_lie_at_equal_distances_on_the_path():
    corner = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 0.0], [3.0, 1.0]])
    points = resample(corner, 9)
    np.testing.assert_allclose(points[[0, 6, 8]], [[0, 0], [3, 0], [3, 1]])
    np.testing.assert_allclose(np.linalg.norm(np.diff(points, axis=0), axis=1), 0.5)
    with pytest.raises(ValueError, match="the path has no length"):
        resample(np.zeros((3, 2)), 5)


def test_letters_are_standardised_and_different():
    letters, labels = hershey_letters()
    assert letters.shape == (60, 20, 2) and letters.dtype == np.float32
    assert "".join(labels) == LETTERS and len(set(LETTERS)) == 20
    np.testing.assert_allclose(letters.mean((0, 1)), 0.0, atol=1e-6)
    np.testing.assert_allclose(letters.std((0, 1)), 1.0, atol=1e-6)
    np.testing.assert_allclose(letters[0], letters[:1, 0] + np.zeros((20, 2)), atol=1e-6)
    gaps = np.sqrt(((letters[:, :, None] - letters[:, None]) ** 2).sum(-1)).mean(0)
    assert gaps[~np.eye(20, dtype=bool)].min() > 0.15
    with pytest.raises(ValueError, match="does not draw"):
        hershey_letters("é")


def test_npz_round_trip_and_no_pickle(tmp_path):
    trajectories = np.random.default_rng(0).normal(size=(7, 3, 2))
    np.savez(tmp_path / "good.npz", trajs=trajectories, labels=np.array(list("abc")))
    loaded, labels = load_trajectories(tmp_path / "good.npz")
    np.testing.assert_array_equal(loaded, trajectories.astype(np.float32))
    assert list(labels) == ["a", "b", "c"]
    np.savez(tmp_path / "objects.npz", trajs=np.array([{}, None], dtype=object))
    with pytest.raises(ValueError, match="not unpickled"):
        load_trajectories(tmp_path / "objects.npz")
    np.savez(tmp_path / "other.npz", x=trajectories)
    with pytest.raises(ValueError, match="it needs trajs"):
        load_trajectories(tmp_path / "other.npz")
    np.savez(tmp_path / "labels.npz", trajs=trajectories, labels=np.array(["a"]))
    with pytest.raises(ValueError, match="one per sequence"):
        load_trajectories(tmp_path / "labels.npz")


def test_uci_mat_file(tmp_path):
    io = pytest.importorskip("scipy.io")
    steps = np.ones((3, 10))
    mixout = np.empty(3, object)
    for i, velocity in enumerate((steps, steps * [[1], [-1], [0]], steps)):
        mixout[i] = velocity
    consts = {"key": np.array(["a", "b"], object), "charlabels": np.array([1, 2, 1])}
    io.savemat(tmp_path / "uci.mat", {"mixout": mixout, "consts": consts})
    loaded, labels = load_character_trajectories(tmp_path / "uci.mat", steps=5)
    assert list(labels) == ["a", "b"] and loaded.shape == (5, 2, 2)
    up, down = np.diff(loaded[:, :, 1], axis=0).T
    assert (up > 0).all() and (down < 0).all()
    expected = standardise(
        np.stack([np.linspace([1, 1], [10, 10], 5), np.linspace([1, -1], [10, -10], 5)], 1)
    )
    np.testing.assert_allclose(loaded, expected, atol=1e-6)
    with pytest.raises(ValueError, match="no letter 'z'"):
        load_character_trajectories(tmp_path / "uci.mat", letters="z")
    io.savemat(tmp_path / "other.mat", {"x": steps})
    with pytest.raises(ValueError, match="expected mixout and consts"):
        load_character_trajectories(tmp_path / "other.mat")
