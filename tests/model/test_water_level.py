"""A water level keeps the share it names, its regions part the land, and a point goes with its cell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path as Outline
from scipy import ndimage

from explorer.model.errors import InputError
from explorer.model.water_level import Density, density_of

CENTRES = np.array([[0, 0], [10, 0], [5, 8]], float)
SIZES = (3_000, 2_000, 1_000)
GROUP = np.repeat([0, 1, 2], SIZES)


@pytest.fixture(scope="module")
def islands() -> np.ndarray:
    """Three round islands of 3,000, 2,000 and 1,000 points far apart, and two points nowhere."""
    points = np.random.default_rng(0).normal(CENTRES[GROUP], 0.5).astype(np.float32)
    points[0], points[-1] = np.nan, np.inf
    return points


@pytest.fixture(scope="module")
def density(islands: np.ndarray) -> Density:
    return density_of(islands)


def test_counts_are_numpy_s_and_smoothing_loses_nothing(density: Density, islands: np.ndarray) -> None:
    finite = islands[np.isfinite(islands).all(1)].astype(float)
    height, width = density.counts.shape
    expected, _, _ = np.histogram2d(
        finite[:, 1],
        finite[:, 0],
        bins=(
            density.y0 + density.cell * np.arange(height + 1),
            density.x0 + density.cell * np.arange(width + 1),
        ),
    )
    assert density.counts.sum() == len(finite)
    # A point within rounding of a border between cells may fall on either side of it.
    assert np.abs(density.counts - expected).sum() <= 4
    assert density.smooth.sum() == pytest.approx(len(finite), rel=1e-3)
    rim = np.concatenate([density.smooth[[0, -1]].ravel(), density.smooth[:, [0, -1]].ravel()])
    assert not rim.any()


@given(st.floats(0, 1))
def test_a_level_leaves_the_share_it_names_above_it(density: Density, share: float) -> None:
    level, total = density.level(share), int(density.counts.sum())
    above = level.above()
    assert above.sum() == level.count
    assert level.count >= share * total - 1e-6
    if level.count:  # not one cell more than needed: without the lowest the share is missed
        higher = density.counts[density.smooth > level.least].sum()
        assert higher < share * total + 1e-6


@given(st.floats(0, 1), st.floats(0, 1))
def test_what_is_above_a_level_is_above_every_lower_one(density: Density, a: float, b: float) -> None:
    high, low = density.level(min(a, b)).above(), density.level(max(a, b)).above()
    assert not (high & ~low).any()


def test_the_ends_of_the_scale(density: Density, islands: np.ndarray) -> None:
    assert not density.level(0).above().any()
    assert density.level(0).outlines() == ()
    np.testing.assert_array_equal(density.level(1).above(), np.isfinite(islands).all(1))
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="share from 0 to 1"):
            density.level(share)


def test_a_region_is_the_rows_of_its_island(density: Density) -> None:
    level = density.level(0.95)
    above, covered = level.above(), np.zeros(len(GROUP), bool)
    for group, centre in enumerate(CENTRES):
        region = level.region(*centre)
        np.testing.assert_array_equal(region, above & (group == GROUP) & region)
        assert region.sum() > 0.85 * SIZES[group]
        covered |= region
    assert covered.sum() > 0.95 * above.sum()
    assert not level.region(5, 3).any()
    assert not level.region(1e6, -1e6).any()


@given(st.floats(0.05, 1))
def test_regions_part_the_land_and_hold_what_a_flood_fill_holds(density: Density, share: float) -> None:
    level = density.level(share)
    land = density.smooth >= level.least
    whole = np.zeros(len(GROUP), bool)
    for region in range(1, level.regions.max() + 1):
        row, column = np.argwhere(level.regions == region)[0]
        seed = np.zeros_like(land)
        seed[row, column] = True
        flooded = ndimage.binary_propagation(seed, mask=land)
        np.testing.assert_array_equal(flooded, level.regions == region)
        place = density.x0 + density.cell * (column + 0.5), density.y0 + density.cell * (row + 0.5)
        rows = level.region(*place)
        assert not (rows & whole).any()
        whole |= rows
    np.testing.assert_array_equal(whole, level.above())


def test_outlines_are_closed_and_run_around_the_land(density: Density) -> None:
    level = density.level(0.6)
    outlines = level.outlines()
    assert len(outlines) >= 2
    for line in outlines:
        np.testing.assert_array_equal(line[0], line[-1])
    height, width = density.smooth.shape
    across = density.x0 + density.cell * (np.arange(width) + 0.5)
    up = density.y0 + density.cell * (np.arange(height) + 0.5)
    centres = np.array(np.meshgrid(across, up)).reshape(2, -1).T
    inside = np.sum([Outline(line).contains_points(centres) for line in outlines], axis=0) % 2 == 1
    np.testing.assert_array_equal(inside.reshape(height, width), level.regions > 0)


@pytest.mark.parametrize(
    "points", [np.zeros((0, 2)), np.full((5, 2), np.nan), np.zeros((7, 2)), np.ones((1, 2))]
)
def test_maps_of_nothing_or_of_one_place_are_no_trouble(points: np.ndarray) -> None:
    embedding = points.astype(np.float32)
    level = density_of(embedding).level(0.5)
    above = level.above()
    assert above.shape == (len(embedding),)
    assert above.sum() == np.isfinite(embedding).all(1).sum()
    if above.any():
        np.testing.assert_array_equal(level.region(*embedding[0]), above)


def test_a_long_thin_map_has_few_cells_and_all_its_points() -> None:
    line = np.column_stack([np.linspace(0, 1e4, 4_000), np.zeros(4_000)]).astype(np.float32)
    density = density_of(line)
    assert density.counts.size < 512 * 512
    assert density.level(1).above().all()
