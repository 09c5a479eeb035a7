"""The Drift tab in the browser: clusters over weeks with their lines, a batch's gap drawn and selected."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from explorer.model.run import RunParameters
from tests.browser.conftest import SIZE, Served, serving, show, until, watch

WEEKS, THIN = 30, 3


@pytest.fixture(scope="module")
def served_weeks(tmp_path_factory: pytest.TempPathFactory, blobs) -> Iterator[Served]:
    """The app on five blobs with a finished run; one of them comes in the first weeks only."""
    folder = tmp_path_factory.mktemp("weeks")
    vectors, labels = blobs
    weeks = np.random.default_rng(0).integers(0, np.where(labels == THIN, WEEKS // 3, WEEKS))
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 12)
    kinds = [f"<i>kind</i> {one}" for one in labels]
    days = pa.array(np.datetime64("2024-01-01") + 7 * weeks)
    pq.write_table(pa.table({"v": column, "kind": kinds, "added": days}), folder / "weeks.parquet")
    with serving(folder / "ws", folder / "weeks.parquet") as app:
        run = app.app.runner.start(app.app.dataset, RunParameters(n_epochs=100))
        app.app.runner.wait(run.id, timeout=240)
        yield app


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
    assert not faults
