"""What the colours mean: legends of names, numbers, times and free text, and by keyboard alone."""

import json
import shutil
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as TookTooLongError

from explorer.model.run import RunParameters
from tests.browser.conftest import MapOnScreen, Served, fill, show, until

N = 400
FOCUSED = """() => {
  let element = document.activeElement
  while (element.shadowRoot?.activeElement) { element = element.shadowRoot.activeElement }
  return element.dataset.key ?? element.className
}"""
OUTLINE = """() => {
  let element = document.activeElement
  while (element.shadowRoot?.activeElement) { element = element.shadowRoot.activeElement }
  return getComputedStyle(element).outlineWidth
}"""


@pytest.fixture
def songs(opened: Page, served: Served, tmp_path: Path) -> Page:
    """The page on songs with a column of every kind, one in ten without a genre, and a finished run."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(N, 4)).astype(np.float32)
    table = pa.table(
        {
            "vector": vectors.tolist(),
            "genre": [None if row % 10 == 0 else f"genre {row % 7}" for row in range(N)],
            "plays": np.arange(N) % 100 + 0.5,
            "added": [date(2024, 1, 1) + timedelta(days=row) for row in range(N)],
            "title": [f"song {row}" for row in range(N)],
        }
    )
    pq.write_table(table, tmp_path / "songs.parquet")
    dataset = served.app.workspace.add_dataset(tmp_path / "songs.parquet")
    run = next(iter(served.app.workspace.runs(dataset.id)), None)
    served.app.runner.wait((run or served.app.runner.start(dataset, RunParameters(n_epochs=20))).id)
    served.explorer._doc.add_next_tick_callback(lambda: served.explorer.session.show(dataset))
    expect(opened.get_by_text("400 rows × 4 dimensions")).to_be_visible()
    return opened


def legend_by(page: Page, served: Served, column: str) -> Locator:
    """Colour by a column and return its legend."""
    page.get_by_role("tab", name="Colour").click()
    for _ in range(5):
        page.get_by_role("combobox", name="Colour by").click()
        # Columns that arrive while the menu is open close it, or take the choice back: it is made again.
        with suppress(TookTooLongError, AssertionError):
            page.get_by_role("menuitem", name=column, exact=True).click(timeout=4000)
            until(lambda: served.explorer.session.colour_by == column, seconds=4)
            break
        page.keyboard.press("Escape")
    assert served.explorer.session.colour_by == column
    return page.get_by_role("list", name="Legend")


@pytest.mark.parametrize(
    ("column", "first", "rows"),
    [
        ("genre", "genre 0: 0 of 52 selected", 7),
        ("plays", "0 to 10: 0 of 40 selected", 10),
        ("added", "2024-01 to 03: 0 of 91 selected", 5),
        ("title", "song 0: 0 of 1 selected", 200),
    ],
)
def test_a_legend_counts_any_column(songs: Page, served: Served, column: str, first: str, rows: int) -> None:
    legend = legend_by(songs, served, column)
    expect(legend.get_by_role("button")).to_have_count(rows)
    expect(legend.get_by_role("button").first).to_have_accessible_name(first)


def test_what_a_legend_leaves_out_is_counted_beneath(songs: Page, served: Served) -> None:
    legend_by(songs, served, "genre")
    expect(songs.get_by_text("40 items have no value")).to_be_visible()
    legend_by(songs, served, "title")
    expect(songs.get_by_text("and 200 more categories with 200 items")).to_be_visible()


def test_a_range_of_numbers_is_selected_from_the_composition(songs: Page, served: Served) -> None:
    session = served.explorer.session
    legend_by(songs, served, "plays")
    served.explorer._doc.add_next_tick_callback(
        lambda: session.box(session.run_id, np.array([[-100.0, -100.0], [100.0, 100.0]]))
    )
    until(lambda: session.selection.count == N)
    songs.get_by_role("combobox", name="Composition by").click()
    songs.get_by_role("menuitem", name="plays", exact=True).click()
    songs.get_by_role("list", name="Composition of the selection").get_by_role(
        "button", name="20 to 30"
    ).click()
    plays = np.arange(N) % 100 + 0.5
    until(lambda: session.selection.count < N)
    np.testing.assert_array_equal(session.selection.rows, np.flatnonzero((plays >= 20) & (plays < 30)))


def test_the_keyboard_keeps_its_place_in_a_legend_that_changes(songs: Page, served: Served) -> None:
    session, legend = served.explorer.session, legend_by(songs, served, "genre")
    legend.get_by_role("button").nth(2).focus()
    songs.keyboard.press("Enter")
    until(lambda: session.isolated == frozenset({2}))
    expect(legend.locator(".dim")).to_have_count(6)
    assert songs.evaluate(FOCUSED) == "2"
    songs.keyboard.press("Tab")
    songs.keyboard.press("Control+Enter")
    until(lambda: session.isolated == frozenset({2, 3}))
    assert songs.evaluate(FOCUSED) == "3"


def test_the_map_shows_its_focus_to_the_keyboard_and_not_after_a_drag(
    opened_on_run: Page, served: Served
) -> None:
    on_screen = MapOnScreen(opened_on_run, served.explorer)
    on_screen.choose("Lasso")
    view = served.explorer.map.viewport
    on_screen.drag([(view.x0 + 90 * view.unit, view.y0 + y * view.unit) for y in (90, 200)])
    assert "bk-events" in opened_on_run.evaluate(FOCUSED)
    assert opened_on_run.evaluate(OUTLINE) == "0px"
    opened_on_run.get_by_role("button", name="Show the whole map").focus()
    opened_on_run.keyboard.press("Tab")
    assert "bk-events" in opened_on_run.evaluate(FOCUSED)
    assert opened_on_run.evaluate(OUTLINE) == "1px"


def test_a_map_that_cannot_be_read_says_so_in_its_place(
    quiet: Page, served: Served, finished: list[str]
) -> None:
    folder = served.app.workspace.run_folder(finished[0])
    damaged = folder.with_name("damaged-0")
    shutil.copytree(folder, damaged)
    try:
        record = json.loads((damaged / "run.json").read_text())
        (damaged / "run.json").write_text(json.dumps({**record, "id": "damaged-0"}))
        (damaged / "embedding.npy").write_bytes(b"\x93NUMPY cut short")
        show(quiet, served)
        quiet.goto(f"{served.url}?run=damaged-0")
        expect(quiet.locator(".map-note", has_text="damaged")).to_be_visible()
        expect(quiet.get_by_role("toolbar", name="Map tools")).to_be_visible()
    finally:
        shutil.rmtree(damaged)


def test_an_error_goes_when_the_next_act_succeeds(opened: Page, served: Served, tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(50, 3)))
    opened.get_by_role("button", name="Open another file").click()
    fill(opened, "File", str(tmp_path / "nowhere.npy"))
    opened.get_by_role("button", name="Open", exact=True).click()
    told = opened.get_by_text("There is no file")
    expect(told).to_be_visible()
    fill(opened, "File", str(tmp_path / "points.npy"))
    opened.get_by_role("button", name="Open", exact=True).click()
    until(lambda: served.explorer.session.dataset.n == 50)
    expect(told).to_have_count(0)
