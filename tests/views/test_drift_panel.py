"""The Drift tab without a browser: what changes over time, what a batch lacks, what a click selects."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.model.density_difference import difference
from explorer.model.doing import Doing
from explorer.model.drawing import Ground
from explorer.model.run import RunParameters
from explorer.model.runner import Runner
from explorer.model.session import Session
from explorer.model.workspace import Workspace
from explorer.views import drift_panel, palette
from explorer.views.difference_picture import difference_picture, difference_pixels
from explorer.views.drift_panel import DriftPanel
from tests.views.test_compare_panel import Page

WEEKS, THIN = 20, 3


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, blobs) -> Iterator[Session]:
    """Five blobs with a finished run, one of them in the first weeks only, and data without a run."""
    folder = tmp_path_factory.mktemp("drift")
    vectors, labels = blobs
    weeks = np.random.default_rng(0).integers(0, np.where(labels == THIN, WEEKS // 4, WEEKS))
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 12)
    kinds = [f"<b>{one}</b>" for one in labels]
    days = pa.array(np.datetime64("2024-01-01") + 7 * weeks)
    pq.write_table(pa.table({"v": column, "kind": kinds, "added": days}), folder / "blobs.parquet")
    np.save(folder / "other.npy", vectors[:50])
    with Workspace(folder / "workspace") as workspace, Runner(workspace) as runner:
        workspace.add_dataset(folder / "other.npy")
        dataset = workspace.add_dataset(folder / "blobs.parquet")
        runner.wait(runner.start(dataset, RunParameters(n_epochs=100)).id, timeout=240)
        yield Session(workspace, runner, dataset)


@pytest.fixture
def session(bench: Session) -> Session:
    return Session(bench.workspace, bench.runner, bench.dataset)


@pytest.fixture
def told() -> list[Doing | None]:
    return []


@pytest.fixture
def panel(session: Session, told: list[Doing | None]) -> DriftPanel:
    return DriftPanel(session, told.append)


def test_clusters_that_thin_out_come_first_and_select_their_rows(
    session: Session, panel: DriftPanel, told: list[Doing | None], blobs
) -> None:
    assert panel.column.options == ["added"]
    panel.compare.clicks += 1
    state = panel.result.state
    first = state["changing"][0]
    assert (first["tone"], first["severity"], first["items"]) == ("bad", "high", "120 items")
    assert "of new items since 2024-02-0" in first["sentence"]
    assert len(first["shares"]) == WEEKS
    assert max(first["shares"]) == 1
    assert len(first["levels"]) == 2
    assert first["levels"][0] > 0.5 > first["levels"][1] == 0
    assert [name for _, name in first["marks"]] == [first["sentence"][-11:-1]]
    assert len(state["changing"]) + len(state["steady"]) == 5
    assert state["folded"].startswith(f"{len(state['steady'])} steady cluster")
    assert told[0].what == "comparing over added"
    assert told[-1] is None
    session.mode = "union"
    panel._on_message({"key": first["key"]})
    np.testing.assert_array_equal(session.selection.mask, blobs[1] == THIN)
    again = Ground.of_run(session.workspace, session.run_id).select(session.selection.steps)
    assert again.digest == session.selection.digest


def test_a_batch_by_category_and_by_condition_and_its_gap_selected(
    session: Session, panel: DriftPanel, blobs
) -> None:
    one = panel.coverage
    one.condition.value = "kind <> '<b>3</b>' AND row_id % 2 = 0"
    one.compare.clicks += 1
    state = one.result.state
    assert state["picture"].startswith("data:image/png;base64,")
    assert state["groups"][0]["findings"][0]["tone"] == "bad"
    one._on_message({"key": "gaps"})
    rows = session.selection.mask
    assert rows[blobs[1] == THIN].mean() > 0.9
    assert state["gap"] == f"Select the gap ({session.selection.count} items)"
    one._on_message({"key": "gap:0"})
    np.testing.assert_array_equal(session.selection.rows, one.found.gaps[0].rows)
    assert session.selection.steps[-1].text == f"gap 1 of {one.condition.value}"
    before = state["picture"]
    panel.use_theme(False)
    assert one.result.state["picture"] != before

    one.by.value = "kind"
    assert list(one.category.options) == [f"<b>{i}</b>" for i in range(5)]
    one.category.value = 2
    one.compare.clicks += 1
    assert one.found.batch == "kind = <b>2</b>"
    assert one.found.size == 120
    assert not one.condition.visible
    one._on_message({"key": "surplus:0"})
    assert session.selection.count == len(one.found.surpluses[0].rows)


def test_what_cannot_be_told_is_said_in_a_sentence(session: Session, panel: DriftPanel) -> None:
    one = panel.coverage
    one.compare.clicks += 1
    assert "Which items are the batch?" in one.work.said.object
    one.condition.value = "row_id < 3"
    one.compare.clicks += 1
    assert "The batch &#x27;row_id &lt; 3&#x27; has 3 items" in one.work.said.object
    one.condition.value = "row_id % 2 = 0"
    one.compare.clicks += 1
    assert one.work.said.object == ""
    assert "leave no gap" in one.result.state["said"]
    assert one.result.state["gap"] == ""


def test_what_was_found_goes_with_its_data(session: Session, panel: DriftPanel) -> None:
    panel.compare.clicks += 1
    assert panel.result.state
    other = next(info for info in session.workspace.datasets() if info.id != session.dataset.id)
    session.open(session.workspace.dataset(other.id))
    assert panel.result.state == {}
    assert "There is no map yet" in panel._head.object
    assert not panel._rest.visible
    session.open(session.workspace.dataset(session.workspace.runs()[0].dataset_id))
    assert panel.column.value == "added"
    assert panel._rest.visible


def test_work_shows_its_share_and_is_cancelled(
    panel: DriftPanel, told: list[Doing | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, page = threading.Event(), Page()

    def endless(*given: Any) -> None:
        while True:
            given[-1](0.5)
            reached.set()

    monkeypatch.setattr(drift_panel, "drift_of_run", endless)
    panel.work._aside._doc = panel.work._doc = page
    panel.compare.clicks += 1
    assert reached.wait(60)
    page.later()
    assert (panel.work.share.value, panel.compare.visible) == (50, False)
    doing = told[-1]
    panel.work.cancel.clicks += 1
    assert doing.stopped
    assert told[-1] is None
    assert panel.compare.visible
    assert panel.result.state == {}


@pytest.mark.parametrize("dark", [True, False])
def test_the_picture_is_coloured_where_it_is_significant_and_grey_elsewhere(dark: bool) -> None:
    rng = np.random.default_rng(0)
    left = rng.normal(size=(900, 2)).astype(np.float32)
    right = left + np.float32(6)
    found = difference(
        np.concatenate([left, right]), right + rng.normal(0, 0.1, right.shape).astype(np.float32)
    )
    pixels = difference_pixels(found, dark)
    assert pixels[found.marked < 0][:, 2].mean() > pixels[found.marked > 0][:, 2].mean(), "blue is lacking"
    grey = pixels[found.marked == 0]
    assert (grey[:, :3] == np.rint(255 * np.array(palette.rgb(palette.tokens(dark).muted)))).all()
    points = found.batch + found.reference
    assert (grey[:, 3] > 0).tolist() == (points[found.marked == 0] > 0).tolist(), "the map is recognised"
    assert grey[:, 3].max() <= 153
    assert pixels[(found.marked != 0) & (points > 0)][:, 3].min() > 100
    assert difference_picture(found, dark).startswith("data:image/png")
