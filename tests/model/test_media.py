"""What a column holds is told from its values, and no path leads out of the folder of media."""

import io
import wave
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from explorer.model import pictures
from explorer.model.errors import InputError
from explorer.model.files import read_inside
from explorer.model.items import Items
from explorer.model.media import audio_type, image_type, is_link, media_of


def picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 5), "#3366cc").save(buffer, kind)
    return buffer.getvalue()


def tone() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * 800)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_is_told_by_its_first_bytes(kind: str) -> None:
    assert image_type(picture(kind)) == kind
    assert audio_type(picture(kind)) == ""


def test_a_picture_whose_exif_block_is_cut_off_is_damaged() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 5)).save(buffer, "JPEG", dpi=(72, 72), exif=b"Exif\0\0II*\0")
    with pytest.raises(InputError, match="The picture is damaged"):
        pictures.picture(buffer.getvalue(), 20)


def test_other_bytes_are_no_picture() -> None:
    for content in (b"", b"<svg onload=alert(1)>", b"RIFF0000WAVE", tone(), b"BM" + bytes(60)):
        assert image_type(content) == ""
    assert audio_type(tone()) == "audio/wav"
    assert audio_type(b"<html>") == ""


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([picture("PNG"), None, picture("JPEG")], "image"),
        ([picture("PNG"), b"other"], "bytes"),
        ([b"", b""], "bytes"),
        ([tone()] * 2, "audio"),
        ([{"bytes": picture("PNG"), "path": "a.png"}], "image"),
        (["a/b.PNG", "c.jpg"], "image file"),
        (["a.mp3", "b.wav"], "audio file"),
        (["a.png", "b.mp3"], "text"),
        (["https://a.example/b.png", "http://c.example"], "link"),
        (["https://a.example", "javascript:alert(1)"], "text"),
        (["plain", "text"], "text"),
        ([1, 2], "text"),
        ([None, None], "text"),
    ],
)
def test_a_column_is_what_all_its_first_values_are(values: list, kind: str, tmp_path: Path) -> None:
    array = pa.array(values)
    pq.write_table(pa.table({"c": array}), tmp_path / "items.parquet")
    assert Items(tmp_path / "items.parquet", len(values)).media("c") == kind


def test_numbers_are_not_even_looked_at() -> None:
    def refuse() -> list:
        raise AssertionError

    assert media_of(pa.int64(), refuse) == "text"


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("https://music.example/preview/1.mp3", True),
        ("HTTP://a.example", True),
        ("javascript:alert(1)", False),
        ("data:text/html,<script>", False),
        ("file:///etc/passwd", False),
        ("//a.example", False),
        ("https://", False),
        ("https://user:word@a.example", False),
        ("https://a.example/ b", False),
        ("https://a.example/\u202e", False),
        ("https://[", False),
        ("https://a.example/" + "x" * 3000, False),
    ],
)
def test_only_an_address_of_the_web_is_a_link(text: str, link: bool) -> None:
    assert is_link(text) is link


def test_nothing_outside_the_folder_is_read(tmp_path: Path) -> None:
    folder, secret = tmp_path / "media", tmp_path / "secret.png"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.png").write_bytes(b"inside")
    secret.write_bytes(b"outside")
    (folder / "link.png").symlink_to(secret)
    (folder / "inner.png").symlink_to(folder / "deep" / "a.png")
    (tmp_path / "media-too").mkdir()
    (tmp_path / "media-too" / "b.png").write_bytes(b"outside")
    for name in ("deep/a.png", "deep/../deep/a.png", str(folder / "deep" / "a.png"), "inner.png"):
        assert read_inside(folder, name, 100) == b"inside"
    for name in ("../secret.png", "link.png", str(secret), "deep/../../secret.png", "../media-too/b.png"):
        with pytest.raises(InputError, match="outside the folder"):
            read_inside(folder, name, 100)
    for name in ("", "deep", "missing.png"):
        with pytest.raises(InputError, match="no such file"):
            read_inside(folder, name, 100)
    for name in ("a\0b", "x" * 5000):
        with pytest.raises(InputError):
            read_inside(folder, name, 100)
    with pytest.raises(InputError, match="larger than"):
        read_inside(folder, "deep/a.png", 3)
