"""A signed difference of densities in the colours of the page: as a small picture, and to lie over a map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.model import difference_pixels as model
from explorer.model.density_difference import Difference
from explorer.views import palette

STEPS = 255


def difference_picture(found: Difference, dark: bool) -> str:
    """The picture as the data URI of a PNG: see `difference_pixels`."""
    return model.picture(difference_pixels(found, dark))


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
    return model.difference_pixels(found, _steps(dark), palette.rgb(palette.tokens(dark).muted))


def difference_veil(found: Difference, dark: bool) -> NDArray[np.uint32]:
    """The colours alone, to lie over a map: `veil_pixels` as uint32 (rows, columns), row 0 at the bottom."""
    return np.ascontiguousarray(model.veil_pixels(found, _steps(dark))).view(np.uint32)[..., 0]


def ramp(dark: bool, n: int = 9) -> tuple[str, ...]:
    """The colours from lacking to abounding, evenly."""
    return palette.diverging(dark, np.linspace(-1, 1, n))


def _steps(dark: bool) -> NDArray[np.float64]:
    return np.array([palette.rgb(one) for one in ramp(dark, STEPS)])
