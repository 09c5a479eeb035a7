"""The Compare tab without a browser: what can be compared, what comes of it, what a finding selects."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.quality import stability
from explorer.model.consensus import Consensus, Region
from explorer.model.doing import Doing
from explorer.model.drawing import Ground
from explorer.model.errors import InputError
from explorer.model.run import RunParameters, RunStatus, Start
from explorer.model.session import Session
from explorer.model.statistics import STABILITY
from explorer.views import compare_panel
from explorer.views.colour_panel import hint
from explorer.views.compare_panel import ComparePanel
from explorer.views.compare_state import comparison_state
from tests.model.test_cli import finish, start
from tests.views.bench import Page, laid_out

SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, blobs) -> Iterator[Session]:
    """Five blobs with three finished runs, and other data without any."""
    wanted = (RunParameters(seed=seed, n_epochs=100) for seed in SEEDS)
    with laid_out(tmp_path_factory.mktemp("compare"), blobs[0], *wanted) as made:
        yield made


@pytest.fixture
def panel(session: Session, told: list[Doing | None]) -> ComparePanel:
    return ComparePanel(session, told.append)


@pytest.fixture
def half(panel: ComparePanel, monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, Page]:
    """Comparisons are half done, on a worker's thread, until they are stopped; it is set when one is."""
    reached, page = threading.Event(), Page()

    def endless(*given: Any) -> None:
        while True:
            given[-1](0.5)
            reached.set()

    monkeypatch.setattr(compare_panel, "compare", endless)
    panel.work._aside._doc = panel.work._doc = page
    return reached, page


def labels(session: Session) -> list[str]:
    return [run.parameters.label for run in session.runs if run.id != session.run_id]


def test_the_other_runs_of_this_data_are_offered_and_proposed(session: Session, panel: ComparePanel) -> None:
    others = [run.id for run in session.runs if run.id != session.run_id]
    assert list(panel.others.options) == labels(session)
    assert panel.others.value == others
    assert session.run(session.run_id).parameters.label in panel._head.object
    assert not panel.compare.disabled
    panel.others.value = others[:1]
    session.refresh()
    assert panel.others.value == others[:1], "what was chosen by hand stays"
    panel.others.value = []
    assert panel.compare.disabled
    first, *rest = session.runs
    session.runs = (first.with_(starred=True), *rest)
    assert panel.others.value == [], "what was emptied by hand stays empty"
    here = session.dataset
    other = next(info for info in session.workspace.datasets() if info.id != here.id)
    for dataset in (session.workspace.dataset(other.id), here):
        session.open(dataset)
    assert panel.others.value == others, "of data opened anew all are proposed"


def test_what_is_missing_is_told(session: Session, panel: ComparePanel) -> None:
    first, *rest = session.runs
    session.runs = (replace(first, status=RunStatus.RUNNING), *rest)
    assert "The run on the map is not done" in panel._head.object
    assert not panel.compare.visible
    session.runs = (first, *(replace(run, status=RunStatus.STOPPED) for run in rest))
    assert "There is nothing to compare with" in panel._head.object
    assert not panel.others.visible
    session.param.update(runs=(), run_id="")
    assert "There is no map to compare" in panel._head.object


def test_runs_of_one_label_are_told_apart_by_their_ids(session: Session, panel: ComparePanel) -> None:
    first, second, third = session.runs
    session.runs = (first, second, replace(third, parameters=second.parameters))
    assert list(panel.others.options) == [
        f"{second.parameters.label} · {run}" for run in (second.id, third.id)
    ]


def test_runs_are_called_as_on_their_cards(session: Session, panel: ComparePanel) -> None:
    first, second, third = session.runs
    fork = second.with_(start=Start("k15-d0.1-s42-7f3a2c", 87, True, True, ""))
    shown = panel.others.get_root().data
    assert shown.value == labels(session)
    session.runs = (first, second, third.with_(name="<mine>"))
    assert shown.value == [second.label, "<mine>"], "a page knows what is chosen by its label"
    session.runs = (first.with_(name="<mine>"), fork, third.with_(name="<mine>"))
    assert "&lt;mine&gt; · " + first.id in panel._head.object
    assert list(panel.others.options) == [fork.label, f"<mine> · {third.id}"]
    whole = compare_panel.compare(session.workspace, (first, second, third))
    runs = (first.with_(name="first"), second, fork.with_(id=third.id))
    scores = tuple(replace(score, run=run) for score, run in zip(whole.scores, runs, strict=True))
    state = comparison_state(replace(whole, scores=scores))
    assert [run["name"] for run in state["runs"]] == ["first", second.label, fork.label]
    assert state["runs"][0]["label"] == first.label
    pairs = [replace(one, ari=-0.0002) for one in whole.pairs]
    assert {one["ari"] for one in comparison_state(replace(whole, pairs=pairs))["pairs"]} == {"0.000"}


