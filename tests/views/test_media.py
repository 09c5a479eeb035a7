"""Pictures come out as small PNGs made anew, and nothing else comes out as anything but text."""

import base64
import io
import zlib
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from explorer.views import media
from explorer.views.media import Shown, shown
from tests.model.test_media import picture, tone


def decoded(source: str) -> bytes:
    kind, content = source.split(",", 1)
    assert kind.endswith(";base64")
    return base64.b64decode(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_is_made_anew_as_png(kind: str) -> None:
    value = shown(picture(kind), "image")
    assert value.kind == "image"
    assert value.source.startswith("data:image/png;base64,")
    with Image.open(io.BytesIO(decoded(value.source))) as image:
        assert image.size == (9, 5)
        red, green, blue = image.convert("RGB").getpixel((4, 2))
    assert abs(red - 0x33) < 12
    assert abs(green - 0x66) < 12
    assert abs(blue - 0xCC) < 12


def test_what_a_picture_carries_beside_its_pixels_stays_behind() -> None:
    about, buffer = PngImagePlugin.PngInfo(), io.BytesIO()
    about.add_text("Comment", "<script>alert('PLANTED')</script>")
    Image.new("RGB", (600, 300)).save(buffer, "PNG", pnginfo=about, icc_profile=b"PLANTED" * 4)
    value = shown(buffer.getvalue() + b"PLANTED", "image", side=100)
    content = decoded(value.source)
    assert b"PLANTED" not in content
    assert b"iCCP" not in content
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (100, 50)


def huge() -> bytes:
    """A picture of 40,000 × 40,000 pixels that says so in a few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    size = (40_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (picture("PNG")[:40], "damaged"),
        (b"\xff\xd8\xff" + b"\0" * 50, "damaged"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "no PNG"),
        (b"", "no PNG"),
        (huge(), "pixels"),
    ],
)
def test_what_is_no_good_picture_is_text_that_says_why(content: bytes, why: str) -> None:
    value = shown(content, "image")
    assert (value.kind, value.source) == ("text", "")
    assert why in value.note
    assert value.text == f"{len(content)} bytes"


def test_a_sound_is_data_of_a_kind_of_sound() -> None:
    value = shown(tone(), "audio")
    assert value.kind == "audio"
    assert decoded(value.source) == tone()
    assert value.source.startswith("data:audio/wav;")
    assert "no MP3" in shown(b"<html>", "audio").note


def test_a_sound_too_large_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "MOST_AUDIO_BYTES", 100)
    assert "larger" in shown(tone(), "audio").note


def test_files_are_shown_below_the_folder_alone(tmp_path: Path) -> None:
    folder = tmp_path / "media"
    folder.mkdir()
    (folder / "a.png").write_bytes(picture("PNG"))
    (folder / "a.wav").write_bytes(tone())
    (folder / "fake.png").write_text("<script>alert(1)</script>")
    (tmp_path / "b.png").write_bytes(picture("PNG"))
    assert shown("a.png", "image file", folder).kind == "image"
    assert shown("a.wav", "audio file", folder).kind == "audio"
    assert "--media" in shown("a.png", "image file").note
    assert "outside" in shown("../b.png", "image file", folder).note
    assert "no PNG" in shown("fake.png", "image file", folder).note


def test_links_are_written_and_only_those_of_the_web_lead_anywhere() -> None:
    address = "https://music.example/1"
    assert shown(address, "link") == Shown("link", address, address)
    assert shown("javascript:alert(1)", "link") == Shown("text", "javascript:alert(1)")
    assert shown(None, "link") == Shown("none", "no value")
