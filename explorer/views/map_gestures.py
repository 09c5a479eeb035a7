"""What a drag or a click on a map selects."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from bokeh.events import PanStart, SelectionGeometry
from bokeh.plotting import figure

from explorer.model.session import Session
from explorer.views.telling import telling


def aim(session: Session) -> str:
    """What a click may select.

    Returns
    -------
    {"region", "cluster", ""}
        A region while the water level is in use, else a cluster while clusters colour the map.
    """
    return "region" if session.water is not None else "cluster" if session.shows_clusters else ""


class MapGestures:
    """Drags with the lasso or the box, and clicks, that select on one map in the session's mode.

    Parameters
    ----------
    session : Session
        Whose selection they change.
    plot : figure
        The map.
    run_id : callable
        Tells the run on this map.
    row_at : callable
        Tells the row drawn nearest to a place of the map, -1 for none.
    soon : callable
        Does something in the document's next turn.
    """

    def __init__(
        self,
        session: Session,
        plot: figure,
        run_id: Callable[[], str],
        row_at: Callable[[float, float], int],
        soon: Callable[[Callable[[], None]], None],
    ) -> None:
        self._session, self._plot, self._soon = session, plot, soon
        self._run_id, self._row_at = run_id, row_at
        self._mode, self._given_up = session.mode, False
        acts = {PanStart: self._begin, SelectionGeometry: self._select_inside}
        for event, act in acts.items():
            plot.on_event(event, partial(self._later, act))

    def aim(self, tool: str) -> str:
        """What a click with a tool selects: a cluster with lasso or box; empty when it pins an item."""
        what = aim(self._session)
        return "" if tool == "pan" and what == "cluster" else what

    def _later(self, act: Callable[[Any], None], event: Any) -> None:
        # Panel brings word of the mode, which was told before, in a turn of its own: it must not come after.
        self._soon(partial(act, event))

    def _begin(self, _: PanStart) -> None:
        # What counts are the keys held when the drag begins.
        self._mode, self._given_up = self._session.mode, False

    def give_up(self) -> None:
        """Have the drag under way select nothing when it ends."""
        self._given_up = True

    def _select_inside(self, event: SelectionGeometry) -> None:
        geometry = event.geometry
        if self._given_up or not event.final:
            return
        if geometry["type"] == "poly" and len(geometry["x"]) >= 3:
            outline = np.column_stack([geometry["x"], geometry["y"]]).astype(np.float64)
            self._session.lasso(self._run_id(), outline, self._mode)
        elif geometry["type"] == "rect":
            corners = np.array(
                [[geometry["x0"], geometry["y0"]], [geometry["x1"], geometry["y1"]]], np.float64
            )
            self._session.box(self._run_id(), corners, self._mode)

    def click(self, what: str, x: float, y: float, mode: str) -> None:
        """Select what a click at a place of the map aims at.

        Parameters
        ----------
        what : {"region", "cluster"}
            What it aims at.
        x, y : float
            In units of the map.
        mode : str
            That of the keys held; empty for the session's.
        """
        session, mode = self._session, mode or self._session.mode
        with telling():
            if what == "region":
                session.select_region(self._run_id(), x, y, mode)
            elif (row := self._row_at(x, y)) >= 0:
                session.select_cluster_of(row, mode)
