"""Pictures, sounds and links of the items in a real browser: in the item, and in the table of a sample."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Locator, Page, expect

from explorer.views.rows_table import PAGE_SIZE
from explorer.views.turns import soon
from tests.browser.conftest import Served, fill, show, until
from tests.model.test_media import picture, tone

N = 60
ADDRESS = "https://music.example/song?id=1&from=2"


@pytest.fixture
def page_of_media(quiet: Page, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    """The page, open on items with pictures and sounds of their own and in files below a folder."""
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "cover.png").write_bytes(picture("PNG"))
    (tmp_path / "media" / "song.wav").write_bytes(tone())
    vectors = np.random.default_rng(1).normal(size=(N, 4)).astype(np.float32)
    table = {
        "vector": list(vectors),
        "title": [f"song {row}" for row in range(N)],
        "cover": ["cover.png"] * N,
        "photo": [picture("JPEG")] * N,
        "file": ["song.wav"] * N,
        "sound": [tone()] * N,
        "address": [ADDRESS] * N,
    }
    pq.write_table(pa.table(table), tmp_path / "media.parquet")
    dataset = served.app.workspace.add_dataset(tmp_path / "media.parquet")
    monkeypatch.setattr(served.app, "media", tmp_path / "media")
    show(quiet, served, f"?data={dataset.id}")
    return quiet


def cells(page: Page, column: str) -> Locator:
    return page.locator(f'.tabulator-row [tabulator-field="{column}"]')


def is_drawn(image: Locator, size: list[int]) -> None:
    until(lambda: image.evaluate("image => [image.naturalWidth, image.naturalHeight]") == size)
    expect(image).to_be_visible()


def leads_away(link: Locator) -> None:
    expect(link).to_have_text(ADDRESS)
    expect(link).to_have_attribute("href", ADDRESS)
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(link).to_have_attribute("target", "_blank")


def test_an_item_plays_its_sounds_and_shows_its_pictures_and_link(
    page_of_media: Page, served: Served
) -> None:
    session = served.explorer.session
    soon(served.explorer._doc, lambda: session.pin(3))
    page, media = page_of_media, page_of_media.locator(".item-media")
    expect(media).to_have_count(4)
    for image in media.locator("img").all():
        is_drawn(image, [9, 5])
    for name in ("file", "sound"):
        expect(media.locator(f'audio[aria-label="{name}"]')).to_have_count(1)
    for sound in media.locator("audio").all():
        until(lambda sound=sound: sound.evaluate("audio => audio.duration") == pytest.approx(0.1))
        expect(sound).to_be_visible()
    leads_away(page.locator('.item-field[data-column="address"] a'))
    is_drawn(page.locator(".near-row").first.locator("img"), [9, 5])


def test_the_table_shows_pictures_and_links_and_a_sound_leads_to_its_item(
    page_of_media: Page, served: Served
) -> None:
    session, page = served.explorer.session, page_of_media
    page.get_by_role("tab", name="Sample").click()
    page.get_by_role("button", name="Draw").click()
    expect(cells(page, "photo")).to_have_count(PAGE_SIZE)
    for column in ("cover", "photo"):
        is_drawn(cells(page, column).first.locator("img"), [9, 5])
        expect(cells(page, column).first.locator("img")).to_have_js_property("height", 32)
    leads_away(cells(page, "address").first.locator("a"))
    for column in ("file", "sound"):
        expect(cells(page, column).first).to_have_text("▶ sound")
    row = int(session.sample.rows[2])
    cells(page, "sound").nth(2).get_by_role("button").click()
    until(lambda: session.pinned == row)
    expect(page.get_by_role("tab", name="Item")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".item-media audio")).to_have_count(2)


def test_a_table_of_100_000_rows_is_paged_and_sorted(quiet: Page, served: Served, tmp_path: Path) -> None:
    n = 100_000
    rng = np.random.default_rng(2)
    vectors, plays = rng.normal(size=(n, 2)).astype(np.float32), rng.permutation(n) * 10
    table = {"v0": vectors[:, 0], "v1": vectors[:, 1], "plays": plays}
    pq.write_table(pa.table(table), tmp_path / "many.parquet")
    dataset = served.app.workspace.add_dataset(tmp_path / "many.parquet")
    show(quiet, served, f"?data={dataset.id}")
    quiet.get_by_role("tab", name="Sample").click()
    fill(quiet, "Size", n)
    quiet.get_by_role("button", name="Draw").click()
    until(lambda: served.explorer.session.drawn is not None)
    rows = served.explorer.session.sample.rows
    assert len(rows) == n
    expect(cells(quiet, "row_id")).to_have_text([f"{row:,}" for row in rows[:PAGE_SIZE]])
    quiet.get_by_role("button", name="Last Page").click()
    expect(cells(quiet, "row_id")).to_have_text([f"{row:,}" for row in rows[-PAGE_SIZE:]])
    quiet.get_by_role("button", name="First Page").click()
    expect(cells(quiet, "row_id")).to_have_text([f"{row:,}" for row in rows[:PAGE_SIZE]])
    quiet.locator('.tabulator-col[tabulator-field="plays"]').click()
    expect(cells(quiet, "plays")).to_have_text([str(10 * place) for place in range(PAGE_SIZE)])
    quiet.get_by_role("button", name="Last Page").click()
    expect(cells(quiet, "plays")).to_have_text([f"{10 * place:,}" for place in range(n - PAGE_SIZE, n)])
