"""Up to four maps on one page, without a browser: made when shown, linked or free, compared."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.server.callbacks import NextTickCallback

from explorer import app
from explorer.app import App
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.selection import Step
from explorer.model.session import Session
from explorer.model.workspace import Workspace
from explorer.views.hovering import tip_of
from explorer.views.map_view import MapView
from explorer.views.page import SELECTION_TAB, Explorer

N = 80
PLACES = np.random.default_rng(2).normal(size=(N, 2)).astype(np.float32)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session over five maps at rest: the same one, turned, moved and grown; the third lacks row 9."""
    np.save(tmp_path / "vectors.npy", np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32))
    with Workspace(tmp_path / "workspace") as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(tmp_path / "vectors.npy")
        for seed in range(5):
            turn = np.array([[np.cos(seed), -np.sin(seed)], [np.sin(seed), np.cos(seed)]])
            places = ((1 + seed) * PLACES @ turn + 3 * seed).astype(np.float32)
            if seed == 2:
                places[9] = np.nan
            run = Run.new(dataset.id, dataset.hash, N, RunParameters(seed=seed))
            workspace.save_embedding(run.id, places)
            workspace.save_run(run.with_(status=RunStatus.DONE, n_epochs=9, epoch=9))
        made = Session(workspace, runner, dataset)
        made.look_at(ids(made)[0])
        yield made
        made.derived.close()


def ids(session: Session) -> list[str]:
    return [run.id for run in sorted(session.runs, key=lambda run: run.parameters.seed)]


@pytest.fixture
def explorer(session: Session) -> Iterator[Explorer]:
    made = Explorer(session, Document())
    yield made
    made.close()


def draw(explorer: Explorer, times: int = 2) -> None:
    """Draw every map that is shown, and do what that asks for."""
    for _ in range(times):
        for one in explorer.grid.linking.shown:
            one._render()
            rest(explorer)


def rest(explorer: Explorer) -> None:
    doc = explorer._doc
    while waiting := [one for one in doc.session_callbacks if isinstance(one, NextTickCallback)]:
        for one in waiting:
            doc.remove_next_tick_callback(one)
            one.callback()


def side_by_side(explorer: Explorer, n: int) -> list[MapView]:
    """That many maps, drawn."""
    session = explorer.session
    for run_id in ids(session)[1:n]:
        session.put_beside(run_id)
    draw(explorer)
    return explorer.maps[:n]


def test_a_map_is_made_when_it_is_first_shown_and_lies_in_a_square_with_three(explorer: Explorer) -> None:
    session, grid, runs = explorer.session, explorer.grid, ids(explorer.session)

    def visible() -> tuple[list[bool], bool, bool]:
        return [cell.visible for cell in grid._cells], grid._rows[1].visible, grid._room.visible

    assert (len(grid.maps), len(grid.marks)) == (1, 1)
    assert visible() == ([True, False, False, False], False, False)
    seen = []
    for run_id in runs[1:4]:
        session.put_beside(run_id)
        seen.append((len(grid.maps), *visible()))
    assert seen == [
        (2, [True, True, False, False], False, False),
        (3, [True, True, True, False], True, True),
        (4, [True, True, True, True], True, False),
    ]
    assert [one.run_id for one in grid.maps] == runs[:4]
    session.put_beside(runs[1])
    assert [one.run_id for one in grid.maps] == [runs[0], runs[2], runs[3], ""]
    assert visible() == ([True, True, True, False], True, True)
    assert [len(cell.objects) for cell in grid._cells] == [2, 2, 2, 2], "a map, and room for its label"


def test_a_map_made_later_has_the_theme_of_the_others(explorer: Explorer) -> None:
    explorer.grid.use_theme(False)
    (_, second) = side_by_side(explorer, 2)
    assert not second._dark


def test_what_follows_a_change_waits_for_all_maps_that_are_shown(explorer: Explorer) -> None:
    maps, did = side_by_side(explorer, 3), []
    feeds = [one.feed for one in maps]
    for feed in feeds:
        feed._started, feed._busy, feed._dirty = True, True, False  # a frame of each is on its way
    explorer.grid.afterwards(lambda: did.append("counted"))
    for feed in feeds:
        assert not did, "another map waits for the processors"
        feed._free()
    assert did == ["counted"]
    for run_id in ids(explorer.session)[1:3]:
        explorer.session.put_beside(run_id)
    for feed in feeds:
        feed._busy = feed is not feeds[0]
    explorer.grid.afterwards(lambda: did.append("one map again"))
    assert did[1:] == ["one map again"], "nobody waits for maps that are out of sight"


