"""The pictures on the wall: drawn on a worker's thread, sent in batches no faster than they are painted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from bokeh.document import Document

from explorer.model.aligned import AlignedMap, AlignedMaps
from explorer.model.progress import Snapshot
from explorer.model.projection import NOTHING, Viewport
from explorer.model.run import Run
from explorer.model.selection import Selection
from explorer.model.session import Session
from explorer.model.wall import reference
from explorer.views.aside import Aside
from explorer.views.colouring import Colours
from explorer.views.framing import following, slack
from explorer.views.shading import Style, draw
from explorer.views.telling import tell
from explorer.views.turns import later, soon

BATCH_SECONDS = 0.15
LIVE_SECONDS = 0.5
"""Pictures of runs at work are drawn anew so often: the layouts need the processors."""
PATIENCE_MS = 2000


@dataclass(frozen=True, eq=False)
class Shown:
    """What a picture shows.

    Attributes
    ----------
    aligned : AlignedMap
    viewport : Viewport
        What of it, in units of the reference.
    pixels : bytes
        RGBA, line by line from the top.
    """

    aligned: AlignedMap
    viewport: Viewport
    pixels: bytes


@dataclass(frozen=True, eq=False)
class Made:
    """That a run was drawn.

    Attributes
    ----------
    look : tuple
        What all pictures depended on: reference, colours, selection, size and theme.
    moment : object
        Where the run was.
    at : float
        When, by the monotonic clock.
    shown : Shown or None
        What came of it; None without a map.
    """

    look: tuple[object, ...]
    moment: object
    at: float
    shown: Shown | None


class WallPictures:
    """A picture of each run that is in sight, drawn anew when anything about it changes.

    What is drawn next is chosen anew for every batch. A batch is sent only when the browser has said that it
    painted the last one, as the websocket has no back pressure; meanwhile the next one is drawn.

    Parameters
    ----------
    session : Session
        Whose runs, selection and colours they show.
    colours : Colours
        Shared with the maps.
    doc : Document
        The page.
    send : callable
        Takes a batch: {"number", "pictures"}, these with "run", "width", "height" and "pixels".
    dark : bool
        The theme.

    Attributes
    ----------
    on_blank : callable
        Called when a run in sight turned out to have no map.
    """

    def __init__(
        self,
        session: Session,
        colours: Colours,
        doc: Document,
        send: Callable[[dict[str, Any]], None],
        dark: bool,
    ) -> None:
        self._session, self._colours, self._doc, self._send, self._dark = session, colours, doc, send, dark
        self._aside, self._maps, self._lock = Aside(), AlignedMaps(), threading.Lock()
        self._runs: tuple[Run, ...] = ()
        self._seen: frozenset[str] = frozenset()
        self._size = (0, 0)
        self._made: dict[str, Made] = {}
        self._ready: dict[str, Shown] = {}
        self._sent: dict[str, Shown] = {}
        self._moments: dict[str, int] = {}
        self._drawing = self._asked = self._timed = False
        self.on_blank: Callable[[], None] = lambda: None
        self._afterwards: list[Callable[[], object]] = []
        self._number = self._waiting = 0

    def __getitem__(self, run_id: str) -> Shown | None:
        """What the browser was sent last of a run."""
        return self._sent.get(run_id)

    @property
    def blank(self) -> frozenset[str]:
        """The runs in which there was no map to draw."""
        return frozenset(run_id for run_id, made in self._made.items() if made.shown is None)

    @property
    def idle(self) -> bool:
        """Whether nothing is being drawn, about to be sent or to be painted."""
        return not (self._drawing or self._ready or self._waiting)

    def afterwards(self, act: Callable[[], object]) -> None:
        """Do something once all pictures are painted, or at once if they are: see `FrameFeed.afterwards`.

        Runs at work may leave no gap: after two seconds it is done all the same.
        """
        if self.idle:
            act()
            return
        self._afterwards.append(act)
        later(self._doc, PATIENCE_MS, self._act)

    def _act(self) -> None:
        acts, self._afterwards = self._afterwards, []
        for act in acts:
            act()

    # What changes

    def hang(self, runs: Iterable[Run]) -> None:
        """Let these runs hang on the wall, as they stand now."""
        self._runs = tuple(runs)
        kept = {run.id for run in self._runs}
        self._made = {run_id: made for run_id, made in self._made.items() if run_id in kept}
        self._sent = {run_id: shown for run_id, shown in self._sent.items() if run_id in kept}
        self.update()

    def look(self, width: int, height: int, seen: Iterable[str], fresh: bool = False) -> None:
        """Draw pictures of this size, in pixels, of the runs in sight; all of them for a fresh page."""
        self._size, self._seen = (width, height), frozenset(seen)
        if fresh:
            self._made.clear()
            self._ready, self._waiting = {}, 0
        self.update()

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        self._dark = dark
        self.update()

    def tick(self, run_id: str) -> None:
        """Take notice that a run has a newer map; callable from any thread, cheap, never blocks."""
        with self._lock:
            self._moments[run_id] = self._moments.get(run_id, 0) + 1
            if self._asked or run_id not in self._seen:
                return
            self._asked = True
        soon(self._doc, self._heed)

    def _heed(self) -> None:
        with self._lock:
            self._asked = False
        self.update()

    # Drawing

    def update(self) -> None:
        """Have every picture in sight drawn that is out of date; cheap, as often as anything changes."""
        if self._drawing or self._ready or not all(self._size):
            return  # and once that is done, it is looked again
        over = reference(self._runs, self._session.run_id)
        look = self._look(over)
        wanted = self._out_of_date(look)
        if not wanted:
            return
        self._drawing = True
        selection, size, dark = self._session.selection, self._size, self._dark

        def make() -> dict[str, Made]:
            made, end = {}, monotonic() + BATCH_SECONDS
            onto = None if over is None else self._session.snapshot(over.id)
            for run_id, moment in wanted.items():
                began = monotonic()
                shown = self._draw(run_id, onto, selection, size, dark)
                made[run_id] = Made(look, moment, began, shown)
                if monotonic() > end:
                    break
            return made

        def give_up(sentence: str) -> None:
            tell(sentence)
            now = monotonic()
            self._take({run_id: Made(look, moment, now, None) for run_id, moment in wanted.items()})

        self._aside.ask(make, self._take, give_up)

    def _look(self, over: Run | None) -> tuple[object, ...]:
        session = self._session
        onto = None if over is None else (over.id, over.epoch)
        colours = (self._colours.source, session.isolated, session.highlighted)
        return (onto, colours, session.selection, self._size, self._dark)

    def _out_of_date(self, look: tuple[object, ...]) -> dict[str, object]:
        """The runs to draw, each with its moment; for those that were drawn just now it is looked again."""
        wanted: dict[str, object] = {}
        now, rest = monotonic(), []
        for run in self._runs:
            if run.id not in self._seen:
                continue
            made = self._made.get(run.id)
            moment = self._moments.get(run.id, 0) if run.status.active else (run.status, run.epoch)
            if made is None or made.look != look:
                wanted[run.id] = moment
            elif made.moment != moment:
                left = made.at + LIVE_SECONDS - now if run.status.active else 0.0
                if left > 0:
                    rest.append(left)
                else:
                    wanted[run.id] = moment
        if rest and not wanted and not self._timed:
            self._timed = True
            later(self._doc, round(1000 * min(rest)) + 1, self._again)
        return wanted

    def _again(self) -> None:
        self._timed = False
        self.update()

    def _draw(
        self,
        run_id: str,
        onto: Snapshot | None,
        selection: Selection | None,
        size: tuple[int, int],
        dark: bool,
    ) -> Shown | None:
        # On a worker's thread. Data may be switched meanwhile: what does not belong together is not drawn.
        snapshot, colouring = self._session.snapshot(run_id), self._colours.now(dark)
        if snapshot is None or selection is None:
            return None
        lengths = {selection.n, len(snapshot.embedding), *([] if onto is None else [len(onto.embedding)])}
        if len(lengths) > 1 or not (colouring.is_density or len(colouring.codes) in lengths):
            return None
        aligned = self._maps.get(snapshot, onto)
        extent, before = aligned.extent, self[run_id]
        viewport = extent.viewport(*size)
        if before is not None and not snapshot.final and before.viewport.width == viewport.width:
            viewport = following(before.viewport, viewport, extent.core, slack(snapshot))
        selected = selection.mask if selection.count else NOTHING
        style = Style(dark, fixed_span=True)
        picture = draw(aligned.embedding, viewport, colouring, selected, style, extent.bulk)
        return Shown(aligned, viewport, picture.image[::-1].tobytes())

    # Sending

    def _take(self, made: dict[str, Made]) -> None:
        self._drawing = False
        self._made |= made
        self._ready = {run_id: one.shown for run_id, one in made.items() if one.shown is not None}
        self._flush()
        self.update()
        if self.idle:  # there was nothing to send
            self._act()
        if not self.blank.isdisjoint(made):
            self.on_blank()

    def _flush(self) -> None:
        if self._waiting or not self._ready:
            return
        shown, self._ready = self._ready, {}
        self._sent |= shown
        self._number += 1
        number = self._waiting = self._number
        pictures = [
            {
                "run": run_id,
                "width": one.viewport.width,
                "height": one.viewport.height,
                "pixels": one.pixels,
            }
            for run_id, one in shown.items()
        ]
        self._send({"number": number, "pictures": pictures})
        later(self._doc, PATIENCE_MS, lambda: self.painted(number))

    def painted(self, number: int) -> None:
        """The browser has painted a batch, or does not answer."""
        if number == self._waiting:
            self._waiting = 0
            self._flush()
            self.update()
            if self.idle:
                self._act()
