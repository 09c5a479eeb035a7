"""The Clusters tab without a browser: the preview, branches changed by hand, and what reaches the map."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from explorer.model.clusters import find
from explorer.model.condensed_tree import select
from explorer.model.doing import Doing
from explorer.model.draft import Draft
from explorer.model.errors import InputError
from explorer.model.run import RunParameters, RunStatus
from explorer.model.session import Session
from explorer.model.statistics import CLUSTER
from explorer.views.clusters_panel import ClustersPanel
from tests.views.bench import Page, laid_out


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, blobs) -> Iterator[Session]:
    """Five blobs with their colours and two finished runs."""
    folder, colours = tmp_path_factory.mktemp("clusters-panel"), np.array([*"abcde"])[blobs[1]]
    runs = (RunParameters(seed=seed, n_epochs=100) for seed in (1, 0))
    with laid_out(folder, blobs[0], *runs, colour=colours) as made:
        yield made


@pytest.fixture
def session(bench: Session) -> Iterator[Session]:
    yield Session(bench.workspace, bench.runner, bench.dataset)
    for run in bench.runner.runs(bench.dataset.id):
        bench.workspace.save_clustering(run.id, None)


@pytest.fixture
def panel(session: Session, told: list[Doing | None]) -> ClustersPanel:
    panel = ClustersPanel(session, told.append)
    assert panel.tree.state == {}, "nothing is computed before it is shown"
    panel.__panel__()
    return panel


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def pick(panel: ClustersPanel, branch: int) -> None:
    panel._on_message({"act": "pick", "key": branch, "mode": ""})


def test_it_previews_what_the_fields_say(
    session: Session, panel: ClustersPanel, told: list[Doing | None]
) -> None:
    assert told[0].what == "finding clusters"
    assert told[-1] is None
    rows = panel.list.state["rows"]
    assert [row["name"] for row in rows] == [
        f"{number} · colour {row['name'][-1]}" for number, row in enumerate(rows)
    ]
    assert sorted(row["name"][-1] for row in rows) == [*"abcde"]
    assert sum(row["size"] for row in rows) + panel.list.state["noise"]["size"] == session.dataset.n
    assert f"5 clusters · {panel.list.state['noise']['share']} noise · " in panel._said.object
    assert len([bar for bar in panel.tree.state["bars"] if bar["colour"] and not bar["within"]]) == 5
    panel.form.size.param.update(end=200, value=130)
    assert len(panel.list.state["rows"]) < 5
    panel.form.size.value = 20
    panel.form.epsilon.value = 100.0
    assert len(panel.list.state["rows"]) == 2
    panel.form.epsilon.value = -1.0
    assert "epsilon is -1" in panel.work.said.object
    assert len(panel.list.state["rows"]) == 2, "what was found before stays"
    kept = find(session.workspace, session.run(session.run_id))
    assert len(kept.sizes) == 5, "a preview changes nothing"


def test_branches_are_selected_split_merged_and_cut(session: Session, panel: ClustersPanel) -> None:
    assert panel.split.disabled
    assert panel.merge.disabled
    panel._on_message({"act": "cut", "depth": 0.0})
    tree = panel._draft.tree
    assert panel._draft.branches == (0,)
    assert "chosen by hand" in panel._said.object
    pick(panel, 0)
    assert session.selection.count == session.dataset.n
    assert not panel.split.disabled
    panel.split.clicks += 1
    assert panel._draft.branches == tree.children[0]
    child = tree.children[0][0]
    pick(panel, child)
    np.testing.assert_array_equal(session.selection.rows, panel._draft.rows(child))
    assert session.selection.steps[-1].text == f"branch of {tree.size[child]} items"
    before, names = panel._draft.clusters, panel._names
    said = {bar["key"]: bar["said"] for bar in panel.tree.state["bars"]}
    birth, death = 1 / tree.birth[child], 1 / tree.death[child]
    assert said[0].startswith(f"{tree.n} items, to distance {birth:.3g}, ")
    assert said[child].startswith(f"{tree.size[child]} items, from distance {birth:.3g} to {death:.3g}, ")
    panel._on_message({"act": "zoom", "key": child})
    assert panel.tree.state["zoomed"]
    assert all(bar["said"] == said[bar["key"]] for bar in panel.tree.state["bars"])
    assert {bar["colour"] for bar in panel.tree.state["bars"]} == {panel.tree.state["bars"][0]["colour"]}
    assert panel._draft.clusters is before
    assert panel._names == names
    panel._on_message({"act": "zoom", "key": 0})
    assert not panel.tree.state["zoomed"]
    panel.merge.clicks += 1
    assert panel._draft.branches == (0,)
    panel.back.clicks += 1
    assert panel._draft.branches == select(tree)
    assert not panel._draft.by_hand


def test_a_row_of_the_list_selects_its_cluster_and_noise(session: Session, panel: ClustersPanel) -> None:
    labels = panel._draft.clusters.labels
    panel._on_message({"act": "cluster", "key": 2, "mode": ""})
    np.testing.assert_array_equal(session.selection.mask, labels == 2)
    panel._on_message({"act": "cluster", "key": -1, "mode": "union"})
    np.testing.assert_array_equal(session.selection.mask, np.isin(labels, (2, -1)))


def test_apply_colours_the_map_by_them(session: Session, panel: ClustersPanel) -> None:
    panel._on_message({"act": "cut", "depth": 0.0})
    pick(panel, 0)
    panel.split.clicks += 1
    panel.apply.clicks += 1
    assert session.colour_by == CLUSTER
    session.categories(CLUSTER)
    session.derived.wait()
    found = session.categories(CLUSTER)
    labels = panel._draft.clusters.labels
    np.testing.assert_array_equal(np.where(found.codes == found.noise, -1, found.codes), labels)
    assert found.names[0].startswith("cluster 0 · colour ")
    np.testing.assert_array_equal(find(session.workspace, session.run(session.run_id)).labels, labels)
    session.select_category(CLUSTER, 1)
    assert session.selection.steps[-1].packed, "other clusters may be applied later"


def test_what_is_asked_for_while_a_change_is_made_is_done_to_what_it_makes(
    session: Session, panel: ClustersPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, cuts = threading.Event(), threading.Event(), []
    cut = Draft.cut

    def slow(draft: Draft, level: float) -> Draft:
        begun.set()
        assert go_on.wait(60)
        cuts.append(level)
        return cut(draft, level)

    monkeypatch.setattr(Draft, "cut", slow)
    monkeypatch.setattr(panel._changing, "_doc", Page())
    tree = panel._draft.tree
    parts = tree.children[0]
    panel._on_message({"act": "cut", "depth": 0.5})
    assert begun.wait(60)
    panel._on_message({"act": "cut", "depth": 0.7})
    panel._on_message({"act": "cut", "depth": 0.0})
    panel._on_message({"act": "zoom", "key": parts[0]})
    panel._picked = 0
    panel.split.clicks += 1
    panel.apply.clicks += 1
    assert panel._draft.branches == select(tree), "all of it waits"
    go_on.set()
    until(lambda: session.colour_by == CLUSTER)
    assert panel._draft.branches == parts
    assert panel._draft.drawing.root == parts[0]
    assert len(cuts) == 2
    np.testing.assert_array_equal(
        find(session.workspace, session.run(session.run_id)).labels, panel._draft.clusters.labels
    )


def test_a_double_click_splits_and_merges_once(
    session: Session, panel: ClustersPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, waiting, failed = panel._draft.tree, [], []
    deep = next(branch for branch in select(tree) if tree.parent[branch] > 0)
    above = int(tree.parent[deep])

    def at_once_twice(button: object) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(panel._changing, "ask", lambda *asked: waiting.append(asked))
            button.clicks += 1
            button.clicks += 1
        assert len(waiting) == 2
        while waiting:
            panel._changing.ask(*waiting.pop(0), failed.append)

    pick(panel, deep)
    at_once_twice(panel.merge)
    assert above in panel._draft.branches
    at_once_twice(panel.split)
    assert set(tree.children[above]) <= set(panel._draft.branches)
    assert failed == []


def test_what_is_applied_once_another_map_is_open_leaves_its_colours(
    session: Session, panel: ClustersPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, before = [], session.run_id
    monkeypatch.setattr(panel._applying, "ask", lambda *given: asked.append(given))
    panel.apply.clicks += 1
    session.run_id = next(run.id for run in session.runs if run.id != before)
    colour_by = session.colour_by
    assert colour_by != CLUSTER
    ((apply, show),) = asked
    show(apply())
    assert session.colour_by == colour_by
    assert session.workspace.clustering(before) is not None


def test_what_is_applied_before_it_is_named_is_named(
    session: Session, panel: ClustersPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def applied() -> list[str]:
        panel.apply.clicks += 1
        told = session.workspace.clustering(session.run_id)
        return list(told["names"])

    monkeypatch.setattr(panel._naming, "ask_instead", lambda *_: None)
    panel.form.size.value = 25
    assert panel._names == ()
    assert sorted(applied()) == [f"colour {letter}" for letter in "abcde"]
    panel.naming.value = []
    assert applied() == []


def test_apply_waits_for_the_run_on_the_map_and_says_so(session: Session, panel: ClustersPanel) -> None:
    run = session.run(session.run_id)
    others = tuple(one for one in session.runs if one.id != run.id)
    panel.form.ground.value = next(one.id for one in others if one.parameters.seed == 1)
    draft = panel._draft
    assert draft.run.id == panel.form.ground.value
    assert (panel.apply.disabled, panel._waits.visible) == (False, False)
    session.runs = (replace(run, status=RunStatus.RUNNING), *others)
    assert panel._draft is draft, "what is clustered stays as it is"
    assert (panel.apply.disabled, panel._waits.visible) == (True, True)
    assert "done or stopped" in panel.apply.description
    panel.apply.clicks += 1
    assert session.workspace.clustering(run.id) is None
    with pytest.raises(InputError, match="is running: apply clusters once it is done or stopped"):
        draft.apply(session.workspace, session.run(run.id))
    session.runs = (run, *others)
    assert (panel.apply.disabled, panel._waits.visible) == (False, False)
    panel.apply.clicks += 1
    np.testing.assert_array_equal(find(session.workspace, run).labels, draft.clusters.labels)
    shown = []
    panel._waits.param.watch(lambda event: shown.append(event.new), ["visible"])
    session.run_id = ""
    assert shown == [], "there is no run to wait for"


def test_a_separate_embedding_becomes_the_ground_once_it_is_done(
    session: Session, panel: ClustersPanel
) -> None:
    panel.form.dims.value = 3
    panel.form.neighbors.value = 900
    panel.form.make.clicks += 1
    assert "n_neighbors is 900 but the data has 600 rows" in panel.form._said.object
    panel.form.neighbors.value = 20
    panel.form.make.clicks += 1
    deep = next(run for run in session.runs if run.parameters.n_components == 3)
    assert (deep.parameters.n_neighbors, deep.parameters.min_dist) == (20, 0)
    session.runner.wait(deep.id, timeout=240)
    session.refresh()
    assert panel.form.ground.value == deep.id
    assert panel._draft.run.id == deep.id
    assert session.run_id != deep.id
    assert len(panel.list.state["rows"]) == 5
    panel.apply.clicks += 1
    labels = find(session.workspace, session.run(session.run_id)).labels
    np.testing.assert_array_equal(labels, panel._draft.clusters.labels)


def test_without_a_run_it_says_so_and_out_of_sight_it_rests(session: Session, panel: ClustersPanel) -> None:
    run_id = session.run_id
    session.param.update(runs=(), run_id="")
    assert "There is no map to cluster" in panel._head.object
    assert panel.tree.state == {}
    panel.look(False)
    session.refresh()
    session.look_at(run_id)
    assert panel._draft is None
    panel.look(True)
    assert panel._draft is not None