def test_a_map_that_was_put_beside_later_is_waited_for_like_the_first(explorer: Explorer) -> None:
    feeds, begun = [one.feed for one in side_by_side(explorer, 2)], []
    for feed in feeds:
        feed._started, feed._busy, feed._dirty = True, False, False
        feed._schedule = lambda _: None  # it is painted below
    legend = explorer.colour._aside
    legend._doc, legend._workers = explorer._doc, Mock(submit=begun.append)
    explorer.session.select(np.arange(N) < 2, Step("rows"))
    for feed in feeds:
        assert (explorer.tabs.active, begun) == (0, [])
        feed._dirty = False
        feed._free()
    assert (explorer.tabs.active, begun) == (SELECTION_TAB, [legend._work])


def test_the_button_is_there_with_two_maps_and_links_and_frees_them(explorer: Explorer) -> None:
    session, tools = explorer.session, explorer.tools
    assert not tools.several
    side_by_side(explorer, 2)
    assert (tools.several, tools.linked) == (True, True)
    explorer._on_tool({"action": "link"})
    assert (session.linked, tools.linked) == (False, False)
    explorer._on_tool({"action": "link"})
    assert (session.linked, tools.linked) == (True, True)


def test_linked_maps_go_where_any_of_them_is_moved_and_to_all_of_it_again(explorer: Explorer) -> None:
    session, maps = explorer.session, side_by_side(explorer, 4)
    whole = [one.camera.place for one in maps]
    assert all(place == pytest.approx(whole[0], rel=1e-9) for place in whole)
    assert session.view is None
    maps[2].zoom(4)
    draw(explorer)
    for one in maps:
        assert one.camera.place == pytest.approx(maps[2].camera.place, rel=1e-9)
        assert one.viewport.unit == pytest.approx(whole[0][2] / 4)
    assert session.view == pytest.approx(maps[0].camera.place)
    explorer._on_tool({"action": "nearer"})
    explorer._on_tool({"action": "left"})
    assert maps[3].viewport.unit == pytest.approx(whole[0][2] / 6), "a button moves all once"
    maps[3].fit()
    draw(explorer)
    for one in maps:
        assert one.camera.place == pytest.approx(whole[0], rel=1e-4, abs=1e-4)
    assert session.view is None


def test_free_maps_move_alone_and_the_buttons_move_the_one_used_last(explorer: Explorer) -> None:
    session, maps = explorer.session, side_by_side(explorer, 3)
    session.linked = False
    draw(explorer)
    before = [one.camera.place for one in maps]
    maps[2]._on_overlay({"action": "use"})
    explorer._on_tool({"action": "nearer"})
    draw(explorer)
    assert [one.camera.place for one in maps[:2]] == before[:2]
    assert maps[2].viewport.unit == pytest.approx(before[2][2] / 1.5)
    assert [one.overlay.label["used"] for one in maps] == [False, False, True]
    explorer._on_tool({"action": "screen"})
    assert session.selection.steps[-1].run_id == maps[2].run_id
    session.put_beside(maps[2].run_id)
    explorer._on_tool({"action": "nearer"})
    assert maps[0].viewport.unit == pytest.approx(before[0][2] / 1.5), "the map used last is gone"
    session.linked = True
    draw(explorer)
    assert maps[1].camera.place == pytest.approx(maps[0].camera.place)


def test_maps_that_are_linked_again_go_to_what_is_looked_at_on_the_one_used_last(explorer: Explorer) -> None:
    session, maps = explorer.session, side_by_side(explorer, 3)
    session.linked = False
    maps[1].zoom(3)
    maps[2].zoom(9)
    maps[2]._on_overlay({"action": "use"})
    draw(explorer)
    places = [one.camera.place for one in maps]
    assert session.beside_views == (places[1], places[2], None)
    session.linked = True
    draw(explorer)
    for one in maps:
        assert one.camera.place == pytest.approx(places[2], rel=1e-9)
    assert session.view == pytest.approx(places[2])
    assert session.beside_views == (None, None, None)


def test_a_map_at_work_moves_alone_and_joins_when_it_has_come_to_rest(explorer: Explorer) -> None:
    session, maps = explorer.session, side_by_side(explorer, 2)
    record = session.run(maps[1].run_id)
    session.workspace.save_run(record.with_(status=RunStatus.RUNNING))
    session.refresh()
    draw(explorer)
    own = maps[1].camera.place
    assert own[2] > 1.5 * maps[0].camera.place[2], "it lies in coordinates of its own, twice as wide"
    assert "not aligned while a run works" in told(maps[1])
    maps[0].zoom(5)
    draw(explorer)
    assert maps[1].camera.place == own
    session.workspace.save_run(record)
    session.refresh()
    draw(explorer)
    assert maps[1].camera.place == pytest.approx(maps[0].camera.place)


def test_a_row_comes_to_the_middle_of_all_maps_at_its_place_on_the_first(explorer: Explorer) -> None:
    maps = side_by_side(explorer, 3)
    explorer._jump(5)
    for one in maps:
        assert one.camera.place[:2] == pytest.approx(PLACES[5].tolist(), rel=1e-5)


