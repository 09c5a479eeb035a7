"""A signed difference of densities as pixels, one a cell: what is significant in colour, all else in grey.

Or all else left out, to lie over a map that is drawn already.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import zoom

from explorer.model.density_difference import Difference
from explorer.model.pictures import png_uri

FAINTEST = 0.4
"""How far from grey the least significant difference is."""
GREY, HALO = 0.6, 0.4
"""How opaque the fullest cell without a difference is, and at most a cell without points with one."""
FAINT, FULL = 0.3, 0.62
"""How opaque the least and the largest difference over a map is: the points beneath are seen."""
SHARP = 3
"""Pixels of a picture that a cell is wide."""


def difference_pixels(
    found: Difference, ramp: NDArray[np.float64], grey: tuple[float, float, float]
) -> NDArray[np.uint8]:
    """The map with colours where the batch is significantly lacking or abounds: pure.

    Parameters
    ----------
    found : Difference
    ramp : float64 (k, 3)
        Red, green and blue, 0 to 1: from lacking to abounding, evenly; k is odd.
    grey : tuple of float
        The same of what does not differ beyond chance.

    Returns
    -------
    uint8 (height, width, 4)
        Red, green, blue, opacity; row 0 at the bottom.
    """
    pixels, same = np.empty((*found.marked.shape, 4)), found.marked == 0
    pixels[..., :3] = np.where(same[..., None], grey, _tint(found.marked, found.contrast, ramp))
    points, around = _shown(found.batch + found.reference), _shown(found.density)
    full = np.where(points > 0, 0.3 + 0.7 * points, 0.0)
    halo = HALO * np.minimum(1, 4 * around)
    pixels[..., 3] = np.where(same, GREY * full, np.maximum(0.3 * (points > 0) + 0.7 * full, halo))
    return np.asarray(np.rint(pixels * 255), np.uint8)


def veil_pixels(found: Difference, ramp: NDArray[np.float64]) -> NDArray[np.uint8]:
    """What differs significantly alone, seen through: as `difference_pixels`, without what is grey.

    Nobody is to take a cell for an item when the map is seen from near: between the middles of cells colours
    run into one another, and the border of what is significant is straight.

    Returns
    -------
    uint8 (SHARP × height, SHARP × width, 4)
        The pixel in the middle of a cell is as the cell.
    """
    marked, contrast, around = (
        zoom(np.asarray(one, np.float64), SHARP, order=1, mode="nearest", grid_mode=True)
        for one in (found.marked, found.contrast, _shown(found.density))
    )
    sign = np.where(np.abs(marked) >= 0.5, np.sign(marked), 0)
    pixels = np.empty((*sign.shape, 4))
    pixels[..., :3] = _tint(sign, contrast, ramp)
    opacity = (FAINT + (FULL - FAINT) * np.abs(contrast)) * np.minimum(1, 2 * around)
    pixels[..., 3] = np.where(sign == 0, 0.0, opacity)
    return np.asarray(np.rint(pixels * 255), np.uint8)


def picture(pixels: NDArray[np.uint8]) -> str:
    """Pixels, (height, width, 4), row 0 at the bottom, as the data URI of a PNG."""
    image = Image.fromarray(np.ascontiguousarray(pixels[::-1]), "RGBA")
    return png_uri(image.resize((image.width * SHARP, image.height * SHARP), Image.Resampling.NEAREST))


def _tint(
    sign: NDArray[Any], contrast: NDArray[np.float64], ramp: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The colour of each cell, float64 (height, width, 3)."""
    strength = np.sign(sign) * (FAINTEST + (1 - FAINTEST) * np.abs(contrast))
    middle = (len(ramp) - 1) // 2
    return np.asarray(ramp[np.rint((np.clip(strength, -1, 1) + 1) * middle).astype(int)])


def _shown(counts: NDArray[np.generic]) -> NDArray[np.float64]:
    """Counts from 0 to 1, by their logarithm."""
    logarithms = np.log1p(counts.astype(np.float64))
    return logarithms / max(float(logarithms.max()), 1e-9)
