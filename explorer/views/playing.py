"""The history of the run on the map, scrubbed and played: each frame once the last is painted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from bokeh.document import Document
from bokeh.events import PanStart
from bokeh.models import PanTool

from explorer.model.session import Session
from explorer.views.map_view import MapView
from explorer.views.playback import Past
from explorer.views.turns import later

FRAME_MS = 60
"""No sooner than so long after one frame is the next asked for."""


class Playing:
    """What the bar under the map asks of the history of the run on it.

    The next frame is asked for once the last has been painted, and no sooner than `FRAME_MS` after that was.
    Playing ends with the newest map, and when an epoch is chosen, a lasso or a box begun, another run shown.

    Parameters
    ----------
    session : Session
        Whose `epoch` is set.
    view : MapView
        The map of that run.
    doc : Document
        The page.
    on_change : callable
        Called when playing begins or ends, and when what was asked has been done.

    Attributes
    ----------
    at_work : bool
        Whether it plays.
    """

    def __init__(self, session: Session, view: MapView, doc: Document, on_change: Callable[[], None]) -> None:
        self._session, self._view, self._doc, self._on_change = session, view, doc, on_change
        self.at_work = False
        self._asked = self._begun = 0
        view.figure.on_event(PanStart, self._on_drag)
        session.param.watch(lambda *_: self._rest(), ["run_id", "dataset"])

    @property
    def past(self) -> Past:
        """What the bar shows of it."""
        session = self._session
        return Past(session.epochs, session.epoch, self.at_work, self._asked, session.formed)

    def act(self, message: dict[str, Any]) -> None:
        """Do what the bar asks for.

        Parameters
        ----------
        message : dict
            {"action"}: "play", "rest", or "epoch" with the "epoch" and the "number" of the question.

        Raises
        ------
        InputError
            When the run keeps no such epoch.
        """
        if message["action"] == "play":
            self._play()
        else:
            self._rest()
        try:
            if message["action"] == "epoch":
                self._asked = int(message["number"])
                self._session.look_at_epoch(int(message["epoch"]))
        finally:
            self._on_change()

    def _play(self) -> None:
        epochs = self._session.epochs
        if len(epochs) < 2 or self.at_work:
            return
        if self._session.epoch is None:
            self._session.look_at_epoch(epochs[0])
        self.at_work, self._begun = True, self._begun + 1
        self._soon_go_on()

    def _rest(self) -> None:
        if self.at_work:
            self.at_work = False
            self._on_change()

    def _soon_go_on(self) -> None:
        go_on = partial(self._go_on, self._begun)
        later(self._doc, FRAME_MS, lambda: self._view.feed.afterwards(go_on))

    def _go_on(self, begun: int) -> None:
        if not self.at_work or begun != self._begun:
            return
        session = self._session
        coming = [epoch for epoch in session.epochs if session.epoch is not None and epoch > session.epoch]
        if coming:
            session.look_at_epoch(coming[0])
        if len(coming) > 1:
            self._soon_go_on()
        else:
            self._rest()

    def _on_drag(self, _: PanStart) -> None:
        # Who draws around points means those where they lie now.
        if not isinstance(self._view.figure.toolbar.active_drag, PanTool):
            self._rest()
