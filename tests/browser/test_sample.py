"""From a selection to a table with pictures to files, and back after a reload."""

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from playwright.sync_api import Locator, Page, expect

from explorer.model.run import RunParameters, RunStatus
from explorer.model.strategies import Plan
from explorer.views.rows_table import PAGE_SIZE
from explorer.views.turns import soon
from tests.browser.conftest import Served, arrive, fill, show, until, watch
from tests.browser.test_item import in_browser, middle


@pytest.fixture
def sampled(opened_on_run: Page, served: Served) -> Page:
    """The page with ten of the digits 4 drawn."""
    session, opened = served.explorer.session, opened_on_run
    opened.get_by_role("tab", name="Sample").click()
    until(lambda: served.explorer.tabs.active == 2)  # a first selection leads from the first tab to its own
    code = session.categories("digit").names.index("4")
    soon(served.explorer._doc, lambda: session.select_category("digit", code))
    until(lambda: session.selection.count > 0)
    fill(opened, "Size", 10)
    until(lambda: served.explorer.sample.size.value == 10)
    opened.get_by_role("button", name="Draw").click()
    keep(opened.locator(".tabulator-row img").first)
    return opened


def keep(element: Locator) -> None:
    """Wait until a table keeps its rows: Tabulator builds them anew a few times as its page is laid out."""

    def kept() -> bool:
        built = element.element_handle()
        element.page.wait_for_timeout(500)
        return built.evaluate("element => element.isConnected")

    until(kept)


def test_a_sample_shows_rows_of_the_selection_with_pictures(sampled: Page, served: Served) -> None:
    session = served.explorer.session
    assert len(session.sample.rows) == 10
    assert session.selection.mask[session.sample.rows].all()
    expect(sampled.locator(".tabulator-row img")).to_have_count(PAGE_SIZE)
    digits = sampled.locator('.tabulator-row [tabulator-field="digit"]').all_inner_texts()
    assert digits == ["4"] * PAGE_SIZE


def test_a_sample_is_ringed_where_its_rows_lie(sampled: Page, served: Served) -> None:
    explorer = served.explorer
    rows = explorer.session.sample.rows
    rings = explorer.map._marks.source
    until(lambda: len(in_browser(sampled, rings)) == len(rows))
    embedding = explorer.session.shown(explorer.session.run_id).embedding
    np.testing.assert_array_equal(in_browser(sampled, rings), embedding[rows])
    sampled.get_by_role("button", name="Clear").click()
    until(lambda: len(in_browser(sampled, rings)) == 0)


def test_the_table_is_sorted_and_paged_over_all_rows(sampled: Page, served: Served) -> None:
    ids = sampled.locator('.tabulator-row [tabulator-field="row_id"]')
    rows = served.explorer.session.sample.rows.tolist()
    expect(ids).to_have_text([f"{row:,}" for row in rows[:PAGE_SIZE]])
    expected = [f"{row:,}" for row in sorted(rows)]
    sampled.locator('.tabulator-col[tabulator-field="row_id"]').click()
    expect(ids).to_have_text(expected[:PAGE_SIZE])
    sampled.get_by_role("button", name="Next Page").click()
    expect(ids).to_have_text(expected[PAGE_SIZE:])
    pages = sampled.locator(".tabulator-pages")
    until(lambda: pages.evaluate("foot => getComputedStyle(foot, '::before').content") == '"2 of 2"')


def test_who_draws_again_sees_the_rows_drawn_last_and_their_columns(sampled: Page, served: Served) -> None:
    session, form = served.explorer.session, served.explorer.sample
    ids = sampled.locator('.tabulator-row [tabulator-field="row_id"]')
    for seed in range(1, 5):
        fill(sampled, "Seed", seed)
        until(lambda seed=seed: form.seed.value == seed)
        sampled.get_by_role("button", name="Draw").click()
        until(lambda seed=seed: session.sample.plan.seed == seed)
        expect(ids).to_have_text([f"{row:,}" for row in session.sample.rows[:PAGE_SIZE]])
    # What is drawn by density has a probability of its own in each row.
    for title, strategy, heads in (("Weighted by density", "density-weighted", 1), ("Random", "random", 0)):
        sampled.get_by_label("Strategy").click()
        sampled.get_by_role("menuitem", name=title, exact=True).click()
        until(lambda strategy=strategy: form.form.strategy.value == strategy)
        sampled.get_by_role("button", name="Draw").click()
        until(lambda strategy=strategy: session.sample.plan.strategy == strategy)
        expect(ids).to_have_text([f"{row:,}" for row in session.sample.rows[:PAGE_SIZE]])
        expect(sampled.locator('.tabulator-col[tabulator-field="probability"]')).to_have_count(heads)


