"""What a picture of a map must hold, whatever its colours."""

import numpy as np
import pytest

from explorer.model.projection import Viewport, count
from explorer.views import palette
from explorer.views.shading import Colouring, Style, density_colouring, draw, shade

RED, BLUE = "#ff0000", "#0000ff"


@pytest.fixture
def two_islands() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(-3, 0.4, (4000, 2)), rng.normal(3, 0.4, (4000, 2))]).astype(
        np.float32
    )
    return points, np.repeat(np.int32([0, 1]), 4000)


def channels(image: np.ndarray) -> np.ndarray:
    return image.view(np.uint8).reshape(*image.shape, 4).astype(int)


def halves(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pixels = channels(image)
    left, right = pixels[: len(pixels) // 2], pixels[len(pixels) // 2 :]
    return left[left[..., 3] > 0], right[right[..., 3] > 0]


def test_each_island_has_its_category_s_colour(two_islands: tuple[np.ndarray, np.ndarray]) -> None:
    points, codes = two_islands
    colouring = Colouring(codes, palette.lookup((RED, BLUE), "#808080"))
    low, high = halves(shade(points, Viewport.around(points, 200, 160), colouring))
    assert (low[:, 0] > 4 * low[:, 2]).all()
    assert (high[:, 2] > 4 * high[:, 0]).all()


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize(("every", "width"), [(1, 200), (100, 200), (1, 20)])
def test_a_selection_keeps_its_colour_and_the_rest_dims_but_stays(
    two_islands: tuple[np.ndarray, np.ndarray], dark: bool, every: int, width: int
) -> None:
    points, codes = (of[::every] for of in two_islands)
    colouring = Colouring(codes, palette.lookup((RED, BLUE), "#808080"))
    viewport = Viewport.around(points, width, width * 4 // 5)
    whole, chosen = (
        shade(points, viewport, colouring, mask, Style(dark)) for mask in (np.zeros(0, bool), codes == 0)
    )
    (low, high), (low_chosen, high_chosen) = halves(whole), halves(chosen)
    np.testing.assert_array_equal(low, low_chosen)
    assert len(high) == len(high_chosen)
    opacity = high_chosen[:, 3:] / 255
    assert 0.1 <= opacity.min() <= opacity.max() <= 0.2
    saturation = np.ptp(high_chosen[:, :3], axis=1)
    assert saturation.max() < 0.5 * np.ptp(high[:, :3], axis=1).max()
    page = 255 * np.array(palette.rgb(palette.tokens(dark).page))
    assert (np.abs(opacity * (high_chosen[:, :3] - page)).max(axis=1) >= 16).all(), "it is still seen"
    order = np.argsort(high[:, 3], kind="stable")
    assert (np.diff(opacity[order, 0]) >= 0).all(), "its density is still read"
    assert opacity.max() > opacity.min()


def test_missing_values_show_only_where_nothing_else_lies() -> None:
    spot = np.zeros((101, 2), np.float32)
    spot[100] = 5
    codes = np.full(101, -1, np.int32)
    codes[50] = 0
    image = channels(
        shade(spot, Viewport(-1, 9, -1, 9, 50, 50), Colouring(codes, palette.lookup((RED,), "#808080")))
    )
    drawn = image[image[..., 3] > 0]
    assert (drawn[:, 0] > 200).any(), "one red item outshines a hundred missing ones"
    assert (drawn[:, 0] < 160).any(), "an item without a value is still drawn"


def test_a_fixed_span_gives_a_pixel_the_same_colour_whatever_else_is_in_view() -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 10, (50_000, 2)).astype(np.float32)
    narrow, wide = Viewport(0, 5, 0, 5, 50, 50), Viewport(0, 10, 0, 10, 100, 100)
    part, whole = (shade(points, view, density_colouring(True)) for view in (narrow, wide))
    np.testing.assert_array_equal(part, whole[:50, :50])


def test_density_runs_from_the_ramp_s_first_colour_to_its_last() -> None:
    rng = np.random.default_rng(2)
    points = rng.normal(size=(100_000, 2)).astype(np.float32)
    for fixed in (True, False):
        image = shade(
            points, Viewport.around(points, 120, 100), density_colouring(True), style=Style(True, fixed)
        )
        light = channels(image)[..., :3].sum(-1)[image != 0]
        assert light.max() > 2 * light.min()


@pytest.mark.parametrize("dark", [True, False])
def test_density_goes_by_the_count_s_logarithm_with_a_fixed_span_and_by_its_rank_without(dark: bool) -> None:
    points = np.random.default_rng(4).standard_t(3, size=(100_000, 2)).astype(np.float32)
    view, bulk = Viewport(-1.5, 1.5, -1.2, 1.2, 50, 40), (-2.0, 2.0, -2.0, 2.0)
    ramp = np.array([palette.rgb(colour) for colour in palette.density(dark)]).sum(1)
    counts = count(points, view).counts
    for fixed in (True, False):
        drawn = draw(points, view, density_colouring(dark), style=Style(dark, fixed), box=bulk)
        light = channels(drawn.image)[..., :3].sum(-1) / 255
        place = np.abs(light[..., None] - ramp).argmin(-1) / 255
        log = np.log(counts) / np.log(drawn.most)
        rank = np.searchsorted(np.sort(counts, axis=None), counts, side="right") / counts.size
        np.testing.assert_allclose(place, log if fixed else rank, atol=0.02)


def test_no_points_and_points_that_are_not_finite_draw_nothing() -> None:
    nothing = np.full((5, 2), np.nan, np.float32)
    assert not shade(nothing, Viewport.around(nothing, 40, 30), density_colouring(False)).any()


def test_few_points_are_drawn_as_dots_larger_than_a_pixel() -> None:
    points = np.array([[0, 0], [5, 5], [9, 1]], np.float32)
    image = shade(points, Viewport(-1, 10, -1, 10, 200, 200), density_colouring(True))
    assert np.count_nonzero(image) > 9 * len(points)


@pytest.mark.parametrize("fixed", [True, False])
def test_density_says_how_many_points_its_last_colour_stands_for(fixed: bool) -> None:
    points = np.random.default_rng(3).normal(size=(200_000, 2)).astype(np.float32)
    points[::2] *= 0.05
    view = Viewport.around(points, 100, 80)
    colouring = Colouring(np.zeros(len(points), np.int32), palette.lookup((RED,), "#808080"))
    drawn = draw(points, view, density_colouring(True), style=Style(True, fixed))
    counts = count(points, view).counts
    if fixed:
        assert len(np.unique(drawn.image[counts >= drawn.most])) == 1, "nothing is brighter than many"
    else:
        assert drawn.most == counts.max()
    assert draw(points, view, colouring).most == 0, "of categories, colours tell no number"
    assert draw(points[:50], view, density_colouring(True)).most == 0, "dots are items, not densities"
