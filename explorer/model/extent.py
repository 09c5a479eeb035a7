"""Where the points of a map lie, apart from a few far away that would shrink all the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from explorer.model.projection import Viewport, bounds

Box = tuple[float, float, float, float]
LEAST_SHARE = 0.0005
MOST_SAMPLED = 65_536
GROWTH = 0.5
FAR = 1.5


@dataclass(frozen=True)
class Extent:
    """The rectangle a map fills.

    Parameters
    ----------
    whole : (x0, x1, y0, y1)
        Bounds of every finite point.
    core : (x0, x1, y0, y1)
        The same, or what holds 99.9% of the points when the rest is far away.
    bulk : (x0, x1, y0, y1)
        The middle 99.9% along each axis, which no single point moves far: how large the map is.
    outside : int
        Points beyond the core.
    """

    whole: Box
    core: Box
    bulk: Box
    outside: int = 0

    @classmethod
    def of(cls, embedding: NDArray[np.float32]) -> Extent:
        """Measure a map, float32 (n, 2).

        The middle 99.9% along each axis is estimated from evenly spaced rows, the same ones at every epoch;
        points within half its size of it belong to the core. If showing every point would make the
        picture half as large again, only the core is shown. Below a thousand points none counts as far away.
        """
        whole = bounds(embedding)
        bulk = _bulk(embedding, whole)
        *core, outside = _bounds_within(embedding, *_around(bulk))
        if not (core[0] < core[1] and core[2] < core[3]):
            return cls(whole, whole, bulk)
        if max(whole[1] - whole[0], whole[3] - whole[2]) < FAR * max(core[1] - core[0], core[3] - core[2]):
            return cls(whole, whole, bulk)
        return cls(whole, (core[0], core[1], core[2], core[3]), bulk, outside)

    def beside(self, other: Extent) -> Extent:
        """The rectangle that has room for this map and another, such as its newest, and the other's size."""
        whole, core = _around_both(self.whole, other.whole), _around_both(self.core, other.core)
        return Extent(whole, core, other.bulk, self.outside)

    def viewport(self, width: int, height: int, everything: bool = False) -> Viewport:
        """The viewport of a screen that shows the core, or everything, with a margin."""
        box = self.whole if everything else self.core
        return Viewport(*box, width, height).widened(0.05)


def _bulk(embedding: NDArray[np.float32], whole: Box) -> Box:
    rows = embedding[:: max(1, -(-len(embedding) // MOST_SAMPLED))]
    rows = rows[np.isfinite(rows).all(axis=1)]
    if not len(rows):
        return whole
    low, high = np.quantile(rows, [LEAST_SHARE, 1 - LEAST_SHARE], axis=0, method="nearest").astype(float)
    if not (low < high).all():
        return whole  # most points on one spot or line: what differs is worth seeing
    return float(low[0]), float(high[0]), float(low[1]), float(high[1])


def _around(box: Box) -> Box:
    x0, x1, y0, y1 = box
    across, up = GROWTH * (x1 - x0), GROWTH * (y1 - y0)
    return x0 - across, x1 + across, y0 - up, y1 + up


def _around_both(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), max(one[3], other[3])


@njit(nogil=True, cache=True)
def _bounds_within(embedding, x0, x1, y0, y1):  # type: ignore[no-untyped-def]
    # The bounds of the points in a box, and how many finite ones are not in it.
    low_x, high_x, low_y, high_y, outside = x1, x0, y1, y0, 0
    for i in range(len(embedding)):
        x, y = float(embedding[i, 0]), float(embedding[i, 1])
        if x0 <= x <= x1 and y0 <= y <= y1:
            low_x, high_x = min(low_x, x), max(high_x, x)
            low_y, high_y = min(low_y, y), max(high_y, y)
        elif np.isfinite(x) and np.isfinite(y):
            outside += 1
    return low_x, high_x, low_y, high_y, outside
