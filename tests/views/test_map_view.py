"""A map without a browser: what it draws and how, and its frames, sent one at a time."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bokeh.document import Document
from bokeh.server.callbacks import NextTickCallback

from explorer.model.extent import Extent
from explorer.model.history import Keyframe
from explorer.model.projection import Viewport
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.selection import Step
from explorer.model.session import Session
from explorer.model.workspace import Workspace
from explorer.views import map_view
from explorer.views.colouring import Colours
from explorer.views.frames import LOAD_TIMEOUT, PAINT_TIMEOUT, Frame, FrameFeed
from explorer.views.framing import MOST_ZOOM, within
from explorer.views.map_figure import outlines
from explorer.views.map_view import MapView

N = 60
PLACES = np.random.default_rng(3).normal(size=(N, 2)).astype(np.float32)
TURNED = (2 * PLACES @ np.array([[0.0, -1.0], [1.0, 0.0]]) + 5).astype(np.float32)


def turn(doc: Document) -> None:
    """Do what waits for the document's next turn."""
    for callback in [one for one in doc.session_callbacks if isinstance(one, NextTickCallback)]:
        doc.remove_next_tick_callback(callback)
        callback.callback()


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session over sixty items with two maps at rest: one is the other turned, doubled and moved."""
    np.save(tmp_path / "vectors.npy", np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32))
    pq.write_table(pa.table({"kind": ["a", "b", "c"] * (N // 3)}), tmp_path / "items.parquet")
    with Workspace(tmp_path / "workspace") as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(tmp_path / "vectors.npy", items=tmp_path / "items.parquet")
        made = Session(workspace, runner, dataset)
        for seed, places in enumerate((PLACES, TURNED)):
            run = Run.new(dataset.id, dataset.hash, N, RunParameters(seed=seed))
            workspace.save_embedding(run.id, places)
            workspace.save_run(run.with_(status=RunStatus.DONE, n_epochs=9, epoch=9, seconds={"layout": 1.0}))
            made.param.update(**({"beside_ids": (run.id,)} if seed else {"run_id": run.id}))
        made.refresh()
        yield made
        made.derived.close()


@pytest.fixture
def view(session: Session) -> Iterator[MapView]:
    made = MapView(session, 0, Colours(session), Document())
    yield made
    made.close()


def beside(session: Session) -> MapView:
    return MapView(session, 1, Colours(session), Document())


def drawn(view: MapView) -> Frame:
    """Draw once, and do what that asks for."""
    frame = view._render()
    assert frame is not None
    turn(view._doc)
    return frame


def on_screen(viewport: Viewport) -> np.ndarray:
    x, y = PLACES.T
    return (viewport.x0 <= x) & (x <= viewport.x1) & (viewport.y0 <= y) & (y <= viewport.y1)


def test_a_map_is_fitted_until_the_analyst_looks_elsewhere(session: Session, view: MapView) -> None:
    drawn(view)
    shown = view.viewport
    assert on_screen(shown).all()
    assert max(np.ptp(PLACES, axis=0) / [shown.x1 - shown.x0, shown.y1 - shown.y0]) > 0.85
    view.zoom(4)
    turn(view._doc)
    near = view.viewport
    assert near.unit == pytest.approx(shown.unit / 4)
    assert drawn(view).viewport is near is view.viewport
    view.fit()
    assert drawn(view).viewport.unit == pytest.approx(shown.unit)


def test_what_is_selected_is_announced_by_one_map_alone(session: Session, view: MapView) -> None:
    other = beside(session)
    session.select(np.arange(len(PLACES)) < 2, Step("rows"))
    assert view.overlay.chosen == f"2 of {len(PLACES)} items selected"
    assert other.overlay.chosen == ""
    other.close()


def test_what_lies_far_outside_is_shown_by_the_first_frame_after_it_is_asked_for(
    session: Session, view: MapView, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = (-3.0, 3.0, -3.0, 3.0)
    monkeypatch.setattr(view._extents, "of", lambda _: Extent((-3, 900, -3, 3), near, near, outside=1))
    drawn(view)
    turn(view._doc)
    assert (view.overlay.outside, view.viewport.x1 < 100) == (1, True)
    # A painter may be as quick as this: it draws before the gesture's handler has returned.
    monkeypatch.setattr(view.feed, "request", lambda: drawn(view))
    view._on_overlay({"action": "everything"})
    turn(view._doc)
    assert (view.overlay.outside, view.viewport.x1 > 900) == (0, True)


def test_a_map_put_beside_leaves_the_zoom_of_the_first_and_another_first_map_does_not(
    session: Session, view: MapView
) -> None:
    first, second = session.run_ids
    drawn(view)
    view.zoom(4)
    near = view.viewport
    session.put_beside(second)
    assert session.beside_ids == ()
    session.put_beside(second)
    assert drawn(view).viewport is near
    session.look_at(second)
    assert drawn(view).viewport is not near
    assert session.run_id != first


@pytest.mark.parametrize("factor", [1e9, 1e-9])
def test_there_is_an_end_to_zooming(session: Session, view: MapView, factor: float) -> None:
    drawn(view)
    whole = view.viewport
    for _ in range(8):
        view.zoom(factor)
    frame = drawn(view)
    assert frame.viewport == view.viewport
    assert 0.99 * whole.unit / MOST_ZOOM <= view.viewport.unit <= 101 * whole.unit
    assert session.view is not None
    assert session.view[2] == pytest.approx(view.viewport.unit)
    assert drawn(view).viewport is view.viewport


def test_a_viewport_within_the_ends_stays_the_very_same() -> None:
    viewport = Viewport(0, 10, 0, 10, 100, 100)
    assert within(viewport, 0.3) is viewport
    assert within(within(viewport, 1e6), 1e6).unit == pytest.approx(1e6 / MOST_ZOOM)


def test_a_lasso_is_shown_around_the_rows_it_chose_on_a_map_laid_over_another(session: Session) -> None:
    other = beside(session)
    (second,) = session.beside_ids
    shown = session.shown(second).embedding
    np.testing.assert_allclose(shown, PLACES, atol=1e-4)
    corners = np.array([[-0.5, -0.5], [0.9, 0.8]])
    session.box(second, corners)
    rows = np.flatnonzero(((shown > corners[0]) & (shown < corners[1])).all(axis=1))
    np.testing.assert_array_equal(session.selection.rows, rows)
    drawn(other)
    line = np.column_stack([other._outline.data["xs"][0], other._outline.data["ys"][0]])
    np.testing.assert_allclose([line.min(0), line.max(0)], corners, atol=1e-3)
    session.side_by_side.forget_alignments()
    drawn(other)
    np.testing.assert_array_equal(other._outline.data["xs"][0], line[:, 0])
    session.beside_ids = ()
    assert outlines(session.selection, session.run_id)["xs"] == []
    other.close()


def test_shores_lie_over_the_first_map_once_a_paused_run_is_stopped(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, (second,), snapshot = beside(session), session.beside_ids, session.snapshot
    with monkeypatch.context() as paused:
        paused.setattr(session, "snapshot", lambda one: replace(snapshot(one), final=one != second))
        session.water = 0.5
    before = other.water.source.data
    session.param.trigger("progress")
    after, alignment = other.water.source.data, session.alignment(second, snapshot(second))
    assert len(after["xs"]) > 0
    for *was, x, y in zip(before["xs"], before["ys"], after["xs"], after["ys"], strict=True):
        np.testing.assert_allclose(np.column_stack([x, y]), alignment.apply(np.column_stack(was)))
    other.close()


def test_s_selects_what_is_on_the_screen(session: Session, view: MapView) -> None:
    drawn(view)
    view.zoom(3)
    view.select_screen()
    inside = on_screen(view.viewport)
    assert 0 < inside.sum() < N
    np.testing.assert_array_equal(session.selection.mask, inside)


@pytest.mark.parametrize(
    ("final", "two", "fixed"), [(True, False, False), (False, False, True), (True, True, True)]
)
def test_only_one_map_at_rest_is_shaded_by_rank(
    session: Session, view: MapView, monkeypatch: pytest.MonkeyPatch, final: bool, two: bool, fixed: bool
) -> None:
    if not two:
        session.beside_ids = ()
    snapshot = session.shown(session.run_id)
    monkeypatch.setattr(session, "shown", lambda _: replace(snapshot, final=final))
    styles = []
    draw = map_view.draw
    monkeypatch.setattr(map_view, "draw", lambda *given: styles.append(given[4]) or draw(*given))
    drawn(view)
    assert [style.fixed_span for style in styles] == [fixed]


@pytest.fixture
def growing(session: Session) -> list[int]:
    """Keyframes of the first run: from a speck to half as large again as it is in the end."""
    sizes = {0: 0.01, 2: 0.5, 4: 1.0, 6: 1.5, 8: 0.7}
    for epoch, size in sizes.items():
        frame = Keyframe.encode(np.float32(size) * PLACES)
        session.workspace.save_keyframe(session.run_id, epoch, frame)
    session.beside_ids = ()
    return list(sizes)


def test_a_viewport_stands_still_while_a_history_is_seen_but_to_show_what_is_beyond(
    session: Session, view: MapView, growing: list[int]
) -> None:
    drawn(view)
    newest, seen = view.viewport, {}
    for epoch in (*growing, *reversed(growing)):
        session.look_at_epoch(epoch)
        frame = drawn(view)
        assert frame.epoch == epoch
        seen.setdefault(epoch, []).append(view.viewport)
    assert [seen[epoch][0] is newest for epoch in growing] == [True, True, True, False, False]
    wide = seen[6][0]
    assert wide.unit == pytest.approx(1.5 * newest.unit, rel=0.05)
    assert all(viewports[1] is wide for viewports in seen.values())
    session.look_at_epoch(None)
    drawn(view)
    assert view.viewport.unit == pytest.approx(newest.unit)


def test_a_page_that_opens_at_an_early_epoch_has_room_for_the_newest(
    session: Session, view: MapView, growing: list[int]
) -> None:
    session.look_at_epoch(0)
    drawn(view)
    assert on_screen(view.viewport).all()


def test_all_of_a_history_is_shaded_by_one_span_that_of_the_newest(
    session: Session, view: MapView, growing: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []
    draw = map_view.draw
    monkeypatch.setattr(map_view, "draw", lambda *all_: given.append(all_[4:]) or draw(*all_))
    for epoch in (*growing, None):
        session.look_at_epoch(epoch)
        drawn(view)
    *styles, last = [style for style, _ in given]
    assert all(style.fixed_span for style in styles)
    assert not last.fixed_span
    assert len({box for _, box in given}) == 1


def test_what_is_drawn_on_an_earlier_epoch_is_found_there(
    session: Session, view: MapView, growing: list[int]
) -> None:
    session.look_at_epoch(2)
    drawn(view)
    shown = session.shown(session.run_id).embedding
    np.testing.assert_allclose(shown, PLACES / 2, atol=1e-3)
    x, y = map(float, shown[17])
    assert view.row_at(x, y) == 17
    assert view.row_at(*map(float, 40 + PLACES[17])) == -1


def test_a_lasso_is_outlined_on_the_epoch_it_was_drawn_on_and_on_no_other(
    session: Session, view: MapView, growing: list[int]
) -> None:
    def shown() -> int:
        drawn(view)
        return len(view._outline.data["xs"])

    session.look_at_epoch(4)
    session.box(session.run_id, np.array([[-0.5, -0.5], [0.9, 0.8]]))
    assert session.selection.steps[-1].epoch == 4
    assert shown() == 1
    for epoch, lines in ((2, 0), (4, 1), (None, 0)):
        session.look_at_epoch(epoch)
        assert shown() == lines
    session.box(session.run_id, np.array([[-0.5, -0.5], [0.9, 0.8]]))
    assert session.selection.steps[-1].epoch is None
    assert shown() == 1
    session.look_at_epoch(4)
    assert shown() == 0


def test_an_epoch_that_cannot_be_read_says_so_until_another_is_looked_at(
    session: Session, view: MapView, growing: list[int]
) -> None:
    path = session.workspace.run_folder(session.run_id) / "keyframes" / "000002.npy"
    path.write_bytes(path.read_bytes()[:100])
    session.look_at_epoch(2)
    assert view._render() is None
    turn(view._doc)
    assert view.overlay.state["title"] == "This map cannot be read"
    assert "000002.npy is damaged" in view.overlay.state["detail"]
    session.look_at_epoch(4)
    drawn(view)
    assert view.overlay.state == {}


def test_a_map_that_cannot_be_drawn_says_so_in_its_place_until_it_can(
    session: Session, view: MapView, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    assert view.overlay.state == {}
    with monkeypatch.context() as broken:
        broken.setattr(map_view, "draw", fail)
        view.feed.start()
        until(lambda: any(record.exc_info for record in caplog.records))
        until(lambda: view.feed.sent > 0 or turn(view._doc) is not None)
    assert view.overlay.state["kind"] == "error"
    assert "explorer.log" in view.overlay.state["detail"]
    drawn(view)
    assert view.overlay.state == {}


class Drawing:
    """What a feed asks to draw: counts, and waits for leave."""

    def __init__(self) -> None:
        self.count, self.go = 0, threading.Semaphore(0)

    def __call__(self) -> Frame:
        assert self.go.acquire(timeout=10)
        self.count += 1
        return Frame(np.zeros((2, 2), np.uint32), Viewport(0, 1, 0, 1, 2, 2), self.count)


@pytest.fixture
def feed() -> Iterator[tuple[FrameFeed, Drawing, Document]]:
    doc, drawing = Document(), Drawing()
    made = FrameFeed(doc, drawing)
    yield made, drawing, doc
    made.close()
    drawing.go.release(9)


def acknowledge(feed: FrameFeed) -> None:
    feed._ack.data = {"frame": [feed.sent]}


def test_frames_wait_for_the_figure_and_then_for_each_to_be_painted(
    feed: tuple[FrameFeed, Drawing, Document],
) -> None:
    frames, drawing, doc = feed
    frames.request()
    drawing.go.release(9)
    assert frames.idle
    assert drawing.count == 0
    frames.start()
    until(lambda: turn(doc) is None and frames.sent == 1)
    for _ in range(5):
        frames.request()
    assert (frames.sent, drawing.count) == (1, 1)
    acknowledge(frames)
    until(lambda: turn(doc) is None and frames.sent == 2)
    acknowledge(frames)
    until(lambda: frames.idle)
    assert drawing.count == 2
    assert list(frames.epochs_painted) == [1, 2]


def test_a_frame_that_is_never_painted_is_given_up_and_the_first_is_sent_again(
    feed: tuple[FrameFeed, Drawing, Document],
) -> None:
    frames, drawing, doc = feed
    drawing.go.release(9)
    frames.start()
    for sent in (1, 2):
        until(lambda sent=sent: turn(doc) is None and frames.sent == sent)
        frames._sent_at -= LOAD_TIMEOUT + 1
        frames._give_up_waiting()
    until(lambda: turn(doc) is None and frames.sent == 3)
    acknowledge(frames)
    until(lambda: frames.idle)
    frames.request()
    until(lambda: turn(doc) is None and frames.sent == 4)
    frames._sent_at -= LOAD_TIMEOUT + 1
    frames._give_up_waiting()
    assert not frames.idle
    frames._sent_at -= PAINT_TIMEOUT
    frames._give_up_waiting()
    assert frames.idle
    acknowledge(frames)
    assert frames.painted == 2


def test_what_is_asked_for_while_a_frame_is_drawn_is_drawn_after_it(
    feed: tuple[FrameFeed, Drawing, Document],
) -> None:
    frames, drawing, doc = feed
    frames.start()
    until(lambda: not frames._dirty)
    frames.request()
    drawing.go.release(9)
    until(lambda: turn(doc) is None and frames.sent == 1)
    acknowledge(frames)
    until(lambda: turn(doc) is None and frames.sent == 2)


def test_what_follows_a_change_waits_until_its_frame_is_painted_given_up_or_out_of_sight(
    feed: tuple[FrameFeed, Drawing, Document],
) -> None:
    frames, drawing, doc = feed
    drawing.go.release(9)
    did: list[str] = []
    frames.afterwards(lambda: did.append("nothing is drawn"))
    assert did == ["nothing is drawn"]
    frames.start()
    until(lambda: turn(doc) is None and frames.sent == 1)
    frames.request()
    for what in ("legend", "bars"):
        frames.afterwards(partial(did.append, what))
    acknowledge(frames)
    assert did == ["nothing is drawn"], "the frame on its way was of before the change"
    until(lambda: turn(doc) is None and frames.sent == 2)
    assert len(did) == 1
    acknowledge(frames)
    assert did[1:] == ["legend", "bars"]
    until(lambda: frames.idle)
    frames.request()
    until(lambda: turn(doc) is None and frames.sent == 3)
    frames.afterwards(partial(did.append, "given up"))
    frames._sent_at -= PAINT_TIMEOUT + 1
    frames._give_up_waiting()
    assert did[3:] == ["given up"]
    frames.request()
    until(lambda: turn(doc) is None and frames.sent == 4)
    frames.afterwards(partial(did.append, "out of sight"))
    assert len(did) == 4
    frames.rest()
    frames.afterwards(partial(did.append, "nobody looks at the map"))
    assert did[4:] == ["out of sight", "nobody looks at the map"]


def test_what_follows_a_change_waits_for_one_frame_of_a_map_that_moves_by_itself(
    feed: tuple[FrameFeed, Drawing, Document],
) -> None:
    frames, drawing, doc = feed
    drawing.go.release(9)
    did: list[int] = []
    frames.start()
    until(lambda: turn(doc) is None and frames.sent == 1)
    for sent in (1, 2):
        frames.request(live=True)
        frames.afterwards(partial(did.append, sent))
        acknowledge(frames)
        assert did[-1] == sent
        until(lambda sent=sent: turn(doc) is None and frames.sent == sent + 1)


def test_steps_of_other_maps_have_no_outline(session: Session) -> None:
    session.select(np.ones(N, bool), Step("category", "replace", column="kind", values=("a",)))
    assert outlines(session.selection, session.run_id)["xs"] == []
