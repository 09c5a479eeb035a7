"""The shores of the water level on a map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bokeh.models import ColumnDataSource
from bokeh.plotting import figure

from explorer.model.session import Session
from explorer.views import palette
from explorer.views.aside import Aside

NO_LINES: dict[str, list[Any]] = {"xs": [], "ys": []}


class WaterLines:
    """Draws the session's water level on one map while it is in use.

    Parameters
    ----------
    session : Session
        Whose `water` is drawn.
    run_id : callable
        Tells the run on this map.
    soon : callable
        Does something in the document's next turn.

    Attributes
    ----------
    source : ColumnDataSource
        The shores drawn, in units of the map as it is shown.
    """

    def __init__(
        self, session: Session, run_id: Callable[[], str], soon: Callable[[Callable[[], None]], None]
    ) -> None:
        self._session, self._run_id, self._soon, self._aside = session, run_id, soon, Aside()
        self.source = ColumnDataSource(NO_LINES)
        self._drawn: tuple[object, ...] = ()
        session.param.watch(self._draw, ["water", "run_id", "beside_ids", "epoch", "progress", "runs"])

    def draw_on(self, plot: figure, dark: bool) -> None:
        """Add the lines to a map."""
        line: dict[str, Any] = {"source": self.source, "level": "annotation"}
        # Light points lie beneath it as well as dark ones: hence the seam around.
        self._seam = plot.multi_line("xs", "ys", line_width=3.6, line_alpha=0.75, **line)
        self._glyph = plot.multi_line("xs", "ys", line_width=1.4, **line)
        self.use_theme(dark)

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        tokens = palette.tokens(dark)
        self._glyph.glyph.line_color, self._seam.glyph.line_color = tokens.text, tokens.page

    def _draw(self, *_: Any) -> None:
        key = self._key()
        if key != self._drawn:
            self._drawn = key
            self._aside.ask(self._lines, self._show)

    def _key(self) -> tuple[object, ...]:
        session, run_id = self._session, self._run_id()
        if session.water is None:
            return ()
        # Which lies over which is decided once both are final, though no epoch passes by that.
        maps = [
            None if (s := session.snapshot(one)) is None else (s.epoch, s.final)
            for one in (run_id, session.run_id)
        ]
        return session.water, run_id, session.run_id, session.beside_ids, session.epoch, *maps

    def _lines(self) -> dict[str, list[Any]]:
        session, run_id = self._session, self._run_id()
        level, snapshot = session.water_level(run_id), session.looked_at(run_id)
        if level is None or snapshot is None:
            return NO_LINES
        alignment, lines = session.alignment(run_id, snapshot), level.outlines()
        if alignment is not None:
            lines = tuple(alignment.apply(line) for line in lines)
        return {"xs": [line[:, 0] for line in lines], "ys": [line[:, 1] for line in lines]}

    def _show(self, lines: dict[str, list[Any]]) -> None:
        self._soon(lambda: self.source.update(data=lines))