def test_what_is_typed_into_a_number_that_was_walked_to_takes_its_place(opened: Page, served: Served) -> None:
    opened.get_by_role("tab", name="Sample").click()
    size, field = served.explorer.sample.size, opened.get_by_role("textbox", name=re.compile("^Size"))
    fill(opened, "Size", 5000)
    until(lambda: size.value == 5000)
    expect(field).to_have_value("5,000")
    opened.keyboard.press("Shift+Tab")
    expect(field).to_be_focused()
    expect(field).to_have_value("5000")
    until(lambda: field.evaluate("field => field.selectionEnd - field.selectionStart") == 4)
    opened.keyboard.type("60")
    opened.keyboard.press("Tab")
    until(lambda: size.value == 60)


def test_a_click_on_a_row_looks_at_its_item(sampled: Page, served: Served) -> None:
    session, first = served.explorer.session, int(served.explorer.session.sample.rows[0])
    sampled.locator(".tabulator-row").get_by_role("button", name=f"{first:,}", exact=True).focus()
    sampled.keyboard.press("Enter")
    until(lambda: session.pinned == first)
    sampled.get_by_role("tab", name="Sample").click()
    sampled.get_by_role("button", name="Next Page").click()
    row = int(session.sample.rows[PAGE_SIZE])
    sampled.locator('.tabulator-row [tabulator-field="row_id"]', has_text=f"{row:,}").click()
    until(lambda: session.pinned == row)
    expect(sampled.get_by_role("tab", name="Item")).to_have_attribute("aria-selected", "true")
    view, place = served.explorer.map, session.shown(session.run_id).embedding[row]
    until(lambda: np.allclose(middle(view.viewport), place, atol=view.viewport.unit))


def test_a_chosen_strategy_draws_the_rows_of_its_plan(sampled: Page, served: Served) -> None:
    explorer, session = served.explorer, served.explorer.session
    first = session.drawn
    sampled.get_by_label("Strategy").click()
    sampled.get_by_role("menuitem", name="Boundary of the selection").click()
    until(lambda: explorer.sample.form.strategy.value == "boundary")
    expect(sampled.get_by_text("The items with the most unselected neighbours on the map.")).to_be_visible()
    sampled.get_by_role("button", name="Draw").click()
    until(lambda: session.drawn is not first)
    expected = session.draw(Plan("boundary", 10, 0))
    np.testing.assert_array_equal(session.sample.rows, expected.sample.rows)


@pytest.mark.parametrize("kind", ["CSV", "Parquet"])
def test_a_sample_goes_out_with_its_manifest(
    sampled: Page, served: Served, kind: str, tmp_path: Path
) -> None:
    session, downloads = served.explorer.session, []
    sampled.on("download", lambda download: downloads.append(download))
    with sampled.expect_download() as download:
        sampled.get_by_role("button", name=kind).click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    with sampled.expect_download() as download:
        sampled.get_by_role("button", name=kind).click()
    assert Path(download.value.path()).read_bytes() == path.read_bytes(), "the same file came again"
    table = pyarrow.csv.read_csv(path) if kind == "CSV" else pyarrow.parquet.read_table(path)
    np.testing.assert_array_equal(table["row_id"], session.sample.rows)
    assert set(table["digit"].to_pylist()) == {4}
    with sampled.expect_download() as download:
        sampled.get_by_role("button", name="Manifest").click()
    download.value.save_as(tmp_path / "manifest.json")
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["seed"] == session.sample.plan.seed
    assert manifest["dataset"]["hash"] == served.app.dataset.hash
    kept = served.app.workspace.path / "samples"
    assert manifest in [json.loads(path.read_text()) for path in kept.glob("*.json")]
    assert len(downloads) == 3, "each press downloads once"


def test_a_reload_returns_to_where_it_was(sampled: Page, served: Served, finished: list[str]) -> None:
    session = served.explorer.session
    rows, drawn = session.selection.rows, session.sample.rows
    assert f"run={finished[0]}" in sampled.evaluate("location.href")
    arrive(sampled, served, sampled.reload)
    again = served.explorer.session
    assert again.run_id == finished[0]
    np.testing.assert_array_equal(again.selection.rows, rows)
    np.testing.assert_array_equal(again.sample.rows, drawn)
    expect(sampled.get_by_text(f"{len(rows):,} selected", exact=True)).to_be_visible()


