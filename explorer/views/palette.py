"""Colours: the page's tokens, categories, numbers and the three greys.

A category keeps its colour whatever is in view, and the greys of noise, missing and other stay three.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from bokeh.palettes import Viridis256
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
    context="#8a94a3",
)
LIGHT = Tokens(
    page="#fbfcfd",
    surface="#f2f4f7",
    line="#d9dee5",
    control="#e6eaf0",
    text="#1b212a",
    muted="#5b6573",
    accent="#1f6fe0",
    warn="#a85d00",
    bad="#c4322f",
    good="#1f8a3b",
    noise="#c3c9d1",
    missing="#a3abb6",
    other="#7d8693",
    context="#7d8693",
)

MOST_COLOURS = 40
"""Categories that have a colour of their own; the rest are "other"."""

# Okabe & Ito (2008), black replaced by a light or dark grey-blue that shows on the background. No two of the
# eight come nearer than 12 (CAM02-UCS) to those who do not see red or green, 20 to others.
OKABE_ITO = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#f0e442", "#0072b2")

# Glasbey et al. (2007), 40 colours made once by glasbey 0.4.0, which needs seconds: lightness 58 to 86 and
# chroma 34 to 75 (CAM02-UCS) on the dark page, 30 to 62 and 34 to 80 on the light one: none sinks.
GLASBEY_ON_DARK = (
    "#ff7514", "#ef65f7", "#5dbe28", "#31b2ff", "#00ebce", "#ffdb55", "#ffa6a2", "#cebeff",
    "#9efb9a", "#b2a659", "#aae3ff", "#71b68e", "#ff65ae", "#ffb275", "#00beca", "#b6d200",
    "#be8aff", "#ffaaf7", "#fb716d", "#00ce75", "#92a2fb", "#e79a00", "#ceca79", "#ca8ec2",
    "#0cdbff", "#a2f3d7", "#db8e69", "#a2ae04", "#82bad7", "#dbba00", "#8eba65", "#75fbff",
    "#2dffb6", "#71e351", "#82d2d2", "#00c6aa", "#9ad7a2", "#df86a2", "#a6c6ff", "#d2ef71",
)  # fmt: skip
GLASBEY_ON_LIGHT = (
    "#ce351c", "#0069f7", "#009600", "#ef55f7", "#14bec2", "#cea600", "#794d86", "#75590c",
    "#007165", "#e78e96", "#9eaadf", "#db288e", "#9ab671", "#ae55ff", "#ff6d14", "#5d92ae",
    "#b67110", "#8e494d", "#b2719a", "#1c9a71", "#be1cca", "#8a8a14", "#3d6d35", "#35b6ff",
    "#555d9a", "#69c208", "#fb4969", "#7545ff", "#ff69ba", "#8a79b2", "#964100", "#ae0441",
    "#00ca96", "#8e00d7", "#be6959", "#7986ff", "#ca92ff", "#9e2479", "#db9a61", "#086d8e",
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
    glasbey = GLASBEY_ON_DARK if dark else GLASBEY_ON_LIGHT
    return (*glasbey[:n], *[theme.other] * (n - MOST_COLOURS))


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
