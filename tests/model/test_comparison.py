"""Alignment takes away what a map does not mean: its place, size, rotation and handedness."""

import numpy as np
import pytest
from scipy.spatial import procrustes

from explorer.model.comparison import align


def moved(points: np.ndarray, angle: float, scale: float, mirror: bool) -> np.ndarray:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (scale * (points * ([-1, 1] if mirror else [1, 1])) @ turn + [4, -7]).astype(np.float32)


@pytest.mark.parametrize("mirror", [False, True])
def test_a_map_turned_mirrored_and_scaled_comes_back(mirror: bool) -> None:
    points = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    aligned = align(points, moved(points, 1.1, 2.5, mirror))
    np.testing.assert_allclose(aligned.embedding, points, atol=1e-4)
    assert aligned.disparity == pytest.approx(0, abs=1e-6)


def test_disparity_is_scipy_s() -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(400, 2)).astype(np.float32)
    noisy = moved(points + rng.normal(0, 0.4, points.shape).astype(np.float32), 0.4, 0.7, True)
    assert align(points, noisy).disparity == pytest.approx(procrustes(points, noisy)[2], abs=1e-5)


def test_undo_brings_a_polygon_back_to_the_map_s_own_coordinates() -> None:
    rng = np.random.default_rng(2)
    points = rng.normal(size=(50, 2)).astype(np.float32)
    other = moved(points, 2.0, 1.4, True) + rng.normal(0, 0.1, (50, 2)).astype(np.float32)
    aligned = align(points, other)
    np.testing.assert_allclose(aligned.undo(aligned.embedding.astype(float)), other, atol=1e-4)


def test_rows_that_are_not_finite_are_left_out_and_stay_so() -> None:
    points = np.random.default_rng(3).normal(size=(60, 2)).astype(np.float32)
    other = moved(points, 0.3, 1.0, False)
    other[5] = np.nan
    aligned = align(points, other)
    assert np.isnan(aligned.embedding[5]).all()
    np.testing.assert_allclose(np.delete(aligned.embedding, 5, 0), np.delete(points, 5, 0), atol=1e-4)


def test_maps_without_extent_are_left_as_they_are() -> None:
    spot = np.zeros((10, 2), np.float32)
    assert align(spot, spot).disparity == 1
