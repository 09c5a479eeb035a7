"""What leaves the page by its bar: a link that another reader opens, and the map as a file."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from explorer.views.turns import soon
from tests.browser.conftest import Served, until


@pytest.fixture(autouse=True)
def clipboard(context: BrowserContext) -> None:
    """Let the test read what the page copies."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])


def test_a_copied_link_names_the_view_and_not_the_visit(
    opened_on_run: Page, served: Served, finished: list[str]
) -> None:
    soon(served.explorer._doc, lambda: served.explorer.session.pin(7))
    until(lambda: "item=7" in opened_on_run.evaluate("location.search"))
    opened_on_run.get_by_role("button", name="Copy link").click()
    expect(opened_on_run.get_by_role("button", name="Copied")).to_be_visible()
    named = parse_qs(urlsplit(opened_on_run.evaluate("navigator.clipboard.readText()")).query)
    assert named["run"] == [finished[0]]
    assert named["item"] == ["7"]
    assert "visit" not in named


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
