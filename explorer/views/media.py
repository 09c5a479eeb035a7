"""How the value of a cell is shown: as text, or as a picture, sound or link that can do no harm.

Pictures are decoded here and encoded anew as a small PNG, so that no byte of a file reaches the browser.
Sound goes out as it is, as data of a type that begins with ``audio/``, which no browser runs. Links are
written, never followed by us.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.model.errors import InputError
from explorer.model.files import read_inside
from explorer.model.media import Media, audio_type, content_of, is_link
from explorer.model.pictures import MOST_IMAGE_BYTES, data_uri, picture
from explorer.model.written import counted, written

MOST_AUDIO_BYTES = 12 * 2**20
NO_FOLDER = "A path: start with --media FOLDER to see files below that folder."


@dataclass(frozen=True)
class Shown:
    """A value ready for the page.

    Attributes
    ----------
    kind : {"text", "none", "image", "audio", "link"}
        None is a value that is missing.
    text : str
        What is written; for pictures and sound, of what they are.
    source : str
        A data URI, or the address of a link.
    note : str
        Why a picture or sound is not shown; empty when all is well.
    """

    kind: str
    text: str
    source: str = ""
    note: str = ""


def shown(value: Any, media: Media, folder: Path | None = None, side: int = 256) -> Shown:
    """Make a value ready for the page.

    Parameters
    ----------
    value : object
        As Python's, None where missing.
    media : Media
        What its column holds; a value that is something else is written as text, with a note.
    folder : Path, optional
        Where files that items name by a path may be read; without it paths are text.
    side : int, default 256
        Pixels of a picture's longer side at most.
    """
    if value is None:
        return Shown("none", "no value")
    text = written(value)
    if media == "link":
        return Shown("link", text, text) if is_link(text) else Shown("text", text)
    if media in ("text", "bytes"):
        return Shown("text", text)
    try:
        if media in ("image file", "audio file"):
            if folder is None:
                return Shown("text", text, note=NO_FOLDER)
            content = read_inside(folder, text, MOST_IMAGE_BYTES)
        else:
            content = content_of(value)
            text = counted(len(content), "byte")
        if media.startswith("image"):
            return Shown("image", text, picture(content, side))
        return Shown("audio", text, sound(content))
    except InputError as error:
        return Shown("text", text, note=str(error))


def sound(content: bytes) -> str:
    """Bytes of a sound as a data URI; raises InputError if they are none, or larger than 12 MB."""
    kind = audio_type(content)
    if not kind:
        raise InputError("These bytes are no MP3, WAV, Ogg, FLAC or M4A.")
    if len(content) > MOST_AUDIO_BYTES:
        raise InputError(f"The sound is larger than {MOST_AUDIO_BYTES // 2**20} MB.")
    return data_uri(kind, content)
