"""Which points of a map lie in a lasso or a box: compiled passes that hold no lock of the interpreter.

A lasso is tested by the even-odd rule: a point is inside when a ray from it towards +x crosses the outline
an odd number of times, so what a self-crossing outline encloses twice is outside. To make five million points
cost tens of milliseconds, the outline's bounding box is cut into 256 × 256 cells. Cells that no edge comes
near lie wholly inside or outside; for points of the others just the edges of the cell's row are tried.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from core.threads import claim, for_rows
from explorer.model.errors import InputError

SIDE = 256
BLOCK = 65_536
OUTSIDE, INSIDE, EDGE = 0, 1, 2
FARTHEST = float(np.finfo(np.float32).max)
LEAST_SPAN = 1e-300
"""Far less than two points can be apart, and enough to divide by."""


def in_polygon(embedding: NDArray[np.float32], polygon: ArrayLike) -> NDArray[np.bool_]:
    """Tell which points lie inside a polygon, by the even-odd rule.

    Parameters
    ----------
    embedding : float32 (n, 2)
        Points; those that are not finite lie in no polygon.
    polygon : float (m, 2)
        Vertices in map units, in order, the last joined to the first. It may cross itself. Fewer than three
        vertices enclose nothing.

    Returns
    -------
    bool (n,)
        A point exactly on an edge belongs to the polygon on the edge's right (above it, for a horizontal
        edge), so polygons that share an edge share no point.

    Raises
    ------
    InputError
        When the polygon is not a list of pairs of numbers that are finite as float32.
    """
    vertices = np.ascontiguousarray(polygon, np.float64)
    if vertices.size == 0:
        vertices = vertices.reshape(0, 2)
    if vertices.ndim != 2 or vertices.shape[1] != 2 or not (np.abs(vertices) <= FARTHEST).all():
        raise InputError("A lasso is a list of (x, y) pairs of numbers as on a map: draw it again.")
    inside = np.zeros(len(embedding), np.bool_)
    low, high = vertices.min(axis=0, initial=np.inf), vertices.max(axis=0, initial=-np.inf)
    if (high - low > LEAST_SPAN).all():
        edges, scale = _edges(vertices), SIDE / (high - low)
        first, members = _edges_by_row(edges, low[1], scale[1])
        cells = _classify(edges, first, members, low, high, scale)
        points = np.ascontiguousarray(embedding, np.float32)
        for_rows(
            _fill, len(points), points, edges, first, members, cells, low, high, scale, inside, block=BLOCK
        )
    return inside


def in_box(embedding: NDArray[np.float32], x0: float, x1: float, y0: float, y1: float) -> NDArray[np.bool_]:
    """Tell which points lie in the rectangle x0 <= x <= x1, y0 <= y <= y1, its border included.

    Parameters
    ----------
    embedding : float32 (n, 2)
        Points; those that are not finite lie in no box.
    x0, x1, y0, y1 : float
        Borders in map units.

    Returns
    -------
    bool (n,)
    """
    inside = np.empty(len(embedding), np.bool_)
    _box(np.ascontiguousarray(embedding, np.float32), float(x0), float(x1), float(y0), float(y1), inside)
    return inside


def _edges(vertices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the edges as (x low, y low, x high, y high), float64 (m, 4).

    The lower end comes first, so that polygons on both sides of an edge compute the same crossing.
    """
    ahead = np.roll(vertices, -1, axis=0)
    upward = vertices[:, 1:] < ahead[:, 1:]
    return np.hstack([np.where(upward, vertices, ahead), np.where(upward, ahead, vertices)])


@njit(nogil=True, cache=True)
def _box(
    embedding: NDArray[np.float32], x0: float, x1: float, y0: float, y1: float, inside: NDArray[np.bool_]
) -> None:
    for i in range(len(embedding)):
        x, y = embedding[i, 0], embedding[i, 1]
        inside[i] = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)


@njit(nogil=True, inline="always")
def _cell(value: float, low: float, scale: float) -> int:
    """Cell of a coordinate; never falls as the coordinate grows, rounding included."""
    return min(int((value - low) * scale), SIDE - 1)


