"""The Drift tab in the browser: clusters over weeks with their lines, a batch's gap drawn and selected."""

import html
import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from explorer.model.run import RunParameters
from explorer.views.turns import soon
from tests.browser.conftest import SIZE, MapOnScreen, Served, serving, settle, show, until, watch

WEEKS, THIN = 30, 3


@pytest.fixture(scope="module")
def served_weeks(tmp_path_factory: pytest.TempPathFactory, blobs) -> Iterator[Served]:
    """The app on five blobs with a finished run; one of them comes in the first weeks only.

    The workspace has other data too, which lacks two of the blobs.
    """
    folder = tmp_path_factory.mktemp("weeks")
    vectors, labels = blobs
    weeks = np.random.default_rng(0).integers(0, np.where(labels == THIN, WEEKS // 3, WEEKS))
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 12)
    kinds = [f"<i>kind</i> {one}" for one in labels]
    days = pa.array(np.datetime64("2024-01-01") + 7 * weeks)
    pq.write_table(pa.table({"v": column, "kind": kinds, "added": days}), folder / "weeks.parquet")
    np.save(folder / "lacking.npy", vectors[labels < THIN] + np.float32(0.01))
    with serving(folder / "ws", folder / "weeks.parquet") as app:
        app.app.workspace.add_dataset(folder / "lacking.npy")
        run = app.app.runner.start(app.app.dataset, RunParameters(n_epochs=100))
        app.app.runner.wait(run.id, timeout=240)
        yield app


def colour(page: Page, at: tuple[float, float]) -> np.ndarray:
    """Red, green and blue around a place of the page."""
    clip = {"x": at[0] - 4, "y": at[1] - 4, "width": 9, "height": 9}
    return np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")).mean(axis=(0, 1))


def test_a_thinning_cluster_and_the_gap_of_a_batch_are_selected(
    page: Page, served_weeks: Served, blobs
) -> None:
    faults: list[str] = []
    watch(page, served_weeks, faults)
    page.set_viewport_size(SIZE)
    show(page, served_weeks)
    session, panel = served_weeks.explorer.session, served_weeks.explorer.drift
    page.get_by_role("tab", name="Drift").click()
    page.get_by_role("button", name="Compare over time").click()
    changing = page.get_by_role("region", name="Changing clusters")
    first = changing.get_by_role("button").first
    expect(first).to_contain_text("of new items since 2024-03-1", timeout=60_000)
    expect(first.locator("svg.spark path.shares")).to_have_count(1)
    expect(first.locator("svg.spark path.mark")).to_have_count(1)
    first.focus()
    page.keyboard.press("Enter")
    until(lambda: session.selection.count > 0)
    np.testing.assert_array_equal(session.selection.mask, blobs[1] == THIN)

    page.get_by_role("textbox", name="Condition in SQL").last.fill(
        "kind <> '<i>kind</i> 3' AND row_id % 2 = 0"
    )
    page.get_by_role("textbox", name="Condition in SQL").last.press("Enter")
    picture = page.get_by_role("img", name="Map of where kind <> '<i>kind</i> 3'")
    expect(picture).to_be_visible(timeout=60_000)
    assert picture.evaluate("image => image.naturalWidth") > 100
    page.get_by_role("button", name="Select the gap").click()
    gap = panel.coverage.found.rows_in_gaps
    until(lambda: session.selection.count == len(gap))
    np.testing.assert_array_equal(session.selection.rows, gap)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    soon(served_weeks.explorer._doc, session.clear_selection)
    until(lambda: session.selection.count == 0)
    page.get_by_role("button", name="Sample the gap").click()
    expect(page.get_by_role("tab", name="Sample")).to_have_attribute("aria-selected", "true")
    page.locator(".tabulator-row").first.wait_for()
    np.testing.assert_array_equal(session.selection.rows, gap)
    assert len(session.sample.rows) > 0
    assert np.isin(session.sample.rows, gap).all()
    assert not faults


def test_the_difference_lies_over_the_map_and_goes_into_the_report(
    page: Page, served_weeks: Served, tmp_path: Path
) -> None:
    faults: list[str] = []
    watch(page, served_weeks, faults)
    page.set_viewport_size(SIZE)
    show(page, served_weeks)
    explorer, panel = served_weeks.explorer, served_weeks.explorer.drift.coverage
    page.get_by_role("tab", name="Drift").click()
    page.get_by_role("combobox", name="Batch by").click()
    page.get_by_role("menuitem", name="other data of this workspace").click()
    expect(page.get_by_role("combobox", name=re.compile("^Other data"))).to_contain_text(
        "lacking · 360 items"
    )
    switch = page.get_by_label("Show on the map")
    expect(switch).to_be_hidden()
    page.get_by_role("button", name="Compare the batch").click()
    clusters = page.get_by_role("region", name="Clusters", exact=True)
    expect(clusters.get_by_role("button").first).to_contain_text("vanished", timeout=60_000)

    # Where most items lie that the batch lacks, which moves with the map.
    found = panel.found.difference
    row, column = np.unravel_index(np.argmax(np.where(found.marked < 0, found.density, 0)), found.p.shape)
    unit = found.viewport.unit
    place = found.viewport.x0 + (column + 0.5) * unit, found.viewport.y0 + (row + 0.5) * unit
    on_map = MapOnScreen(page, explorer)
    settle(page, explorer.map)

    def differs(from_: np.ndarray) -> bool:
        return bool(np.linalg.norm(colour(page, on_map.pixel(*place)) - from_) > 10)

    before = colour(page, on_map.pixel(*place))
    switch.check()
    until(lambda: differs(before))
    legend = page.locator(".map-legend")
    expect(legend).to_be_visible()
    expect(legend).to_contain_text("lackingaboundslacking")
    page.mouse.move(*on_map.pixel(*place))
    was = explorer.map.viewport.unit
    page.mouse.wheel(0, -240)
    until(lambda: explorer.map.viewport.unit < 0.8 * was)
    settle(page, explorer.map)
    lit = colour(page, on_map.pixel(*place))
    switch.uncheck()
    expect(legend).to_be_hidden()
    until(lambda: differs(lit))

    page.get_by_role("button", name="Compare over time").click()
    changing = page.get_by_role("region", name="Changing clusters")
    expect(changing.get_by_role("button").first).to_contain_text("of new items since", timeout=60_000)
    page.get_by_role("tab", name="Audit").click()
    page.get_by_role("button", name="Audit", exact=True).click()
    with page.expect_download(timeout=120_000) as download:
        page.get_by_role("button", name="Export report").click()
    download.value.save_as(tmp_path / "report.html")
    text = html.unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    for said in (explorer.drift.found.sentence, panel.found.sentence, panel.arrivals.sentence):
        assert said in text
    assert not faults
