"""Small pictures: of a map for its run's card, of an item whose vector is an image."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.model.projection import Viewport
from explorer.views.shading import Colouring, Style, shade

CARD = (144, 112)


def map_picture(embedding: NDArray[np.float32], colouring: Colouring, dark: bool) -> str:
    """A map as a PNG data URI, at twice the size of a card's picture for sharp screens."""
    viewport = Viewport.around(embedding, *CARD)
    pixels = shade(embedding, viewport, colouring, style=Style(dark, fixed_span=True))
    return png_uri(Image.fromarray(pixels[::-1].copy().view(np.uint8).reshape(CARD[1], CARD[0], 4), "RGBA"))


def item_picture(vector: NDArray[np.float32], side: int) -> str:
    """A vector that is a square grey image as a PNG data URI, its largest value white."""
    peak = max(float(np.max(vector)), 1e-9)
    pixels = np.clip(vector * (255 / peak), 0, 255).astype(np.uint8).reshape(side, side)
    return png_uri(Image.fromarray(pixels, "L"))


def png_uri(image: Image.Image) -> str:
    """A picture as the data URI of a PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return data_uri("image/png", buffer.getvalue())


def data_uri(kind: str, content: bytes) -> str:
    """Bytes of a media type as a data URI."""
    return f"data:{kind};base64," + base64.b64encode(content).decode()
