"""Density as a selector: a water level over a map, the land above it, and its connected regions.

The map is cut into square cells, `SIDE` along its longer side. Points are counted per cell and the counts
smoothed by a Gaussian whose width shrinks with the number of points as Scott's rule does (n^(-1/6) in two
dimensions; Scott 1992, Multivariate Density Estimation), so that a small map is not a scatter of islets.

A level is named by the share of the points that lie above it, which means the same for any number of points:
at 0.3 the 30% of the points that lie most densely are on land. Cells are ranked by smoothed density, and the
densest that hold the share are land; cells that touch along a side belong to one region. A point is above the
water, or in a region, exactly when its cell is.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from contourpy import LineType, contour_generator
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, label

from explorer.model.errors import InputError
from explorer.model.projection import bounds

SIDE = 256
"""Cells along the longer side of a map."""
WIDTH, LEAST_WIDTH = 0.03, 1.5
"""The Gaussian's standard deviation at 1,000 points as a share of the longer side, and at least, in cells."""
REACH = 4.0
"""Standard deviations at which the Gaussian ends."""
MAPS_KEPT = 2


@dataclass(frozen=True, eq=False)
class Density:
    """How densely the points of a map lie.

    Attributes
    ----------
    embedding : float32 (n, 2)
        The map.
    x0, y0, cell : float
        The lower left corner of the grid and the side of a cell, in map units.
    counts : int32 (height, width)
        Points per cell, row 0 at the bottom; points that are not finite lie in none.
    smooth : float32 (height, width)
        The counts smoothed. The border of the grid is 0, so that every outline closes.
    """

    embedding: NDArray[np.float32]
    x0: float
    y0: float
    cell: float
    counts: NDArray[np.int32]
    smooth: NDArray[np.float32]

    def level(self, share: float) -> Level:
        """The level that leaves a share of the points, 0 to 1, above it; rounded up to whole cells.

        Raises
        ------
        InputError
            When it is no share.
        """
        if not 0 <= share <= 1:
            raise InputError(f"A water level leaves a share from 0 to 1 of the points above it, not {share}.")
        densities, reached = self._ranked
        wanted = share * reached[-1] if len(reached) else 0.0
        if wanted <= 0:
            return Level(self, share, np.inf)
        # A share computed in decimals must not ask for one point more.
        last = int(np.searchsorted(reached, wanted - 1e-6))
        return Level(self, share, float(densities[min(last, len(densities) - 1)]))

    @cached_property
    def _ranked(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Densities of the cells that hold points, falling, and the points up to each of them."""
        held = self.counts > 0
        densities = self.smooth[held]
        order = np.argsort(-densities, kind="stable")
        return densities[order], np.cumsum(self.counts[held][order], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Level:
    """One water level over a map.

    Attributes
    ----------
    density : Density
        The map.
    share : float
        The share of the points asked for.
    least : float
        The smoothed density of the lowest cell above the water; infinite when all is under water.
    """

    density: Density
    share: float
    least: float

    @cached_property
    def regions(self) -> NDArray[np.int32]:
        """The region of each cell, int32 (height, width), counted from 1; 0 is under water."""
        return np.asarray(label(self.density.smooth >= self.least)[0], np.int32)

    @cached_property
    def count(self) -> int:
        """Points above the water."""
        return int(self.density.counts[self.regions > 0].sum())

    def outlines(self) -> tuple[NDArray[np.float64], ...]:
        """The shores, each float64 (m, 2) in map units and closed: through the centres of cells at the level.

        They run half-way between the lowest cell on land and the highest under water.
        """
        smooth = self.density.smooth
        under = smooth[smooth < self.least]
        if not len(under) or not np.isfinite(self.least):
            return ()
        height, width = smooth.shape
        across = self.density.x0 + self.density.cell * (np.arange(width) + 0.5)
        up = self.density.y0 + self.density.cell * (np.arange(height) + 0.5)
        shore = contour_generator(across, up, smooth, line_type=LineType.Separate)
        return tuple(np.asarray(line) for line in shore.lines((self.least + float(under.max())) / 2))

    def above(self) -> NDArray[np.bool_]:
        """The points above the water, bool (n,)."""
        return self._members(self.regions > 0)

    def region(self, x: float, y: float) -> NDArray[np.bool_]:
        """The points of the region at a place of the map, bool (n,); none where there is water."""
        grid = self.density
        scale = 1 / grid.cell
        column, row = int(np.floor((float(x) - grid.x0) * scale)), int(np.floor((float(y) - grid.y0) * scale))
        height, width = self.regions.shape
        found = self.regions[row, column] if 0 <= row < height and 0 <= column < width else 0
        return self._members((self.regions == found) & (found > 0))

    def _members(self, cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
        grid, inside = self.density, np.zeros(len(self.density.embedding), np.bool_)
        _look_up(grid.embedding, grid.x0, grid.y0, 1 / grid.cell, cells, inside)
        return inside


class WaterLevels:
    """The water levels of the maps looked at last; safe to use from several threads.

    Counting the points takes longest, so the densities of a few maps are kept: a slider moves freely.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], Density] = OrderedDict()
        self._lock = threading.Lock()

    def level(self, run_id: str, epoch: int, embedding: NDArray[np.float32], share: float) -> Level:
        """The level over a run's map at an epoch that leaves a share of the points, 0 to 1, above it."""
        with self._lock:
            key = (run_id, epoch)
            if key not in self._kept:
                self._kept[key] = density_of(embedding)
            self._kept.move_to_end(key)
            while len(self._kept) > MAPS_KEPT:
                self._kept.popitem(last=False)
            density = self._kept[key]
        return density.level(share)


def density_of(embedding: NDArray[np.float32]) -> Density:
    """Count the points of a map, float32 (n, 2), in cells and smooth the counts: 60 ms for five millions."""
    x0, x1, y0, y1 = bounds(embedding)
    cell = max(x1 - x0, y1 - y0) / SIDE
    width = max(LEAST_WIDTH, WIDTH * SIDE * (max(len(embedding), 1) / 1000) ** (-1 / 6))
    rim = int(np.ceil(REACH * width)) + 2
    x0, y0 = x0 - rim * cell, y0 - rim * cell
    shape = (int((y1 - y0) / cell) + rim + 1, int((x1 - x0) / cell) + rim + 1)
    counts = np.zeros(shape, np.int32)
    _count(embedding, x0, y0, 1 / cell, counts)
    smooth = gaussian_filter(counts.astype(np.float32), width, mode="constant", truncate=REACH)
    return Density(embedding, x0, y0, cell, counts, smooth)


@njit(nogil=True, cache=True)
def _count(embedding, x0, y0, scale, counts):  # type: ignore[no-untyped-def]
    height, width = counts.shape
    for i in range(len(embedding)):
        column, row = (embedding[i, 0] - x0) * scale, (embedding[i, 1] - y0) * scale
        if 0 <= column < width and 0 <= row < height:
            counts[int(row), int(column)] += 1


@njit(nogil=True, cache=True)
def _look_up(embedding, x0, y0, scale, cells, inside):  # type: ignore[no-untyped-def]
    height, width = cells.shape
    for i in range(len(embedding)):
        column, row = (embedding[i, 0] - x0) * scale, (embedding[i, 1] - y0) * scale
        if 0 <= column < width and 0 <= row < height:
            inside[i] = cells[int(row), int(column)]