def test_an_item_pointed_at_is_told_with_its_places_on_the_other_maps(explorer: Explorer) -> None:
    session, maps = explorer.session, side_by_side(explorer, 4)
    laid = {str(one.at): session.shown(one.run_id).embedding for one in maps}
    for row, others in ((5, {"0", "2", "3"}), (9, {"0", "3"})):  # the third map has no place for row 9
        places = maps[1].elsewhere(row)
        assert set(places) == others
        for at, place in places.items():
            assert place == pytest.approx(laid[at][row].tolist())
    answers = []
    maps[1]._hover._answer = answers.append
    view, (x, y) = maps[1].viewport, laid["1"][5]
    maps[1]._hover._look((x - view.x0) / view.unit, (view.y1 - y) / view.unit, 7)
    rest(explorer)
    (tip,) = answers
    assert (tip["row"], tip["number"], tip["elsewhere"]) == (5, 7, maps[1].elsewhere(5))
    assert "elsewhere" not in tip_of(session, 5)


def test_every_overlay_knows_where_its_map_lies_as_long_as_there_are_several(explorer: Explorer) -> None:
    draw(explorer)
    assert explorer.map.overlay.view == []
    maps = side_by_side(explorer, 2)
    maps[1].zoom(3)
    draw(explorer)
    for one in maps:
        assert one.overlay.view == [one.viewport.x0, one.viewport.y1, one.viewport.unit]


def told(view: MapView) -> str:
    return " · ".join([view.overlay.label["name"], *(words for words, _ in view.overlay.label["figures"])])


def test_a_label_over_each_map_compares_it_with_the_first(explorer: Explorer) -> None:
    session = explorer.session
    assert explorer.map.overlay.label == {}
    maps = side_by_side(explorer, 3)
    names = ["seed 0", "seed 1", "seed 2"]
    assert maps[1].overlay.label["title"] == session.run(maps[1].run_id).title == "k 15 · d 0.1 · seed 1"
    first, second = (session.figures(one.run_id) for one in maps[:2])
    assert told(maps[0]) == f"{names[0]} · trust {first.trustworthiness:.3f} · reference"
    assert told(maps[1]) == (
        f"{names[1]} · trust {second.trustworthiness:.3f} · agreement 1.00 · disparity 0.00"
    )
    assert "agreement 1.00 · disparity 0.00" in told(maps[2])
    assert all(about.endswith((".", ")")) for _, about in maps[1].overlay.label["figures"])
    session.runner.rename(maps[1].run_id, "the · best")
    session.refresh()
    assert told(maps[1]).startswith("the · best · trust")
    session.beside_ids = ()
    assert maps[0].overlay.label == {}


def test_a_figure_that_is_not_known_yet_is_waited_for_and_one_that_cannot_be_is_a_dash(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = explorer.session
    monkeypatch.setattr(session, "find_figures", lambda: False)
    maps = side_by_side(explorer, 2)  # which lays one over the other
    explorer.grid.draw_labels()
    assert told(maps[1]) == "seed 1 · trust … · agreement … · disparity 0.00"
    stand = (maps[1].run_id, 9)
    session.side_by_side._trust[stand] = float("nan")
    explorer.grid.draw_labels()
    assert "trust – ·" in told(maps[1])


def test_a_map_that_comes_while_figures_are_found_gets_its_own(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, grid = explorer.session, explorer.grid
    asked: list[tuple] = []
    monkeypatch.setattr(grid._finding, "ask", lambda *given: asked.append(given))
    session.put_beside(ids(session)[1])
    (_, found, _), *others = asked
    assert others == []
    session.put_beside(ids(session)[2])
    assert len(asked) == 1, "one at a time"
    found(False)
    assert len(asked) == 2
    asked[1][1](False)
    assert len(asked) == 2


def test_an_address_holds_all_maps_and_whether_they_are_linked(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, said = ids(session), {}
    monkeypatch.setattr(app, "_argument", lambda name: said.get(name, ""))
    opened = App(session.workspace, session.runner, session.dataset)

    def arrive(**address: str) -> Session:
        said.clear()
        said.update(address)
        made, amiss = opened._session()
        assert amiss == []
        return made

    one = arrive(run=runs[0], beside=runs[3])
    assert (one.run_ids, one.linked) == ((runs[0], runs[3]), True)
    several = arrive(
        run=runs[1], beside=",".join([runs[4], runs[1], runs[0], runs[4]]), zoom="free", view="1,2,3;;4,5,6"
    )
    assert (several.run_ids, several.linked) == ((runs[1], runs[4], runs[0]), False)
    assert (several.view, several.beside_views) == ((1, 2, 3), (None, (4, 5, 6), None))
    assert len(arrive(run=runs[0], beside=",".join(runs)).run_ids) == 4
