"""Names and values that are markup or script are text wherever the page shows them; nothing is fetched."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from explorer.model.dataset import Dataset
from explorer.model.run import RunParameters
from explorer.views.rows_table import LONGEST_CELL
from explorer.views.telling import tell
from explorer.views.turns import soon
from tests.browser.conftest import MapOnScreen, Served, fill, settle, show, until
from tests.browser.test_map import loneliest, point_at, tip

NAME = "<img src=x onerror='window.attacked=1'>"
VALUE = "<script>window.attacked=1</script><b>bold</b>"
OTHER = "</div><iframe srcdoc='<script>parent.attacked=1</script>'>"
RIGHT_TO_LEFT = "شعر \u202e<u>x</u>"
SHOWN = "شعر \ufffd<u>x</u>"  # what would turn the letters after it around is seen in its place
COLOURS = ("أحمر \u202e<i>a</i>", "أزرق")
LONG = "y" * 2**20
N = 80


def picture(row: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (24, 16), (row * 3, 90, 160)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def hostile(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Items of markup and script with a finished run."""
    vectors = np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)
    table = pa.table(
        {
            "vector": list(vectors),
            NAME: [VALUE if row % 2 else OTHER for row in range(N)],
            "title": [f"{RIGHT_TO_LEFT} {row}" if row else LONG for row in range(N)],
            "address": [
                "javascript:window.attacked=1" if row % 2 else "https://a.example/" for row in range(N)
            ],
            "photo": [picture(row) for row in range(N)],
            "none": pa.nulls(N),
            "لون": [COLOURS[row % 2] for row in range(N)],
        }
    )
    path = tmp_path_factory.mktemp("hostile") / "hostile.parquet"
    pq.write_table(table, path)
    dataset = served.app.workspace.add_dataset(path, name=VALUE)
    run = served.app.runner.start(dataset, RunParameters(n_neighbors=6, n_epochs=20))
    served.app.runner.wait(run.id, timeout=240)
    return dataset


@pytest.fixture
def page_of_it(quiet: Page, served: Served, hostile: Dataset) -> Page:
    show(quiet, served, f"?data={hostile.id}")
    return quiet


def nothing_ran(page: Page) -> None:
    page.wait_for_timeout(300)
    assert page.evaluate("window.attacked") is None
    inside = "main script, .right script, .right iframe, .item-card b > *, .hit b, .bar-row b > *"
    assert page.locator(inside).count() == 0


