"""Colours that can be told apart and seen on their background."""

import itertools
from collections.abc import Sequence

import colorcet
import numpy as np
import pytest
from colorspacious import cspace_convert
from numpy.typing import NDArray

from explorer.model.projection import BENEATH
from explorer.views import palette

BLIND = ("deuteranomaly", "protanomaly", "tritanomaly")


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in palette.rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def seen(colours: Sequence[str], sight: str | None = None) -> NDArray[np.float64]:
    """Colours in CAM02-UCS, where 1 is just noticeable, as seen by Machado et al. (2009) at full severity."""
    shown = np.array([palette.rgb(colour) for colour in colours])
    if sight:
        space = {"name": "sRGB1+CVD", "cvd_type": sight, "severity": 100}
        shown = np.clip(cspace_convert(shown, space, "sRGB1"), 0, 1)
    return np.asarray(cspace_convert(shown, "sRGB1", "CAM02-UCS"))


def apart(ones: Sequence[str], others: Sequence[str], sight: str | None = None) -> NDArray[np.float64]:
    """Distances between colours, float (len(ones), len(others))."""
    return np.linalg.norm(seen(ones, sight)[:, None] - seen(others, sight), axis=-1)


def pairs(colours: Sequence[str], sight: str | None = None) -> NDArray[np.float64]:
    """Distance of each two colours."""
    return apart(colours, colours, sight)[np.triu_indices(len(colours), 1)]


@pytest.mark.parametrize("dark", [True, False])
def test_text_is_readable_on_every_surface(dark: bool) -> None:
    theme = palette.tokens(dark)
    for surface in (theme.page, theme.surface, theme.control):
        assert contrast(theme.text, surface) >= 7
        assert min(contrast(ink, surface) for ink in (theme.muted, theme.accent, theme.warn)) >= 4.5
    assert min(contrast(theme.bad, surface) for surface in (theme.page, theme.surface)) >= 4.5


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
    colours, theme = palette.categorical(8, dark), palette.tokens(dark)
    assert pairs(colours, sight).min() >= least
    assert apart(colours, (theme.noise, theme.missing), sight).min() >= (6 if sight else 19)


@pytest.mark.parametrize("dark", [True, False])
def test_forty_categories_are_apart_and_no_grey(dark: bool) -> None:
    """Of the 780 pairs some must come close to those who are colour-blind, but none falls together."""
    colours, theme = palette.categorical(40, dark), palette.tokens(dark)
    greys = (theme.noise, theme.missing, theme.other)
    assert pairs(colours).min() >= 11.5
    assert pairs(colours[:10]).min() >= 21
    assert min(contrast(colour, theme.page) for colour in colours) >= (4.5 if dark else 2.5)
    assert apart(colours, greys).min() >= 20
    assert pairs(greys).min() >= 10
    for sight in BLIND:
        assert pairs(colours, sight).min() >= 2
        assert (pairs(colours, sight) < 5).sum() <= 20
        assert apart(colours, greys, sight).min() >= 8
        assert pairs(greys, sight).min() >= 10


@pytest.mark.parametrize("dark", [True, False])
def test_forty_categories_are_the_first_of_glasbey_s_that_can_be_told(dark: bool) -> None:
    theme = palette.tokens(dark)
    glasbey = colorcet.glasbey_light if dark else colorcet.glasbey_dark
    greys = (theme.noise, theme.missing, theme.other)
    usable = np.array([contrast(colour, theme.page) for colour in glasbey]) >= (4.5 if dark else 2.5)
    usable &= apart(glasbey, greys).min(1) >= 20
    usable &= np.min([apart(glasbey, greys, sight).min(1) for sight in BLIND], axis=0) >= 8
    near = np.min([apart(glasbey, glasbey, sight) for sight in BLIND], axis=0) < 2
    chosen: list[int] = []
    for place in np.flatnonzero(usable):
        if not near[place, chosen].any():
            chosen.append(int(place))
    assert tuple(chosen[:40]) == (palette.ON_DARK if dark else palette.ON_LIGHT)


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


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("sight", BLIND)
def test_ramps_tell_more_from_less_for_every_kind_of_sight(dark: bool, sight: str) -> None:
    for ramp, strength in ((palette.density(dark), 60), (palette.sequential(dark), 55)):
        steps = np.diff(seen(ramp, sight)[:, 0]) * (1 if dark or ramp == palette.sequential(dark) else -1)
        assert steps.min() > -0.06, "no step back that could be seen"
        assert steps.sum() >= strength
        assert steps.max() < 1, "no band"
    lightness = seen(palette.diverging(dark, np.linspace(-1, 1, 41)), sight)[:, 0]
    away = np.diff(lightness[20:]), np.diff(lightness[20::-1])
    assert all((side > 0).all() if dark else (side < 0).all() for side in away)
    (ends,) = pairs(palette.diverging(dark, np.array([-1.0, 1.0])), sight)
    assert ends >= 40


def test_missing_values_lie_beneath_all_others() -> None:
    table = palette.lookup(("#ff0000", "#00ff00"), "#808080")
    assert table[:, 3].tolist() == [1, 1, np.float32(BENEATH)]
