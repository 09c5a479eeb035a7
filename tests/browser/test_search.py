"""The search field: reached by a key, answered with exact rows, left by a key."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from playwright.sync_api import Page, expect

from explorer.views.turns import soon
from tests.browser.conftest import Served, until
from tests.browser.test_item import middle


def ask(page: Page, text: str) -> None:
    """Search as an analyst does who keeps the hands on the keys."""
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Search items")).to_be_focused()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def rows_with(served: Served, column: str, value: object) -> list[int]:
    table = served.app.dataset.items.fetch(np.arange(served.app.dataset.n), [column])
    return [row for row, found in enumerate(table[column].to_pylist()) if found == value]


def test_all_matches_become_the_selection(opened_on_run: Page, served: Served) -> None:
    session = served.explorer.session
    ask(opened_on_run, "TEST")
    expected = rows_with(served, "split", "test")
    expect(opened_on_run.get_by_text(f"{len(expected)} matches, the first 50 listed")).to_be_visible()
    found = opened_on_run.locator(".hit")
    assert [int(row) for row in found.evaluate_all("all => all.map(hit => hit.dataset.row)")] == expected[:50]
    expect(found.first.locator("mark")).to_have_text("test")
    opened_on_run.get_by_role("button", name=f"Select all {len(expected)} matches").click()
    until(lambda: session.selection.count > 0)
    assert session.selection.rows.tolist() == expected
    step = session.selection.steps[-1].to_dict()
    assert step == {"kind": "search", "mode": "replace", "text": "TEST", "values": ("digit", "split")}
    expect(opened_on_run.locator(".search-panel")).to_be_hidden()


def test_the_field_tells_what_searches_for_what_is_typed(opened_on_run: Page) -> None:
    page, key = opened_on_run, opened_on_run.get_by_role("search").locator("kbd")
    expect(key).to_have_text("/")
    page.keyboard.press("/")
    expect(key).to_be_hidden()
    page.keyboard.type("te")
    expect(key).to_be_visible()
    expect(key).to_have_text("Enter")
    page.keyboard.press("Enter")
    expect(key).to_be_hidden()
    expect(page.locator(".hit").first).to_be_visible()


def test_matches_change_the_selection_in_the_mode_chosen_or_held(opened_on_run: Page, served: Served) -> None:
    session, page = served.explorer.session, opened_on_run
    digit = session.categories("digit")
    test = np.isin(np.arange(served.app.dataset.n), rows_with(served, "split", "test"))
    soon(served.explorer._doc, lambda: session.select_category("digit", 3))
    until(lambda: session.selection.count > 0)
    tools = page.get_by_role("toolbar", name="Map tools")
    tools.get_by_role("button", name="Keep the overlap", exact=True).click()
    until(lambda: session.mode == "intersect")
    ask(page, "test")
    page.get_by_role("button", name=f"Select all {test.sum()} matches").click()
    until(lambda: len(session.selection.steps) == 2)
    np.testing.assert_array_equal(session.selection.mask, (digit.codes == 3) & test)
    page.get_by_role("combobox", name="Search items").focus()
    page.get_by_role("button", name=f"Select all {test.sum()} matches").click(modifiers=["Shift"])
    until(lambda: len(session.selection.steps) == 3)
    np.testing.assert_array_equal(session.selection.mask, test)
    until(lambda: session.mode == "intersect")


def test_arrows_and_enter_pin_a_match_in_the_middle_of_the_map(opened_on_run: Page, served: Served) -> None:
    session = served.explorer.session
    ask(opened_on_run, "7")
    opened_on_run.locator(".hit").first.wait_for()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "Enter"):
        opened_on_run.keyboard.press(key)
    expected = rows_with(served, "digit", 7)[1]
    until(lambda: session.pinned == expected)
    view, place = served.explorer.map, session.shown(session.run_id).embedding[expected]
    until(lambda: np.allclose(middle(view.viewport), place, atol=view.viewport.unit))
    expect(opened_on_run.get_by_role("tab", name="Item")).to_have_attribute("aria-selected", "true")


def test_only_the_columns_left_on_are_searched(opened_on_run: Page, served: Served) -> None:
    ask(opened_on_run, "t")
    expect(opened_on_run.get_by_text("3,000 matches, the first 50 listed")).to_be_visible()
    group = opened_on_run.get_by_role("group", name="Columns that are searched")
    group.get_by_role("button", name="split").click()
    expect(opened_on_run.get_by_text("No item holds “t”.")).to_be_visible()
    group.get_by_role("button", name="split").click()
    expect(opened_on_run.get_by_text("3,000 matches, the first 50 listed")).to_be_visible()
    group.get_by_role("button", name="split").click()
    group.get_by_role("button", name="digit").click()
    expect(opened_on_run.get_by_text("There is no column to search")).to_be_visible()


def test_escape_closes_the_list_and_leaves_the_selection(opened_on_run: Page, served: Served) -> None:
    session = served.explorer.session
    soon(served.explorer._doc, lambda: session.select_category("digit", 3))
    until(lambda: session.selection.count > 0)
    before = session.selection.count
    ask(opened_on_run, "nothing like it")
    expect(opened_on_run.get_by_text("No item holds “nothing like it”.")).to_be_visible()
    opened_on_run.keyboard.press("Escape")
    expect(opened_on_run.locator(".search-panel")).to_be_hidden()
    opened_on_run.keyboard.press("Escape")
    expect(opened_on_run.get_by_role("combobox", name="Search items")).not_to_be_focused()
    assert session.selection.count == before
    opened_on_run.keyboard.press("Escape")
    until(lambda: session.selection.count == 0)


def test_escape_closes_the_list_from_within_it(opened_on_run: Page) -> None:
    ask(opened_on_run, "test")
    every = opened_on_run.get_by_role("button", name="Select all")
    every.wait_for()
    opened_on_run.keyboard.press("Tab")
    expect(every).to_be_focused()
    opened_on_run.keyboard.press("Escape")
    expect(opened_on_run.locator(".search-panel")).to_be_hidden()
    expect(opened_on_run.get_by_role("combobox", name="Search items")).to_be_focused()


def test_a_switch_leaves_the_keys_to_the_map_and_other_data_closes_the_search(
    opened_on_run: Page, served: Served, mnist_small_table: pa.Table, tmp_path: Path
) -> None:
    explorer, page = served.explorer, opened_on_run
    page.get_by_role("tab", name="Selection").click()
    page.get_by_label("Density level").focus()
    page.keyboard.press("b")
    until(lambda: explorer.tools.tool == "box")
    ask(page, "test")
    expect(page.locator(".hit").first).to_be_visible()
    pq.write_table(mnist_small_table.slice(0, 50), tmp_path / "few.parquet")
    few = served.app.workspace.add_dataset(tmp_path / "few.parquet")
    soon(explorer._doc, lambda: explorer.session.show(few))
    expect(page.get_by_text("50 rows × 784 dimensions")).to_be_visible()
    expect(page.get_by_role("combobox", name="Search items")).to_have_value("")
    expect(page.locator(".search-panel")).to_be_hidden()
