"""Pictures from the server to one browser, no faster than it paints them.

The websocket has no back pressure: frames sent faster than a browser paints pile up and the picture falls
seconds behind. So frame N+1 is made only after the browser has said that N is painted; requests in between
melt into one, which shows whatever is newest by then.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.models import ColumnDataSource, CustomJS
from bokeh.plotting import figure
from numpy.typing import NDArray

from explorer.model.projection import Viewport
from explorer.views.theme import ASSETS
from explorer.views.turns import soon

LIVE_INTERVAL = 0.1
LOAD_TIMEOUT, PAINT_TIMEOUT = 2.0, 10.0
"""Seconds given to a page that has painted nothing yet, and to one that has: that may be busy, not lost."""

_log = logging.getLogger(__name__)
_painters = ThreadPoolExecutor(max_workers=2, thread_name_prefix="paint")

_SHOW = (ASSETS / "picture.js").read_text(encoding="utf-8")
# A hidden tab gets no animation frames: it answers by a timer, so that it is up to date when shown again.
_ACKNOWLEDGE = """
const painted = () => { ack.data = {frame: source.data.frame} }
const acknowledge = () => document.hidden ? setTimeout(painted, 500)
  : requestAnimationFrame(() => setTimeout(painted, 0))
"""


@dataclass(frozen=True)
class Frame:
    """One picture of a map.

    Parameters
    ----------
    image : uint32 (height, width)
        RGBA, row 0 at the bottom.
    viewport : Viewport
        The rectangle it shows.
    epoch : int
        The epoch it shows.
    """

    image: NDArray[np.uint32]
    viewport: Viewport
    epoch: int


class FrameFeed:
    """Makes frames on a painter's thread and sends them to one document, one at a time.

    Parameters
    ----------
    doc : Document
        The browser's page; all changes of models happen in its own turns.
    render : callable
        Makes the newest frame, or None if there is nothing to show. Called on a painter's thread.

    Attributes
    ----------
    took : float
        Seconds from the beginning of the last frame's drawing until the browser had painted it.
    on_painted : callable
        Called then.
    on_failed : callable
        Called in a turn of the document when a frame could not be drawn, which is then empty.
    """

    def __init__(self, doc: Document, render: Callable[[], Frame | None]) -> None:
        self._doc, self._render = doc, render
        self.source = ColumnDataSource(_columns(None, 0))
        self._ack = ColumnDataSource({"frame": [0]})
        self._ack.on_change("data", self._on_painted)
        self._lock = threading.Lock()
        self._dirty = self._busy = self._waiting = self._closed = self._live = self._started = False
        self._begun_at = self._sent_at = 0.0
        self.sent = self.painted = self._acknowledged = 0
        self._afterwards: list[Callable[[], object]] = []
        self.took = 0.0
        self.on_painted: Callable[[], None] = lambda: None
        self.on_failed: Callable[[], None] = lambda: None
        self.epochs_painted: deque[int] = deque(maxlen=4096)
        self._epoch = -1
        self._watchdog = doc.add_periodic_callback(self._give_up_waiting, 500)

    def paint_on(self, plot: figure) -> None:
        """Show the frames beneath a figure, wherever its ranges put them.

        As a glyph of the figure each frame would have it painted anew, which takes the browser twice as long.
        """
        args = {"source": self.source, "plot": plot}
        shown = CustomJS(args=args | {"ack": self._ack}, code=f"{_SHOW}{_ACKNOWLEDGE}show(acknowledge)")
        moved = CustomJS(args=args, code=f"{_SHOW}show(() => {{}})")
        self.source.js_on_change("data", shown)
        for model, names in (
            (plot.x_range, ("start", "end")),
            (plot.y_range, ("start", "end")),
            (plot, ("inner_width", "inner_height")),
        ):
            for name in names:
                model.js_on_change(name, moved)

    def start(self) -> None:
        """Begin to send: the figure is on its way to the browser. What is asked for before waits."""
        self._started = True
        self.request()

    def rest(self) -> None:
        """Send no more until it is started again: the figure is out of sight."""
        with self._lock:
            self._started = False
            acts, self._afterwards = self._afterwards, []
        for act in acts:
            act()

    @property
    def idle(self) -> bool:
        """Whether no frame is asked for, being drawn or waited for."""
        return not self._busy

    def request(self, live: bool = False) -> None:
        """Ask for a frame of what is newest; callable from any thread, cheap, never blocks.

        Parameters
        ----------
        live : bool
            The picture moves by itself: up to 10 frames a second are enough.
        """
        with self._lock:
            # What an analyst has asked for is not held back by a tick that comes after it.
            self._dirty, self._live = True, live and (self._live or not self._dirty)
            if self._busy or self._closed or not self._started:
                return
            self._busy = True
        self._schedule(live)

    def afterwards(self, act: Callable[[], object]) -> None:
        """Do something once the frame on its way is painted, or at once if there is none.

        The analyst looks at the map: what else has to follow a change takes no processor from it. Called on
        the server's thread, as is what it is given.
        """
        with self._lock:
            if self._busy and self._started and not self._closed:
                self._afterwards.append(act)
                return
        act()

    def close(self) -> None:
        """Stop; the page is gone."""
        with self._lock:
            self._closed = True

    def _schedule(self, live: bool) -> None:
        # What moves by itself is paced by a timer, so that no painter sleeps while others have work.
        pause = self._begun_at + LIVE_INTERVAL - time.monotonic() if live else 0.0
        if pause > 0:
            timer = threading.Timer(pause, _painters.submit, [self._paint])
            timer.daemon = True
            timer.start()
        else:
            _painters.submit(self._paint)

    def _paint(self) -> None:
        self._begun_at = time.monotonic()
        with self._lock:
            self._dirty = False
            if self._closed:
                return
        frame = None
        try:
            frame = self._render()
        except Exception:
            _log.exception("A frame could not be drawn")
            soon(self._doc, self.on_failed)
        soon(self._doc, lambda: self._send(frame))

    def _send(self, frame: Frame | None) -> None:
        self.sent += 1
        self._waiting = True
        self._sent_at = time.monotonic()
        self._epoch = -1 if frame is None else frame.epoch
        self.source.data = _columns(frame, self.sent)

    def _on_painted(self, _attr: str, _old: Any, new: Any) -> None:
        # A browser that answers late, as while it loads the page, has painted all the same.
        if new["frame"][0] != self.sent or self._acknowledged == self.sent:
            return
        self._acknowledged = self.sent
        self.painted += 1
        self.epochs_painted.append(self._epoch)
        # The first waits for the page itself to load.
        self.took = time.monotonic() - self._begun_at if self.painted > 1 else 0.0
        if self._waiting:
            self._free()
        self.on_painted()

    def _give_up_waiting(self) -> None:
        patience = PAINT_TIMEOUT if self.painted else LOAD_TIMEOUT
        if self._waiting and time.monotonic() - self._sent_at > patience:
            # What is sent before a page is ready may be lost: until it has painted once, it is sent again.
            self._free(again=not self.painted)

    def _free(self, again: bool = False) -> None:
        with self._lock:
            self._waiting = False
            self._busy = again = (again or (self._dirty and self._started)) and not self._closed
            # A change asks for its own frame. What moves by itself asks for more and more.
            acts = [] if again and not self._live else self._afterwards
            self._afterwards = self._afterwards[len(acts) :]
        if again:
            self._schedule(self._live)
        for act in acts:
            act()


def _columns(frame: Frame | None, number: int) -> dict[str, list[Any]]:
    if frame is None:
        return {
            "image": [np.zeros((1, 1), np.uint32)],
            "x": [0],
            "y": [0],
            "dw": [1],
            "dh": [1],
            "frame": [number],
        }
    view = frame.viewport
    return {
        "image": [frame.image],
        "x": [view.x0],
        "y": [view.y0],
        "dw": [view.x1 - view.x0],
        "dh": [view.y1 - view.y0],
        "frame": [number],
    }
