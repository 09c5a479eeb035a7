"""Small pictures as data URIs: of an item whose vector is an image, of the bytes of one in a column.

Bytes are decoded here and encoded anew as a small PNG, so that no byte of a file reaches a browser.
"""

from __future__ import annotations

import base64
import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from explorer.model.errors import InputError
from explorer.model.media import image_type

MOST_IMAGE_BYTES, MOST_PIXELS = 32 * 2**20, 50_000_000


def item_picture(vector: NDArray[np.float32], side: int) -> str:
    """A vector that is a square grey image as a PNG data URI, its largest value white."""
    peak = max(float(np.max(vector)), 1e-9)
    pixels = np.clip(vector * (255 / peak), 0, 255).astype(np.uint8).reshape(side, side)
    return png_uri(Image.fromarray(pixels, "L"))


def png_uri(image: Image.Image, **options: Any) -> str:
    """A picture as the data URI of a PNG; options are those of Pillow's writer."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return data_uri("image/png", buffer.getvalue())


def data_uri(kind: str, content: bytes) -> str:
    """Bytes of a media type as a data URI."""
    return f"data:{kind};base64," + base64.b64encode(content).decode()


def picture(content: bytes, side: int) -> str:
    """Bytes of a PNG, JPEG, WebP or GIF as the data URI of a small PNG made anew.

    Raises
    ------
    InputError
        If they are none of these, damaged, or larger than 32 MB or 50 million pixels.
    """
    kind = image_type(content)
    if not kind:
        raise InputError("These bytes are no PNG, JPEG, WebP or GIF.")
    if len(content) > MOST_IMAGE_BYTES:
        raise InputError(f"The picture is larger than {MOST_IMAGE_BYTES // 2**20} MB.")
    try:
        with Image.open(io.BytesIO(content), formats=(kind,)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise InputError(f"The picture has more than {MOST_PIXELS:,} pixels.")
            image.draft("RGB", (2 * side, 2 * side))
            # Pixels alone are taken over: no text, no profile, no animation.
            small = ImageOps.exif_transpose(image).convert("RGBA")
            small.thumbnail((side, side))
    except InputError:
        raise
    # A damaged file raises what its decoder happens to meet.
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        KeyError,
        IndexError,
        EOFError,
        struct.error,
    ) as error:
        raise InputError("The picture is damaged.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"The picture has more than {MOST_PIXELS:,} pixels.") from error
    return png_uri(Image.frombytes("RGBA", small.size, small.tobytes()))
