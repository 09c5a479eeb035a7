"""A pinned item shows its columns and its true neighbours beside those on the map, and leads on."""

from collections.abc import Callable

import numpy as np
import pytest
from bokeh.models import ColumnDataSource
from playwright.sync_api import Locator, Page, expect

from explorer.model.projection import Viewport
from explorer.views.turns import soon
from tests.browser.conftest import Served, arrive, settle, until

ROW, K = 1234, 14


@pytest.fixture
def pinned(opened_on_run: Page, served: Served) -> Page:
    """The page with one digit pinned and its neighbours found."""
    session = served.explorer.session
    on_page(served, lambda: session.pin(ROW))
    until(lambda: session.near is not None)
    opened_on_run.locator(".near-row").first.wait_for()
    return opened_on_run


def on_page(served: Served, act: Callable[[], object]) -> None:
    """Do what a gesture would do, in the page's own tick."""
    soon(served.explorer._doc, act)


def ranked(points: np.ndarray, row: int) -> list[int]:
    """All other rows by exact distance, the lower first among equals."""
    distances = ((points.astype(np.float64) - points[row].astype(np.float64)) ** 2).sum(axis=1)
    order = np.lexsort((np.arange(len(points)), distances))
    return [int(other) for other in order if other != row]


def middle(viewport: Viewport) -> tuple[float, float]:
    return (viewport.x0 + viewport.x1) / 2, (viewport.y0 + viewport.y1) / 2


def in_browser(page: Page, source: ColumnDataSource) -> np.ndarray:
    """The places of marks as the browser draws them, float32 (m, 2)."""
    data = page.evaluate(
        """id => {
          const {x, y} = Bokeh.documents[0].get_model_by_id(id).data
          return Array.from(x, (value, place) => [value, y[place]])
        }""",
        source.id,
    )
    return np.array(data, np.float32).reshape(-1, 2)


def rows_of(lines: Locator) -> list[int]:
    return [int(row) for row in lines.evaluate_all("lines => lines.map(line => line.dataset.row)")]


def in_data(page: Page) -> Locator:
    return page.get_by_role("group", name="In the data").locator(".near-row")


def on_map(page: Page) -> Locator:
    return page.get_by_role("group", name="On the map").locator(".near-row")


def test_it_shows_every_column_and_the_vector_as_a_picture(pinned: Page, served: Served) -> None:
    expect(pinned.get_by_role("tab", name="Item")).to_have_attribute("aria-selected", "true")
    item = served.app.dataset.items.fetch(np.array([ROW])).to_pydict()
    for column in ("digit", "split"):
        line = pinned.locator(f'.item-field[data-column="{column}"]')
        expect(line.locator("dd")).to_have_text(str(item[column][0]))
    expect(pinned.locator(".item-media img")).to_be_visible()
    assert pinned.locator(".item-media img").evaluate("image => image.naturalWidth") == 28


def test_the_neighbours_of_both_spaces_are_exact_and_their_differences_marked(
    pinned: Page, served: Served
) -> None:
    session = served.explorer.session
    true = ranked(served.app.dataset.vectors, ROW)[:K]
    shown = ranked(session.shown(session.run_id).embedding, ROW)[:K]
    assert rows_of(in_data(pinned)) == true
    assert rows_of(on_map(pinned)) == shown
    lost, intruders = [row for row in true if row not in shown], [row for row in shown if row not in true]
    assert rows_of(pinned.locator(".near-row.lost")) == lost
    assert rows_of(pinned.locator(".near-row.intruder")) == intruders
    expect(pinned.get_by_text(f"{K - len(lost)} of its {K} nearest in the data")).to_be_visible()
    expect(pinned.get_by_text(f"{len(lost)} lost: near in the data, far on the map")).to_be_visible()
    expect(
        pinned.get_by_text(f"{len(intruders)} intruders: near on the map, far in the data")
    ).to_be_visible()
    embedding = session.shown(session.run_id).embedding
    sources = served.explorer.marks[0]._sources
    for name, rows in (("ring", [ROW]), ("lost", lost), ("intruder", intruders)):
        until(lambda name=name, rows=rows: len(in_browser(pinned, sources[name])) == len(rows))
        np.testing.assert_array_equal(in_browser(pinned, sources[name]), embedding[rows])


