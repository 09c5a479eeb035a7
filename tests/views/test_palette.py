"""Colours that can be told apart and seen on their background."""

import itertools

import numpy as np
import pytest
from colorspacious import cspace_convert

from explorer.model.projection import BENEATH
from explorer.views import palette


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in palette.rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [True, False])
def test_text_is_readable_on_every_surface(dark: bool) -> None:
    theme = palette.tokens(dark)
    for surface in (theme.page, theme.surface, theme.control):
        assert contrast(theme.text, surface) >= 7
        assert contrast(theme.muted, surface) >= 4.5


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("n", [2, 8, 10, 40])
def test_categories_differ_and_show_on_the_page(dark: bool, n: int) -> None:
    colours = palette.categorical(n, dark)
    assert len(set(colours)) == n
    page = palette.tokens(dark).page
    # Yellow is faint on the light page, and comes last of eight.
    assert all(contrast(colour, page) >= (3.5 if dark else 2) for colour in colours[:7] + colours[8:])
    assert all(contrast(colour, page) >= (3.5 if dark else 1.25) for colour in colours)


def test_beyond_forty_all_the_rest_is_the_grey_of_other() -> None:
    colours = palette.categorical(60, True)
    assert set(colours[40:]) == {palette.DARK.other}
    assert palette.DARK.other not in colours[:40]


@pytest.mark.parametrize("dark", [True, False])
def test_noise_missing_and_other_are_three_greys(dark: bool) -> None:
    theme = palette.tokens(dark)
    greys = (theme.noise, theme.missing, theme.other)
    assert all(max(palette.rgb(grey)) - min(palette.rgb(grey)) < 0.12 for grey in greys)
    assert all(contrast(a, b) >= 1.2 for a, b in itertools.combinations(greys, 2))


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize(
    ("sight", "least"), [(None, 20), ("deuteranomaly", 12), ("protanomaly", 12), ("tritanomaly", 10)]
)
def test_eight_categories_are_apart_for_every_kind_of_sight(
    dark: bool, sight: str | None, least: float
) -> None:
    """Machado et al. (2009) at full severity; distances in CAM02-UCS, where 1 is just noticeable."""
    seen = np.array([palette.rgb(colour) for colour in palette.categorical(8, dark)])
    if sight:
        space = {"name": "sRGB1+CVD", "cvd_type": sight, "severity": 100}
        seen = np.clip(cspace_convert(seen, space, "sRGB1"), 0, 1)
    places = cspace_convert(seen, "sRGB1", "CAM02-UCS")
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(places, 2)) >= least


@pytest.mark.parametrize("dark", [True, False])
def test_a_diverging_scale_is_grey_in_the_middle_and_as_strong_on_both_sides(dark: bool) -> None:
    below, centre, above = (palette.rgb(c) for c in palette.diverging(dark, np.array([-1.0, 0.0, 1.0])))
    assert max(centre) - min(centre) < 0.12
    assert below[2] > below[0]
    assert above[0] > above[2]
    page = palette.tokens(dark).page
    strengths = [contrast(c, page) for c in palette.diverging(dark, np.linspace(-1, 1, 41))]
    assert min(strengths) >= 1.6
    assert max(strengths[0], strengths[-1]) / min(strengths[0], strengths[-1]) < 1.4


@pytest.mark.parametrize("dark", [True, False])
def test_ramps_move_steadily_away_from_the_page(dark: bool) -> None:
    for ramp in (palette.density(dark), palette.sequential(dark)):
        light = [luminance(colour) for colour in ramp]
        steps = [b - a for a, b in itertools.pairwise(light)]
        assert all(step >= -1e-3 for step in steps) or all(step <= 1e-3 for step in steps)
        assert len(ramp) == 256
    assert contrast(palette.density(dark)[-1], palette.tokens(dark).page) > 8


def test_missing_values_lie_beneath_all_others() -> None:
    table = palette.lookup(("#ff0000", "#00ff00"), "#808080")
    assert table[:, 3].tolist() == [1, 1, np.float32(BENEATH)]
