"""A signed difference of densities as a small picture: what is significant in colour, all else in grey."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.model.density_difference import Difference
from explorer.model.pictures import png_uri
from explorer.views import palette

FAINTEST = 0.4
"""How far from grey the least significant difference is."""
GREY, HALO = 0.6, 0.4
"""How opaque the fullest cell without a difference is, and at most a cell without points with one."""
SHARP = 3
"""Pixels of a cell."""


def difference_picture(found: Difference, dark: bool) -> str:
    """The picture as the data URI of a PNG: see `difference_pixels`."""
    pixels = difference_pixels(found, dark)[::-1]
    image = Image.fromarray(np.ascontiguousarray(pixels), "RGBA")
    return png_uri(image.resize((image.width * SHARP, image.height * SHARP), Image.Resampling.NEAREST))


def difference_pixels(found: Difference, dark: bool) -> NDArray[np.uint8]:
    """Blue where the batch is significantly lacking, orange where it abounds, grey elsewhere: pure.

    Parameters
    ----------
    found : Difference
    dark : bool
        The theme.

    Returns
    -------
    uint8 (height, width, 4)
        Red, green, blue, opacity; row 0 at the bottom.
    """
    strength = np.sign(found.marked) * (FAINTEST + (1 - FAINTEST) * np.abs(found.contrast))
    steps = np.array([palette.rgb(colour) for colour in palette.diverging(dark, np.linspace(-1, 1, 255))])
    picture = np.empty((*found.marked.shape, 4))
    picture[..., :3] = steps[np.rint((np.clip(strength, -1, 1) + 1) * 127).astype(int)]
    grey = found.marked == 0
    picture[grey, :3] = palette.rgb(palette.tokens(dark).muted)
    points, around = _shown(found.batch + found.reference), _shown(found.density)
    full = np.where(points > 0, 0.3 + 0.7 * points, 0.0)
    picture[..., 3] = np.where(
        grey, GREY * full, np.maximum(0.3 * (points > 0) + 0.7 * full, HALO * np.minimum(1, 4 * around))
    )
    return np.asarray(np.rint(picture * 255), np.uint8)


def _shown(counts: NDArray[np.generic]) -> NDArray[np.float64]:
    """Counts from 0 to 1, by their logarithm."""
    logarithms = np.log1p(counts.astype(np.float64))
    return logarithms / max(float(logarithms.max()), 1e-9)


def ramp(dark: bool) -> str:
    """The colours from lacking to abounding, as a CSS gradient."""
    return f"linear-gradient(90deg, {', '.join(palette.diverging(dark, np.linspace(-1, 1, 9)))})"