def test_numbers_and_findings_come_of_it_and_a_cluster_selects_its_rows(
    session: Session, panel: ComparePanel, told: list[Doing | None], blobs
) -> None:
    panel.compare.clicks += 1
    state = panel.result.state
    assert [run["letter"] for run in state["runs"]] == ["A", "B", "C"]
    assert [run["name"] for run in state["runs"]][1:] == labels(session)
    assert [pair["name"] for pair in state["pairs"]] == ["A · B", "A · C", "B · C"]
    assert all(0 < float(pair["agreement"]) < 1 for pair in state["pairs"])
    clusters = state["groups"][0]
    assert {entry["key"] for entry in clusters["findings"]} == {f"cluster:{i}" for i in range(5)}
    assert told[0].what == "comparing 3 maps"
    assert told[-1] is None
    assert panel.compare.visible
    assert not panel.work._work.visible

    session.mode = "union"
    for number in (3, 1):
        panel._on_message({"key": f"cluster:{number}"})
    expected = np.isin(panel.found.labels, (1, 3))
    np.testing.assert_array_equal(session.selection.mask, expected)
    assert len(np.unique(blobs[1][expected])) == 2
    step = session.selection.steps[-1]
    assert (step.kind, step.mode, step.run_id) == ("rows", "union", session.run_id)
    again = Ground.of_run(session.workspace, session.run_id).select(session.selection.steps)
    assert again.digest == session.selection.digest


def test_a_region_and_the_points_that_change_sides_select_their_rows(
    session: Session, panel: ComparePanel
) -> None:
    panel._compare()
    region = Region(np.array([4, 8]), 0.02, (1,), "2 items <b>keep</b> few.")
    panel.found = replace(panel.found, regions=(region,), changing=np.array([7, 9, 11]))
    panel._on_message({"key": "region:0"})
    assert session.selection.rows.tolist() == [4, 8]
    panel._on_message({"key": "changing"})
    assert session.selection.rows.tolist() == [7, 9, 11]
    assert session.selection.steps[-1].text == "points that change sides"
    labels = panel.found.labels
    panel._on_message({"key": f"changing:{labels[9]}"})
    assert session.selection.rows.tolist() == [row for row in (7, 9, 11) if labels[row] == labels[9]]


def test_why_clusters_are_not_compared_is_told_in_their_place(session: Session) -> None:
    whole = compare_panel.compare(session.workspace, session.runs)
    silent = replace(whole, not_repeated="Cut by hand.", consensus=replace(whole.consensus, clusters=()))
    clusters, *_ = comparison_state(silent)["groups"]
    assert (clusters["findings"], clusters["none"]) == ([], "Cut by hand.")
    assert comparison_state(replace(silent, consensus=None))["said"] == "Cut by hand."


def test_points_that_change_sides_are_told_by_their_clusters_too(session: Session) -> None:
    whole = compare_panel.compare(session.workspace, session.runs)
    labels = whole.consensus.labels
    changing = np.sort(np.concatenate([np.flatnonzero(labels == 3)[:4], np.flatnonzero(labels == 1)[:2]]))
    for rows, told in (
        (changing, [("all of them", "6 items"), ("of cluster 3", "4 items"), ("of cluster 1", "2 items")]),
        (changing[:1], [("all of them", "1 item")]),
        (changing[:0], []),
    ):
        state = comparison_state(replace(whole, consensus=replace(whole.consensus, changing=rows)))
        assert [(entry["name"], entry["items"]) for entry in state["groups"][2]["findings"]] == told


def test_the_command_tells_the_numbers_of_the_page(session: Session, panel: ComparePanel) -> None:
    panel._compare()
    state, folder = panel.result.state, session.workspace.path
    done = finish(start("compare", *session.compared, "--workspace", folder, "--json", folder=folder.parent))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    for score in ("agreement", "disparity", "ari", "ami"):
        assert [one[score] for one in state["pairs"]] == [f"{one[score]:.3f}" for one in told["pairs"]]
    trust = [f"{one['trustworthiness']:.3f}" for one in told["runs"]]
    assert [one["trust"] for one in state["runs"]] == trust
    consensus, findings = told["consensus"], state["groups"][0]["findings"]
    assert state["said"] == consensus["sentence"]
    assert {(entry["key"], entry["value"], entry["sentence"]) for entry in findings} == {
        (f"cluster:{one['cluster']}", f"{one['survival']:.2f}", one["sentence"])
        for one in consensus["clusters"]
    }
    assert len(state["groups"][1]["findings"]) == len(consensus["regions"])
    np.testing.assert_array_equal(panel.found.changing[:1000], consensus["changing"]["rows"])


