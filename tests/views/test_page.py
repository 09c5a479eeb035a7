"""The page without a browser: what it does for a change of the session, and what it leaves to workers."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import panel_material_ui as pmui
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bokeh.document import Document
from bokeh.events import PanStart, SelectionGeometry
from bokeh.server.callbacks import TimeoutCallback
from panel_material_ui.widgets.base import MaterialWidget

from explorer.model import derived
from explorer.model.categories import Categories
from explorer.model.derived import pending
from explorer.model.errors import InputError
from explorer.model.polygon import in_box
from explorer.model.run import RunParameters, RunStatus
from explorer.model.runner import Event, Runner
from explorer.model.selection import Step
from explorer.model.separation import Separation
from explorer.model.session import Session
from explorer.model.statistics import (
    CLUSTER,
    DENSITY,
    DISPLACEMENT,
    DISTORTION,
    PROBABILITY,
    STABILITY,
    STATISTICS,
)
from explorer.model.workspace import Workspace
from explorer.views import formation, item_panel, page, run_pictures, search_bar
from explorer.views.aside import Aside
from explorer.views.colour_panel import ColourPanel
from explorer.views.colouring import Colours
from explorer.views.composition import Composition
from explorer.views.condition_box import ConditionBox
from explorer.views.hovering import tip_of
from explorer.views.item_panel import ItemPanel
from explorer.views.page import Explorer
from explorer.views.run_pictures import RunPictures
from explorer.views.search_bar import SearchBar
from explorer.views.selection_panel import SelectionPanel
from tests.views.bench import Page

N = 90


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session over ninety items with two finished runs."""
    folder = tmp_path_factory.mktemp("page")
    vectors = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
    table = {"vector": list(vectors), "kind": ["a", "b", "b"] * 30, "side": ["left", "right"] * 45}
    pq.write_table(pa.table(table | {"score": np.arange(N) / 2}), folder / "items.parquet")
    with Workspace(folder / "workspace") as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(folder / "items.parquet")
        for seed in (0, 1):
            runner.wait(runner.start(dataset, RunParameters(seed=seed, n_epochs=12)).id, timeout=240)
        yield Session(workspace, runner, dataset)


@pytest.fixture
def session(bench: Session) -> Iterator[Session]:
    """A session of its own."""
    made = Session(bench.workspace, bench.runner, bench.dataset)
    yield made
    made.derived.close()


@pytest.fixture
def explorer(session: Session) -> Iterator[Explorer]:
    made = Explorer(session, Document())
    yield made
    made.close()


def beside_the_page(aside: Aside) -> None:
    aside._doc = Page()


@pytest.fixture
def held(bench: Session) -> Iterator[threading.Event]:
    """Holds the next layout between two epochs until it is set."""
    go, runner = threading.Event(), bench.runner

    def hold(event: Event) -> None:
        if event.kind == "snapshot" and runner.run(event.run_id).epoch:
            assert go.wait(60)

    unsubscribe = runner.subscribe(hold)
    yield go
    go.set()
    unsubscribe()


def paint(explorer: Explorer) -> None:
    """Paint what the map shows now, as a browser would."""
    feed = explorer.map.feed
    feed._dirty = False
    feed._send(feed._render())
    feed._on_painted("data", None, {"frame": [feed.sent]})


def timeouts(explorer: Explorer) -> list[TimeoutCallback]:
    """What the page's document is to do a moment later."""
    return [one for one in explorer._doc.session_callbacks if isinstance(one, TimeoutCallback)]


def until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(3000):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("the condition never held")