def test_a_click_on_a_neighbour_jumps_to_it_and_keeps_the_zoom(pinned: Page, served: Served) -> None:
    session, view = served.explorer.session, served.explorer.map
    unit = view.viewport.unit
    target = rows_of(on_map(pinned))[3]
    on_map(pinned).nth(3).click()
    until(lambda: session.pinned == target)
    place = session.shown(session.run_id).embedding[target]
    until(lambda: np.allclose(middle(view.viewport), place, atol=unit))
    settle(pinned, view)
    assert view.viewport.unit == pytest.approx(unit)
    until(lambda: session.near is not None and session.near.row == target)
    expect(pinned.locator(".item-title")).to_contain_text(f"row {target:,} of 3,000")


def test_more_like_this_selects_the_nearest_and_undo_takes_it_back(pinned: Page, served: Served) -> None:
    session = served.explorer.session
    pinned.get_by_role("spinbutton", name="How many similar items").fill("20")
    pinned.get_by_role("button", name="More like this").click()
    until(lambda: session.selection.count > 0)
    expected = sorted(ranked(served.app.dataset.vectors, ROW)[:20])
    assert session.selection.rows.tolist() == expected
    expect(pinned.get_by_text("20 selected")).to_be_visible()
    pinned.get_by_role("button", name="Like the selection").click()
    until(lambda: session.selection.steps[-1].text.startswith("centre"))
    vectors = served.app.dataset.vectors
    mean = vectors[expected].mean(axis=0, dtype=np.float64)
    near = np.argsort(((vectors - mean) ** 2).sum(axis=1), kind="stable")[:20]
    assert set(session.selection.rows) == set(near)
    pinned.keyboard.press("Control+z")
    until(lambda: session.selection.rows.tolist() == expected)
    pinned.get_by_role("button", name="Like the selection").click(modifiers=["Shift"])
    until(lambda: len(session.selection.steps) == 2)
    assert session.selection.rows.tolist() == sorted({*expected, *near.tolist()})


def test_without_a_pin_it_says_how_to_get_one(pinned: Page, served: Served) -> None:
    session = served.explorer.session
    pinned.get_by_role("button", name="Unpin the item").click()
    until(lambda: session.pinned is None)
    expect(pinned.get_by_text("No item is pinned.")).to_be_visible()
    until(lambda: len(in_browser(pinned, served.explorer.marks[0]._sources["ring"])) == 0)


def test_the_neighbours_are_found_anew_for_another_run(
    pinned: Page, served: Served, finished: list[str]
) -> None:
    session = served.explorer.session
    on_page(served, lambda: session.look_at(finished[1]))
    until(lambda: session.run_id == finished[1] and session.near is not None)
    expected = ranked(session.shown(finished[1]).embedding, ROW)[:K]
    until(lambda: rows_of(on_map(pinned)) == expected)


def test_a_reload_shows_the_same_item(pinned: Page, served: Served) -> None:
    pinned.wait_for_function("row => location.search.includes(`item=${row}`)", arg=ROW)
    arrive(pinned, served, pinned.reload)
    assert served.explorer.session.pinned == ROW
    expect(pinned.locator(".item-title")).to_contain_text(f"row {ROW:,} of 3,000")
    until(lambda: served.explorer.session.near is not None)
    expect(in_data(pinned)).to_have_count(K)


def test_a_size_that_cannot_be_is_told_in_a_sentence(pinned: Page, served: Served) -> None:
    pinned.get_by_role("spinbutton", name="How many similar items").fill("-5")
    pinned.get_by_role("button", name="More like this").click()
    expect(pinned.get_by_text("From 1 to 100,000 similar items can be selected, not -5.")).to_be_visible()
    assert served.explorer.session.selection.count == 0
