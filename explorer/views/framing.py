"""What of a map is on the screen: where its points lie, and the viewport that keeps showing them."""

from __future__ import annotations

import time

from explorer.model.extent import Box, Extent
from explorer.model.progress import Snapshot
from explorer.model.projection import Viewport
from explorer.model.session import Session

SLACK, LITTLE_SLACK, NO_END = 0.2, 0.02, 1.0
MOST_ZOOM, LEAST_ZOOM = 100_000, 100
MOST_MEASURED = 3
LIVE_SECONDS = 0.4
"""How often a moving map is measured, and what is said of it changes: the layout needs the processors."""


class Extents:
    """Where the points of the maps drawn last lie; used on a painter's thread.

    Parameters
    ----------
    session : Session
        Whose maps they are.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[object, Extent] = {}
        self._measured_at = 0.0

    def of(self, snapshot: Snapshot) -> Extent:
        """Where the points of a map lie, and of one of its history where they have come to rest too.

        So what is seen of a history never moves what shows it, and is shaded by one span: there is room for
        the map at rest all along, and what reaches beyond that widens it once.
        """
        extent = self.measured(snapshot)
        newest = self._session.snapshot(snapshot.run_id) if snapshot.past else None
        return extent if newest is None else extent.beside(self.measured(newest))

    def measured(self, snapshot: Snapshot) -> Extent:
        """Where the points of this very map lie, or if it moves where they lay a moment ago."""
        # A map at rest is measured once, not at every turn of the wheel. Laid over another it has other ends.
        moving = moves(snapshot)
        ends = b"" if moving or not len(snapshot.embedding) else snapshot.embedding[[0, -1]].tobytes()
        key = (snapshot.run_id, -1 if moving else snapshot.epoch, ends)
        extent = self._known.pop(key, None)
        if extent is None or (moving and time.monotonic() - self._measured_at > LIVE_SECONDS):
            extent, self._measured_at = Extent.of(snapshot.embedding), time.monotonic()
        self._known = dict([*self._known.items()][1 - MOST_MEASURED :]) | {key: extent}
        return extent


def moves(snapshot: Snapshot) -> bool:
    """Whether a map is of a run that is not at rest."""
    return not (snapshot.final or snapshot.past)


def slack(snapshot: Snapshot) -> float:
    """The share by which a map may be too small for its viewport: any while its history is seen."""
    return NO_END if snapshot.past else LITTLE_SLACK if snapshot.final else SLACK


def following(now: Viewport, best: Viewport, whole: Box, slack: float) -> Viewport:
    """The viewport that shows a map from now on: the same, unless points leave it or it has grown too wide.

    The picture of a map that moves must not tremble.

    Parameters
    ----------
    now, best : Viewport
        What shows it, and what would fit it exactly.
    whole : (x0, x1, y0, y1)
        Where the points lie.
    slack : float
        The share by which the map may be too small.
    """
    x0, x1, y0, y1 = whole
    inside = now.x0 <= x0 and x1 <= now.x1 and now.y0 <= y0 and y1 <= now.y1
    return best if not inside or best.unit < (1 - slack) * now.unit else now


def within(viewport: Viewport, whole: float) -> Viewport:
    """A viewport no nearer than places can be told apart, and no farther than the map can be seen.

    Parameters
    ----------
    viewport : Viewport
        What is asked for.
    whole : float
        How wide a pixel of the whole map is.
    """
    nearest, farthest = whole / MOST_ZOOM, whole * LEAST_ZOOM
    if 0.999 * nearest <= viewport.unit <= 1.001 * farthest:
        return viewport
    middle = (viewport.x0 + viewport.x1) / 2, (viewport.y0 + viewport.y1) / 2
    return viewport.centred(*middle, min(max(viewport.unit, nearest), farthest))
