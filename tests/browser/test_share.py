"""What leaves the page by its bar: a link that another reader opens, and the map as a file."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, Page, expect

from explorer.model.selection import Selection
from explorer.model.statistics import STABILITY
from explorer.views.turns import soon
from tests.browser.conftest import SIZE, Served, arrive, copied_link, said, until, watch


def test_a_copied_link_names_the_view_and_not_the_visit(
    opened_on_run: Page, served: Served, finished: list[str]
) -> None:
    soon(served.explorer._doc, lambda: served.explorer.session.pin(7))
    until(lambda: "item=7" in opened_on_run.evaluate("location.search"))
    named = parse_qs(urlsplit(copied_link(opened_on_run)).query)
    expect(opened_on_run.locator("button + [role=status]")).to_have_css("width", "1px")
    assert named["run"] == [finished[0]]
    assert named["item"] == ["7"]
    assert "visit" not in named


def test_a_link_that_could_not_be_copied_is_not_told_as_copied(opened: Page) -> None:
    opened.evaluate("""() => {
      Object.defineProperty(navigator, "clipboard", {value: undefined})
      window.copies = false
      document.execCommand = () => window.copies
    }""")
    button = opened.locator("button.bar-button", has_text=re.compile("Copy|Copied"))
    button.click()
    expect(button).to_have_text("Copy it from the address bar")
    expect(button).to_be_focused()
    expect(button).to_have_text("Copy link")
    opened.evaluate("window.copies = true")
    button.press("Enter")
    expect(button).to_have_text("Copied")
    expect(button).to_be_focused()


def test_a_link_opened_elsewhere_shows_the_same_run_zoom_colour_comparison_and_selection(
    opened_on_run: Page, served: Served, finished: list[str], browser: Browser
) -> None:
    page, session, panel = opened_on_run, served.explorer.session, served.explorer.compare
    digit = session.categories("digit").codes
    session.saved().save("fours", Selection(digit == 4))
    soon(served.explorer._doc, lambda: session.select_saved("fours"))
    selection = page.get_by_role("tab", name="Selection")
    expect(selection).to_have_attribute("aria-selected", "true")  # what is selected comes to the front
    page.get_by_role("tab", name="Compare").click()
    soon(served.explorer._doc, lambda: panel.others.param.update(value=[finished[1]]))
    until(lambda: panel.others.value == [finished[1]])
    page.get_by_role("button", name="Compare", exact=True).click()
    numbers = page.get_by_role("table", name="What each two maps have in common")
    expect(numbers).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Colour by stability").click()
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    until(lambda: {"view", "compare", "selection"} <= set(said(page)) and said(page)["colour"] == STABILITY)
    zoomed, agreement = served.explorer.map.viewport, numbers.locator("td").first.inner_text()
    link = copied_link(page)

    elsewhere, faults = browser.new_context(viewport=SIZE), []
    other = elsewhere.new_page()
    watch(other, served, faults)
    arrive(other, served, lambda: other.goto(link))
    theirs, view = served.explorer.session, served.explorer.map.viewport
    assert theirs is not session
    assert (theirs.run_id, theirs.colour_by, theirs.saved_name) == (finished[0], STABILITY, "fours")
    assert [view.x0, view.x1, view.y0, view.y1] == pytest.approx(
        [zoomed.x0, zoomed.x1, zoomed.y0, zoomed.y1], rel=1e-4
    )
    np.testing.assert_array_equal(theirs.selection.mask, digit == 4)
    assert theirs.compared == tuple(finished)
    expect(other.get_by_role("tab", name="Compare")).to_have_attribute("aria-selected", "true")
    expect(other.get_by_role("table", name="What each two maps have in common")).to_contain_text(agreement)
    until(lambda: np.isfinite(theirs.numbers(STABILITY)).all())
    np.testing.assert_array_equal(theirs.numbers(STABILITY), session.numbers(STABILITY))
    until(lambda: {"compare", "selection", "colour"} <= set(said(other)))
    assert said(other)["compare"] == said(page)["compare"] == ",".join(finished)
    elsewhere.close()
    assert not faults


def test_the_map_goes_out_row_by_row(
    opened_on_run: Page, served: Served, finished: list[str], tmp_path: Path
) -> None:
    with opened_on_run.expect_download() as download:
        opened_on_run.get_by_role("button", name="Export map").click()
    assert download.value.suggested_filename == f"{finished[0]}.parquet"
    download.value.save_as(tmp_path / "map.parquet")
    table = pq.read_table(tmp_path / "map.parquet")
    np.testing.assert_array_equal(table["row_id"], np.arange(served.app.dataset.n))
    embedding = served.app.workspace.embedding(finished[0])
    np.testing.assert_array_equal(np.column_stack([table["x"], table["y"]]), embedding)
    assert table["digit"].to_pylist() == served.app.dataset.items.numbers("digit").astype(int).tolist()
