"""The wall without a browser: what hangs there, what is drawn of it and when, what a lasso and a click do."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.server.callbacks import TimeoutCallback

from explorer.model.aligned import AlignedMap
from explorer.model.polygon import in_polygon
from explorer.model.progress import Progress, Snapshot
from explorer.model.projection import Viewport
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Event, Runner
from explorer.model.selection import Step
from explorer.model.session import Session
from explorer.model.sweep import Sweep
from explorer.model.wall import Choice, arrange
from explorer.model.workspace import Workspace
from explorer.views import page, wall_pictures, wall_scores
from explorer.views.colouring import Colours
from explorer.views.frames import FrameFeed
from explorer.views.page import Explorer
from explorer.views.shading import Style, draw
from explorer.views.wall import WallView
from explorer.views.wall_scores import WallScores
from explorer.views.wall_state import Scored, Standing, wall_state

SIZE = (120, 90)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, blobs) -> Iterator[Session]:
    """Five blobs with a finished sweep of two n_neighbors and two seeds."""
    folder = tmp_path_factory.mktemp("wall")
    np.save(folder / "blobs.npy", blobs[0])
    with Workspace(folder / "workspace") as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(folder / "blobs.npy")
        sweep = Sweep(n_neighbors=(5, 9), seeds=(0, 1), base=RunParameters(n_epochs=30))
        for run in runner.start_sweep(dataset, sweep):
            runner.wait(run.id, timeout=240)
        yield Session(workspace, runner, dataset)


@pytest.fixture
def session(bench: Session) -> Iterator[Session]:
    made = Session(bench.workspace, bench.runner, bench.dataset)
    yield made
    made.derived.close()


@pytest.fixture
def wall(session: Session, monkeypatch: pytest.MonkeyPatch) -> WallView:
    monkeypatch.setattr(wall_pictures, "BATCH_SECONDS", 60)  # the first pictures are compiled
    made = WallView(session, Colours(session), Document())
    made.shown = True
    return made


@pytest.fixture
def explorer(session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[Explorer]:
    monkeypatch.setattr(wall_pictures, "BATCH_SECONDS", 60)  # the first pictures are compiled
    made = Explorer(session, Document(), wall="ring:cost")
    yield made
    made.close()


def say(wall: WallView, action: str, **more: Any) -> None:
    wall._on_message({"action": action, **more})


def look(wall: WallView, *runs: Run, fresh: bool = False) -> None:
    say(wall, "look", width=SIZE[0], height=SIZE[1], runs=[run.id for run in runs], fresh=fresh)


def painted(wall: WallView) -> list[str]:
    """Paint the batch; the runs in it."""
    batch = wall.part.batch
    say(wall, "painted", number=batch["number"])
    return [one["run"] for one in batch["pictures"]]


def pixels(wall: WallView) -> dict[str, np.ndarray]:
    """The pictures of the batch, the lowest line first."""
    return {
        one["run"]: np.frombuffer(one["pixels"], np.uint32).reshape(one["height"], one["width"])[::-1]
        for one in wall.part.batch["pictures"]
    }


def drawn(session: Session, run: Run) -> np.ndarray:
    """What a picture of a run is to show, laid over the run on the map."""
    over = session.snapshot(session.run_id)
    laid = AlignedMap.of(session.snapshot(run.id), over)
    mask = session.selection.mask if session.selection.count else np.zeros(0, np.bool_)
    colouring, extent = Colours(session).now(True), laid.extent
    viewport = extent.viewport(*SIZE)
    return draw(laid.embedding, viewport, colouring, mask, Style(True, True), extent.bulk).image


def test_every_run_in_sight_is_drawn_as_the_maps_are_and_laid_over_the_one_on_the_map(
    wall: WallView, session: Session
) -> None:
    first, second, *_ = session.runs
    session.look_at(second.id)
    assert wall.part.batch == {}, "nobody has said how large"
    look(wall, *session.runs)
    assert set(pixels(wall)) == {run.id for run in session.runs}
    for run in session.runs:
        np.testing.assert_array_equal(pixels(wall)[run.id], drawn(session, run))
    was = wall.part.batch
    painted(wall)
    assert wall.part.batch is was, "nothing has changed"
    look(wall, first, second)
    assert wall.part.batch is was
    look(wall, first, fresh=True)
    assert painted(wall) == [first.id], "a page that is made anew has none"


def test_a_selection_and_a_colour_are_drawn_on_all_and_not_before_the_last_batch_is_painted(
    wall: WallView, session: Session
) -> None:
    look(wall, *session.runs)
    was = wall.part.batch
    session.lasso_on(wall.pictures[session.run_id].aligned, np.array([[-99, -99], [0, -99], [0, 99]]))
    session.colour_by = ""
    assert wall.part.batch is was
    painted(wall)
    for run in session.runs:
        np.testing.assert_array_equal(pixels(wall)[run.id], drawn(session, run))
    assert len(painted(wall)) == len(session.runs)
    wall.shown = False
    session.clear_selection()
    was = wall.part.batch
    assert len(painted(wall)) == len(session.runs)
    assert wall.part.batch is was, "nobody sees it"


def test_what_follows_a_change_waits_until_all_pictures_are_painted_or_two_seconds(
    wall: WallView, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    did, due = [], []
    monkeypatch.setattr(wall_pictures, "later", lambda _, milliseconds, act: due.append((milliseconds, act)))
    wall.pictures.afterwards(lambda: did.append("at rest"))
    assert did == ["at rest"]
    look(wall, *session.runs)
    session.select(np.arange(session.selection.n) < 9, Step("rows"))
    wall.pictures.afterwards(lambda: did.append("painted"))
    painted(wall)
    assert did == ["at rest"], "the pictures on their way were of before the change"
    painted(wall)
    assert did == ["at rest", "painted"]
    session.clear_selection()
    due.clear()
    wall.pictures.afterwards(lambda: did.append("runs that move leave no gap"))
    ((milliseconds, act),) = due
    assert (len(did), milliseconds) == (2, 2000)
    act()
    assert did[2:] == ["runs that move leave no gap"]


def test_the_legend_and_a_tab_that_opens_wait_for_the_wall_in_the_place_of_the_maps(
    explorer: Explorer,
) -> None:
    wall, session, begun = explorer.wall, explorer.session, []
    legend = explorer.colour._aside
    legend._doc, legend._workers = explorer._doc, Mock(submit=begun.append)
    look(wall, *session.runs)
    painted(wall)
    begun.clear()
    session.select(np.arange(session.selection.n) < 9, Step("rows"))
    assert (explorer.tabs.active, begun) == (0, [])
    painted(wall)
    assert (explorer.tabs.active, begun) == (page.SELECTION_TAB, [legend._work])


def test_the_wall_reaches_the_browser_once_the_first_picture_of_the_map_is_painted(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    due: list[Callable[[], None]] = []
    monkeypatch.setattr(page, "later", lambda *given: due.append(given[-1]))
    explorer = Explorer(session, Document())
    feed, place = explorer.map.feed, explorer.wall._place
    assert place.objects == [], "a page that loads need not make it"
    feed.sent = 1
    feed._on_painted("data", {}, {"frame": [1]})
    for act in due:
        act()
    assert (place.objects, place.visible) == ([explorer.wall.part], False)
    explorer.wall.shown = True
    assert (place.objects, place.visible) == ([explorer.wall.part], True)
    explorer.close()


def test_a_lasso_selects_the_rows_that_the_picture_shows_inside(wall: WallView, session: Session) -> None:
    look(wall, *session.runs)
    for run in session.runs:
        picture = wall.pictures[run.id]
        assert (picture.aligned.alignment is None) is (run.id == session.run_id)
        points = [[0.1, 0.2], [0.8, 0.1], [0.9, 0.6], [0.4, 0.95]]
        say(wall, "lasso", run=run.id, points=points, mode="")
        view = picture.viewport
        corners = [(view.x0 + x * (view.x1 - view.x0), view.y1 - y * (view.y1 - view.y0)) for x, y in points]
        expected = in_polygon(picture.aligned.embedding, corners)
        assert 0 < expected.sum() < len(expected)
        assert (session.selection.mask != expected).sum() <= 1, (
            "but for one that rounding moves over the line"
        )
        (step,) = session.selection.steps
        assert (step.kind, step.run_id) == ("lasso", run.id)
        own = in_polygon(session.snapshot(run.id).embedding, step.polygon)
        np.testing.assert_array_equal(session.selection.mask, own)
    everything = [[-1, -1], [2, -1], [2, 2], [-1, 2]]
    say(wall, "lasso", run=session.run_id, points=everything, mode="union")
    assert session.selection.count == session.selection.n
    say(wall, "lasso", run=session.run_id, points=everything, mode="subtract")
    assert session.selection.count == 0
    say(wall, "lasso", run="gone", points=everything, mode="")
    say(wall, "lasso", run=session.run_id, points=everything[:2], mode="")
    assert session.selection.count == 0


def test_a_click_puts_a_run_on_the_map_and_the_map_in_the_place_of_the_wall(
    explorer: Explorer, session: Session
) -> None:
    wall, second = explorer.wall, session.runs[1]
    assert wall.shown
    assert not explorer._around_maps.visible
    assert not explorer.map.feed._started
    say(wall, "show", run=second.id)
    assert (session.run_id, wall.shown, wall.address) == (second.id, False, "")
    assert explorer._around_maps.visible
    assert explorer.map.feed._started
    assert wall.switch.shown == "map"
    say(wall, "show", run="gone")
    assert session.run_id == second.id


def test_the_keys_of_the_map_do_nothing_while_it_is_out_of_sight(
    explorer: Explorer, session: Session
) -> None:
    explorer.map.look(Viewport.around(session.shown(session.run_id).embedding, 600, 400))
    view = explorer.map.viewport
    for action in ("screen", "nearer", "left"):
        explorer._on_tool({"action": action})
    assert (explorer.map.viewport, session.selection.count) == (view, 0)
    explorer._on_tool({"action": "mode", "mode": "union"})
    assert explorer.wall.part.mode == "union"
    explorer.wall.shown = False
    explorer._on_tool({"action": "screen"})
    assert session.selection.count == session.dataset.n


def test_choices_arrange_the_wall_and_are_in_its_address(wall: WallView, session: Session) -> None:
    assert wall.address == "-"
    say(wall, "choose", name="ring", value="time")
    say(wall, "choose", name="rows", value="seed")
    assert wall.address == "rows:seed,columns:n_neighbors,ring:time"
    state = wall.part.state
    assert state["rows"] == {"name": "seed", "values": ["0", "1"]}
    assert [[len(cell) for cell in row] for row in state["cells"]] == [[1, 1], [1, 1]]
    again = WallView(session, Colours(session), Document(), address=wall.address)
    assert (again.shown, again.choice, again.part.state) == (True, wall.choice, state)
    legend = state["legend"]
    seconds = sorted(run.total_seconds for run in session.runs)
    assert (legend["low"], legend["high"]) == (f"{seconds[0]:.1f} s", f"{seconds[-1]:.1f} s")
    rings = {tile["ring"] for tile in state["tiles"].values()}
    assert {legend["colours"][0], legend["colours"][-1]} <= rings
    names = [one["name"] for one in state["choices"]]
    assert names == ["sweep", "rows", "columns", "sort", "ring"], "all that varies has a head"


def test_measures_that_are_slow_come_one_by_one_and_say_why_there_is_none(
    wall: WallView, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def score(name: str, _workspace: Any, run: Run, _runs: Any) -> float:
        asked.append(run.id)
        return run.parameters.n_neighbors + run.parameters.seed / 10

    monkeypatch.setattr(wall_scores, "score", score)
    say(wall, "choose", name="sort", value="trustworthiness")
    shown = [(run.parameters.n_neighbors, run.parameters.seed) for run in wall._wall.runs]
    assert shown == [(9, 1), (9, 0), (5, 1), (5, 0)]
    assert sorted(asked) == sorted(run.id for run in session.runs)
    tiles = wall.part.state["tiles"]
    assert {tile["value"] for tile in tiles.values()} == {
        f"trust {k}.{seed}00" for k in (5, 9) for seed in (0, 1)
    }
    session.runs = (replace(session.runs[0], status=RunStatus.RUNNING), *session.runs[1:])
    say(wall, "choose", name="ring", value="stability")
    assert len(asked) == 4, "how stable runs are is computed once all are at rest"
    assert wall.part.state["legend"]["note"] == "4 of 4 runs to come"


GRID = [
    Run(f"run-{k}", "data", "hash", 100, RunParameters(n_neighbors=k), n_epochs=200, sweep="sweep-1")
    for k in (5, 6, 7, 8)
]


def test_runs_without_a_map_say_why(session: Session) -> None:
    queued, running, failed, done = GRID
    failed = failed.with_(status=RunStatus.FAILED, error="Too <few> rows.")
    done = done.with_(status=RunStatus.DONE, epoch=200, seconds={"layout": 3.0}, cost=2.5)
    progress = {
        queued.id: Progress(queued.id, RunStatus.QUEUED, "queued", 0, 0, 0, 200),
        running.id: Progress(running.id, RunStatus.RUNNING, "layout", 0.5, 0.4, 87, 200),
    }
    runs = (queued, running, failed, done)
    standing = Standing(runs, progress, ("other", queued.id), done.id)
    waiting = frozenset({queued.id, running.id})
    scored = {"cost": Scored({done.id: 2.5}, {failed.id: "It is not known."}, waiting)}
    state = wall_state(arrange(runs, Choice(ring="cost")), standing, scored, dark=True)
    tiles = [state["tiles"][run.id] for run in runs]
    assert [tile["words"] for tile in tiles] == [
        "queued, 1 before it",
        "drawing …",
        "Too <few> rows.",
        "drawing …",
    ]
    assert [tile["line"] for tile in tiles] == [
        "queued, 1 before it",
        "epoch 87 / 200",
        "failed",
        "done in 3.0 s",
    ]
    assert [tile["value"] for tile in tiles] == ["cost …", "cost …", "cost –", "cost 2.500 per edge"]
    assert [bool(tile["ring"]) for tile in tiles] == [False, False, False, True]
    assert [tile["first"] for tile in tiles] == [False, False, False, True]
    assert tiles[2]["about"].endswith("It is not known.")
    assert state["said"] == "4 runs · 1 queued · 1 at work · 1 done · 1 failed"
    deep = done.with_(parameters=RunParameters(n_components=3))
    state = wall_state(arrange([deep], Choice()), standing, {}, dark=True)
    assert state["tiles"][deep.id]["words"] == "3 dimensions: no map to draw"


def test_a_map_that_cannot_be_read_says_so_in_its_place(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wall_pictures, "BATCH_SECONDS", 60)
    damaged, missing, *_ = session.runs
    runner = Runner(session.workspace)  # has not seen the runs at work and reads them from the disk
    later = Session(session.workspace, runner, session.dataset)
    paths = [session.workspace.run_folder(run.id) / "embedding.npy" for run in (damaged, missing)]
    whole = [path.read_bytes() for path in paths]
    try:
        paths[0].write_bytes(whole[0][:200])
        paths[1].unlink()
        made = WallView(later, Colours(later), Document())
        made.shown = True
        look(made, *later.runs)
        words = {run: tile["words"] for run, tile in made.part.state["tiles"].items()}
        assert set(painted(made)) == set(words) - {damaged.id, missing.id}
    finally:
        for path, content in zip(paths, whole, strict=True):
            path.write_bytes(content)
        later.derived.close()
    assert "is damaged" in words.pop(damaged.id)
    assert words.pop(missing.id) == "The map of this run is missing."
    assert set(words.values()) == {"drawing …"}


def test_a_measure_that_never_comes_is_not_waited_for(session: Session) -> None:
    stopped, deep, deeper, running, done = (
        Run(f"run-{k}", "data", "hash", 100, RunParameters(n_neighbors=k), n_epochs=200) for k in range(5, 10)
    )
    five = RunParameters(n_neighbors=6, n_components=5)
    stopped = stopped.with_(status=RunStatus.STOPPED)
    deep = deep.with_(status=RunStatus.DONE, epoch=200, cost=2.5, parameters=five)
    deeper = deeper.with_(status=RunStatus.RUNNING, parameters=five)
    running = running.with_(status=RunStatus.RUNNING)
    done = done.with_(status=RunStatus.DONE, epoch=200, cost=2.0)
    runs, scores = (stopped, deep, deeper, running, done), WallScores(session, lambda: None)
    assert scores.of("cost", runs).waiting == {deeper.id, running.id}
    scored = scores.of("trustworthiness", runs)
    assert scored.waiting == {running.id, done.id}
    wall = arrange(runs, Choice(sweep="all", ring="trustworthiness"))
    state = wall_state(wall, Standing(runs, {}), {"trustworthiness": scored}, dark=True)
    told = [state["tiles"][run.id]["value"] for run in runs]
    assert told == ["trust –", "trust –", "trust –", "trust …", "trust …"]
    assert state["legend"]["note"] == "2 of 5 runs to come"


def test_a_run_at_work_is_drawn_anew_a_few_times_a_second_and_at_once_when_it_is_done(
    wall: WallView, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *rest = session.runs
    now = 100.0
    monkeypatch.setattr(wall_pictures, "monotonic", lambda: now)
    session.look_at(rest[0].id)
    session.runs = (first.with_(status=RunStatus.RUNNING), *rest)
    embedding = session.snapshot(first.id).embedding
    snapshot = session.snapshot

    def moving(run_id: str) -> Snapshot | None:
        return Snapshot(first.id, 7, embedding, final=False) if run_id == first.id else snapshot(run_id)

    monkeypatch.setattr(session, "snapshot", moving)
    look(wall, *session.runs)
    assert first.id in painted(wall)
    was, doc = wall.part.batch, wall.pictures._doc
    wall.tick(first.id)
    wall.pictures._heed()
    assert wall.part.batch is was, "it was drawn just now"
    # Of what is due the document keeps no order.
    due = [one.callback for one in doc.session_callbacks if isinstance(one, TimeoutCallback)]
    assert due
    now += wall_pictures.LIVE_SECONDS
    for call in due:
        call()
    assert wall.part.batch is not was
    assert painted(wall) == [first.id]
    was = wall.part.batch
    session.runs = (first, *rest)
    assert wall.part.batch is not was
    assert painted(wall) == [first.id]


def test_the_page_hears_of_newer_maps(explorer: Explorer, session: Session) -> None:
    pictures, run_id = explorer.wall.pictures, session.run_id
    look(explorer.wall, *session.runs)
    explorer._on_event(Event(run_id, "snapshot"))
    explorer._on_event(Event(run_id, "progress"))
    assert pictures._moments == {run_id: 1}


def test_a_map_out_of_sight_is_drawn_again_when_it_is_seen() -> None:
    drawn: list[threading.Thread] = []
    feed = FrameFeed(Document(), lambda: drawn.append(threading.current_thread()))
    feed.start()
    until(lambda: len(drawn) == 1)
    feed._send(None)
    feed.rest()
    feed.request()
    feed._on_painted("data", None, {"frame": [1]})
    assert feed.idle
    feed.request()
    assert feed.idle
    feed.start()
    until(lambda: len(drawn) == 2)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
