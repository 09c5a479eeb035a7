"""The live map: pan, zoom, lasso and box over an image drawn on the server."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import panel as pn
from bokeh.document import Document
from bokeh.models import ColumnDataSource, WheelZoomTool
from bokeh.plotting import figure
from numpy.typing import NDArray

from explorer.model.extent import Box, Extent
from explorer.model.progress import Snapshot
from explorer.model.projection import NOTHING, Viewport, nearest_drawn
from explorer.model.selection import Selection
from explorer.model.session import Session
from explorer.views import palette
from explorer.views.camera import Camera
from explorer.views.colouring import Colours
from explorer.views.frames import Frame, FrameFeed
from explorer.views.framing import LIVE_SECONDS, Extents, moves, slack
from explorer.views.hovering import Hover
from explorer.views.map_figure import DASHED, NO_OUTLINE, bare_figure, drag_tools, outlines
from explorer.views.map_gestures import MapGestures
from explorer.views.map_overlay import MapOverlay, density_scale
from explorer.views.map_state import NOT_DRAWN, map_state
from explorer.views.sample_marks import SampleMarks, dotted
from explorer.views.shading import Picture, Style, draw
from explorer.views.text import count
from explorer.views.turns import soon
from explorer.views.water_lines import WaterLines

REACH = 14
NO_ROWS: NDArray[np.int64] = np.zeros(0, np.int64)


@dataclasses.dataclass(frozen=True, eq=False)
class OnScreen:
    """What the last frame shows, to find items in."""

    snapshot: Snapshot
    viewport: Viewport
    picture: Picture


class MapView(pn.viewable.Viewer):
    """One map of the session, the first or one beside it.

    Parameters
    ----------
    session : Session
        What is looked at; gestures go back to it.
    at : int
        Which of the session's `run_ids` it shows; none while there are fewer.
    colours : Colours
        Shared by the maps of one page.
    doc : Document
        The page.
    dark : bool
        The theme.

    Attributes
    ----------
    camera : Camera
        What of the map is on the screen.
    elsewhere : callable
        From a row to where it lies on other maps, by their numbers.
    on_use : callable
        Called when the analyst touches this map or walks to it.
    """

    def __init__(self, session: Session, at: int, colours: Colours, doc: Document, dark: bool = True) -> None:
        super().__init__()
        self._session, self.at, self._colours, self._dark = session, at, colours, dark
        self.feed = FrameFeed(doc, self._render)
        self.feed.on_failed = self._tell_failure
        self.camera = Camera(doc, lambda: self.feed.request(), (session.view, *session.beside_views)[at])
        self.camera.on_change, self.camera.on_first_size = self._tell_view, self._arrive
        self._waiting: list[Callable[[], None]] | None = []
        self.elsewhere: Callable[[int], dict[str, list[float]]] = lambda _: {}
        self.on_use: Callable[[], None] = lambda: None
        self._embedding: NDArray[np.float32] | None = None
        self._extents, self._noted_at = Extents(session), 0.0
        self._fault = ""
        self._shown = (self.run_id, session.run_id)
        self._on_screen: OnScreen | None = None
        self.overlay = MapOverlay(self._on_overlay, at=at, margin=0)
        answer = partial(setattr, self.overlay, "tip")
        self._hover = Hover(doc, self.find, session, answer, lambda row: {"elsewhere": self.elsewhere(row)})
        self._outline = ColumnDataSource(NO_OUTLINE)
        self._outlined: tuple[object, ...] = (None, self.run_id, None, None)
        self._doc = doc
        self.water = WaterLines(session, lambda: self.run_id, self.soon)
        self.figure = self._make_figure()
        self.overlay.figure = self.figure.id
        self.overlay.drag_tools = {name: tool.id for name, tool in self._tools.items()}
        self._gestures = MapGestures(session, self.figure, lambda: self.run_id, self.row_at, self.soon)
        self._pane = pn.Column(
            pn.pane.Bokeh(self.figure, sizing_mode="stretch_both", min_height=0, theme=None),
            self.overlay,
            sizing_mode="stretch_both",
            margin=0,
            styles={"position": "relative"},
        )
        session.param.watch(
            self._redraw, ["colour_by", "isolated", "highlighted", "heard", "dataset", "epoch"]
        )
        session.param.watch(self._on_selection, ["selection"])
        session.param.watch(self._on_run, ["run_id", "beside_ids"])
        session.param.watch(self._on_sample, ["drawn"])
        session.param.watch(self._describe, ["dataset", "runs", "progress", "run_id", "beside_ids"])
        self._on_selection()
        self._describe()
        self._tell_view()

    def __panel__(self) -> pn.viewable.Viewable:
        if self.at == 0:
            self.feed.start()
        return self._pane

    def _arrive(self) -> None:
        # What comes after the page is on its way while the models it changes are: it must not overtake them.
        waiting, self._waiting = self._waiting or [], None
        for act in waiting:
            act()
        self.feed.start()

    @property
    def run_id(self) -> str:
        """The run on this map, empty for none."""
        run_ids = self._session.run_ids
        return run_ids[self.at] if self.at < len(run_ids) else ""

    @property
    def viewport(self) -> Viewport:
        """What is on the screen."""
        return self.camera.viewport

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        self._dark = dark
        self.soon(self._recolour)
        self.feed.request()

    def _recolour(self) -> None:
        colours = palette.tokens(self._dark)
        for tool in (self._tools["lasso"], self._tools["box"]):
            tool.overlay.update(line_color=colours.text, fill_color=colours.accent)
        self._outline_glyph.glyph.update(line_color=colours.text)
        self.water.use_theme(self._dark)

    def soon(self, act: Callable[[], None]) -> None:
        """Do something to the map's figure in the document's next turn, or once the browser has it."""
        # Panel brings its widgets' events without holding the document, which Bokeh's models need: a write
        # that is under way at that moment makes them raise. In a turn of its own the document is held.
        if self.figure.document is None:
            act()
        elif self._waiting is not None:
            self._waiting.append(act)
        else:
            soon(self._doc, act)

    def tick(self) -> None:
        """A newer snapshot may be there."""
        self.feed.request(live=True)

    def fit(self, everything: bool = False) -> None:
        """Show all of the map again, with what lies far outside or without."""
        self.camera.fit(everything)

    def centre_on(self, row: int) -> None:
        """Bring a row's place to the middle of the screen, as near as before."""
        snapshot = self._session.shown(self.run_id)
        if snapshot is None or row >= len(snapshot.embedding):
            return
        x, y = map(float, snapshot.embedding[row])
        if np.isfinite([x, y]).all():
            self.look(self.viewport.centred(x, y, self.viewport.unit))

    def zoom(self, factor: float) -> None:
        """Show the middle of the map larger by a factor."""
        self.camera.zoom(factor)

    def look(self, viewport: Viewport) -> None:
        """Show a part of the map until the analyst looks elsewhere."""
        self.camera.look(viewport)

    def select_screen(self) -> None:
        """Select what is on the screen, as a box around all of it would."""
        view = self.viewport
        corners = np.array([[view.x0, view.y0], [view.x1, view.y1]])
        self._session.box(self.run_id, corners, self._session.mode)

    def _tell_view(self) -> None:
        session, camera = self._session, self.camera
        place = camera.place if camera.is_zoomed and camera.leader is None else None
        if self.at == 0:
            session.view = place
        else:
            views = list(session.beside_views)
            views[self.at - 1] = place
            session.beside_views = tuple(views)
        if session.beside_ids:
            view = self.viewport
            self.overlay.view = [view.x0, view.y1, view.unit]

    def find(self, x: float, y: float) -> int:
        """Row of the item nearest to a place within 14 pixels, -1 for none.

        Parameters
        ----------
        x, y : float
            Pixels from the upper left corner of the frame.
        """
        return self.row_at(*self._place(x, y))

    def _place(self, x: float, y: float) -> tuple[float, float]:
        # From pixels of the frame to units of the map.
        view = self.viewport
        return view.x0 + x * view.unit, view.y1 - y * view.unit

    def row_at(self, x: float, y: float) -> int:
        """Row of the item nearest to a place, in units of the map, within 14 pixels; -1 for none."""
        drawn = self._on_screen
        if drawn is None or drawn.snapshot.run_id != self.run_id:
            return -1
        reach = REACH * self.viewport.unit / drawn.viewport.unit
        return nearest_drawn(drawn.snapshot.embedding, drawn.picture.first, drawn.viewport, x, y, reach)

    def place_of(self, row: int) -> list[float] | None:
        """Where a row lies on the map drawn last, in its units; None without a map or a place on it."""
        drawn = self._on_screen
        if drawn is None or drawn.snapshot.run_id != self.run_id or row >= len(drawn.snapshot.embedding):
            return None
        place = drawn.snapshot.embedding[row].astype(np.float64)
        return place.tolist() if np.isfinite(place).all() else None

    def close(self) -> None:
        """The page is gone."""
        self.feed.close()

    # Drawing

    def _render(self) -> Frame | None:
        # On a painter's thread. Data may be switched meanwhile: what does not belong together is not drawn,
        # the switch has asked for another frame.
        snapshot = self._session.shown(self.run_id)
        selection, colouring = self._session.selection, self._colours.now(self._dark)
        self._outline_selection(selection, snapshot)
        self._notice_fault()
        if snapshot is None or selection is None or selection.n != len(snapshot.embedding):
            self._on_screen = None
            return None
        if not colouring.is_density and len(colouring.codes) != selection.n:
            return None
        extent = self._extents.of(snapshot)
        viewport = self.camera.frame(extent, slack(snapshot))
        if snapshot.embedding is not self._embedding:
            self._embedding = snapshot.embedding
            soon(self._doc, self._mark_sample)
        selected = selection.mask if selection.count else NOTHING
        style = Style(self._dark, fixed_span=not snapshot.final or bool(self._session.beside_ids))
        picture = draw(snapshot.embedding, viewport, colouring, selected, style, self._bulk(extent))
        self._on_screen = OnScreen(snapshot, viewport, picture)
        self._note(density_scale(picture.most, self._dark), extent.outside, live=moves(snapshot))
        image = dotted(picture.image, snapshot.embedding, self._sampled(selection.n), viewport)
        return Frame(image, viewport, snapshot.epoch)

    def _outline_selection(self, selection: Selection | None, shown: Snapshot | None) -> None:
        # On a painter's thread: to lay one map of millions over another takes a second.
        own = self._session.snapshot(self.run_id)
        alignment = None if own is None else self._session.alignment(self.run_id, own)
        has_lines = selection is not None and any(step.polygon for step in selection.steps)
        at_rest = has_lines and shown is not None and (shown.final or shown.past)
        drawn = (selection, self.run_id, alignment, shown and shown.epoch if at_rest else None)
        if drawn != self._outlined:
            self._outlined = drawn
            lines = NO_OUTLINE if selection is None else outlines(selection, self.run_id, alignment, shown)
            soon(self._doc, lambda: self._outline.update(data=lines))

    def _bulk(self, extent: Extent) -> Box:
        # Maps side by side are shaded by one span: that of the first.
        first = self._session.snapshot(self._session.run_id) if self.run_id != self._session.run_id else None
        return extent.bulk if first is None else self._extents.measured(first).bulk

    def _notice_fault(self) -> None:
        # On a painter's thread, which is the first to read a map.
        fault = self._session.faults.get(self.run_id, "")
        if fault != self._fault:
            self._fault = fault
            soon(self._doc, self._describe)

    def _note(self, scale: dict[str, Any], outside: int, live: bool) -> None:
        # On a painter's thread: what the overlay says of the picture, when that has changed.
        if self.overlay.state == NOT_DRAWN:  # of a frame before
            soon(self._doc, self._describe)
        outside = 0 if self.camera.is_zoomed or self.camera.shows_everything else outside
        soon_again = live and time.monotonic() - self._noted_at < LIVE_SECONDS
        if not soon_again and (scale, outside) != (self.overlay.scale, self.overlay.outside):
            self._noted_at = time.monotonic()
            soon(self._doc, lambda: self.overlay.param.update(scale=scale, outside=outside))

    # Gestures

    def _on_overlay(self, message: dict[str, Any]) -> None:
        act = {
            "hover": self._on_hover,
            "tap": self._on_tap,
            "everything": lambda _: self.fit(True),
            "give up": lambda _: self._gestures.give_up(),
            "use": lambda _: self.on_use(),
        }
        act[message["action"]](message)

    def _on_hover(self, message: dict[str, Any]) -> None:
        self._hover.ask(message["x"], message["y"], int(message["number"]))

    def _on_tap(self, message: dict[str, Any]) -> None:
        x, y = self._place(message["x"], message["y"])
        if what := self._gestures.aim(message["tool"]):
            self._gestures.click(what, x, y, message["mode"])
        elif not message["mode"]:
            row = self.row_at(x, y)
            self._session.pinned = None if row < 0 else row

    # The session changed

    def _redraw(self, *_: Any) -> None:
        self.feed.request()

    def _on_selection(self, *_: Any) -> None:
        selection = self._session.selection
        chosen = (
            "" if selection is None else f"{count(selection.count)} of {count(selection.n)} items selected"
        )
        self.overlay.chosen = chosen if self.at == 0 else ""  # one announces for all
        self.feed.request()

    def _on_sample(self, *_: Any) -> None:
        self.soon(self._mark_sample)
        self.feed.request()

    def _mark_sample(self) -> None:
        # Where the rows lie on the map drawn last: the rings move with the layout.
        embedding = self._embedding
        self._marks.place(embedding, self._sampled(0 if embedding is None else len(embedding)))

    def _sampled(self, n: int) -> NDArray[np.int64]:
        # Of a map of n rows; data may be switched while a painter works.
        sample, selection = self._session.sample, self._session.selection
        fits = sample is not None and selection is not None and selection.n == n
        return sample.rows if fits else NO_ROWS

    def _on_run(self, *_: Any) -> None:
        # A map is looked at anew when it is another one, or laid over another; not when one is put beside it.
        before, self._shown = self._shown, (self.run_id, self._session.run_id)
        if self._shown == before:
            self._tell_view()
            self.feed.request()
            return
        self._embedding = None
        self.camera.reset()
        self.soon(self._mark_sample)
        self._on_selection()

    def _describe(self, *_: Any) -> None:
        session = self._session
        run, dataset = session.run(self.run_id), session.dataset
        items = "" if dataset is None else f" of {count(dataset.n)} items"
        title = f"Map{items}" + ("" if run is None else f", {run.title}")
        self.overlay.param.update(state=map_state(session, self.run_id), title=title)

    def _tell_failure(self) -> None:
        self.overlay.state = NOT_DRAWN

    def _make_figure(self) -> figure:
        plot = bare_figure(self.viewport)
        self.feed.paint_on(plot)
        self._outline_glyph = plot.patches(
            "xs",
            "ys",
            source=self._outline,
            fill_alpha=0,
            line_color=palette.tokens(self._dark).text,
            **DASHED,
        )
        self._marks = SampleMarks(plot)
        self.water.draw_on(plot, self._dark)
        self._tools = drag_tools(palette.tokens(self._dark))
        wheel = WheelZoomTool(speed=1 / 500)
        plot.add_tools(*self._tools.values(), wheel)
        plot.toolbar.active_scroll = wheel
        plot.toolbar.active_drag = self._tools["pan"]
        self.camera.follow_gestures(plot)
        return plot
