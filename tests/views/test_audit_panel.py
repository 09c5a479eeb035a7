"""The Audit tab without a browser: what is listed, what a click selects, marks, samples, hostile names."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from explorer.model import audit as audits
from explorer.model.clusters import ClusterParameters, apply, find
from explorer.model.drawing import Ground
from explorer.model.errors import InputError
from explorer.model.extent import Extent
from explorer.model.kept_audit import last
from explorer.model.marks import Marks
from explorer.model.projection import Viewport
from explorer.model.report import report_of
from explorer.model.run import RunParameters, Start
from explorer.model.session import Session
from explorer.views.audit_panel import AuditPanel, LookedAt
from explorer.views.audit_state import CLUSTER, MOST_LISTED, audit_state
from explorer.views.flying import AROUND, NEAREST, around
from tests.views.bench import Page, laid_out

HOSTILE, STRANGER = "<b onclick='x()'>genre</b>", "<script>metal</script>"
MIXED = 2


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, blobs) -> Iterator[Session]:
    """Five blobs with a finished run; the labels of one are thrown; and data without columns."""
    vectors, blob = blobs
    label = np.array(["folk", "jazz", "punk", "soul", "rock"], object)[blob]
    label[np.flatnonzero(blob == MIXED)[::2]] = STRANGER
    columns = {HOSTILE: label, "loudness": np.arange(len(blob)) % 7 / 7}
    folder = tmp_path_factory.mktemp("audit-panel")
    with laid_out(folder, vectors, RunParameters(n_epochs=150), **columns) as made:
        yield made


@pytest.fixture
def seen() -> dict[str, list[Any]]:
    return {"told": [], "fly": [], "sample": []}


@pytest.fixture
def panel(session: Session, seen: dict[str, list[Any]]) -> AuditPanel:
    made = AuditPanel(session, seen["told"].append, seen["fly"].append, seen["sample"].append)
    made.__panel__()
    return made


@pytest.fixture
def audited(panel: AuditPanel) -> AuditPanel:
    panel.audit.clicks += 1
    return panel


def first(panel: AuditPanel) -> dict[str, Any]:
    return panel.result.state["findings"][0]


def test_the_worst_comes_first_and_a_click_selects_its_rows_and_flies_there(
    session: Session, audited: AuditPanel, seen: dict[str, list[Any]], blobs
) -> None:
    assert audited.columns.value == [HOSTILE]
    assert audited.columns.options == [HOSTILE, "loudness"]
    worst = first(audited)
    assert (worst["severity"], worst["tone"], worst["title"]) == ("high", "bad", f"mixed by {HOSTILE}")
    assert STRANGER in worst["sentence"], "names are handed on as they are, and set as text"
    told = {name: value for name, value, _ in worst["numbers"]}
    assert told["stability"] == "–"
    assert float(told["purity"].rstrip("%")) == pytest.approx(50, abs=5)
    audited._on_message({"act": "show", "key": worst["key"]})
    rows = audited.found.findings[0].rows
    np.testing.assert_array_equal(session.selection.rows, rows)
    assert (blobs[1][rows] == MIXED).mean() > 0.9
    assert told["items"] == str(len(rows))
    np.testing.assert_array_equal(seen["fly"][-1], rows)
    again = Ground.of_run(session.workspace, session.run_id).select(session.selection.steps)
    assert again.digest == session.selection.digest
    assert seen["told"][0].what == "auditing clusters"
    assert seen["told"][-1] is None


def test_clusters_nothing_is_found_of_are_folded_at_the_end(session: Session, audited: AuditPanel) -> None:
    sound, found = audited.result.state["sound"], audited.found
    flagged = {one.cluster for one in found.findings}
    keys = [f"{CLUSTER}{one.cluster}" for one in found.clusters if one.cluster not in flagged]
    assert [one["key"] for one in sound["clusters"]] == keys
    assert sound["title"] == f"{len(keys)} clusters without findings"
    assert "seed" in sound["hint"], "of one run nobody knows whether its clusters are stable"
    assert audited.result.state["untried"] == sound["hint"]
    compared = replace(found, measured=tuple(replace(one, stability=1.0) for one in found.measured))
    told = audit_state(compared, {}, ())
    assert told["sound"]["title"] == f"{len(keys)} clusters stable and without findings"
    assert told["untried"] == told["sound"]["hint"] == ""
    by_hand = replace(found, not_repeated="They were cut by hand.")
    assert audit_state(by_hand, {}, ())["untried"] == "They were cut by hand."
    warm = replace(found, run=found.run.with_(start=Start("earlier", 9, False, True, "h")))
    assert "starts from the map of another" in audit_state(warm, {}, ())["untried"]
    audited._on_message({"act": "show", "key": keys[0]})
    number = int(keys[0].removeprefix(CLUSTER))
    np.testing.assert_array_equal(session.selection.mask, found.labels == number)
    names = {one["cluster"]: one["name"] for one in sound["clusters"]}
    assert any(one in names[f"cluster {number}"] for one in ("folk", "jazz", "soul", "rock"))


def test_a_sample_is_of_the_finding_unless_it_was_added_to(
    session: Session, audited: AuditPanel, seen: dict[str, list[Any]]
) -> None:
    key, rows = first(audited)["key"], audited.found.findings[0].rows
    session.mode = "union"
    session.select_category("loudness", 0)
    audited._on_message({"act": "sample", "key": key, "strategy": "medoids"})
    np.testing.assert_array_equal(session.selection.rows, rows)
    session.select_category("loudness", 0)
    audited._on_message({"act": "show", "key": key})
    both = session.selection
    assert both.count > len(rows)
    audited._on_message({"act": "sample", "key": key, "strategy": "outliers"})
    assert session.selection is both
    assert seen["sample"] == ["medoids", "outliers"]


@pytest.mark.parametrize("mode", ["subtract", "intersect"])
def test_a_sample_is_of_the_finding_and_not_of_what_it_leaves(
    session: Session, audited: AuditPanel, seen: dict[str, list[Any]], mode: str
) -> None:
    key, rows = first(audited)["key"], audited.found.findings[0].rows
    session.select_category("loudness", 0)
    session.mode = mode
    audited._on_message({"act": "show", "key": key})
    left = session.selection
    assert 0 < left.count < session.selection.n
    assert left.rows.tolist() != rows.tolist()
    audited._on_message({"act": "sample", "key": key, "strategy": "medoids"})
    np.testing.assert_array_equal(session.selection.rows, rows)


def test_how_many_findings_there_are_and_where_is_told(audited: AuditPanel) -> None:
    found = audited.found
    one = next(one for one in found.findings if one.cluster is not None)
    of_all = replace(one, cluster=None)
    for findings, said in (
        ((), "No findings in 5 clusters"),
        ((one,), "1 finding in 1 of 5 clusters"),
        ((one, one), "2 findings in 1 of 5 clusters"),
        ((of_all,), "1 finding about all items, none in 5 clusters"),
        ((of_all, of_all), "2 findings about all items, none in 5 clusters"),
        ((one, of_all, one), "3 findings: 2 in 1 of 5 clusters, 1 about all items"),
    ):
        told = audit_state(replace(found, findings=findings), {}, ())
        assert told["said"] == f"{said} · by {HOSTILE}"


def test_all_that_the_report_tells_of_a_cluster_is_told_of_the_one_looked_at(
    session: Session, audited: AuditPanel
) -> None:
    audited.columns.value = [HOSTILE, "loudness"]
    audited.audit.clicks += 1
    assert audited.result.measures == {}
    found, worst = audited.found, audited.found.findings[0]
    audited._on_message({"act": "show", "key": worst.key})
    told = audited.result.measures
    assert told["cluster"] == first(audited)["cluster"] == f"cluster {worst.cluster}"
    report = report_of(session.workspace, found)
    row = re.search(rf'<tr id="cluster-{worst.cluster}">.*?</tr>', report, re.DOTALL)
    assert re.findall(r'<td class="n">([^<]*)</td>', row[0]) == [value for _, value, *_ in told["numbers"]]
    every = found.measured
    usual = {name: median for name, *_, median in told["numbers"]}
    assert usual["items"] == f"{np.median([one.size for one in every]):,.0f}"
    assert usual["density"] == f"{np.median([one.density for one in every]):,.0f}"
    assert usual["stability"] == "–"
    made = every[worst.cluster].columns[0]
    by_label, by_loudness = told["columns"]
    assert by_label["title"] == f"By {HOSTILE}"
    assert by_label["dominant"] == ["dominant", made.dominant]
    numbers = {name: (value, beside) for name, value, beside, _ in by_label["numbers"]}
    assert numbers["entropy"] == (f"{made.entropy:.2f}", f"by chance {made.entropy_by_chance:.2f}")
    assert numbers["effective"] == (f"{made.effective:.1f}", "values")
    assert by_loudness["title"] == "By loudness"
    assert first(audited)["by"] == 0
    audited._on_message({"act": "show", "key": f"{CLUSTER}{(worst.cluster + 1) % 5}"})
    assert audited.result.measures["cluster"] == f"cluster {(worst.cluster + 1) % 5}"
    of_all = replace(worst, cluster=None, key="all")
    audited._put(LookedAt(replace(found, findings=(of_all,)), {}))
    audited._on_message({"act": "show", "key": "all"})
    assert audited.result.measures == {}


def test_the_measures_of_the_open_entry_stay_when_an_audit_numbers_the_clusters_otherwise(
    audited: AuditPanel,
) -> None:
    found, worst = audited.found, audited.found.findings[0]
    last_one = len(found.measured) - 1

    def after(number: int | None) -> int | None:
        return None if number is None else (number + 1) % len(found.measured)

    otherwise = replace(
        found,
        labels=np.where(found.labels < 0, -1, (found.labels + 1) % (last_one + 1)).astype(np.int32),
        measured=tuple(
            replace(one, cluster=after(one.cluster)) for one in (found.measured[-1], *found.measured[:-1])
        ),
        findings=tuple(replace(one, cluster=after(one.cluster)) for one in found.findings),
    )

    def measured() -> tuple[str, list[str]]:
        told = audited.result.measures
        return told["cluster"], [value for _, value, *_ in told["numbers"]]

    audited._on_message({"act": "show", "key": worst.key})
    # All of its cluster is selected from its entry, which stays open.
    audited._on_message({"act": "show", "key": f"{CLUSTER}{worst.cluster}"})
    name, numbers = measured()
    assert name == f"cluster {worst.cluster}"
    audited._put(LookedAt(otherwise, {}))
    assert measured() == (f"cluster {after(worst.cluster)}", numbers)
    audited._put(LookedAt(replace(otherwise, findings=()), {}))
    assert audited.result.measures == {}, "its entry is gone"
    audited._on_message({"act": "show", "key": f"{CLUSTER}{last_one}"})
    audited._put(LookedAt(found, {}))
    assert measured()[0] == f"cluster {last_one}"
    audited._put(LookedAt(replace(found, findings=(), measured=found.measured[:-1]), {}))
    assert audited.result.measures == {}


def test_marks_survive_another_page_and_another_audit_until_they_are_opened(
    session: Session, audited: AuditPanel
) -> None:
    key = first(audited)["key"]
    audited._on_message({"act": "mark", "key": key, "state": "to do", "note": " <i>ask</i> the curators "})
    assert (first(audited)["state"], first(audited)["note"]) == ("to do", "<i>ask</i> the curators")
    other = AuditPanel(Session(session.workspace, session.runner, session.dataset))
    assert other.result.state == {}, "nothing is read before it is shown"
    other.__panel__()
    assert other.result.state == audited.result.state
    other._on_message({"act": "mark", "key": key, "state": "accepted", "note": ""})
    audited.look(False)
    audited.look(True)
    assert first(audited)["state"] == "accepted"
    audited.columns.value = ["loudness", HOSTILE]
    audited.audit.clicks += 1
    assert (first(audited)["key"], first(audited)["state"]) == (key, "accepted")
    audited._on_message({"act": "mark", "key": key, "state": "open", "note": ""})
    assert first(audited)["state"] == ""
    assert Marks(session.workspace, session.run_id).all() == {}


def test_other_clusters_than_the_run_has_now_are_told(session: Session, audited: AuditPanel) -> None:
    workspace, run = session.workspace, session.run(session.run_id)
    assert audited._caution.said.object == ""
    found = find(workspace, run)
    fewer = np.where(found.labels == len(found.sizes) - 1, -1, found.labels).astype(np.int32)
    by_hand = replace(found, labels=fewer, persistence=found.persistence[:-1])
    names = tuple(f"<u>{number}</u>" for number in range(len(by_hand.sizes)))
    apply(workspace, run, by_hand, ClusterParameters.for_rows(run.n), run, names=names)
    audited.look(False)
    audited.look(True)
    assert "audit again" in audited._caution.said.object
    audited.audit.clicks += 1
    assert audited._caution.said.object == ""
    np.testing.assert_array_equal(audited.found.labels, fewer)
    assert {one["name"] for one in audited.result.state["sound"]["clusters"]} <= set(names)
    workspace.save_clustering(run.id, None)


def test_a_map_without_clusters_is_told_what_to_do(audited: AuditPanel) -> None:
    labels = np.full_like(audited.found.labels, -1)
    said = audit_state(replace(audited.found, findings=(), measured=(), labels=labels), {}, ())["said"]
    assert said == "The map has no clusters to audit: find smaller ones by a lower min_cluster_size."


def test_what_may_be_the_maps_making_is_told_beside_what_else_is_found(audited: AuditPanel) -> None:
    worst = audited.found.findings[0]
    torn = replace(worst, kind="distorted", aspect="torn", sentence="It may be torn.", category=None)
    state = audit_state(audited.found.joined([torn]), {}, ())
    of_cluster = [one for one in state["findings"] if one["cluster"] == f"cluster {worst.cluster}"]
    by_title = {one["title"]: one for one in of_cluster}
    assert [sentence for _, sentence in by_title[f"mixed by {HOSTILE}"]["cautions"]][-1] == "It may be torn."
    assert "It may be torn." not in str(by_title["may be torn apart"]["cautions"])
    many = audited.found.joined([replace(worst, category=str(n)) for n in range(MOST_LISTED)])
    assert len(audit_state(many, {}, ())["findings"]) == MOST_LISTED
    assert f"the worst {MOST_LISTED} listed" in audit_state(many, {}, ())["said"]


def test_an_audit_by_no_column_is_told_why_it_cannot_begin(audited: AuditPanel) -> None:
    chosen = audited.columns.value
    assert not audited._head.visible
    audited.columns.value = []
    assert audited.audit.disabled
    assert audited._head.visible
    assert "Choose the columns to audit by first." in audited._head.object
    audited.columns.value = chosen
    assert not audited._head.visible


def test_data_without_a_map_or_columns_is_told_what_to_do(session: Session, audited: AuditPanel) -> None:
    other = next(info for info in session.workspace.datasets() if info.id != session.dataset.id)
    session.open(session.workspace.dataset(other.id))
    assert audited.result.state == {}
    assert "There is no map to audit" in audited._head.object
    run = session.runner.start(session.dataset, RunParameters(n_neighbors=5, n_epochs=10))
    session.runner.wait(run.id, timeout=240)
    session.refresh()
    session.run_id = run.id
    assert "no columns to audit by" in audited._head.object
    with pytest.raises(InputError, match="no columns to audit by: give a file of them"):
        audits.audit(session.workspace, session.run(run.id))
    assert not audited.audit.visible
    assert not audited.report.visible


def test_an_audit_is_cancelled_and_what_was_found_stays(
    audited: AuditPanel, seen: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, page, before = threading.Event(), Page(), audited.result.state

    def endless(*_: Any, progress: Any) -> None:
        while True:
            progress(0.5)
            reached.set()

    monkeypatch.setattr(audits, "audit", endless)
    audited.work._aside._doc = audited.work._doc = page
    audited.audit.clicks += 1
    assert reached.wait(60)
    page.later()
    assert (audited.work.share.value, audited.audit.visible) == (50, False)
    audited.work.cancel.clicks += 1
    assert seen["told"][-1] is None
    assert audited.audit.visible
    assert audited.result.state == before


def test_a_flight_shows_the_rows_with_their_surroundings_and_never_too_near() -> None:
    rng = np.random.default_rng(0)
    embedding = rng.uniform(-10, 10, (2_000, 2)).astype(np.float32)
    rows = np.flatnonzero((np.abs(embedding - 5) < 1).all(axis=1))
    now = Viewport(-1, 1, -1, 1, 900, 700)
    seen = around(embedding, rows, now)
    x0, x1, y0, y1 = Extent.of(embedding[rows]).whole
    assert (seen.x0 + seen.x1) / 2 == pytest.approx((x0 + x1) / 2)
    assert seen.unit == pytest.approx((y1 - y0) / 700 * 1.1 * (1 + 2 * AROUND), rel=1e-3)
    whole = Extent.of(embedding).viewport(900, 700)
    assert around(embedding, rows[:1], now).unit == pytest.approx(whole.unit / NEAREST)
    embedding[rows] = np.nan
    assert around(embedding, rows, now) is None


def test_an_audit_that_is_damaged_is_none(session: Session, audited: AuditPanel) -> None:
    workspace, run = session.workspace, session.run(session.run_id)
    path = workspace.run_folder(run.id) / "audit" / "audit.json"
    path.write_text('{"epoch": 150, "clusters": 3}')
    assert last(workspace, run) is None
    path.unlink()
    assert last(workspace, run) is None
