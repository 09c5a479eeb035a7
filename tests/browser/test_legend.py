"""What the colours mean: legends of names, numbers, times and free text, and by keyboard alone."""

import json
import re
import shutil
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Locator, Page, expect

from explorer.model.clusters import find
from explorer.model.run import RunParameters
from explorer.model.statistics import CLUSTER
from explorer.views import map_view
from explorer.views.shading import Picture
from explorer.views.turns import soon
from tests.browser.conftest import MapOnScreen, Served, arrive, fill, settle, show, until

N = 400
FOCUSED = """() => {
  let element = document.activeElement
  while (element.shadowRoot?.activeElement) { element = element.shadowRoot.activeElement }
  return element.dataset.key ?? element.className
}"""
FRESH = """([source, legend]) => {
  const models = Bokeh.documents[0], image = () => models.get_model_by_id(source).data.image[0]
  const before = image().slice()
  models.get_model_by_id(legend).data.properties.rows.change.connect(() => {
    window.fresh = image().some((pixel, i) => pixel !== before[i])
  })
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
            "artist": [f"artist {row % 20}" for row in range(N)],
        }
    )
    pq.write_table(table, tmp_path / "songs.parquet")
    dataset = served.app.workspace.add_dataset(tmp_path / "songs.parquet")
    run = next(iter(served.app.workspace.runs(dataset.id)), None)
    served.app.runner.wait((run or served.app.runner.start(dataset, RunParameters(n_epochs=20))).id)
    soon(served.explorer._doc, lambda: served.explorer.session.show(dataset))
    expect(opened.get_by_text("400 rows × 4 dimensions")).to_be_visible()
    return opened


def picture(page: Page, served: Served) -> int:
    """What the browser paints for the map, as a number."""
    return page.evaluate(
        """id => {
          const image = Bokeh.documents[0].get_model_by_id(id).data.image[0]
          let hash = 0
          for (const pixel of image) { hash = (hash * 31 + pixel) | 0 }
          return hash
        }""",
        served.explorer.map.feed.source.id,
    )


def legend_by(page: Page, served: Served, column: str, name: str = "") -> Locator:
    """Colour by a column, or what is called so, and return its legend."""
    page.get_by_role("tab", name="Colour").click()
    page.get_by_role("combobox", name="Colour by").click()
    page.get_by_role("menuitem", name=column, exact=True).click()
    until(lambda: served.explorer.session.colour_by == (name or column))
    return page.get_by_role("list", name="Legend")


def test_a_new_colour_is_on_the_map_before_it_is_in_the_legend(
    songs: Page, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    legend_by(songs, served, "genre")
    settle(songs, served.explorer.map)
    draw = map_view.draw

    def slow(*given: Any) -> Picture:
        time.sleep(0.5)
        return draw(*given)

    monkeypatch.setattr(map_view, "draw", slow)
    ((legend, _),) = served.explorer.colour.legend._models.values()
    songs.evaluate(FRESH, [served.explorer.map.feed.source.id, legend.id])
    legend_by(songs, served, "artist")
    songs.wait_for_function("() => window.fresh !== undefined")
    assert songs.evaluate("window.fresh"), "the legend has changed while the map had its old colours"
    expect(songs.get_by_role("list", name="Legend").get_by_text("artist 3", exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("column", "first", "rows"),
    [
        ("genre", "genre 0: 0 of 52 selected", 8),
        ("plays", "0 to 10: 0 of 40 selected", 10),
        ("added", "2024-01 to 03: 0 of 91 selected", 5),
        ("title", "song 0: 0 of 1 selected", 201),
    ],
)
def test_a_legend_counts_any_column(songs: Page, served: Served, column: str, first: str, rows: int) -> None:
    legend = legend_by(songs, served, column)
    expect(legend.get_by_role("button")).to_have_count(rows)
    expect(legend.get_by_role("button").first).to_have_accessible_name(first)


def test_missing_values_stand_alone_and_what_a_legend_leaves_out_is_counted(
    songs: Page, served: Served
) -> None:
    session, legend = served.explorer.session, legend_by(songs, served, "genre")
    missing = legend.get_by_role("button", name="(no value): 0 of 40 selected")
    missing.hover()
    until(lambda: session.highlighted == frozenset({-1}))
    missing.click()
    until(lambda: session.isolated == frozenset({-1}))
    missing.click()
    until(lambda: session.isolated == frozenset())
    legend_by(songs, served, "title")
    other = legend.get_by_role("button", name="(other: 360 categories): 0 of 360 selected")
    other.click()
    until(lambda: session.isolated == frozenset(range(40, N)))
    expect(songs.get_by_text("200 categories, with 200 items, have no row here")).to_be_visible()


def test_a_range_of_numbers_is_selected_from_the_composition(songs: Page, served: Served) -> None:
    session = served.explorer.session
    legend_by(songs, served, "plays")
    soon(
        served.explorer._doc,
        lambda: session.box(session.run_id, np.array([[-100.0, -100.0], [100.0, 100.0]])),
    )
    until(lambda: session.selection.count == N)
    ranges = songs.get_by_role("list", name="Composition by plays")
    ranges.get_by_role("button", name="20 to 30").click()
    plays = np.arange(N) % 100 + 0.5
    until(lambda: session.selection.count < N)
    np.testing.assert_array_equal(session.selection.rows, np.flatnonzero((plays >= 20) & (plays < 30)))
    expect(ranges.get_by_role("button", name="20 to 30: 40 of 40 selected")).to_be_visible()
    ranges.get_by_role("button", name="50 to 60").click(modifiers=["Control"])
    until(lambda: session.selection.count == 80)
    wanted = ((plays >= 20) & (plays < 30)) | ((plays >= 50) & (plays < 60))
    np.testing.assert_array_equal(session.selection.mask, wanted)


def test_a_composition_by_several_columns_filters_by_each(songs: Page, served: Served) -> None:
    session, page = served.explorer.session, songs
    page.get_by_role("tab", name="Selection").click()
    soon(served.explorer._doc, lambda: session.select_where("row_id >= 0"))
    until(lambda: session.selection.count == N)
    chosen = served.explorer.selection.composition.columns
    soon(served.explorer._doc, lambda: chosen.param.update(value=["genre", "plays", "added"]))
    page.get_by_role("list", name="Composition by genre").get_by_role("button", name="genre 3").click()
    until(lambda: session.selection.count == 51)
    months = page.get_by_role("list", name="Composition by added")
    expect(months.get_by_role("button").first).to_have_attribute(
        "aria-label", "2024-01 to 03: 11 of 91 selected"
    )
    months.get_by_role("button").first.click()
    until(lambda: session.selection.count == 11)
    rows = np.arange(91)
    np.testing.assert_array_equal(session.selection.rows, rows[(rows % 7 == 3) & (rows % 10 != 0)])
    assert [(step.mode, step.column) for step in session.selection.steps[1:]] == [
        ("intersect", "genre"),
        ("intersect", "added"),
    ]


def test_the_keyboard_keeps_its_place_in_a_legend_that_changes(songs: Page, served: Served) -> None:
    session, legend = served.explorer.session, legend_by(songs, served, "genre")
    expect(legend.get_by_role("listitem").get_by_role("button")).to_have_count(8)
    expect(legend.locator("[aria-pressed]")).to_have_count(0)
    legend.get_by_role("button").nth(2).focus()
    songs.keyboard.press("Enter")
    until(lambda: session.isolated == frozenset({2}))
    expect(legend.locator(".dim")).to_have_count(7)
    expect(legend.get_by_role("button", pressed=False)).to_have_count(7)
    expect(legend.get_by_role("button", pressed=True)).to_have_attribute("data-key", "2")
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
    settle(opened_on_run, served.explorer.map)
    view = served.explorer.map.viewport
    on_screen.drag([(view.x0 + 90 * view.unit, view.y0 + y * view.unit) for y in (90, 200)])
    assert "bk-events" in opened_on_run.evaluate(FOCUSED)
    assert opened_on_run.evaluate(OUTLINE) == "0px"
    opened_on_run.get_by_role("button", name="Show the whole map").focus()
    for _ in range(8):  # past the tools that stand after it
        opened_on_run.keyboard.press("Tab")
        if "bk-events" in opened_on_run.evaluate(FOCUSED):
            break
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
        expect(quiet.locator(".map-state.error", has_text="damaged")).to_be_visible()
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
    field = opened.get_by_role("textbox", name=re.compile("^File"))
    field.fill(str(tmp_path / "points.npy"))
    field.press("Enter")
    until(lambda: served.explorer.session.dataset.n == 50)
    expect(told).to_have_count(0)


def test_pointing_at_a_row_highlights_it_and_leaving_takes_that_back(songs: Page, served: Served) -> None:
    session, legend = served.explorer.session, legend_by(songs, served, "genre")
    expect(legend.get_by_role("button").first).to_be_visible()  # and so the map before it
    settle(songs, served.explorer.map)
    names, seen = session.categories("genre").names, [picture(songs, served)]
    for code in (3, 5):
        legend.get_by_role("button", name=names[code]).hover()
        until(lambda code=code: session.highlighted == frozenset({code}))
        until(lambda: picture(songs, served) not in seen)
        seen.append(picture(songs, served))
    songs.mouse.move(700, 450)
    until(lambda: session.highlighted == frozenset())
    until(lambda: picture(songs, served) == seen[0])


def test_a_row_reached_by_the_keyboard_is_highlighted_until_it_is_left(songs: Page, served: Served) -> None:
    session, legend = served.explorer.session, legend_by(songs, served, "genre")
    songs.mouse.move(700, 450)
    legend.get_by_role("button").first.focus()
    for code in (1, 2):
        songs.keyboard.press("Tab")
        until(lambda code=code: session.highlighted == frozenset({code}))
    songs.keyboard.press("Enter")
    until(lambda: session.isolated == frozenset({2}))
    expect(legend.locator(".dim")).to_have_count(7)
    until(lambda: session.highlighted == frozenset({2}))
    songs.get_by_role("button", name="Show the whole map").focus()
    until(lambda: session.highlighted == frozenset())


def test_a_long_legend_is_searched_and_one_alone_is_undone(songs: Page, served: Served) -> None:
    session, legend = served.explorer.session, legend_by(songs, served, "title")
    search = songs.get_by_role("searchbox", name="Search categories")
    search.fill("song 39")
    expect(legend.get_by_role("button")).to_have_count(11)
    legend.get_by_role("button", name="song 399").click()
    until(lambda: len(session.isolated) == 1)
    (code,) = session.isolated
    assert session.categories("title").names[code] == "song 399"
    songs.get_by_role("button", name="Show all").click()
    until(lambda: session.isolated == frozenset())
    expect(songs.get_by_role("button", name="Show all")).to_be_hidden()
    search.fill("no such song")
    expect(songs.get_by_text("No category has this in its name.")).to_be_visible()
    legend_by(songs, served, "artist")
    expect(legend.get_by_role("button")).to_have_count(20)
    expect(search).to_have_value("")
    legend_by(songs, served, "genre")
    expect(search).to_be_hidden()


def test_a_cluster_stands_alone_by_a_click_in_the_legend_and_the_address_names_it(
    opened_on_run: Page, served: Served, finished: list[str]
) -> None:
    session = served.explorer.session
    legend = legend_by(opened_on_run, served, "cluster (of this map)", CLUSTER)
    expect(legend.get_by_role("button", name="cluster 0")).to_be_visible(timeout=60_000)
    labels = find(served.app.workspace, session.run(finished[0])).labels
    cluster = legend.get_by_role("button", name=f"cluster 1: 0 of {(labels == 1).sum()} selected")
    whole = picture(opened_on_run, served)
    cluster.hover()
    until(lambda: session.highlighted == frozenset({1}))
    until(lambda: picture(opened_on_run, served) != whole)
    pointed_at = picture(opened_on_run, served)
    cluster.click()
    until(lambda: session.isolated == frozenset({1}))
    opened_on_run.get_by_role("tab", name="Colour").hover()
    until(lambda: session.highlighted == frozenset())
    until(lambda: picture(opened_on_run, served) not in (whole, pointed_at))
    legend.get_by_role("button", name="cluster 0").click(modifiers=["Control"])
    until(lambda: session.isolated == frozenset({0, 1}))
    assert session.selection.count == 0
    arrive(opened_on_run, served, opened_on_run.reload)
    assert served.explorer.session.colour_by == CLUSTER
    opened_on_run.get_by_role("tab", name="Colour").click()
    expect(legend.get_by_role("button", name="cluster 0")).to_be_visible(timeout=60_000)
