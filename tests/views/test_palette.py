"""Colours that can be told apart and seen on their background."""

import itertools

import pytest

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
    assert all(contrast(colour, page) >= (2.5 if dark else 1.2) for colour in colours)


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
def test_ramps_move_steadily_away_from_the_page(dark: bool) -> None:
    for ramp in (palette.density(dark), palette.sequential(dark)):
        light = [luminance(colour) for colour in ramp]
        steps = [b - a for a, b in itertools.pairwise(light)]
        assert all(step >= -1e-3 for step in steps) or all(step <= 1e-3 for step in steps)
        assert len(ramp) == 256
    assert contrast(palette.density(dark)[-1], palette.tokens(dark).page) > 8


def test_hidden_categories_are_drawn_as_missing_ones() -> None:
    table = palette.lookup(("#ff0000", "#00ff00"), "#808080", hidden=frozenset({1}))
    assert table[0, 3] == 1
    assert table[1].tolist() == table[2].tolist()
