"""Where a map lies, with and without a few points far away."""

import numpy as np
import pytest

from explorer.model.extent import Extent
from explorer.model.projection import Viewport, bounds


def cloud(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32)


def test_a_map_without_outliers_is_shown_whole() -> None:
    embedding = cloud(50_000)
    extent = Extent.of(embedding)
    assert extent.whole == extent.core == bounds(embedding)
    assert extent.outside == 0
    assert extent.viewport(300, 200) == Viewport.around(embedding, 300, 200)


def test_a_dozen_points_far_away_do_not_shrink_the_others() -> None:
    embedding = cloud(100_000)
    inner = Viewport.around(embedding, 300, 200)
    embedding[::8_500] = [400, -300]
    extent = Extent.of(embedding)
    assert extent.outside == 12
    view = extent.viewport(300, 200)
    assert view.unit < 1.2 * inner.unit
    whole = extent.viewport(300, 200, everything=True)
    assert whole.x1 > 400
    assert whole.y0 < -300


def test_points_outside_are_those_beyond_the_core() -> None:
    embedding = cloud(20_000)
    embedding[:5], embedding[5] = [90, 0], np.nan
    extent = Extent.of(embedding)
    x0, x1, y0, y1 = extent.core
    x, y = embedding[np.isfinite(embedding).all(1)].T
    assert extent.outside == np.count_nonzero((x < x0) | (x > x1) | (y < y0) | (y > y1)) == 5


@pytest.mark.parametrize("far", [5.0, 8.0, 500.0])
def test_no_single_point_moves_the_bulk_that_shading_goes_by(far: float) -> None:
    embedding = cloud(20_000)
    bulk = Extent.of(embedding).bulk
    embedding[7] = [far, -far]
    assert Extent.of(embedding).bulk == pytest.approx(bulk, rel=0.05)
    low, high = np.reshape(bulk, (2, 2)).T
    assert 0.99 < ((embedding >= low) & (embedding <= high)).all(axis=1).mean() < 1


@pytest.mark.parametrize("n", [2, 50, 900])
def test_of_few_points_every_one_is_shown(n: int) -> None:
    embedding = cloud(n)
    embedding[0] = [1000, 1000]
    assert Extent.of(embedding).core == bounds(embedding)


def test_an_island_of_a_hundredth_is_no_outlier() -> None:
    embedding = cloud(50_000)
    embedding[:500] += 60
    assert Extent.of(embedding).outside == 0


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_nothing_and_a_single_spot_have_an_extent(value: float) -> None:
    extent = Extent.of(np.full((4, 2), value, np.float32))
    assert extent.core == extent.whole
    assert extent.core[0] < extent.core[1]
