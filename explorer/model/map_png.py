"""A map as a PNG of few colours on no ground: it lies on light and on dark paper alike, and is small.

How many points share a pixel is told by opacity, in a few steps: a pixel is one byte or less, and a million
points make a few hundred kilobytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import grey_dilation

from explorer.model.pictures import png_uri
from explorer.model.projection import Viewport, count

COLOURS = (
    "#4a8fd6", "#e5823a", "#3ca56c", "#d9596b", "#9679d6", "#a98a4c",
    "#d877b4", "#2fa5a8", "#b3a12b", "#c065d8", "#76a63a", "#e0a035",
)  # fmt: skip
"""Of categories, in turn: all seen on white and on black."""
GREY = "#828c9a"
STEPS = 4
LARGEST = 4
FILLED = 0.25
"""Of the side of the ground that a point has, how far it is drawn around its pixel."""


@dataclass(frozen=True, eq=False)
class Layer:
    """Points as pixels.

    Attributes
    ----------
    ink : uint8 (height, width)
        0 where there is none, else 1 + STEPS × code + step; row 0 is the bottom of the map.
    colours : tuple of str
        CSS hex by code.
    faintest, strongest : float
        Opacity of a lone point where others share pixels, and of the fullest pixels.
    """

    ink: NDArray[np.uint8]
    colours: tuple[str, ...]
    faintest: float
    strongest: float


def layer(
    points: NDArray[np.float32],
    viewport: Viewport,
    colours: tuple[str, ...],
    codes: NDArray[np.int32] | None = None,
    *,
    faintest: float = 0.5,
    strongest: float = 1.0,
    radius: int = 0,
) -> Layer:
    """Draw points.

    Parameters
    ----------
    points : float32 (m, 2)
        Map coordinates.
    viewport : Viewport
    colours : tuple of str
        CSS hex by code, 60 at most.
    codes : int32 (m,), optional
        Of each point, 0 and up; by default 0. Of a pixel's points the first gives it its colour.
    faintest, strongest : float
        See `Layer`.
    radius : int, default 0
        Pixels that a point reaches beyond its own.
    """
    drawn = count(points, viewport)
    full = drawn.counts > 0
    ink = np.zeros(full.shape, np.uint8)
    if not full.any():
        return Layer(ink, colours, faintest, strongest)
    amount = np.log1p(drawn.counts[full])
    most = max(float(np.quantile(amount, 0.99)), np.log(2.0))
    step = np.clip(np.floor(amount / most * STEPS), 0, STEPS - 1).astype(np.uint8)
    code = np.zeros(len(step), np.uint8) if codes is None else codes[drawn.first[full]].astype(np.uint8)
    ink[full] = 1 + STEPS * code + step
    if radius:
        reach = np.arange(-radius, radius + 1)
        disc = reach[:, None] ** 2 + reach**2 <= radius * (radius + 0.5)
        # A pixel that has points of its own keeps their colour.
        ink = np.where(full, ink, grey_dilation(ink, footprint=disc))
    return Layer(ink, colours, faintest, strongest)


def radius_of(n: int, viewport: Viewport) -> int:
    """How far n points are to reach beyond their pixels: few are to be seen, many not to run together.

    >>> [radius_of(n, Viewport(0, 1, 0, 1, 1400, 900)) for n in (100, 4_000, 70_000, 1_000_000)]
    [4, 3, 1, 0]
    """
    side = np.sqrt(viewport.width * viewport.height / np.pi / max(n, 1))
    return int(np.clip(round(FILLED * side), 0, LARGEST))


def uri(layers: Sequence[Layer]) -> str:
    """Layers, the lowest first, as the data URI of a PNG with a palette; 63 colours in all at most."""
    ink = np.zeros_like(layers[0].ink)
    palette, opacity = [0, 0, 0], [0]
    for one in layers:
        ink = np.where(one.ink > 0, one.ink + np.uint8(len(opacity) - 1), ink)
        steps = np.linspace(one.faintest, one.strongest, STEPS)
        for colour in one.colours:
            palette += STEPS * [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
            opacity += [round(255 * step) for step in steps]
    image = Image.fromarray(np.ascontiguousarray(ink[::-1]))
    image.putpalette(palette)
    return png_uri(image, transparency=bytes(opacity), optimize=True)
