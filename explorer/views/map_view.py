"""The live map: pan, zoom, lasso and box over an image drawn on the server."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import panel as pn
from bokeh.core.property.descriptors import UnsetValueError
from bokeh.document import Document
from bokeh.events import DoubleTap, PanStart, RangesUpdate, SelectionGeometry
from bokeh.models import (
    BoxAnnotation,
    BoxSelectTool,
    ColumnDataSource,
    LassoSelectTool,
    PanTool,
    PolyAnnotation,
    Range1d,
    WheelZoomTool,
)
from bokeh.plotting import figure
from numpy.typing import NDArray

from explorer.model.projection import NOTHING, Viewport, bounds
from explorer.model.session import Session
from explorer.views import palette
from explorer.views.colouring import Colours
from explorer.views.frames import Frame, FrameFeed
from explorer.views.shading import Style, shade

START_SIZE = (900, 700)
SLACK, LITTLE_SLACK = 0.2, 0.02
NO_OUTLINE: dict[str, list[Any]] = {"xs": [], "ys": []}


class MapView(pn.viewable.Viewer):
    """One map of the session, the first or the one beside it.

    Parameters
    ----------
    session : Session
        What is looked at; gestures go back to it.
    which : {"run_id", "beside_id"}
        The session's parameter that names this map's run.
    colours : Colours
        Shared by the maps of one page.
    doc : Document
        The page.
    dark : bool
        The theme.
    """

    def __init__(
        self, session: Session, which: str, colours: Colours, doc: Document, dark: bool = True
    ) -> None:
        super().__init__()
        self._session, self._which, self._colours, self._dark = session, which, colours, dark
        self._viewport = Viewport(-1, 1, -1, 1, *START_SIZE)
        self._zoomed, self._fresh = False, True
        self._mode = "replace"
        self.feed = FrameFeed(doc, self._render)
        self._outline = ColumnDataSource(NO_OUTLINE)
        self._doc = doc
        self.figure = self._make_figure()
        self._pane = pn.pane.Bokeh(self.figure, sizing_mode="stretch_both", min_height=0, theme=None)
        session.param.watch(self._redraw, ["colour_by", "isolated", "dataset"])
        session.param.watch(self._on_selection, ["selection"])
        session.param.watch(self._on_run, ["run_id", "beside_id"])
        self._on_selection()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._pane

    @property
    def run_id(self) -> str:
        """The run on this map, empty for none."""
        run_id: str = getattr(self._session, self._which)
        return run_id

    @property
    def viewport(self) -> Viewport:
        """What is on the screen."""
        return self._viewport

    def use_tool(self, name: str) -> None:
        """Make "pan", "lasso" or "box" the tool that dragging uses."""
        self.figure.toolbar.active_drag = self._tools[name]

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        self._dark = dark
        colours = palette.tokens(dark)
        for tool in (self._tools["lasso"], self._tools["box"]):
            tool.overlay.update(line_color=colours.text, fill_color=colours.accent)
        self._outline_glyph.glyph.update(line_color=colours.text)
        self.feed.request()

    def tick(self) -> None:
        """A newer snapshot may be there."""
        self.feed.request(live=True)

    def fit(self) -> None:
        """Show all of the map again."""
        self._zoomed, self._fresh = False, True
        self.feed.request()

    def close(self) -> None:
        """The page is gone."""
        self.feed.close()

    # Drawing

    def _render(self) -> Frame | None:
        # On a painter's thread. Data may be switched meanwhile: what does not belong together is not drawn,
        # the switch has asked for another frame.
        snapshot = self._session.shown(self.run_id)
        selection, colouring = self._session.selection, self._colours.now(self._dark)
        if snapshot is None or selection is None or selection.n != len(snapshot.embedding):
            return None
        if not colouring.is_density and len(colouring.codes) != selection.n:
            return None
        now, viewport = self._viewport, self._viewport
        if not self._zoomed:
            viewport = self._following(snapshot.embedding, now, LITTLE_SLACK if snapshot.final else SLACK)
        if viewport is not now:
            self._doc.add_next_tick_callback(lambda: self._adopt(viewport, now))
        selected = selection.mask if selection.count else NOTHING
        style = Style(self._dark, fixed_span=not snapshot.final or bool(self._session.beside_id))
        return Frame(
            shade(snapshot.embedding, viewport, colouring, selected, style), viewport, snapshot.epoch
        )

    def _following(self, embedding: NDArray[np.float32], now: Viewport, slack: float) -> Viewport:
        # Move the viewport only when points leave it or it has grown too wide: the picture must not tremble.
        best = Viewport.around(embedding, now.width, now.height)
        if self._fresh:
            return best
        x0, x1, y0, y1 = bounds(embedding)
        inside = now.x0 <= x0 and x1 <= now.x1 and now.y0 <= y0 and y1 <= now.y1
        return best if not inside or best.unit < (1 - slack) * now.unit else now

    def _adopt(self, viewport: Viewport, was: Viewport) -> None:
        # Unless the analyst has zoomed or resized since it was thought of.
        if self._viewport is was and not self._zoomed:
            self._viewport, self._fresh = viewport, False
            self._show_ranges(viewport)

    def _show_ranges(self, viewport: Viewport) -> None:
        self.figure.x_range.update(start=viewport.x0, end=viewport.x1)
        self.figure.y_range.update(start=viewport.y0, end=viewport.y1)

    # Gestures

    def _on_ranges(self, event: RangesUpdate) -> None:
        self._zoomed = True
        self._viewport = dataclasses.replace(
            self._viewport, x0=event.x0, x1=event.x1, y0=event.y0, y1=event.y1
        )
        self.feed.request()

    def _on_pan_start(self, event: PanStart) -> None:
        # The geometry that follows tells nothing of the keys held.
        keys = event.modifiers or {}
        self._mode = "subtract" if keys.get("alt") else "union" if keys.get("shift") else "replace"

    def _on_geometry(self, event: SelectionGeometry) -> None:
        geometry = event.geometry
        if not event.final:
            return
        if geometry["type"] == "poly" and len(geometry["x"]) >= 3:
            outline = np.column_stack([geometry["x"], geometry["y"]]).astype(np.float64)
            self._session.lasso(self.run_id, outline, self._mode)
        elif geometry["type"] == "rect":
            corners = np.array(
                [[geometry["x0"], geometry["y0"]], [geometry["x1"], geometry["y1"]]], np.float64
            )
            self._session.box(self.run_id, corners, self._mode)

    def _on_size(self, _attr: str, _old: Any, _new: Any) -> None:
        # The browser tells width and height one after the other; until both are known nothing can fit.
        try:
            width, height = self.figure.inner_width, self.figure.inner_height
        except UnsetValueError:
            return
        if width and height and (width, height) != (self._viewport.width, self._viewport.height):
            self._viewport = self._viewport.resized(width, height)
            self._show_ranges(self._viewport)
            self.feed.request()

    # The session changed

    def _redraw(self, *_: Any) -> None:
        self.feed.request()

    def _on_selection(self, *_: Any) -> None:
        selection = self._session.selection
        self._outline.data = NO_OUTLINE if selection is None else _outlines(selection, self.run_id)
        self.feed.request()

    def _on_run(self, *_: Any) -> None:
        self._zoomed, self._fresh = False, True
        self._on_selection()

    def _make_figure(self) -> figure:
        colours = palette.tokens(self._dark)
        plot = figure(
            x_range=Range1d(self._viewport.x0, self._viewport.x1),
            y_range=Range1d(self._viewport.y0, self._viewport.y1),
            tools=[],
            toolbar_location=None,
            sizing_mode="stretch_both",
            # A canvas of fractional size is not cleared in full along its rim: nothing is drawn there.
            min_border=2,
            outline_line_color=None,
            stylesheets=[".bk-Canvas { --outline-width: var(--map-outline, 0px); }"],
            background_fill_alpha=0,
            border_fill_alpha=0,
        )
        plot.axis.visible = False
        plot.grid.visible = False
        plot.image_rgba("image", x="x", y="y", dw="dw", dh="dh", source=self.feed.source, level="image")
        self._outline_glyph = plot.patches(
            "xs",
            "ys",
            source=self._outline,
            fill_alpha=0,
            line_color=colours.text,
            line_dash=[5, 4],
            line_width=1.3,
        )
        self._tools = self._make_tools(colours)
        wheel = WheelZoomTool(speed=1 / 500)
        plot.add_tools(*self._tools.values(), wheel)
        plot.toolbar.active_scroll = wheel
        plot.toolbar.active_drag = self._tools["pan"]
        handlers: tuple[tuple[Any, Callable[[Any], None]], ...] = (
            (RangesUpdate, self._on_ranges),
            (PanStart, self._on_pan_start),
            (SelectionGeometry, self._on_geometry),
            (DoubleTap, lambda _: self.fit()),
        )
        for event, handler in handlers:
            plot.on_event(event, handler)
        plot.on_change("inner_width", self._on_size)
        plot.on_change("inner_height", self._on_size)
        return plot

    def _make_tools(self, colours: palette.Tokens) -> dict[str, Any]:
        look = {
            "line_color": colours.text,
            "line_dash": [5, 4],
            "line_width": 1.3,
            "fill_color": colours.accent,
        }
        no_renderers: dict[str, Any] = {"renderers": []}
        lasso = PolyAnnotation(syncable=False, visible=False, fill_alpha=0.08, **look)
        box = BoxAnnotation(syncable=False, visible=False, fill_alpha=0.08, **look)
        return {
            "pan": PanTool(),
            "lasso": LassoSelectTool(continuous=False, overlay=lasso, **no_renderers),
            "box": BoxSelectTool(continuous=False, overlay=box, **no_renderers),
        }


def _outlines(selection: Any, run_id: str) -> dict[str, list[Any]]:
    # Only what was drawn on this very map has a place on it.
    polygons = [np.array(step.polygon) for step in selection.steps if step.run_id == run_id and step.polygon]
    if not polygons:
        return NO_OUTLINE
    polygons = [_rectangle(p) if len(p) == 2 else p for p in polygons]
    return {"xs": [p[:, 0] for p in polygons], "ys": [p[:, 1] for p in polygons]}


def _rectangle(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    (x0, y0), (x1, y1) = corners
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
