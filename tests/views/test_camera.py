"""What of a map is on the screen, without a map: cameras that move alone, and several that move as one."""

from collections import Counter

import pytest
from bokeh.document import Document
from bokeh.server.callbacks import NextTickCallback, TimeoutCallback
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.model.extent import Box, Extent
from explorer.views.camera import Camera
from explorer.views.framing import MOST_ZOOM
from explorer.views.map_figure import bare_figure

SIZES = [(407, 300), (406, 300), (407, 299), (406, 299)]


class Screens:
    """Four cameras on screens of almost one size, and how often each asked for a frame."""

    def __init__(self) -> None:
        self.doc, self.asked = Document(), Counter()
        self.cameras = [self.camera(at) for at in range(4)]

    def camera(self, at: int) -> Camera:
        made = Camera(self.doc, lambda: self.asked.update([at]))
        made.viewport = made.viewport.resized(*SIZES[at])
        made.follow_gestures(bare_figure(made.viewport))
        return made

    def link(self) -> None:
        """Have the first lead the others, and forget what that asked for."""
        first, *others = self.cameras
        first.lead(others)
        self.rest()
        self.asked.clear()

    def rest(self) -> None:
        """Do what waits for a turn of the document, and what that has wait, to the end."""
        for _ in range(50):
            waiting = self.doc.session_callbacks
            if not [one for one in waiting if isinstance(one, NextTickCallback | TimeoutCallback)]:
                return
            for one in waiting:
                if isinstance(one, NextTickCallback):
                    self.doc.remove_next_tick_callback(one)
                elif isinstance(one, TimeoutCallback):
                    self.doc.remove_timeout_callback(one)
                one.callback()
        raise AssertionError("it never came to rest")

    def wheel(self, at: int, factor: float) -> None:
        """Zoom as a browser does: it moves the ends of the ranges, and the server hears of each."""
        camera = self.cameras[at]
        x, y, unit = camera.place
        zoomed = camera.viewport.centred(x + 3 * unit, y - 5 * unit, unit * factor)
        plot = camera._plot
        plot.x_range.update(start=zoomed.x0, end=zoomed.x1)
        plot.y_range.update(start=zoomed.y0, end=zoomed.y1)

    def move(self, at: int, how: str, amount: float) -> None:
        """Move one map in one of the ways there are."""
        camera = self.cameras[at]
        acts = {
            "wheel": lambda: self.wheel(at, amount),
            "zoom": lambda: camera.zoom(amount),
            "arrow": lambda: camera.move(amount - 1, 0.15),
        }
        acts[how]()
        self.rest()

    def draw(self, *boxes: Box) -> None:
        """Draw a frame of every map, of which each fills a box, twice: what makes room is drawn again."""
        extents = [Extent(box, box, box) for box in boxes]
        for _ in range(2):
            for camera, extent in zip(self.cameras, extents, strict=False):
                camera.frame(extent, 0.02)
                self.rest()


def seen(camera: Camera) -> list[float]:
    """What the browser shows: the middle and the width of a pixel by the ends of its ranges."""
    plot = camera._plot
    width, height = camera.viewport.width, camera.viewport.height
    x, y = (plot.x_range.start + plot.x_range.end) / 2, (plot.y_range.start + plot.y_range.end) / 2
    assert (plot.y_range.end - plot.y_range.start) / height == pytest.approx(camera.viewport.unit)
    return [x, y, (plot.x_range.end - plot.x_range.start) / width]


MOVES = st.tuples(st.integers(0, 3), st.sampled_from(["wheel", "zoom", "arrow"]), st.floats(0.6, 1.7))


@settings(max_examples=12)
@given(st.lists(MOVES.filter(lambda move: abs(move[2] - 1) > 0.01), min_size=1, max_size=6))
def test_every_move_of_a_linked_map_moves_each_other_once_and_all_end_at_one_place(
    moves: list[tuple[int, str, float]],
) -> None:
    screens = Screens()
    screens.link()
    for number, move in enumerate(moves, 1):
        screens.move(*move)
        assert screens.asked == dict.fromkeys(range(4), number)
        place = screens.cameras[move[0]].place
        for camera in screens.cameras:
            assert camera.place == pytest.approx(place, rel=1e-9, abs=1e-12)
            assert seen(camera) == pytest.approx(place, rel=1e-9, abs=1e-12)
            assert camera.is_zoomed


def test_a_free_map_moves_alone_and_who_is_let_go_stays_where_it_is() -> None:
    screens = Screens()
    screens.link()
    screens.move(2, "wheel", 0.5)
    before = [camera.place for camera in screens.cameras]
    screens.cameras[0].lead([])
    screens.rest()
    screens.asked.clear()
    screens.move(1, "zoom", 3.0)
    assert screens.asked == {1: 1}
    assert [camera.place for camera in screens.cameras[2:]] == before[2:]
    assert screens.cameras[0].place == before[0]
    assert screens.cameras[1].place[2] == pytest.approx(before[1][2] / 3)


@pytest.mark.parametrize("at", range(4))
def test_all_of_linked_maps_is_shown_by_one_place_that_has_room_for_each(at: int) -> None:
    boxes = [(-3.0, 3.0, -2.0, 2.0), (-4.0, 2.0, -2.0, 2.0), (-3.0, 3.0, -2.0, 3.0), (-3.0, 3.0, -5.0, 0.0)]
    screens = Screens()
    screens.link()
    screens.draw(*boxes)
    whole = [camera.viewport for camera in screens.cameras]
    places = [camera.place for camera in screens.cameras]
    for view, place in zip(whole, places, strict=True):
        assert place == pytest.approx(places[0], rel=1e-9)
        assert view.x0 < -4
        assert view.x1 > 3
        assert view.y0 < -5
        assert view.y1 > 3
    assert (places[0][2] * SIZES[0][1]) == pytest.approx(8 * 1.1, rel=0.02), "and no more than a margin"
    screens.move(at, "zoom", 4.0)
    screens.asked.clear()
    screens.cameras[at].fit()
    assert screens.asked == {0: 1}, "the first is asked for all of it, and leads the others there"
    screens.draw(*boxes)
    assert [camera.viewport for camera in screens.cameras] == whole
    assert not any(camera.is_zoomed for camera in screens.cameras)


def test_a_map_that_joins_goes_to_the_first_and_one_that_leaves_gives_its_room_back() -> None:
    screens = Screens()
    near, wide = (-3.0, 3.0, -2.0, 2.0), (-30.0, 30.0, -20.0, 20.0)
    first, second, *_ = screens.cameras
    screens.draw(near)
    alone = first.viewport
    first.lead([second])
    screens.rest()
    assert second.place == pytest.approx(first.place)
    screens.draw(near, wide)
    assert first.place[2] == pytest.approx(10 * alone.unit, rel=0.02)
    assert second.place == pytest.approx(first.place)
    first.lead([])
    screens.draw(near)
    assert first.viewport == alone


def test_linked_maps_have_one_end_to_zooming() -> None:
    screens, box = Screens(), (-3.0, 3.0, -2.0, 2.0)
    screens.link()
    screens.draw(box, box, box, box)
    whole = screens.cameras[0].place[2]
    screens.move(3, "zoom", 1e9)
    screens.draw(box, box, box, box)
    for camera in screens.cameras:
        assert camera.place == pytest.approx(screens.cameras[0].place, rel=1e-9)
        assert camera.place[2] == pytest.approx(whole / MOST_ZOOM, rel=0.01)
    screens.asked.clear()
    screens.draw(box, box, box, box)
    assert not screens.asked
