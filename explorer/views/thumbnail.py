"""A small picture of a map, for its run's card."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.model.pictures import png_uri
from explorer.model.projection import Viewport
from explorer.views.shading import Colouring, Style, shade

CARD = (144, 112)


def map_picture(embedding: NDArray[np.float32], colouring: Colouring, dark: bool) -> str:
    """A map as a PNG data URI, at twice the size of a card's picture for sharp screens."""
    viewport = Viewport.around(embedding, *CARD)
    pixels = shade(embedding, viewport, colouring, style=Style(dark, fixed_span=True))
    return png_uri(Image.fromarray(pixels[::-1].copy().view(np.uint8).reshape(CARD[1], CARD[0], 4), "RGBA"))
