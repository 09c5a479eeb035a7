"""From wherever the maps look to some rows, with what lies around them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.model.extent import Extent
from explorer.model.projection import Viewport
from explorer.model.session import Session
from explorer.views.aside import Aside
from explorer.views.linking import Linking
from explorer.views.map_view import MapView

AROUND = 0.6
"""Margin around the rows, as a share of their extent: a place is known by what lies beside it."""
NEAREST = 12.0
"""How many times larger than the whole map rows are shown, at most."""


class Flight:
    """Has every map show some rows, those that are linked where these lie on the first.

    Parameters
    ----------
    session : Session
        Whose maps are shown.
    linking : Linking
        Which of the maps move as one.
    """

    def __init__(self, session: Session, linking: Linking) -> None:
        self._session, self._linking, self._aside = session, linking, Aside()

    def to(self, rows: NDArray[np.int64]) -> None:
        """Show these rows until the analyst looks elsewhere; maps that have none of them stay."""
        asked = []
        for one in self._linking.of_all():
            snapshot = self._session.shown(one.run_id)
            if snapshot is not None and len(rows) and rows.max() < len(snapshot.embedding):
                asked.append((one, snapshot.embedding, one.viewport))

        def find() -> list[tuple[MapView, Viewport | None]]:
            return [(one, around(places, rows, now)) for one, places, now in asked]

        self._aside.ask_instead(find, _look)


def _look(found: Sequence[tuple[MapView, Viewport | None]]) -> None:
    for one, viewport in found:
        if viewport is not None:
            one.look(viewport)


def around(embedding: NDArray[np.float32], rows: NDArray[np.int64], now: Viewport) -> Viewport | None:
    """The viewport that shows some rows of a map and their surroundings; None if none has a place.

    Parameters
    ----------
    embedding : float32 (n, 2)
    rows : int64 (m,)
    now : Viewport
        Of the screen.
    """
    places = embedding[rows]
    if not np.isfinite(places).all(axis=1).any():
        return None
    whole = Extent.of(embedding).viewport(now.width, now.height)
    near = Extent.of(places).viewport(now.width, now.height).widened(AROUND)
    middle = (near.x0 + near.x1) / 2, (near.y0 + near.y1) / 2
    return near.centred(*middle, max(near.unit, whole.unit / NEAREST))
