"""Where the points lie on the screen: a viewport over a map, its raster, and the nearest point.

Everything here is a compiled pass over the points that holds no lock of the interpreter, so the server keeps
answering while millions of points are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

BENEATH = 1 / 1024
NOTHING: NDArray[np.bool_] = np.zeros(0, np.bool_)


@dataclass(frozen=True)
class Viewport:
    """The rectangle of the map that is on the screen.

    Parameters
    ----------
    x0, x1, y0, y1 : float
        Bounds in map units, x0 < x1 and y0 < y1.
    width, height : int
        Size in pixels.
    """

    x0: float
    x1: float
    y0: float
    y1: float
    width: int
    height: int

    @classmethod
    def around(
        cls, embedding: NDArray[np.float32], width: int, height: int, margin: float = 0.05
    ) -> Viewport:
        """The smallest viewport of equal scale on both axes which shows every finite point.

        Parameters
        ----------
        embedding : float32 (n, 2)
            Map coordinates; rows that are not finite are left out.
        width, height : int
            Size in pixels.
        margin : float
            Share of the larger side left empty around the points.
        """
        x0, x1, y0, y1 = bounds(embedding)
        return cls(x0, x1, y0, y1, width, height).widened(margin)

    def widened(self, margin: float) -> Viewport:
        """Return this viewport with a margin, its shorter side stretched to the shape of the screen."""
        unit = max((self.x1 - self.x0) / self.width, (self.y1 - self.y0) / self.height) * (1 + 2 * margin)
        return self.centred((self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2, unit)

    def centred(self, x: float, y: float, unit: float) -> Viewport:
        """The viewport around (x, y) in which a pixel is `unit` map units wide."""
        half_x, half_y = unit * self.width / 2, unit * self.height / 2
        return replace(self, x0=x - half_x, x1=x + half_x, y0=y - half_y, y1=y + half_y)

    def resized(self, width: int, height: int) -> Viewport:
        """The same centre and scale on a screen of another size."""
        unit = self.unit
        middle = (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2
        return replace(self, width=width, height=height).centred(*middle, unit)

    @property
    def unit(self) -> float:
        """Width of a pixel in map units."""
        return (self.x1 - self.x0) / self.width


@dataclass(frozen=True)
class Raster:
    """What one pass over the points leaves in each pixel.

    Parameters
    ----------
    sums : float32 (planes, height, width, 4)
        Sums of red, green, blue (0 to 1) and weight. Plane 0 holds the points in context, plane 1 (only when
        there is a selection) those selected. Row 0 is the bottom of the map.
    first : int32 (height, width)
        The least row id among the points drawn in a pixel, -1 where there is none.
    """

    sums: NDArray[np.float32]
    first: NDArray[np.int32]


@dataclass(frozen=True)
class Counts:
    """How many points lie in each pixel.

    Parameters
    ----------
    counts : uint32 (height, width)
        Row 0 is the bottom of the map.
    first : int32 (height, width)
        The least row id in a pixel, -1 where there is none.
    """

    counts: NDArray[np.uint32]
    first: NDArray[np.int32]


def bounds(embedding: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """x0, x1, y0, y1 of the finite points of a map, float32 (n, 2), never a rectangle without area."""
    low_x, high_x, low_y, high_y = _bounds(embedding)
    if not low_x <= high_x:
        return -1.0, 1.0, -1.0, 1.0
    if high_x - low_x <= 0 or high_y - low_y <= 0:
        side = max(high_x - low_x, high_y - low_y, 1e-3) / 2
        middle_x, middle_y = (low_x + high_x) / 2, (low_y + high_y) / 2
        return middle_x - side, middle_x + side, middle_y - side, middle_y + side
    return low_x, high_x, low_y, high_y


def rasterize(
    embedding: NDArray[np.float32],
    viewport: Viewport,
    codes: NDArray[np.int32],
    colours: NDArray[np.float32],
    selected: NDArray[np.bool_] = NOTHING,
) -> Raster:
    """Sum colour and count per pixel in one pass, so that 200 categories cost no more than two.

    Parameters
    ----------
    embedding : float32 (n, 2)
        Map coordinates.
    viewport : Viewport
        What is on the screen.
    codes : int32 (n,)
        Row of `colours` for each point; -1 takes the last row.
    colours : float32 (m, 4)
        Red, green, blue (0 to 1) and weight: 1, `BENEATH` for neutrals that show only where nothing else
        lies, or 0 to hide the points.
    selected : bool (n,), optional
        Points that go to plane 1; empty when nothing is selected.

    Raises
    ------
    ValueError
        If the arrays are not of one length: the compiled pass does not look.
    """
    if len(codes) != len(embedding) or len(selected) not in (0, len(embedding)):
        raise ValueError(
            f"{len(embedding)} points, {len(codes)} codes and {len(selected)} marks do not match"
        )
    sums = np.zeros((2 if len(selected) else 1, viewport.height, viewport.width, 4), np.float32)
    first = np.full(sums.shape[1:3], -1, np.int32)
    _rasterize(embedding, *_to_pixels(viewport), codes, colours, selected, sums, first)
    return Raster(sums, first)


def count(embedding: NDArray[np.float32], viewport: Viewport) -> Counts:
    """Count the points in each pixel of a viewport; embedding is float32 (n, 2)."""
    counts = np.zeros((viewport.height, viewport.width), np.uint32)
    first = np.full(counts.shape, -1, np.int32)
    _count(embedding, *_to_pixels(viewport), counts, first)
    return Counts(counts, first)


def nearest_drawn(
    embedding: NDArray[np.float32],
    first: NDArray[np.int32],
    viewport: Viewport,
    x: float,
    y: float,
    radius: float,
) -> int:
    """Row of the point nearest to (x, y) among the first ones of the pixels around, or -1.

    It looks at a few hundred pixels whatever the number of points. Of points that share a pixel it knows the
    first, so the nearest may be missed by a pixel at most.

    Parameters
    ----------
    embedding : float32 (n, 2)
        Map coordinates.
    first : int32 (height, width)
        The rows of a raster made of this embedding.
    viewport : Viewport
        The viewport of that raster.
    x, y : float
        The place, in map units; it may lie beyond the viewport.
    radius : float
        How far to look, in pixels.
    """
    x0, y0, scale_x, scale_y = _to_pixels(viewport)
    column, line = (x - x0) * scale_x, (y - y0) * scale_y
    return int(_nearest_drawn(embedding, first, x0, y0, scale_x, scale_y, column, line, radius))


def _to_pixels(viewport: Viewport) -> tuple[float, float, float, float]:
    # The corner of the map, and pixels in a map unit.
    scale_x = viewport.width / (viewport.x1 - viewport.x0)
    scale_y = viewport.height / (viewport.y1 - viewport.y0)
    return viewport.x0, viewport.y0, scale_x, scale_y


@njit(nogil=True, cache=True)
def _bounds(embedding):  # type: ignore[no-untyped-def]
    low_x = low_y = np.float32(np.inf)
    high_x = high_y = np.float32(-np.inf)
    for i in range(len(embedding)):
        x, y = embedding[i, 0], embedding[i, 1]
        if np.isfinite(x) and np.isfinite(y):
            low_x, high_x = min(low_x, x), max(high_x, x)
            low_y, high_y = min(low_y, y), max(high_y, y)
    return float(low_x), float(high_x), float(low_y), float(high_y)


@njit(nogil=True, cache=True)
def _rasterize(  # type: ignore[no-untyped-def]
    embedding, x0, y0, scale_x, scale_y, codes, colours, selected, sums, first
):
    height, width = sums.shape[1:3]
    last = len(colours) - 1
    anything_selected = len(selected) > 0
    for i in range(len(embedding)):
        column, line = (embedding[i, 0] - x0) * scale_x, (embedding[i, 1] - y0) * scale_y
        if not (0 <= column < width and 0 <= line < height):
            continue
        code = codes[i] if codes[i] >= 0 else last
        weight = colours[code, 3]
        if weight <= 0:
            continue
        plane = 1 if anything_selected and selected[i] else 0
        y, x = int(line), int(column)
        # The sum is at hand, the row's pixel another miss of the cache: it is looked at once a plane.
        if sums[plane, y, x, 3] == 0 and first[y, x] < 0:
            first[y, x] = i
        sums[plane, y, x, 0] += weight * colours[code, 0]
        sums[plane, y, x, 1] += weight * colours[code, 1]
        sums[plane, y, x, 2] += weight * colours[code, 2]
        sums[plane, y, x, 3] += weight


@njit(nogil=True, cache=True)
def _count(embedding, x0, y0, scale_x, scale_y, counts, first):  # type: ignore[no-untyped-def]
    height, width = counts.shape
    for i in range(len(embedding)):
        column, line = (embedding[i, 0] - x0) * scale_x, (embedding[i, 1] - y0) * scale_y
        if 0 <= column < width and 0 <= line < height:
            y, x = int(line), int(column)
            if counts[y, x] == 0:
                first[y, x] = i
            counts[y, x] += 1


@njit(nogil=True, cache=True)
def _nearest_drawn(  # type: ignore[no-untyped-def]
    embedding, first, x0, y0, scale_x, scale_y, column, line, radius
):
    height, width = first.shape
    best, least = -1, radius * radius
    for y in range(max(0, int(line - radius)), min(height, int(line + radius) + 1)):
        for x in range(max(0, int(column - radius)), min(width, int(column + radius) + 1)):
            i = first[y, x]
            if i < 0:
                continue
            across = (embedding[i, 0] - x0) * scale_x - column
            up = (embedding[i, 1] - y0) * scale_y - line
            distance = across * across + up * up
            if distance < least or (distance == least and best < 0):
                best, least = i, distance
    return best
