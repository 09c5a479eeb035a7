"""Where a batch is lacking or abounds, in colours over the map itself: they pan and zoom with its points."""

from __future__ import annotations

from typing import Any

from bokeh.models import ColumnDataSource

from explorer.model.coverage import Coverage
from explorer.model.session import Session
from explorer.views.difference_picture import difference_veil, ramp
from explorer.views.map_view import MapView

NOTHING: dict[str, list[Any]] = {"image": [], "x": [], "y": [], "dw": [], "dh": []}


class DifferenceOverlay:
    """Draws what was found of a batch over a map, with a legend of its colours, while that is asked for.

    It was found on the newest map of the run: earlier epochs are shown without it.

    Parameters
    ----------
    session : Session
        Who may look at an earlier epoch.
    view : MapView
        The map of the run that the batch is compared on.

    Attributes
    ----------
    source : ColumnDataSource
        The image drawn, in units of the map; empty for none.
    """

    def __init__(self, session: Session, view: MapView) -> None:
        self._session, self._view = session, view
        self._found: Coverage | None = None
        self._dark = True
        self.source = ColumnDataSource(NOTHING)
        # Above the points, beneath outlines and rings.
        view.figure.image_rgba("image", "x", "y", "dw", "dh", source=self.source, level="underlay")
        session.param.watch(self._draw, ["epoch"])

    def show(self, found: Coverage | None, dark: bool) -> None:
        """Draw this, or nothing, for the dark or the light page."""
        self._found, self._dark = found, dark
        self._draw()

    def _draw(self, *_: Any) -> None:
        found = self._found if self._session.epoch is None else None
        image = NOTHING if found is None else _columns(found, self._dark)
        legend = {} if found is None else difference_legend(found.batch, self._dark)

        def put() -> None:
            if len(image["x"]) or len(self.source.data["x"]):
                self.source.data = image
            self._view.overlay.legend = legend

        self._view.soon(put)


def difference_legend(batch: str, dark: bool) -> dict[str, Any]:
    """What the map's overlay tells of the colours."""
    return {
        "name": batch,
        "colours": list(ramp(dark)),
        "low": "lacking",
        "high": "abounds",
        "about": f"Where {batch} lies less or more densely than the other items, by more than chance",
    }


def _columns(found: Coverage, dark: bool) -> dict[str, list[Any]]:
    view = found.difference.viewport
    return {
        "image": [difference_veil(found.difference, dark)],
        "x": [view.x0],
        "y": [view.y0],
        "dw": [view.x1 - view.x0],
        "dh": [view.y1 - view.y0],
    }