def test_a_second_tab_lives_beside_the_first(opened: Page, served: Served, finished: list[str]) -> None:
    first = served.explorer
    faults: list[str] = []
    second_page = opened.context.new_page()
    watch(second_page, served, faults)
    show(second_page, served, f"?run={finished[1]}")
    second = served.explorer
    assert second is not first
    runner = served.app.runner
    run = runner.start(served.app.dataset, RunParameters(seed=3))
    for explorer in (first, second):
        soon(explorer._doc, lambda explorer=explorer: explorer.session.look_at(run.id))
    last = runner.wait(run.id, timeout=240).epoch
    for explorer in (first, second):
        until(lambda explorer=explorer: explorer.map.feed.epochs_painted[-1] == last)
    long = runner.start(served.app.dataset, RunParameters(seed=4, n_epochs=100_000))
    for explorer in (first, second):
        soon(explorer._doc, lambda explorer=explorer: explorer.session.look_at(long.id))
    until(lambda: second.map.feed.epochs_painted[-1] < last and runner.progress(long.id).epoch > 3)
    for page, explorer in ((second_page, second), (opened, first)):
        page.close()
        until(lambda explorer=explorer: explorer not in served.app.pages, 40)
    gone, reached = len(served.app.pages), runner.progress(long.id).epoch
    until(lambda: runner.progress(long.id).epoch > reached)
    assert (gone, runner.progress(long.id).status) == (0, RunStatus.RUNNING)
    runner.stop(long.id)
    assert runner.wait(long.id, timeout=60).status is RunStatus.STOPPED
    assert not faults


def test_a_missing_file_is_told_in_one_sentence_and_nothing_changes(opened: Page, served: Served) -> None:
    dataset = served.explorer.session.dataset
    opened.get_by_role("button", name="Open another file").click()
    fill(opened, "File", "/nowhere/songs.parquet")
    opened.get_by_role("button", name="Open", exact=True).click()
    expect(opened.get_by_text("There is no file /nowhere/songs.parquet")).to_be_visible()
    assert served.explorer.session.dataset is dataset


def test_a_column_s_name_is_shown_as_text_and_a_lasso_does_not_stop_another_file(
    opened_on_run: Page, served: Served, tmp_path: Path
) -> None:
    session, name = served.explorer.session, "<img src=x onerror=alert(1)>"
    vectors = [row.tolist() for row in np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)]
    table = pa.table(
        {
            "vector": vectors,
            name: ["<b>bold</b>"] * 40,
            "picture": ["http://nowhere.invalid/x.png"] * 40,
            "index": ["as it was"] * 40,
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "hostile.parquet")
    corners = np.array([[-100.0, -100.0], [100.0, 100.0]])
    soon(served.explorer._doc, lambda: session.box(session.run_id, corners))
    until(lambda: session.selection.count > 0 and served.explorer.tabs.active == 1)
    opened_on_run.get_by_role("button", name="Open another file").click()
    fill(opened_on_run, "File", str(tmp_path / "hostile.parquet"))
    opened_on_run.get_by_role("button", name="Open", exact=True).click()
    until(lambda: session.dataset.n == 40)
    opened_on_run.get_by_role("tab", name="Sample").click()
    opened_on_run.get_by_role("button", name="Draw").click()
    expect(opened_on_run.locator(".tabulator-col-title", has_text=name)).to_be_visible()
    expect(opened_on_run.locator(".tabulator-cell", has_text="<b>bold</b>").first).to_be_visible()
    named_so = opened_on_run.locator('.tabulator-row [tabulator-field="index"]')
    expect(named_so).to_have_text(["as it was"] * PAGE_SIZE)
    expect(named_so.first).to_be_visible()


def test_light_and_dark_redraw_the_map(opened_on_run: Page, served: Served) -> None:
    feed = served.explorer.map.feed
    image = feed.source.data["image"][0].copy()
    opened_on_run.get_by_role("button", name="Toggle theme").click()
    until(lambda: not np.array_equal(feed.source.data["image"][0], image))
    expect(opened_on_run.locator(".mui-light").first).to_be_visible()


def test_the_legend_shows_one_category_alone(opened_on_run: Page, served: Served) -> None:
    session, legend = served.explorer.session, opened_on_run.get_by_role("list", name="Legend")
    opened_on_run.get_by_role("tab", name="Colour").click()
    legend.get_by_role("button").nth(3).click()
    until(lambda: session.isolated == frozenset({3}))
    legend.get_by_role("button").nth(5).click(modifiers=["Control"])
    until(lambda: session.isolated == frozenset({3, 5}))
    legend.get_by_role("button").nth(5).click(modifiers=["Control"])
    legend.get_by_role("button").nth(3).click()
    until(lambda: session.isolated == frozenset())
