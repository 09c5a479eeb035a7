"""The part of a map that is on the screen and what moves it; several maps may move as one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from bokeh.core.property.descriptors import UnsetValueError
from bokeh.document import Document
from bokeh.events import DoubleTap
from bokeh.plotting import figure

from explorer.model.extent import Extent
from explorer.model.projection import Viewport
from explorer.views.framing import following, within
from explorer.views.turns import later, soon

START_SIZE = (900, 700)
ENDS_MS, MOST_WAITS = 8, 60

Place = tuple[float, float, float]
"""x and y of the middle of a screen and the width of a pixel, in the map's units."""


class Camera:
    """Shows a part of one map: all of it, until the analyst looks elsewhere.

    A camera may lead others, which then show the same place at the same scale on screens of their own size.
    Wherever the analyst moves any of them, all go there; all of the map is what the leader shows, with room
    for what the others have beyond it. Places are passed on and never back, so nothing echoes.

    Parameters
    ----------
    doc : Document
        The page.
    request : callable
        Asks for a frame of what is seen now; called on any thread.
    place : Place or None
        Where the analyst looked when the map was left; None for all of it.

    Attributes
    ----------
    viewport : Viewport
        What is on the screen.
    leader : Camera or None
        Whose place it shows.
    followers : tuple of Camera
        Which show its place.
    on_change : callable
        Called in a turn of the document when it shows something else, by whatever cause.
    on_look : callable
        Called when the analyst moves this very map.
    on_first_size : callable
        Called when the browser has the figure, and says how large it is.
    """

    def __init__(self, doc: Document, request: Callable[[], None], place: Place | None = None) -> None:
        self._doc, self._request = doc, request
        self.viewport = Viewport(-1, 1, -1, 1, *START_SIZE)
        self._zoomed, self._fresh, self._everything = False, True, False
        self._extent: Extent | None = None
        if place is not None:
            self._zoomed, self._fresh, self.viewport = True, False, self.viewport.centred(*place)
        self.leader: Camera | None = None
        self.followers: tuple[Camera, ...] = ()
        self.on_change: Callable[[], None] = lambda: None
        self.on_look: Callable[[], None] = lambda: None
        self.on_first_size: Callable[[], None] = lambda: None
        self._showing, self._moving, self._has_size = False, 0, False

    def follow_gestures(self, plot: figure) -> None:
        """Move with the ranges of a figure, and move them."""
        self._plot = plot
        plot.on_event(DoubleTap, lambda _: self.fit())
        for shown in (plot.x_range, plot.y_range):
            shown.on_change("start", self._on_range)
            shown.on_change("end", self._on_range)
        plot.on_change("inner_width", self._on_size)
        plot.on_change("inner_height", self._on_size)

    @property
    def place(self) -> Place:
        """Where it looks."""
        view = self.viewport
        return (view.x0 + view.x1) / 2, (view.y0 + view.y1) / 2, view.unit

    @property
    def is_zoomed(self) -> bool:
        """Whether it shows what the analyst looks at, and not all of the map."""
        return (self.leader or self)._zoomed

    @property
    def shows_everything(self) -> bool:
        """Whether all of the map is with what lies far outside."""
        return (self.leader or self)._everything

    # What the analyst does

    def fit(self, everything: bool = False) -> None:
        """Show all of the map again, with what lies far outside or without."""
        if self.leader is not None:
            self.leader.fit(everything)
            return
        self._zoomed, self._fresh, self._everything = False, True, everything
        self.on_change()
        self._request()

    def zoom(self, factor: float) -> None:
        """Show the middle larger by a factor."""
        x, y, unit = self.place
        self.look(self.viewport.centred(x, y, unit / factor))

    def move(self, across: float, up: float) -> None:
        """Look further to the right and up, by shares of the screen."""
        view, (x, y, unit) = self.viewport, self.place
        self.look(view.centred(x + across * unit * view.width, y + up * unit * view.height, unit))

    def look(self, viewport: Viewport) -> None:
        """Show a part of the map until the analyst looks elsewhere."""
        self._look(viewport)
        self._show_soon()

    def _look(self, viewport: Viewport) -> None:
        leader = self.leader or self
        leader._zoomed = True
        self._take(viewport)
        leader._pass_on(self)

    def _take(self, viewport: Viewport) -> None:
        self.viewport = viewport
        self.on_change()
        self._request()

    def _pass_on(self, source: Camera) -> None:
        """Show a camera's place on all others of this leader, itself among them."""
        for one in (self, *self.followers):
            if one is not source:
                one._go_to(source.place)

    def _go_to(self, place: Place) -> None:
        self._take(self.viewport.centred(*place))
        self._show_soon()

    # Others

    def lead(self, followers: Sequence[Camera]) -> None:
        """Have these others show its place from now on, and none but these; who leaves stays where it is."""
        before, self.followers = self.followers, tuple(followers)
        for one in before:
            if one not in self.followers:
                one.leader, one._zoomed, one._fresh = None, self._zoomed, False
                one.on_change()
        for one in self.followers:
            if one.leader is not self:
                one.leader = self
                one._go_to(self.place)
        if before != self.followers and not self._zoomed:
            self._request()

    # What the map does

    def reset(self) -> None:
        """Another map is to be seen: all of it, once it is drawn."""
        self._zoomed, self._fresh, self._everything, self._extent = False, True, False, None
        self.on_change()

    def frame(self, extent: Extent, slack: float) -> Viewport:
        """What the next frame shows of a map; on a painter's thread.

        Parameters
        ----------
        extent : Extent
            Where its points lie.
        slack : float
            The share by which it may be too small for its viewport, see `framing.following`.
        """
        now, leader = self.viewport, self.leader
        is_new, self._extent = extent is not self._extent, extent
        if leader is not None:
            if is_new and not leader._zoomed:
                leader._request()  # it makes room
            return now
        viewport = self._framed(now, self._with_followers(extent), slack)
        if viewport is not now:
            soon(self._doc, lambda: self._adopt(viewport, now))
        return viewport

    def _with_followers(self, extent: Extent) -> Extent:
        for one in self.followers:
            extent = extent if one._extent is None else extent.beside(one._extent)
        return extent

    def _framed(self, now: Viewport, extent: Extent, slack: float) -> Viewport:
        best = extent.viewport(now.width, now.height, self._everything)
        if self._zoomed:
            return within(now, extent.viewport(now.width, now.height).unit)
        if self._fresh:
            return best
        return following(now, best, extent.whole if self._everything else extent.core, slack)

    def _adopt(self, viewport: Viewport, was: Viewport) -> None:
        # Unless the analyst has looked elsewhere or resized since it was thought of.
        if self.viewport is was and self.leader is None:
            self.viewport, self._fresh = viewport, False
            self._show()
            self.on_change()
            self._pass_on(self)

    # The figure

    def _show_soon(self) -> None:
        # A browser that has not got the figure yet is shown where it looks once it has.
        if self._plot.document is None:
            self._show()
        elif self._has_size:
            soon(self._doc, self._show)

    def _show(self) -> None:
        viewport, self._showing = self.viewport, True
        self._plot.x_range.update(start=viewport.x0, end=viewport.x1)
        self._plot.y_range.update(start=viewport.y0, end=viewport.y1)
        self._showing = False

    def _on_range(self, _attr: str, _old: Any, _new: Any) -> None:
        # The ends of both ranges come one after the other: a moment later all are there. Bokeh's own event of
        # all four waits for half a second of rest.
        if not self._showing and not self._moving:
            self._moving = 1
            later(self._doc, ENDS_MS, self._follow_ranges)

    def _follow_ranges(self) -> None:
        across, up = self._plot.x_range, self._plot.y_range
        now = dataclasses.replace(self.viewport, x0=across.start, x1=across.end, y0=up.start, y1=up.end)
        uneven = abs((now.y1 - now.y0) / now.height - now.unit) > 1e-6 * abs(now.unit)
        self._moving = self._moving + 1 if uneven and self._moving < MOST_WAITS else 0
        if self._moving:
            later(self._doc, ENDS_MS, self._follow_ranges)
        elif now != self.viewport:
            self._look(now)
            self.on_look()

    def _on_size(self, _attr: str, _old: Any, _new: Any) -> None:
        # The browser tells width and height one after the other; until both are known nothing can fit.
        try:
            width, height = self._plot.inner_width, self._plot.inner_height
        except UnsetValueError:
            return
        if width and height and (width, height) != (self.viewport.width, self.viewport.height):
            self.viewport = self.viewport.resized(width, height)
            self._fresh = not self._zoomed  # an untouched map fits every size exactly
            self._show()
            self.on_change()
            self._request()
        if width and height and not self._has_size:
            self._has_size = True
            self.on_first_size()