def test_the_map_is_coloured_by_stability_over_the_very_runs_compared(
    session: Session, panel: ComparePanel
) -> None:
    def coloured() -> np.ndarray:
        session.numbers(STABILITY)
        session.derived.wait()
        return session.numbers(STABILITY)

    maps = [np.asarray(session.workspace.embedding(run.id)) for run in session.runs]
    np.testing.assert_allclose(coloured(), stability(maps))
    assert not panel.colour.visible
    panel.others.value = panel.others.value[1:]
    panel._compare()
    assert session.compared == (session.run_id, session.runs[2].id)
    assert panel.colour.visible
    session.isolated = frozenset({1})
    panel.colour.clicks += 1
    assert (session.colour_by, session.isolated) == (STABILITY, frozenset())
    np.testing.assert_allclose(coloured(), stability([maps[0], maps[2]]))
    assert "Told over 2 runs, those of the comparison." in hint(session)
    session.look_at(session.runs[1].id)
    assert not panel.colour.visible
    coloured()
    assert "Told over 3 runs." in hint(session)


def test_a_comparison_that_the_session_has_is_made_when_the_tab_is_first_shown(session: Session) -> None:
    chosen = [session.runs[place].id for place in (0, 2)]
    session.compare_with(chosen)
    panel = ComparePanel(session, lambda _: None)
    assert panel.others.value == chosen[1:]
    assert panel.result.state == {}, "nobody has looked"
    panel.__panel__()
    assert [run["id"] for run in panel.result.state["runs"]] == chosen
    assert panel.colour.visible
    # It is that of its own runs, whichever is on the map by now.
    session.look_at(session.runs[1].id)
    other = ComparePanel(session, lambda _: None)
    other.__panel__()
    assert [run["id"] for run in other.result.state["runs"]] == chosen
    assert set(other.others.value) == set(chosen)
    session.runs = session.runs[:2]
    assert session.comparison == (), "one of them is gone"


def test_findings_are_told_worst_first_with_the_letters_of_their_runs(session: Session) -> None:
    whole = compare_panel.compare(session.workspace, session.runs)
    consensus: Consensus = whole.consensus
    second, third = ((run.id,) for run in session.runs[1:3])
    torn = replace(consensus.clusters[2], torn_in=third, where=third, beyond_chance=0.8)
    gone = replace(consensus.clusters[4], missed_in=second, where=second, beyond_chance=0.2)
    clusters = (*consensus.clusters[:2], torn, consensus.clusters[3], gone)
    state = comparison_state(replace(whole, consensus=replace(consensus, clusters=clusters, regions=())))
    told = state["groups"][0]["findings"]
    assert [(entry["name"], entry["tone"], entry["where"]) for entry in told[:2]] == [
        ("cluster 4", "bad", "in B"),
        ("cluster 2", "warn", "in C"),
    ]
    assert {(entry["tone"], entry["where"]) for entry in told[2:]} == {("good", "")}
    assert [entry["name"] for entry in told[2:]] == ["cluster 0", "cluster 1", "cluster 3"]
    assert state["groups"][1]["none"]


def test_two_runs_are_told_without_findings(session: Session, panel: ComparePanel) -> None:
    panel.others.value = panel.others.value[:1]
    panel._compare()
    assert len(panel.result.state["pairs"]) == 1
    assert panel.result.state["groups"] == []
    assert "With a third run" in panel.result.state["said"]
    panel._on_message({"key": "cluster:0"})
    assert session.selection.count == 0


def test_work_shows_its_share_and_is_cancelled(
    panel: ComparePanel, half: tuple[threading.Event, Page], told: list[Doing | None]
) -> None:
    reached, page = half
    panel._compare()
    assert reached.wait(60)
    page.later()
    assert panel.work._work.visible
    assert not panel.compare.visible
    assert "comparing 3 maps: 50%" in panel.work._words.object
    assert (panel.work.share.value, panel.work.share.variant) == (50, "determinate")
    doing = told[-1]
    panel.work.cancel.clicks += 1
    assert doing.stopped
    assert told[-1] is None
    assert panel.compare.visible
    assert panel.result.state == {}
    page.later()
    assert told[-1] is None


def test_other_data_ends_the_work_and_takes_the_numbers_away(
    session: Session, panel: ComparePanel, half: tuple[threading.Event, Page], told: list[Doing | None]
) -> None:
    panel.result.state = {"runs": []}
    panel._compare()
    assert half[0].wait(60)
    doing = told[-1]
    other = next(info for info in session.workspace.datasets() if info.id != session.dataset.id)
    session.open(session.workspace.dataset(other.id))
    assert doing.stopped
    assert panel.result.state == {}
    assert "There is no map to compare" in panel._head.object


def test_a_page_that_is_gone_ends_the_work(
    panel: ComparePanel, half: tuple[threading.Event, Page], told: list[Doing | None]
) -> None:
    panel._compare()
    assert half[0].wait(60)
    doing = told[-1]
    panel.close()
    assert doing.stopped


def test_what_went_wrong_is_told_and_it_can_be_tried_again(
    panel: ComparePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise InputError("The map of <run> is gone.")

    with monkeypatch.context() as broken:
        broken.setattr(compare_panel, "compare", fail)
        panel._compare()
    assert "The map of &lt;run&gt; is gone." in panel.work.said.object
    assert panel.compare.visible
    panel._compare()
    assert panel.work.said.object == ""
    assert panel.result.state["groups"]