def test_the_legend_and_the_composition_show_markup_as_text(page_of_it: Page, served: Served) -> None:
    session = served.explorer.session
    assert session.colour_by == NAME
    legend = page_of_it.get_by_role("list", name="Legend")
    expect(legend.locator(".name")).to_have_count(2)
    assert set(legend.locator(".name").all_inner_texts()) == {VALUE, OTHER}
    soon(served.explorer._doc, lambda: session.select_category(NAME, 0))
    until(lambda: session.selection.count == N // 2)
    page_of_it.get_by_role("tab", name="Selection").click()
    composition = page_of_it.get_by_role("list", name=f"Composition by {NAME}", exact=True)
    expect(composition.locator(".name").first).to_have_text(session.categories(NAME).names[0])
    expect(page_of_it.locator(".title", has_text=VALUE)).to_be_visible()
    page_of_it.get_by_role("tab", name="Colour").click()
    soon(served.explorer._doc, lambda: session.param.update(colour_by="لون"))
    expect(legend.locator(".name")).to_have_text(list(session.categories("لون").names))
    soon(served.explorer._doc, lambda: session.param.update(colour_by="none"))
    expect(page_of_it.get_by_text("No item has a value in this column.")).to_be_visible()
    expect(legend).to_be_hidden()
    nothing_ran(page_of_it)


def test_the_item_shows_markup_as_text_and_its_picture_made_anew(page_of_it: Page, served: Served) -> None:
    session = served.explorer.session
    soon(served.explorer._doc, lambda: session.pin(7))
    until(lambda: session.near is not None)
    field = page_of_it.locator(".item-field").first
    expect(field.locator("dt")).to_have_text(NAME)
    expect(field.locator("dd")).to_have_text(VALUE)
    expect(page_of_it.locator(".item-title b")).to_have_text(f"{SHOWN} 7")
    script = page_of_it.locator('.item-field[data-column="address"] dd')
    expect(script).to_have_text("javascript:window.attacked=1")
    expect(script.locator("a")).to_have_count(0)
    shown = page_of_it.locator(".item-media img")
    assert shown.get_attribute("src").startswith("data:image/png;base64,")
    assert shown.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [24, 16]
    expect(page_of_it.locator(".near-row").first.locator("img")).to_be_visible()
    expect(page_of_it.locator('.item-field[data-column="none"] dd')).to_have_text("no value")
    nothing_ran(page_of_it)


def test_a_text_of_a_megabyte_is_cut_until_all_of_it_is_asked_for(page_of_it: Page, served: Served) -> None:
    session = served.explorer.session
    soon(served.explorer._doc, lambda: session.pin(0))
    field = page_of_it.locator('.item-field[data-column="title"]')
    expect(field.locator(".written")).to_have_text("y" * 240 + "…")
    field.get_by_role("button", name="Show all 1,048,576 characters").click()
    field.locator(".whole").wait_for()
    assert field.locator(".whole").evaluate("text => text.textContent.length") == 2**20
    assert field.locator(".whole").bounding_box()["height"] <= 240


def test_the_tooltip_shows_markup_as_text(page_of_it: Page, served: Served) -> None:
    on_screen = MapOnScreen(page_of_it, served.explorer)
    settle(page_of_it, on_screen.view)
    row, place = loneliest(on_screen)
    point_at(on_screen, place)
    expect(tip(on_screen)).to_contain_text(f"row {row}")
    expect(tip(on_screen).locator("dt").first).to_have_text("<img src=x onerror='window.…")
    expect(tip(on_screen).locator("dd").first).to_have_text(VALUE if row % 2 else OTHER)
    assert tip(on_screen).locator("dt > *, dd > *").count() == 0
    session = served.explorer.session
    point_at(on_screen, session.shown(session.run_id).embedding[0].astype(float))
    expect(tip(on_screen)).to_contain_text("row 0")
    assert "yyy" in tip(on_screen).inner_text()
    assert len(tip(on_screen).inner_text()) < 1_000
    nothing_ran(page_of_it)


def test_search_shows_markup_as_text_and_finds_it(page_of_it: Page, served: Served) -> None:
    session = served.explorer.session
    page_of_it.keyboard.press("/")
    page_of_it.keyboard.type("<script>")
    page_of_it.keyboard.press("Enter")
    hit = page_of_it.locator(".hit").first
    expect(hit.locator(".hit-text")).to_have_text(OTHER)
    expect(hit.locator("mark")).to_have_text("<script>")
    expect(hit.locator(".hit-where")).to_contain_text(NAME)
    page_of_it.get_by_role("button", name=f"Select all {N} matches").click()
    until(lambda: session.selection.count == N)
    page_of_it.keyboard.press("/")
    page_of_it.keyboard.type("yyyy")
    page_of_it.keyboard.press("Enter")
    expect(hit).to_have_attribute("data-row", "0")
    assert len(hit.inner_text()) < 1_000
    nothing_ran(page_of_it)


def test_the_sample_s_table_shows_markup_as_text(page_of_it: Page, served: Served) -> None:
    page_of_it.get_by_role("tab", name="Sample").click()
    fill(page_of_it, "Size", N)
    page_of_it.get_by_role("button", name="Draw").click()
    expect(page_of_it.locator(".tabulator-col-title", has_text=NAME)).to_be_visible()
    cells = page_of_it.locator(".tabulator-cell").filter(has_text="window.attacked=1")
    expect(cells.first).to_be_visible()
    page_of_it.locator('.tabulator-col[tabulator-field="row_id"]').click()
    titles = page_of_it.locator('.tabulator-row [tabulator-field="title"]')
    expect(titles.nth(1)).to_have_text(f"{SHOWN} 1")
    expect(titles.first).to_have_text("y" * (LONGEST_CELL - 1) + "…")
    nothing_ran(page_of_it)


def test_what_went_wrong_is_told_as_text_and_takes_the_place_of_what_did_before(
    page_of_it: Page, served: Served
) -> None:
    told = page_of_it.locator(".MuiAlert-message")
    for sentence in (f"There is no column {NAME}.", VALUE, f"{OTHER} is < 3 & > 1."):
        soon(served.explorer._doc, lambda sentence=sentence: tell(sentence))
        expect(told.filter(has_text=sentence)).to_be_visible()
        # After ten seconds it goes by itself.
        expect(told).to_have_count(1, timeout=3_000)
        expect(told).to_have_text(sentence, timeout=3_000)
    soon(served.explorer._doc, lambda: [tell(sentence) for sentence in ("one", "two", "three")])
    expect(told).to_have_text(["three"], timeout=3_000)
    nothing_ran(page_of_it)


def test_five_hundred_columns_can_be_looked_at_and_chosen_from(
    quiet: Page, served: Served, tmp_path: Path
) -> None:
    vectors = list(np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32))
    wide = {f"column {place}": [f"value {place}"] * 40 for place in range(500)}
    pq.write_table(pa.table({"vector": vectors} | wide), tmp_path / "wide.parquet")
    dataset = served.app.workspace.add_dataset(tmp_path / "wide.parquet")
    show(quiet, served, f"?data={dataset.id}")
    session = served.explorer.session
    soon(served.explorer._doc, lambda: session.pin(3))
    expect(quiet.locator(".item-field")).to_have_count(500, timeout=60_000)
    expect(quiet.locator(".item-field").last).to_contain_text("value 499")
    expect(quiet.get_by_text("There is no map yet.")).to_be_visible()
    quiet.get_by_role("tab", name="Colour").click()
    quiet.get_by_role("combobox", name="Colour by").click()
    quiet.get_by_role("menuitem", name="column 499", exact=True).click()
    until(lambda: session.colour_by == "column 499")
    expect(quiet.get_by_role("list", name="Legend").locator(".name")).to_have_text(["value 499"])
