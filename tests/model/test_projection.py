"""Viewports, rasters and the nearest point, against plain numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.model.projection import BENEATH, Viewport, bounds, count, nearest_drawn, rasterize


def points(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32)


@given(st.integers(1, 400), st.integers(1, 400), st.integers(2, 60))
def test_a_viewport_around_points_shows_all_at_equal_scale(width: int, height: int, n: int) -> None:
    embedding = points(n)
    view = Viewport.around(embedding, width, height)
    x0, x1, y0, y1 = bounds(embedding)
    assert view.x0 <= x0
    assert x1 <= view.x1
    assert view.y0 <= y0
    assert y1 <= view.y1
    assert (view.x1 - view.x0) / width == pytest.approx((view.y1 - view.y0) / height)


def test_resizing_keeps_the_centre_and_the_scale() -> None:
    view = Viewport.around(points(100), 300, 200)
    other = view.resized(500, 100)
    assert other.unit == pytest.approx(view.unit)
    assert (other.x0 + other.x1) == pytest.approx(view.x0 + view.x1)


def test_a_raster_counts_what_histogram2d_counts() -> None:
    embedding = points(5000)
    view = Viewport(-2, 2, -1.5, 1.5, 40, 30)
    codes, table = np.zeros(5000, np.int32), np.array([[1, 0, 0, 1], [0, 0, 0, BENEATH]], np.float32)
    sums = rasterize(embedding, view, codes, table).sums
    edges = np.linspace(-1.5, 1.5, 31), np.linspace(-2, 2, 41)
    reference = np.histogram2d(embedding[:, 1], embedding[:, 0], bins=edges)[0]
    assert sums.shape == (1, 30, 40, 4)
    assert np.abs(sums[0, ..., 3] - reference).sum() <= 4, "only points on an edge may differ"
    np.testing.assert_array_equal(sums[0, ..., 0], sums[0, ..., 3])


def test_selected_and_context_planes_add_up_to_all() -> None:
    embedding, chosen = points(3000), np.arange(3000) % 3 == 0
    view = Viewport.around(embedding, 50, 40)
    codes = (np.arange(3000) % 4).astype(np.int32)
    table = np.random.default_rng(3).random((5, 4)).astype(np.float32)
    table[:, 3] = 1
    parts = rasterize(embedding, view, codes, table, chosen).sums
    np.testing.assert_allclose(parts.sum(0), rasterize(embedding, view, codes, table).sums[0], rtol=1e-4)
    assert parts[1, ..., 3].sum() == chosen.sum()


@pytest.mark.parametrize(
    "embedding",
    [np.full((3, 2), np.nan, np.float32), np.zeros((4, 2), np.float32), np.float32([[1, 2], [1, 5]])],
    ids=["nothing", "one spot", "one line"],
)
def test_bounds_always_have_an_area(embedding: np.ndarray) -> None:
    x0, x1, y0, y1 = bounds(embedding)
    assert x0 < x1
    assert y0 < y1


def reference_first(embedding: np.ndarray, view: Viewport, shown: np.ndarray) -> np.ndarray:
    column = np.floor((embedding[:, 0] - view.x0) * (view.width / (view.x1 - view.x0))).astype(int)
    line = np.floor((embedding[:, 1] - view.y0) * (view.height / (view.y1 - view.y0))).astype(int)
    first = np.full((view.height, view.width), -1)
    for row in np.flatnonzero(shown)[::-1]:
        if 0 <= column[row] < view.width and 0 <= line[row] < view.height:
            first[line[row], column[row]] = row
    return first


def test_counting_and_colouring_name_the_first_row_drawn_in_each_pixel() -> None:
    embedding, view = points(4000), Viewport(-2, 2, -1.5, 1.5, 40, 30)
    codes = (np.arange(4000) % 3).astype(np.int32)
    table = np.array([[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, BENEATH], [0, 0, 0, BENEATH]], np.float32)
    everything = np.ones(4000, bool)
    np.testing.assert_array_equal(count(embedding, view).first, reference_first(embedding, view, everything))
    for selected in (np.zeros(0, bool), np.arange(4000) % 2 == 0):
        first = rasterize(embedding, view, codes, table, selected).first
        np.testing.assert_array_equal(first, reference_first(embedding, view, codes != 0))


def test_counting_counts_what_rasterizing_weighs() -> None:
    embedding, view = points(5000), Viewport(-2, 2, -1.5, 1.5, 40, 30)
    weights = rasterize(embedding, view, np.zeros(5000, np.int32), np.ones((2, 4), np.float32)).sums[
        0, ..., 3
    ]
    counts = count(embedding, view).counts
    np.testing.assert_array_equal(counts, weights)
    np.testing.assert_array_equal(counts > 0, count(embedding, view).first >= 0)


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_the_nearest_drawn_is_the_nearest_up_to_a_pixel(x: float, y: float) -> None:
    embedding = points(2000)
    embedding[3] = np.nan
    view = Viewport.around(embedding, 300, 240)
    first = count(embedding, view).first
    distances = np.hypot(*(embedding - np.array([x, y])).T) / view.unit
    found, best = nearest_drawn(embedding, first, view, x, y, 14.0), np.nanmin(distances)
    if best > 14:
        assert found == -1
    elif best < 12:
        assert distances[found] <= best + np.sqrt(2)
