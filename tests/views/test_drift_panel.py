"""The Drift tab without a browser: what changes over time, what a batch lacks, what a click selects."""

import asyncio
import html
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bokeh.document import Document

from explorer.model.clusters import ClusterParameters, apply, find
from explorer.model.density_difference import difference
from explorer.model.doing import Doing
from explorer.model.drawing import Ground
from explorer.model.drift import drift, times
from explorer.model.drift_findings import of_drift
from explorer.model.errors import InputError
from explorer.model.report import report_of
from explorer.model.run import RunParameters
from explorer.model.session import Session
from explorer.views import drift_panel, palette
from explorer.views.audit_panel import AuditPanel
from explorer.views.colouring import Colours
from explorer.views.coverage_panel import By
from explorer.views.difference_overlay import DifferenceOverlay
from explorer.views.difference_picture import difference_picture, difference_pixels
from explorer.views.drift_panel import DriftPanel
from explorer.views.drift_state import drift_state
from explorer.views.map_view import MapView
from tests.views.bench import Page, laid_out

WEEKS, THIN = 20, 3
BATCH = "kind <> '<b>3</b>' AND row_id % 2 = 0"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, blobs) -> Iterator[Session]:
    """Five blobs with a finished run, one of them in the first weeks only, and data without a run."""
    vectors, labels = blobs
    weeks = np.random.default_rng(0).integers(0, np.where(labels == THIN, WEEKS // 4, WEEKS))
    kinds = [f"<b>{one}</b>" for one in labels]
    columns = {"kind": kinds, "added": np.datetime64("2024-01-01") + 7 * weeks}
    folder = tmp_path_factory.mktemp("drift")
    with laid_out(folder, vectors, RunParameters(n_epochs=100), **columns) as made:
        yield made


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
    one.condition.value = BATCH
    one.compare.clicks += 1
    state = one.result.state
    assert state["notes"] == []
    assert state["picture"].startswith("data:image/png;base64,")
    assert state["groups"][0]["findings"][0]["tone"] == "bad"
    one._on_message({"key": "gaps"})
    rows = session.selection.mask
    assert rows[blobs[1] == THIN].mean() > 0.9
    assert state["gap"] == f"Select the gap ({session.selection.count} items)"
    session.clear_selection()
    session.mode = "intersect"
    sampled: list[tuple[str, int]] = []
    one._sample = lambda strategy: sampled.append((strategy, session.selection.count))
    one._on_message({"key": "sample"})
    assert sampled == [("random", rows.sum())], "what is drawn from is selected first"
    session.mode = "replace"
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
    first = one.found.surpluses[0]
    assert session.selection.count == first.batch > 0
    assert blobs[1][session.selection.rows].tolist() == [2] * first.batch
    one.found = replace(one.found, surpluses=(replace(first, rows=first.rows[:0]),))
    one._draw()
    assert one.result.state["groups"][1]["findings"][0]["empty"] == "No item of the map lies there."
    one._on_message({"key": "surplus:0"})
    assert session.selection.count == first.batch, "what is selected stays"


def test_other_data_is_placed_and_told_by_its_gaps_and_by_clusters(
    session: Session, panel: DriftPanel, lacking: None, blobs
) -> None:
    one = panel.coverage
    one.by.value = By.DATA
    assert {*one.data.options} == {"lacking · 360 items", "other · 50 items"}, "what can be placed"
    assert (one.data.visible, one.condition.visible, one.category.visible) == (True, False, False)
    one.data.value = one.data.options["lacking · 360 items"]
    one.compare.clicks += 1
    assert one.work.said.object == ""
    found, state = one.found, one.result.state
    assert found.batch == "lacking"
    missing = blobs[1] >= THIN
    assert missing[found.rows_in_gaps].mean() > 0.95
    assert state["notes"][0] == one.arrivals.sentence
    assert one.arrivals.sentence.endswith("no more than by chance.")
    clusters = state["groups"][2]
    assert (clusters["title"], clusters["note"]) == ("Clusters", "known → new")
    vanished = [entry for entry in clusters["findings"] if "vanished" in entry["sentence"]]
    assert vanished == clusters["findings"][:2]
    assert {entry["value"] for entry in vanished} == {"20.0% → 0%"}
    for entry in vanished:
        session.mode = "replace" if entry is vanished[0] else "union"
        one._on_message({"key": entry["key"]})
    np.testing.assert_array_equal(session.selection.mask, missing)
    assert session.selection.steps[-1].text == f"{vanished[1]['name']} against lacking"
    assert (panel.changes.coverage, panel.changes.arrivals) == (found, one.arrivals)

    one.condition.value, one.by.value = "row_id % 2 = 0", By.CONDITION
    one.compare.clicks += 1
    assert (one.arrivals, one.result.state["groups"][2]["findings"]) == (None, [])
    one.by.value = By.DATA
    one._put_data(None, {})
    assert "No other data of this workspace has vectors of 12 dimensions" in one._alone.object
    assert not one.compare.visible


def test_the_difference_lies_over_the_map_until_another_run_is_shown(session: Session) -> None:
    view = MapView(session, 0, Colours(session), Document())
    overlay = DifferenceOverlay(session, view)
    panel = DriftPanel(session, show=overlay.show)
    one, run_id = panel.coverage, session.run_id
    assert not one.on_map.visible
    one.condition.value = BATCH
    one.compare.clicks += 1
    assert one.on_map.visible
    assert overlay.source.data["image"] == [], "only when it is asked for"
    one.on_map.value = True
    (image,), marked = overlay.source.data["image"], one.found.difference.marked
    height, width = marked.shape
    image = image[1::3, 1::3]
    assert image.shape == (height, width)
    red, blue, opacity = image & 255, image >> 16 & 255, image >> 24
    points = one.found.difference.batch + one.found.difference.reference
    assert (opacity[marked == 0] == 0).all()
    assert (opacity[(marked != 0) & (points > 0)] > 40).all()
    assert opacity.max() < 200, "the points are seen through it"
    assert (blue > red)[marked < 0].all()
    assert (red > blue)[marked > 0].all()
    x, y, across, up = (overlay.source.data[name][0] for name in ("x", "y", "dw", "dh"))
    places = session.snapshot(run_id).embedding[one.found.rows_in_gaps]
    at = ((places - [x, y]) / [across, up] * [width, height]).astype(int)
    assert (marked[at[:, 1], at[:, 0]] < 0).all()
    legend = view.overlay.legend
    assert (legend["name"], legend["low"], legend["high"]) == (BATCH, "lacking", "abounds")

    panel.use_theme(False)
    assert (overlay.source.data["image"][0][1::3, 1::3] != image).any()
    assert view.overlay.legend["colours"] != legend["colours"]
    session.look_at_epoch(session.epochs[0])
    assert overlay.source.data["image"] == []
    assert view.overlay.legend == {}
    session.look_at_epoch(None)
    assert len(overlay.source.data["image"]) == 1
    session.run_id = ""
    assert overlay.source.data["image"] == []
    session.run_id = run_id
    assert overlay.source.data["image"] == []
    assert (one.on_map.value, one.on_map.visible, view.overlay.legend) == (False, False, {})
    view.close()


def test_the_report_of_an_audit_tells_what_the_page_shows_of_change(
    session: Session, panel: DriftPanel, lacking: None
) -> None:
    workspace, run, coverage = session.workspace, session.run(session.run_id), panel.coverage
    audit = AuditPanel(session, changes=lambda: panel.changes)
    audit.__panel__()
    audit.audit.clicks += 1

    def undated(text: str) -> str:
        return re.sub(r"<time>.*?</time>", "", text)

    def report() -> str:
        return undated(asyncio.run(audit._report()).read().decode())

    plain = report()
    assert not any(f'id="{section}"' in plain for section in ("drift", "coverage", "arrivals"))
    panel.compare.clicks += 1
    labels, seconds = find(workspace, run).labels, times(session.dataset.items, "added")
    by_time = drift(labels, seconds, "added")
    # As the command does.
    asked = report_of(workspace, audit.found.joined(of_drift(by_time)), drift=by_time)
    assert report() == undated(asked)
    assert all(entry["sentence"] in asked for entry in panel.result.state["changing"])

    coverage.condition.value = BATCH
    coverage.compare.clicks += 1
    text = html.unescape(report())
    assert coverage.result.state["said"] in text
    regions = [entry for told in coverage.result.state["groups"] for entry in told["findings"]]
    assert regions
    assert all(entry["sentence"] in text and f">{entry['name']}<" in text for entry in regions)
    assert 'id="drift"' in text
    assert 'id="arrivals"' not in text
    coverage.by.value = By.DATA
    coverage.data.value = coverage.data.options["lacking · 360 items"]
    coverage.compare.clicks += 1
    text = html.unescape(report())
    assert 'id="arrivals"' in text
    assert all(note in text for note in coverage.result.state["notes"])
    assert all(entry["sentence"] in text for entry in coverage.result.state["groups"][2]["findings"])

    audit._found = replace(audit._found, audit=replace(audit.found, labels=labels[::-1]))
    with pytest.raises(InputError, match="The drift over time is of other clusters than the audit"):
        report()


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


def test_a_category_that_is_not_chosen_is_asked_for(panel: DriftPanel) -> None:
    one = panel.coverage
    one.by.value = "kind"
    one._put_categories(())
    one.compare.clicks += 1
    assert "Which items are the batch? Choose them above" in one.work.said.object


def test_of_a_map_without_clusters_nothing_is_said_of_them_and_rows_are_those_selected() -> None:
    days = np.where(np.arange(100) % 10 == 0, np.nan, 86_400.0 * np.arange(100))
    labels = np.repeat([0, 1, -1], [40, 35, 25]).astype(np.int32)
    state = drift_state(drift(labels, days))
    rows = {row["key"]: row["items"] for row in (*state["changing"], *state["steady"])}
    assert rows == {"0": "40 items", "1": "35 items"}, "those without a time are selected, too"
    none = drift_state(drift(np.full(100, -1, np.int32), days))
    assert (none["changing"], none["steady"], none["none"]) == ([], [], "")
    assert none["said"].startswith("The map has no clusters that could change")


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


def test_what_was_told_of_clusters_that_were_replaced_says_so_until_it_is_asked_again(
    session: Session, panel: DriftPanel
) -> None:
    workspace, run, one = session.workspace, session.run(session.run_id), panel.coverage
    panel.compare.clicks += 1
    one.condition.value = BATCH
    one.compare.clicks += 1
    was, cautions = (panel.found, one.found), (panel.caution.said, one.caution.said)
    assert [said.object for said in cautions] == ["", ""]
    found = find(workspace, run)
    other = replace(found, labels=found.labels[::-1].copy())
    apply(workspace, run, other, ClusterParameters.for_rows(run.n), run)
    session.hear()
    assert all("other clusters than the run has now: compare again" in said.object for said in cautions)
    assert (panel.found, one.found) == was, "nothing that was found is lost"
    panel.compare.clicks += 1
    assert [bool(said.object) for said in cautions] == [False, True]
    session.run_id = ""
    assert [said.object for said in cautions] == ["", ""]
    workspace.save_clustering(run.id, None)


def test_a_column_called_the_same_offers_the_categories_of_the_data_that_is_open(
    session: Session, panel: DriftPanel, tmp_path: Path
) -> None:
    one, first = panel.coverage, session.dataset
    table = pa.table(
        {"kind": ["red", "blue"] * 20, "added": pa.array(np.full(40, np.datetime64("2024-01-01")))}
    )
    np.save(tmp_path / "alike.npy", np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32))
    pq.write_table(table, tmp_path / "items.parquet")
    one.by.value = "kind"
    one.category.value = 4
    session.open(session.workspace.add_dataset(tmp_path / "alike.npy", items=tmp_path / "items.parquet"))
    assert (one.by.value, one.category.options, one.category.value) == ("kind", {"blue": 0, "red": 1}, 0)
    session.open(first)
    assert len(one.category.options) == 5


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


@pytest.fixture
def lacking(session: Session, tmp_path: Path, blobs) -> None:
    """More data in the workspace: without two of the blobs, and of too few dimensions to be placed."""
    vectors, labels = blobs
    for name, other in (("lacking", vectors[labels < THIN] + np.float32(0.01)), ("flat", vectors[:, :5])):
        np.save(tmp_path / f"{name}.npy", other)
        session.workspace.add_dataset(tmp_path / f"{name}.npy")


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
