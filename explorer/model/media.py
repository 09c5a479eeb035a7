"""What a column holds beside text: pictures and sound, as bytes or named by a path, and links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import urlsplit

import pyarrow as pa

Media = Literal["text", "bytes", "image", "image file", "audio", "audio file", "link"]

LONGEST_LINK = 2048
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif"}
AUDIO_SUFFIXES = {".mp3", ".wav", ".ogg", ".oga", ".opus", ".flac", ".m4a"}


def media_of(kind: pa.DataType, samples: Callable[[], Sequence[Any]]) -> Media:
    """Tell what the values of a column are to be shown as.

    Parameters
    ----------
    kind : pyarrow.DataType
        Their type.
    samples : callable
        Gives a few values that are there; not asked for kinds that are always text.

    Returns
    -------
    Media
        A file is told by its ending, a picture or sound by its first bytes. What is no such thing in every
        sample stays text or bytes.
    """
    if _is_bytes(kind) or _is_wrapped(kind):
        contents = [content_of(value) for value in samples()]
        if contents and all(image_type(content) for content in contents):
            return "image"
        return "audio" if contents and all(audio_type(content) for content in contents) else "bytes"
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return "text"
    texts = [str(value) for value in samples()]
    if not texts:
        return "text"
    if all(is_link(text) for text in texts):
        return "link"
    endings = {PurePosixPath(text[-200:]).suffix.lower() for text in texts}
    if endings <= IMAGE_SUFFIXES:
        return "image file"
    return "audio file" if endings <= AUDIO_SUFFIXES else "text"


def content_of(value: Any) -> bytes:
    """Return the bytes of a value: its own, or those of a record such as ``{"bytes": …, "path": …}``."""
    if isinstance(value, dict):
        value = value.get("bytes")
    return value if isinstance(value, bytes) else b""


def image_type(content: bytes) -> str:
    """Return the kind of picture that bytes begin like, as "PNG", or "" for none that is shown."""
    if content[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if content[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if content[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    return "WEBP" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else ""


def audio_type(content: bytes) -> str:
    """Return the media type of the sound that bytes begin like, as "audio/mpeg", or "" for none."""
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        return "audio/wav"
    if content[:4] == b"OggS":
        return "audio/ogg"
    if content[:4] == b"fLaC":
        return "audio/flac"
    if content[4:11] == b"ftypM4A":
        return "audio/mp4"
    # An MPEG frame: eleven bits set, layer III.
    frame = len(content) > 2 and content[0] == 0xFF and content[1] & 0xE6 == 0xE2
    return "audio/mpeg" if content[:3] == b"ID3" or frame else ""


def is_link(text: str) -> bool:
    """Whether a text is an address of the web, by http or https and nothing else."""
    if len(text) > LONGEST_LINK or any(sign.isspace() or not sign.isprintable() for sign in text):
        return False
    try:
        address = urlsplit(text)
        return address.scheme in ("http", "https") and bool(address.hostname) and address.username is None
    except ValueError:
        return False


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    )


def _is_wrapped(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_struct(kind)
        and kind.get_field_index("bytes") >= 0
        and _is_bytes(kind.field("bytes").type)
    )