@pytest.fixture
def half(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Statistics are half computed until they are stopped; it is set when one is."""
    reached = threading.Event()

    def endless(*given: Any) -> None:
        while True:
            given[-1](0.5)
            reached.set()
            time.sleep(0.01)

    monkeypatch.setattr(derived, "compute", endless)
    return reached


def test_a_statistic_that_is_cancelled_leaves_the_density_of_points(
    session: Session, half: threading.Event
) -> None:
    panel = ColourPanel(session)
    assert not panel.cancel.visible
    session.colour_by = DENSITY
    assert half.wait(60)
    session.hear()
    assert panel.cancel.visible
    panel._cancel(None)
    assert session.colour_by == panel.column.value == ""
    assert not panel.cancel.visible
    session.derived.wait()
    assert session.derived.doing is None


def test_a_statistic_compared_by_and_cancelled_is_not_computed_again(
    session: Session, half: threading.Event
) -> None:
    colour, compared = ColourPanel(session), Composition(session)
    compared.columns.value = ["side", DENSITY]
    assert half.wait(60)
    session.hear()
    colour._cancel(None)
    assert compared.columns.value == ["side"]
    session.derived.wait()
    session.hear()
    assert session.derived.doing is None
    compared.columns.value = [DENSITY]
    session.hear()
    assert session.derived.doing is not None, "it is computed when it is chosen again"
    colour._cancel(None)
    assert compared.columns.value == ["kind"]


def test_a_bar_of_a_statistic_that_is_computed_anew_selects_nothing(
    session: Session, half: threading.Event
) -> None:
    compared = Composition(session)
    compared._pick(CLUSTER, {"key": 3, "toggle": False})
    assert session.selection.count == 0
    session.derived.stop()


def test_the_status_bar_follows_a_statistic_until_it_is_there(
    explorer: Explorer, half: threading.Event
) -> None:
    session = explorer.session
    session.colour_by = DENSITY
    assert half.wait(60)
    explorer._hear()
    assert "computing local density: 50%" in explorer.status._pane.object
    (again,) = timeouts(explorer)
    explorer._hear()
    assert timeouts(explorer) == [again]
    explorer.colour._cancel(None)
    session.derived.wait()
    again.callback()
    assert timeouts(explorer) == []
    explorer._hear()
    assert "computing" not in explorer.status._pane.object
    assert explorer.selection.composition.columns.value == ["kind"]


def test_displacement_is_offered_while_a_map_is_beside(session: Session) -> None:
    colour, compared = ColourPanel(session), Composition(session)
    assert DISPLACEMENT not in colour.column.options.values()
    session.put_beside(session.runs[1].id)
    assert DISPLACEMENT in colour.column.options.values()
    assert DISPLACEMENT in compared.columns.options.values()
    colour.column.value = DISPLACEMENT
    until(lambda: np.isfinite(session.numbers(DISPLACEMENT)).all())
    session.hear()
    assert sum(row["total"] for row in colour.legend.rows) == N
    session.put_beside(session.runs[1].id)
    assert session.colour_by == colour.column.value == ""
    assert DISPLACEMENT not in compared.columns.options.values()


def test_pictures_are_made_by_a_worker_and_the_newest_colours_win(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, began, made, threads = threading.Event(), threading.Event(), [], set()

    def picture(_embedding: object, _colouring: object, dark: bool) -> str:
        threads.add(threading.current_thread().name.split("_")[0])
        began.set()
        assert go.wait(60)
        made.append(dark)
        return "dark" if dark else "light"

    monkeypatch.setattr(run_pictures, "map_picture", picture)
    monkeypatch.setattr(run_pictures, "BATCH_SECONDS", 0)
    shown: dict[str, str] = {}
    pictures = RunPictures(session, Colours(session), lambda new, _: shown.update(new), dark=True)
    beside_the_page(pictures._aside)
    pictures.update()
    assert began.wait(60)
    pictures.use_theme(False)
    assert shown == {}
    go.set()
    until(lambda: list(shown.values()) == ["light"] * len(session.runs))
    assert threads == {"aside"}
    assert made == [True, *[False] * len(session.runs)], "what was out of date was not drawn any more"
    assert set(shown) == {run.id for run in session.runs}


def test_a_run_that_comes_back_has_its_picture_made_anew(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_pictures, "map_picture", lambda *_: "a picture")
    shown: list[str] = []
    pictures = RunPictures(session, Colours(session), lambda new, _: shown.extend(new), dark=True)
    runs = session.runs
    pictures.update()
    assert sorted(shown) == sorted(run.id for run in runs)
    for known in (runs[1:], runs):
        shown.clear()
        session.runs = known
        pictures.update()
    assert shown == [runs[0].id]


def test_a_picture_does_not_keep_what_was_pointed_at(session: Session) -> None:
    colours = Colours(session)
    whole = colours.plain(dark=True).table
    session.param.update(highlighted=frozenset({0}), isolated=frozenset({1}))
    np.testing.assert_array_equal(colours.plain(dark=True).table, whole)
    assert not np.array_equal(colours.now(dark=True).table, whole)


def test_the_legend_is_counted_by_a_worker(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    panel, asked = ColourPanel(session), threading.current_thread()
    beside_the_page(panel._aside)
    categories, threads = session.categories, []

    def slow(column: str) -> object:
        threads.append(threading.current_thread())
        return categories(column)

    monkeypatch.setattr(session, "categories", slow)
    session.colour_by = "side"
    until(lambda: [row["name"] for row in panel.legend.rows] == ["left", "right"])
    session.select(np.arange(N) < 10, Step("rows"))
    until(lambda: [row["selected"] for row in panel.legend.rows] == [5, 5])
    assert asked not in threads


def test_the_legend_and_the_bars_are_counted_once_the_map_is_painted(session: Session) -> None:
    begun: list[Callable[[], object]] = []
    legend, bars = (
        ColourPanel(session, after_pictures=begun.append),
        SelectionPanel(session, after_pictures=begun.append),
    )
    for aside in (legend._aside, bars.composition._aside):
        beside_the_page(aside)
    begun.clear()
    before = [row["name"] for row in legend.legend.rows]
    for name in ("kind", "side"):
        session.colour_by = name
    assert len(begun) == 2, "a worker is asked for once, however often the colours change before it may begin"
    assert [row["name"] for row in legend.legend.rows] == before
    for begin in begun:
        begin()
    until(lambda: [row["name"] for row in legend.legend.rows] == ["left", "right"])
    until(lambda: "side" in bars.composition._parts)
    assert {row["name"] for row in bars.composition.block("side").bars.rows} == {"left", "right"}


def test_a_new_run_keeps_what_colours_the_map_and_the_columns_compared_by(session: Session) -> None:
    session.colour_by = STABILITY
    colour, compared = ColourPanel(session), Composition(session)
    compared.columns.value = ["side", DENSITY]
    run = session.start(RunParameters(seed=2, n_epochs=12))
    session.runner.wait(run.id, timeout=240)
    session.refresh()
    assert (session.run_id, session.colour_by, colour.column.value) == (run.id, STABILITY, STABILITY)
    assert compared.columns.value == ["side", DENSITY]


def test_the_composition_follows_the_colours_until_columns_are_chosen(session: Session) -> None:
    compared = Composition(session)
    session.colour_by = "side"
    assert compared.columns.value == ["side"]
    session.show(session.dataset)
    assert compared.columns.value == ["kind"]


def test_a_statistic_is_compared_by_under_its_own_name(session: Session) -> None:
    compared = Composition(session)
    compared.columns.value = [CLUSTER, "side"]
    block = compared.block(CLUSTER)
    assert "cluster (of this map) · all items" in block._title.object
    assert block.bars.label == block.histogram.label == "Composition by cluster (of this map)"
    assert compared.block("side").bars.label == "Composition by side"


def test_steps_that_are_not_told_leave_a_sign(session: Session) -> None:
    panel = SelectionPanel(session)
    for n in range(1, 4):
        session.select(np.arange(N) < n, Step("rows", "union", text=f"step {n}"))
    assert ">+ step 1 → + step 2 → + step 3<" in panel._head.object
    session.select(np.arange(N) < 4, Step("rows", "union", text="step 4"))
    assert ">… → + step 2 → + step 3 → + step 4<" in panel._head.object
    panel.close()


def test_nothing_stays_highlighted_when_another_tab_opens(explorer: Explorer) -> None:
    explorer.session.highlighted = frozenset({1})
    explorer.session.select_category("kind", 1)
    assert explorer.tabs.active == 0, "the map comes first"
    paint(explorer)
    assert explorer.tabs.active == 1
    assert explorer.session.highlighted == frozenset()


def test_who_has_turned_to_another_tab_is_not_led_to_a_selection_afterwards(explorer: Explorer) -> None:
    explorer.session.select_category("kind", 1)
    explorer.tabs.active = page.SELECTION_TAB
    explorer.tabs.active = 0  # and back, before the map is painted
    paint(explorer)
    assert explorer.tabs.active == 0


def test_what_is_selected_leads_nowhere_on_a_page_that_takes_up_a_tab_or_once_it_is_undone(
    explorer: Explorer,
) -> None:
    explorer.session.select_category("kind", 1)
    explorer.return_to("lasso", 0)
    paint(explorer)
    assert (explorer.tools.tool, explorer.tabs.active) == ("lasso", 0)
    explorer.session.clear_selection()
    paint(explorer)
    explorer.session.select_category("kind", 1)
    explorer.session.undo()
    paint(explorer)
    assert explorer.tabs.active == 0


def test_pause_and_stop_are_told_before_they_are_granted(explorer: Explorer, held: threading.Event) -> None:
    session, runner = explorer.session, explorer.session.runner
    run = session.start(RunParameters(seed=3, n_epochs=20_000))
    until(lambda: runner.run(run.id).epoch > 0)
    explorer._on_playback({"action": "pause"})
    assert runner.run(run.id).status is RunStatus.RUNNING
    assert explorer.playback.state["note"] == "pausing after this epoch"
    assert not explorer.playback.state["can_pause"]
    explorer._on_playback({"action": "stop"})
    assert runner.run(run.id).status is RunStatus.RUNNING
    assert explorer.playback.state["note"] == "stopping…"
    held.set()
    assert runner.wait(run.id, timeout=60).status is RunStatus.STOPPED
    session.refresh()
    assert explorer.playback.state["note"] == "stopped"


def test_a_run_that_fails_is_told_of_once_where_it_is_looked_at(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(page, "tell", said.append)
    session = explorer.session
    first, second, *rest = session.runs

    def stand(one: RunStatus, other: RunStatus) -> None:
        here = replace(first, status=one, error="Too few rows.")
        session.runs = (here, replace(second, status=other, error="Else."), *rest)

    assert session.run_id == first.id
    stand(RunStatus.RUNNING, RunStatus.RUNNING)
    stand(RunStatus.FAILED, RunStatus.FAILED)
    session.runs = (*session.runs[:2], *rest)
    assert said == ["Too few rows."]
    stand(RunStatus.RUNNING, RunStatus.DONE)
    stand(RunStatus.FAILED, RunStatus.DONE)
    assert said == ["Too few rows."] * 2, "a run that was resumed may fail again"


def test_the_time_of_a_frame_runs_from_its_drawing_until_it_is_painted(explorer: Explorer) -> None:
    feed = explorer.map.feed
    for _ in range(2):  # the first waits for the page itself
        feed._paint()
        paint(explorer)
    assert feed.took > 0
    assert f"frame {1000 * feed.took:.0f} ms" in explorer.status.__panel__().object


def test_a_view_is_kept_while_the_map_is_zoomed_and_taken_up_again(explorer: Explorer) -> None:
    session, view = explorer.session, explorer.map
    assert session.view is None
    view.zoom(2)
    x, y, unit = session.view
    assert unit == view.viewport.unit
    again = Session(session.workspace, session.runner, session.dataset)
    again.view = (x + 1, y, unit / 2)
    later = Explorer(again, Document())
    assert later.map.viewport.unit == pytest.approx(unit / 2)
    assert (later.map.viewport.x0 + later.map.viewport.x1) / 2 == pytest.approx(x + 1)
    later.map.fit()
    assert again.view is None
    later.close()


def test_every_button_and_field_says_what_it_does(explorer: Explorer) -> None:
    # What is behind a tab is made when it is first shown.
    parts = (
        explorer,
        explorer.colour,
        explorer.selection,
        explorer.sample,
        explorer.item,
        explorer.compare,
    )
    widgets = {widget for part in parts for widget in part.__panel__().select(MaterialWidget)}
    assert len(widgets) > 35
    assert [widget for widget in widgets if not widget.description] == []
    assert [one for one in widgets if not (one.label or isinstance(one, pmui.LinearProgress))] == []


def test_whatever_selects_does_so_in_the_mode_the_tools_told_of(explorer: Explorer) -> None:
    session, rows = explorer.session, np.arange(N)

    def tell(mode: str) -> None:
        explorer._on_tool({"action": "mode", "mode": mode})

    session.select_where("kind = 'a'")
    tell("intersect")
    explorer.search._on_message({"action": "search", "text": "left", "columns": ["side"]})
    explorer.search._on_message({"action": "select"})
    expected = (rows % 3 == 0) & (rows % 2 == 0)
    np.testing.assert_array_equal(session.selection.mask, expected)

    tell("union")
    session.pin(1)
    explorer.item._on_message({"action": "like", "size": 5})
    vectors = session.dataset.vectors
    distances = ((vectors - vectors[1]) ** 2).sum(axis=1)
    expected = expected | np.isin(rows, np.argsort(distances)[1:6])
    np.testing.assert_array_equal(session.selection.mask, expected)

    tell("subtract")
    session.water = 0.5
    water = explorer.selection.water
    assert (water.use.value, water.share.value, session.water) == (True, 50, 0.5)
    water._select(None)
    above = session.water_level(session.run_id).above()
    assert (expected & above).any()
    np.testing.assert_array_equal(session.selection.mask, expected & ~above)


def test_a_drag_selects_in_the_mode_in_which_it_began(explorer: Explorer) -> None:
    session, view = explorer.session, explorer.map
    embedding = session.shown(session.run_id).embedding
    x0, y0 = map(float, embedding.min(0) - 1)
    x1, y1 = map(float, np.median(embedding, axis=0))
    session.select_where("kind = 'a'")
    session.mode = "union"
    view._gestures._begin(PanStart(view.figure))
    session.mode = "replace"
    corners = {"type": "rect", "x0": x0, "x1": x1, "y0": y0, "y1": y1}
    view._gestures._select_inside(SelectionGeometry(view.figure, corners, True))
    inside = in_box(embedding, x0, x1, y0, y1)
    assert inside.any()
    np.testing.assert_array_equal(session.selection.mask, (np.arange(N) % 3 == 0) | inside)


def test_a_drag_that_is_given_up_selects_nothing_and_the_next_one_does(explorer: Explorer) -> None:
    session, view = explorer.session, explorer.map
    corners = {"type": "rect", "x0": -99, "x1": 99, "y0": -99, "y1": 99}
    session.select_where("kind = 'a'")
    before = session.selection
    view._gestures._begin(PanStart(view.figure))
    view._on_overlay({"action": "give up"})
    view._gestures._select_inside(SelectionGeometry(view.figure, corners, True))
    assert session.selection is before
    view._gestures._begin(PanStart(view.figure))
    view._gestures._select_inside(SelectionGeometry(view.figure, corners, True))
    assert session.selection.count == N


def test_whatever_picks_the_pinned_item_again_opens_it(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, view = explorer.session, explorer.map
    monkeypatch.setattr(view, "row_at", lambda *_: 3)
    tap = {"action": "tap", "x": 1, "y": 1, "mode": "", "tool": "pan"}
    for pick in (lambda: explorer._jump(3), lambda: session.pin(3), lambda: view._on_overlay(tap)):
        explorer.tabs.active = 0
        pick()
        assert (session.pinned, explorer.tabs.active) == (3, page.ITEM_TAB)
    explorer.tabs.active = 0
    session.pin(None)
    assert explorer.tabs.active == 0


def test_what_a_click_selects_is_told_and_clusters_are_left_alone_by_the_hand(explorer: Explorer) -> None:
    session, view = explorer.session, explorer.map
    aims = []
    for tool in ("pan", "lasso"):
        for colour, water in (("kind", None), (CLUSTER, None), (CLUSTER, 0.5)):
            session.param.update(colour_by=colour, water=water)
            aims.append((tool, explorer.tools.aim, view._gestures.aim(tool)))
    assert aims == [
        ("pan", "", ""), ("pan", "cluster", ""), ("pan", "region", "region"),
        ("lasso", "", ""), ("lasso", "cluster", "cluster"), ("lasso", "region", "region"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", [PROBABILITY, DENSITY, DISTORTION, STABILITY])
def test_the_tooltip_names_the_statistic_that_colours_the_map(session: Session, name: str) -> None:
    session.colour_by = name
    until(lambda: np.isfinite(session.numbers(name)).all())
    tip = tip_of(session, 7)
    label, value = tip["values"][0]
    assert label == STATISTICS[name].label
    assert float(value) == pytest.approx(session.numbers(name)[7], rel=5e-3)
    assert [label for label, _ in tip["values"][1:]] == ["kind", "side", "score"]


def test_the_tooltip_names_the_cluster_or_noise_or_nothing_yet(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.colour_by = CLUSTER
    codes = np.arange(N, dtype=np.int32) % 2
    known = Categories(codes, ("cluster 0", "noise"), np.array([45, 45]), noise=1)
    with monkeypatch.context() as made:
        made.setattr(session, "categories", lambda _: known)
        assert [tip_of(session, row)["values"][0] for row in (4, 5)] == [
            ["cluster", "cluster 0"],
            ["cluster", "noise"],
        ]
    monkeypatch.setattr(session, "categories", lambda _: pending(N))
    assert tip_of(session, 4)["values"][0] == ["kind", "b"]


def test_bars_of_the_whole_start_a_selection_and_then_narrow_it(session: Session) -> None:
    compared = Composition(session)
    compared.columns.value = ["kind", "side"]
    (kinds, sides) = (compared.block(name).bars for name in ("kind", "side"))
    assert compared.columns.visible
    assert [(row["name"], row["total"], row["dim"], row["lift"]) for row in kinds.rows] == [
        ("b", 60, False, ""),
        ("a", 30, False, ""),
    ]
    kinds._on_message({"key": kinds.rows[1]["key"], "toggle": False})
    assert session.selection.steps[0].mode == "replace"
    np.testing.assert_array_equal(session.selection.rows, np.arange(0, N, 3))
    assert [(row["name"], row["lift"], row["expected"]) for row in kinds.rows] == [
        ("a", "3.0×", 10),
        ("b", "0×", 20),
    ]
    sides._on_message({"key": sides.rows[0]["key"], "toggle": False})
    assert [step.mode for step in session.selection.steps] == ["replace", "intersect"]
    assert session.selection.count == 15


def test_a_histogram_of_the_whole_starts_a_selection(session: Session) -> None:
    compared = Composition(session)
    compared.columns.value = ["score"]
    histogram = compared.block("score").histogram
    assert sum(column["all"] for column in histogram.columns) == pytest.approx(1)
    assert {column["chosen"] for column in histogram.columns} == {0}
    histogram._on_message({"key": 0, "toggle": True})
    assert session.selection.count == histogram.columns[0]["total"]


def test_why_no_neighbours_were_found_stays_told(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(row: int, k: int) -> None:
        raise InputError(f"Row {row} has none.")

    panel = ItemPanel(session, lambda _: None)
    monkeypatch.setattr(session, "neighbours", fail)
    session.pin(3)
    session.colour_by = "side"
    panel.use_theme(False)
    assert panel.card.near == {"sentence": "Row 3 has none."}
    session.pin(4)
    assert panel.card.near == {"sentence": "Row 4 has none."}
    session.pin(None)
    assert panel.card.near == {"sentence": ""}


def test_every_text_asked_for_comes_and_one_that_cannot_be_read_may_be_asked_for_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, items, go = ItemPanel(session, lambda _: None), session.dataset.items, threading.Event()
    look_up, told, shown = items.look_up, [], []
    session.pin(3)

    def slow(rows: list[int], columns: list[str]) -> pa.Table:
        assert go.wait(60)
        if columns == ["score"]:
            raise InputError("The items cannot be read.")
        return look_up(rows, columns)

    monkeypatch.setattr(items, "look_up", slow)
    monkeypatch.setattr(item_panel, "tell", told.append)
    panel.card.param.watch(lambda event: shown.append(event.new), ["whole"])
    beside_the_page(panel._wholes)
    for column in ("kind", "score", "side"):
        panel._on_message({"action": "whole", "column": column})
    go.set()
    until(lambda: len(shown) == 3)
    assert shown == [
        {"column": "kind", "text": "a"},
        {"column": "score"},
        {"column": "side", "text": "right"},
    ]
    assert told == ["The items cannot be read."]


def test_similar_items_that_are_cancelled_select_nothing(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, begun, go = ItemPanel(session, lambda _: None), threading.Event(), threading.Event()
    session.pin(3)

    def slow(*_: object) -> Step:
        begun.set()
        assert go.wait(60)
        return Step("like", rows=(1, 2))

    monkeypatch.setattr(item_panel, "like_row", slow)
    beside_the_page(panel._likes)
    panel._on_message({"action": "like", "size": 2})
    assert begun.wait(60)
    assert panel.card.busy
    panel._on_message({"action": "cancel"})
    assert not panel.card.busy
    later = threading.Event()
    panel._likes.ask(lambda: None, lambda _: later.set())
    go.set()
    assert later.wait(60)
    assert session.selection.count == 0


def test_every_condition_entered_is_applied_in_turn_until_they_are_cancelled(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, items, go = ConditionBox(session), session.dataset.items, threading.Event()
    where = items.where

    def slow(condition: str) -> np.ndarray:
        assert go.wait(60)
        return where(condition)

    monkeypatch.setattr(items, "where", slow)
    beside_the_page(box._aside)
    box.way.value = "union"
    for row in (1, 2, 3):
        box._apply(f"row_id = {row}")
    assert box.cancel.visible
    go.set()
    until(lambda: not box.cancel.visible)
    assert session.selection.rows.tolist() == [1, 2, 3]
    go.clear()
    box._apply("row_id = 4")
    box._cancel()
    assert (box.cancel.visible, box._said.object) == (False, "")
    box._apply("no such column = 1")
    session.show(session.workspace.dataset(session.dataset.id))
    go.set()
    box._apply("row_id = 5")
    until(lambda: not box.cancel.visible)
    assert session.selection.rows.tolist() == [5]
    assert not box.text.error_state


def test_a_search_that_is_cancelled_says_so_and_shows_nothing_found(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar, go = SearchBar(session, lambda _: None), threading.Event()
    monkeypatch.setattr(search_bar, "search", lambda *_: go.wait(60))
    beside_the_page(bar._aside)
    bar._on_message({"action": "search", "text": "left", "columns": ["side"]})
    assert bar.field.busy
    bar._on_message({"action": "cancel"})
    assert (bar.field.busy, bar.field.fault) == (False, "The search was cancelled.")
    go.set()
    assert bar.field.result == {}


def test_other_columns_are_told_while_one_is_being_read(session: Session) -> None:
    items, go, began = session.dataset.items, threading.Event(), threading.Event()
    known = items.categories("kind")

    def make(_: str) -> str:
        began.set()
        assert go.wait(60)
        return "made"

    reader = threading.Thread(target=items._remembered, args=("a test", "kind", make))
    reader.start()
    assert began.wait(60)
    told: list[object] = []
    asker = threading.Thread(target=lambda: told.extend([items.columns, items.categories("kind")]))
    asker.start()
    asker.join(10)
    go.set()
    reader.join(60)
    assert told == [items.columns, known]


@pytest.fixture
def at_rest(explorer: Explorer) -> Explorer:
    """The page, on one of the first two runs."""
    explorer.session.look_at(next(run.id for run in explorer.session.runs if run.n_epochs == 12))
    return explorer


def pass_time(explorer: Explorer) -> bool:
    """Do what the page's document is to do next; False when there is nothing."""
    waiting = timeouts(explorer)
    for one in waiting:
        one.callback()
    return bool(waiting)


def test_a_history_plays_each_frame_after_the_last_is_painted_and_ends_with_the_newest(
    at_rest: Explorer,
) -> None:
    session, seen = at_rest.session, []
    session.param.watch(lambda event: seen.append(event.new), ["epoch"])
    at_rest._on_playback({"action": "play"})
    assert session.epoch == 0
    assert at_rest.playback.state["past"]["playing"]
    assert pass_time(at_rest)
    assert session.epoch == 0
    assert not pass_time(at_rest), "nobody looks again and again whether it is painted"
    for epoch in range(1, 12):
        paint(at_rest)
        assert session.epoch == epoch
        paint(at_rest)
        assert session.epoch == epoch, "a frame stays a moment however soon it is painted"
        assert pass_time(at_rest)
    assert seen == [*range(12), None]
    assert at_rest.playback.state["epoch"] == 12
    assert not at_rest.playback.state["past"]["playing"]


def test_playing_goes_on_from_the_epoch_shown_and_whatever_is_chosen_ends_it(at_rest: Explorer) -> None:
    session, figure = at_rest.session, at_rest.map.figure
    first, other, *_ = (run.id for run in session.runs if run.n_epochs == 12)
    ends: list[Callable[[], object]] = [
        lambda: at_rest._on_playback({"action": "rest"}),
        lambda: at_rest._on_playback({"action": "epoch", "epoch": 5, "number": 3}),
        lambda: session.look_at(other),
        lambda: figure._trigger_event(PanStart(figure)),
    ]
    figure.toolbar.active_drag = at_rest.map._tools["lasso"]
    for end in ends:
        session.look_at(first)
        session.look_at_epoch(6)
        at_rest._on_playback({"action": "play"})
        pass_time(at_rest)
        paint(at_rest)
        assert session.epoch == 7
        end()
        assert not at_rest.playback.state["past"]["playing"]
        epoch = session.epoch
        while pass_time(at_rest):
            paint(at_rest)
        assert session.epoch == epoch
    assert at_rest.playback.state["past"]["asked"] == 3


def test_an_epoch_that_is_not_kept_is_told_and_changes_nothing(at_rest: Explorer) -> None:
    at_rest._on_playback({"action": "epoch", "epoch": 4, "number": 1})
    assert (at_rest.session.epoch, at_rest.playback.state["epoch"]) == (4, 4)
    at_rest._on_playback({"action": "epoch", "epoch": 400, "number": 2})
    assert at_rest.session.epoch == 4
    assert at_rest.playback.state["past"]["asked"] == 2, "or the bar would wait for it"


def test_when_the_selection_formed_is_asked_told_and_gone_to(at_rest: Explorer) -> None:
    session, panel = at_rest.session, at_rest.selection.formation
    assert not panel._all.visible
    embedding = session.shown(session.run_id).embedding
    session.select(embedding[:, 0] < np.quantile(embedding[:, 0], 0.3), Step("rows"))
    assert panel._all.visible
    panel._look()
    assert session.formed.epochs == session.epochs == tuple(range(13))
    state = at_rest.playback.state["past"]
    np.testing.assert_allclose(state["formed"], session.formed.scores, atol=1e-4)
    assert "These 27 items" in panel._said.object
    assert panel.go.visible == (session.formed.since is not None)
    session.formed = Separation(tuple(range(13)), (0.1,) * 6 + (0.9,) * 7)
    panel._answer(session.formed)
    assert (panel.go.visible, panel.go.label) == (True, "Show epoch 6")
    panel._show_since()
    assert session.epoch == 6
    assert session.formed is not None
    session.undo()
    assert (session.formed, panel._said.object) == (None, "")
    assert at_rest.playback.state["past"]["formed"] == []


def test_a_search_for_when_it_formed_that_is_cancelled_tells_nothing(
    at_rest: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, panel = at_rest.session, at_rest.selection.formation
    begun, over = threading.Event(), threading.Event()

    def endless(_members: object, _past: object, progress: Callable[[float], None]) -> None:
        begun.set()
        try:
            while True:
                progress(0.5)
                time.sleep(0.01)
        finally:
            over.set()

    monkeypatch.setattr(formation, "separation", endless)
    beside_the_page(panel._aside)
    session.select(np.arange(N) < 20, Step("rows"))
    panel._look()
    assert begun.wait(60)
    assert panel.cancel.visible
    panel._forget()
    assert over.wait(60)
    assert (panel.cancel.visible, panel._said.object, session.formed) == (False, "", None)


def test_an_earlier_epoch_is_exported_as_it_is_shown_and_under_its_name(at_rest: Explorer) -> None:
    session, share = at_rest.session, at_rest.share
    session.look_at_epoch(4)
    table = pq.read_table(share._made())
    shown = session.workspace.keyframes(session.run_id).load(4).decode()
    np.testing.assert_array_equal(np.column_stack([table["x"], table["y"]]), shown)
    assert share.export.filename == f"{session.run_id}-epoch-4.parquet"
    session.look_at_epoch(None)
    assert share.export.filename == f"{session.run_id}.parquet"


def test_what_a_tab_shows_later_wears_the_theme_from_the_first(explorer: Explorer) -> None:
    unseen = explorer.sample.draw, explorer.audit.audit, explorer.form.run
    assert all(button.dark_theme for button in unseen)
    explorer._page.dark_theme = False
    explorer.tabs.active = page.SAMPLE_TAB
    assert not explorer.sample.draw.dark_theme