@njit(nogil=True, inline="always")
def _crossing(edges: NDArray[np.float64], e: int, y: float) -> float:
    """Where an edge meets the height y."""
    x0, y0, x1, y1 = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
    return float(x0 + (y - y0) / (y1 - y0) * (x1 - x0))


@njit(nogil=True, inline="always")
def _odd(
    edges: NDArray[np.float64],
    first: NDArray[np.int64],
    members: NDArray[np.int64],
    row: int,
    x: float,
    y: float,
) -> bool:
    """Whether a ray from (x, y) towards +x crosses an odd number of the edges of a row of cells."""
    odd = False
    for k in range(first[row], first[row + 1]):
        e = members[k]
        # The lower end counts, the upper one does not: a shared vertex counts once, a horizontal edge never.
        if edges[e, 1] <= y < edges[e, 3] and x < _crossing(edges, e, y):
            odd = not odd
    return odd


@njit(nogil=True, cache=True)
def _edges_by_row(
    edges: NDArray[np.float64], low: float, scale: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Edges of each row of cells, as in a CSR matrix: members[first[row]:first[row + 1]]."""
    first = np.zeros(SIDE + 1, np.int64)
    for e in range(len(edges)):
        for row in range(_cell(edges[e, 1], low, scale), _cell(edges[e, 3], low, scale) + 1):
            first[row + 1] += 1
    first = np.cumsum(first)
    members, filled = np.empty(first[SIDE], np.int64), first[:-1].copy()
    for e in range(len(edges)):
        for row in range(_cell(edges[e, 1], low, scale), _cell(edges[e, 3], low, scale) + 1):
            members[filled[row]] = e
            filled[row] += 1
    return first, members


@njit(nogil=True, cache=True)
def _classify(
    edges: NDArray[np.float64],
    first: NDArray[np.int64],
    members: NDArray[np.int64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    scale: NDArray[np.float64],
) -> NDArray[np.uint8]:
    """Mark the cells an edge may touch as EDGE and the others by their middle, uint8 (256, 256)."""
    cells = np.zeros((SIDE, SIDE), np.uint8)
    # Far more than rounding can move a crossing or the border of a cell, far less than a cell.
    slack = 1e-9 * (high - low) + 1e-14 * np.maximum(np.abs(low), np.abs(high))
    for row in range(SIDE):
        bottom = low[1] + row / scale[1] - slack[1]
        top = low[1] + (row + 1) / scale[1] + slack[1]
        for k in range(first[row], first[row + 1]):
            e = members[k]
            one, other = edges[e, 0], edges[e, 2]
            if edges[e, 1] < edges[e, 3]:
                one = _crossing(edges, e, min(max(bottom, edges[e, 1]), edges[e, 3]))
                other = _crossing(edges, e, min(max(top, edges[e, 1]), edges[e, 3]))
            left = max(min(one, other) - slack[0], low[0])
            right = min(max(one, other) + slack[0], high[0])
            for column in range(_cell(left, low[0], scale[0]), _cell(right, low[0], scale[0]) + 1):
                cells[row, column] = EDGE
        y = low[1] + (row + 0.5) / scale[1]
        for column in range(SIDE):
            x = low[0] + (column + 0.5) / scale[0]
            if cells[row, column] != EDGE and _odd(edges, first, members, row, x, y):
                cells[row, column] = INSIDE
    return cells


@njit(nogil=True, cache=True)
def _fill(
    counter: NDArray[np.int64],
    n_points: int,
    embedding: NDArray[np.float32],
    edges: NDArray[np.float64],
    first: NDArray[np.int64],
    members: NDArray[np.int64],
    cells: NDArray[np.uint8],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    scale: NDArray[np.float64],
    inside: NDArray[np.bool_],
) -> None:
    while True:
        start = claim(counter, BLOCK)
        if start >= n_points:
            return
        for i in range(start, min(start + BLOCK, n_points)):
            x, y = float(embedding[i, 0]), float(embedding[i, 1])
            # Comparisons with NaN are false. The upper and right borders belong to nothing below or left.
            if low[0] <= x < high[0] and low[1] <= y < high[1]:
                row = _cell(y, low[1], scale[1])
                kind = cells[row, _cell(x, low[0], scale[0])]
                inside[i] = kind == INSIDE or (kind == EDGE and _odd(edges, first, members, row, x, y))
