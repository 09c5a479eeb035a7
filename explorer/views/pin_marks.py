"""The pinned item and its neighbours on a map: a ring, and thin marks that differ in shape and colour."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, GlyphRenderer
from numpy.typing import NDArray

from explorer.model.session import Session
from explorer.views import palette
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
        session.param.watch(
            lambda *_: view.soon(self._draw),
            ["pinned", "near", "run_id", "beside_id", "epoch", "progress", "dataset"],
        )
        view.soon(self._draw)

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

    def _draw(self) -> None:
        rows = self._rows()
        snapshot = self._session.shown(self._view.run_id) if any(map(len, rows.values())) else None
        for name, source in self._sources.items():
            places = NOWHERE
            if snapshot is not None and len(found := rows.get(name, ())):
                points = snapshot.embedding[np.asarray(found, np.int64)]
                points = points[np.isfinite(points).all(axis=1)].astype(np.float64)
                places = {"x": points[:, 0].tolist(), "y": points[:, 1].tolist()}
            if source.data != places:
                source.data = places

    def _rows(self) -> dict[str, NDArray[np.int64]]:
        row, near = self._session.pinned, self._session.near
        if row is None or self._session.dataset is None:
            return {}
        rows = {"ring": np.array([row]), "halo": np.array([row])}
        if near is None or near.row != row:
            return rows
        return rows | {"kept": near.kept, "lost": near.lost, "intruder": near.intruders}
