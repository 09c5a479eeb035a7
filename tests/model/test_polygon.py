"""Lasso and box select what the plain rule selects, whatever the shape and wherever the map lies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path as Outline

from explorer.model.errors import InputError
from explorer.model.polygon import in_box, in_polygon

SQUARE = np.array([[0, 0], [4, 0], [4, 4], [0, 4]], float)


def even_odd(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """The rule as it is written in books: no grid, no rows, every edge for every point."""
    x, y = points.astype(float).T
    odd = np.zeros(len(points), bool)
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        (x0, y0), (x1, y1) = (a, b) if a[1] < b[1] else (b, a)
        crosses = (y0 <= y) & (y < y1)
        odd[crosses] ^= x[crosses] < x0 + (y[crosses] - y0) / (y1 - y0) * (x1 - x0)
    return odd


def star(m: int, seed: int, scale: float = 1.0, centre: float = 0.0) -> np.ndarray:
    """A ragged outline that does not cross itself."""
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, m, endpoint=False)
    radius = scale * (1 + 0.4 * np.sin(5 * angle) + 0.3 * rng.random(m))
    return centre + np.c_[radius * np.cos(angle), radius * np.sin(angle)]


def cloud(n: int, seed: int, scale: float = 1.0, centre: float = 0.0) -> np.ndarray:
    return (centre + scale * np.random.default_rng(seed).normal(size=(n, 2))).astype(np.float32)


@pytest.mark.parametrize("m", [3, 4, 7, 200, 3_000])
@pytest.mark.parametrize(("scale", "centre"), [(1, 0), (1e-3, 5), (1e6, -3e6)])
def test_lasso_selects_what_the_plain_rule_selects(m: int, scale: float, centre: float) -> None:
    points, polygon = cloud(20_000, m, scale, centre), star(m, m, scale, centre)
    found = in_polygon(points, polygon)
    assert (found == even_odd(points, polygon)).all()
    assert 0 < found.sum() < len(points)


def test_lasso_agrees_with_matplotlib() -> None:
    points, polygon = cloud(50_000, 0), star(200, 1)
    assert (in_polygon(points, polygon) == Outline(polygon).contains_points(points)).all()


coordinate = st.one_of(st.integers(-4, 4).map(float), st.floats(-5, 5, width=32))


@given(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=14))
def test_any_outline_selects_what_the_plain_rule_selects(vertices: list[tuple[float, float]]) -> None:
    """Also those that cross or touch themselves, double back or have no area; many points lie on edges."""
    polygon = np.array(vertices)
    lattice = np.stack(np.meshgrid(np.arange(-5, 5.25, 0.25), np.arange(-5, 5.25, 0.25)), -1).reshape(-1, 2)
    points = np.vstack([lattice, polygon]).astype(np.float32)
    assert (in_polygon(points, polygon) == even_odd(points, polygon)).all()


def test_what_an_outline_encloses_twice_is_outside() -> None:
    angle = np.arange(5) * 4 * np.pi / 5
    pentagram = np.c_[np.sin(angle), np.cos(angle)]
    tip, middle = [0, 0.8], [0, 0]
    assert in_polygon(np.array([tip, middle], np.float32), pentagram).tolist() == [True, False]


def test_left_and_lower_edges_belong_to_the_polygon_and_right_and_upper_do_not() -> None:
    left, lower, corner, right, upper = [0, 2], [2, 0], [0, 0], [4, 2], [2, 4]
    points = np.array([left, lower, corner, right, upper], np.float32)
    assert in_polygon(points, SQUARE).tolist() == [True, True, True, False, False]


@given(st.lists(st.tuples(st.integers(1, 15), st.integers(0, 16)), max_size=6, unique_by=lambda v: v[0]))
def test_polygons_that_share_a_border_share_no_point(border: list[tuple[int, int]]) -> None:
    """A jagged line cuts a square in two: every point of the square is in just one part."""
    line = np.array([(0, 8), *sorted(border), (16, 8)], float)
    below, above = np.vstack([line, [(16, 0), (0, 0)]]), np.vstack([line, [(16, 16), (0, 16)]])
    inner = np.stack(np.meshgrid(np.arange(0, 16, 0.5), np.arange(0, 16, 0.5)), -1).reshape(-1, 2)
    points = inner.astype(np.float32)
    assert (in_polygon(points, below) ^ in_polygon(points, above)).all()


def test_points_without_a_place_are_never_inside() -> None:
    inf = np.inf
    points = np.array([[np.nan, 1], [1, np.nan], [inf, 1], [1, -inf], [1, 1]], np.float32)
    assert in_polygon(points, SQUARE).tolist() == [False, False, False, False, True]
    assert in_box(points, 0, 4, 0, 4).tolist() == [False, False, False, False, True]
    assert not in_box(points, -inf, inf, -inf, inf)[:2].any()


@pytest.mark.parametrize(
    "polygon",
    [
        [],
        [[1, 1]],
        [[0, 0], [2, 2]],
        [[0, 1], [1, 1], [2, 1]],
        [[1, 0], [1, 1], [1, 3]],
        [[0, 0], [1e-310, 0], [0, 1e-310]],
    ],
)
def test_outlines_without_area_select_nothing(polygon: list[list[float]]) -> None:
    points = np.array([[0, 0], [1, 1], [1, 2]], np.float32)
    assert not in_polygon(points, polygon).any()


@pytest.mark.parametrize(
    "polygon",
    [
        [[0, 0], [1, np.nan], [1, 1]],
        [[0, 0, 0], [1, 1, 1], [2, 2, 0]],
        [0, 1, 2],
        [[1e308, 0], [-1e308, 0], [0, 1e308]],
    ],
)
def test_what_is_no_outline_is_refused(polygon: list[list[float]]) -> None:
    with pytest.raises(InputError, match="list of \\(x, y\\) pairs"):
        in_polygon(np.zeros((3, 2), np.float32), polygon)


def test_maps_of_any_memory_layout_are_read_in_place() -> None:
    points, polygon = cloud(1_000, 3), star(9, 3)
    expected = in_polygon(points, polygon)
    frozen = points.copy()
    frozen.setflags(write=False)
    assert (in_polygon(frozen, polygon) == expected).all()
    assert (in_polygon(np.asfortranarray(points), polygon) == expected).all()
    assert (in_polygon(points.astype(np.float64), polygon) == expected).all()
    assert in_polygon(points[:0], polygon).shape == (0,)


def test_box_includes_its_border() -> None:
    points = np.array([[0, 0], [4, 4], [0, 4], [2, 2], [4.001, 2], [2, -0.001]], np.float32)
    assert in_box(points, 0, 4, 0, 4).tolist() == [True, True, True, True, False, False]


def test_box_of_the_bounds_selects_everything() -> None:
    points = cloud(1_000, 5)
    (x0, y0), (x1, y1) = points.min(0), points.max(0)
    assert in_box(points, x0, x1, y0, y1).all()
