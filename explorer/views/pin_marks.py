"""The pinned item and its neighbours on a map: a ring, and thin marks that differ in shape and colour."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, GlyphRenderer
from numpy.typing import NDArray

from explorer.model.session import Session
from explorer.views import palette
from explorer.views.aside import Aside
from explorer.views.map_view import MapView

NOWHERE: dict[str, list[float]] = {"x": [], "y": []}
# Two rings of the pinned item, so that one shows on any colour beneath it.
SHAPES: dict[str, tuple[str, int, float]] = {
    "kept": ("circle", 7, 1.1),
    "lost": ("diamond", 10, 1.2),
    "intruder": ("x", 7, 1.4),
    "halo": ("circle", 20, 4.5),
    "ring": ("circle", 20, 2.0),
}


class PinMarks:
    """Draws the marks of a session's pinned item over one of its maps.

    Parameters
    ----------
    session : Session
        What is pinned, and what is near it.
    view : MapView
        The map.
    dark : bool
        The theme.
    """

    def __init__(self, session: Session, view: MapView, dark: bool = True) -> None:
        self._session, self._view = session, view
        self._sources = {name: ColumnDataSource(NOWHERE) for name in SHAPES}
        self._glyphs: dict[str, GlyphRenderer] = {
            name: view.figure.scatter(
                "x", "y", source=self._sources[name], marker=marker, size=size, line_width=width,
                fill_color=None, level="overlay",
            )
            for name, (marker, size, width) in SHAPES.items()
        }  # fmt: skip
        self.use_theme(dark)
        self._finding, self._pinned = Aside(), False
        session.param.watch(
            self._find,
            ["pinned", "near", "run_id", "beside_ids", "epoch", "progress", "dataset"],
        )
        self._find()

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        colours = palette.tokens(dark)
        looks = {
            "kept": colours.text, "lost": colours.bad, "intruder": colours.warn, "halo": colours.page,
            "ring": colours.text,
        }  # fmt: skip

        def paint() -> None:
            for name, colour in looks.items():
                self._glyphs[name].glyph.line_color = colour

        self._view.soon(paint)

    def _find(self, *_: object) -> None:
        was, self._pinned = self._pinned, self._session.pinned is not None
        if was or self._pinned:
            # To lay one map of millions over another takes a second.
            self._finding.ask(self._places, self._draw)

    def _places(self) -> dict[str, dict[str, list[float]]]:
        rows = self._rows()
        snapshot = self._session.shown(self._view.run_id) if any(map(len, rows.values())) else None
        if snapshot is None:
            return {}
        places, n = {}, len(snapshot.embedding)  # of other data by now, perhaps
        for name, found in rows.items():
            points = snapshot.embedding[found[found < n]]
            points = points[np.isfinite(points).all(axis=1)].astype(np.float64)
            places[name] = {"x": points[:, 0].tolist(), "y": points[:, 1].tolist()}
        return places

    def _draw(self, places: dict[str, dict[str, list[float]]]) -> None:
        def put() -> None:
            for name, source in self._sources.items():
                if source.data != places.get(name, NOWHERE):
                    source.data = places.get(name, NOWHERE)

        self._view.soon(put)

    def _rows(self) -> dict[str, NDArray[np.int64]]:
        row, near = self._session.pinned, self._session.near
        if row is None or self._session.dataset is None:
            return {}
        rows = {"ring": np.array([row]), "halo": np.array([row])}
        if near is None or near.row != row:
            return rows
        return rows | {"kept": near.kept, "lost": near.lost, "intruder": near.intruders}
