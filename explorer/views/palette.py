"""Colours: the page's tokens, categories, numbers and the three greys.

A category keeps its colour whatever is in view, and the greys of noise, missing and other stay three.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from bokeh.palettes import Colorblind8, Viridis256
from numpy.typing import NDArray

from explorer.model.projection import BENEATH


@dataclass(frozen=True)
class Tokens:
    """Colours of one theme's surfaces and text, as CSS hex."""

    page: str
    surface: str
    line: str
    control: str
    text: str
    muted: str
    accent: str
    warn: str
    bad: str
    good: str
    noise: str
    missing: str
    other: str
    context: str


DARK = Tokens(
    page="#0f1216",
    surface="#171b21",
    line="#262c35",
    control="#232a33",
    text="#d7dde5",
    muted="#8a94a3",
    accent="#5b9dff",
    warn="#f1a340",
    bad="#e15759",
    good="#59c26a",
    noise="#4b525d",
    missing="#6d7683",
    other="#949dab",
    context="#c4ccd8",
)
LIGHT = Tokens(
    page="#fbfcfd",
    surface="#f2f4f7",
    line="#d9dee5",
    control="#e6eaf0",
    text="#1b212a",
    muted="#5b6573",
    accent="#155abf",
    warn="#965200",
    bad="#c4322f",
    good="#1f8a3b",
    noise="#c3c9d1",
    missing="#a3abb6",
    other="#7d8693",
    context="#3f4957",
)

MOST_COLOURS = 40
"""Categories that have a colour of their own; the rest are "other"."""

# Okabe & Ito (2008), black replaced by a light or dark grey-blue that shows on the background. No two of the
# eight come nearer than 12 (CAM02-UCS) to those who do not see red or green, 20 to others.
OKABE_ITO = tuple(Colorblind8[place].lower() for place in (4, 1, 3, 6, 5, 2, 0))

# Glasbey et al. (2007): places in colorcet's colours for a dark and for a light page, of the first 40 in its
# order with contrast 4.5 to the dark page or 2.5 to the light one, 20 (CAM02-UCS) from each grey, and as seen
# by the colour-blind 8 from each grey and 2 from all before.
ON_DARK = (
    4, 5, 6, 8, 9, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 28, 29, 31, 34,
    35, 38, 39, 40, 43, 46, 52, 53, 54, 55, 56, 57, 59, 65, 67, 68, 69, 73, 74, 76,
)  # fmt: skip
ON_LIGHT = (
    0, 1, 2, 3, 6, 7, 8, 10, 11, 13, 14, 16, 18, 19, 21, 24, 26, 28, 29, 32,
    33, 34, 35, 36, 42, 44, 45, 48, 53, 60, 61, 63, 65, 66, 67, 68, 69, 71, 72, 73,
)  # fmt: skip


def tokens(dark: bool) -> Tokens:
    """The tokens of the dark or the light theme."""
    return DARK if dark else LIGHT


def categorical(n: int, dark: bool) -> tuple[str, ...]:
    """Colours of the first n categories: Okabe-Ito up to 8, Glasbey up to 40, then the grey of "other".

    Parameters
    ----------
    n : int
        Number of categories, in the order in which they are ranked.
    dark : bool
        Light colours for the dark theme, dark ones for the light theme.
    """
    theme = tokens(dark)
    if n <= 8:
        # Yellow is faint on the light page: it comes last there.
        ours = (*OKABE_ITO, "#c8d0ff") if dark else (*OKABE_ITO[:5], "#0072b2", "#3a3f55", "#f0e442")
        return ours[:n]
    from colorcet import glasbey_dark, glasbey_light  # a tenth of a second, which no start should wait for

    glasbey, places = (glasbey_light, ON_DARK) if dark else (glasbey_dark, ON_LIGHT)
    return (*(glasbey[place] for place in places[:n]), *[theme.other] * (n - MOST_COLOURS))


def sequential(dark: bool, n: int = 256) -> tuple[str, ...]:
    """Viridis as n colours, trimmed of the end that would sink into the background."""
    kept = Viridis256[40:] if dark else Viridis256[:220]
    return tuple(kept[int(i)] for i in np.linspace(0, len(kept) - 1, n))


def diverging(dark: bool, at: NDArray[np.float64]) -> tuple[str, ...]:
    """Blue below a centre, orange above it, both fading into a grey between: apart for every kind of sight.

    Parameters
    ----------
    dark : bool
        Ends are light on the dark page, dark on the light one.
    at : float (n,)
        Where to take colours, -1 to 1; 0 is the centre.
    """
    stops = (
        ("#6fc3ff", "#2f7fc4", "#5a626d", "#b8731c", "#ffc266")
        if dark
        else ("#063f7d", "#3f8fd0", "#b9bfc8", "#d08a2e", "#7a3a00")
    )
    return _blended(stops, (np.asarray(at) + 1) / 2)


def density(dark: bool) -> tuple[str, ...]:
    """256 colours from few points to many: towards light on dark, towards dark on light."""
    stops = (
        ("#27405f", "#3a78c9", "#7fb4ff", "#f4f8ff") if dark else ("#a9c1e2", "#4f8bd8", "#1d4f9e", "#0a1a38")
    )
    return _blended(stops, np.linspace(0, 1, 256))


def _blended(stops: tuple[str, ...], at: NDArray[np.float64]) -> tuple[str, ...]:
    # Colours at places from 0 to 1 along evenly spaced stops.
    ramp = np.array([rgb(stop) for stop in stops])
    channels = [np.interp(at * (len(stops) - 1), range(len(stops)), ramp[:, c]) for c in range(3)]
    return tuple(
        "#" + "".join(f"{round(255 * v):02x}" for v in colour) for colour in zip(*channels, strict=True)
    )


def lookup(colours: tuple[str, ...], missing: str) -> NDArray[np.float32]:
    """Colours as the table `projection.rasterize` takes, the last row for missing values.

    Parameters
    ----------
    colours : tuple of str
        CSS hex colours by code.
    missing : str
        Colour of code -1; drawn beneath everything else.

    Returns
    -------
    float32 (len(colours) + 1, 4)
    """
    table = np.ones((len(colours) + 1, 4), np.float32)
    table[:, :3] = [rgb(colour) for colour in (*colours, missing)]
    table[-1, 3] = BENEATH
    return table


def rgb(colour: str) -> tuple[float, float, float]:
    """Red, green and blue from 0 to 1 of a CSS hex colour.

    >>> rgb("#ff0080")
    (1.0, 0.0, 0.5019607843137255)
    """
    return int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255
