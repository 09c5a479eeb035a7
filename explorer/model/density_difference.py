"""Where on a map one sample lies more, or less, densely than another, and where that is no chance.

The map is cut into square cells. With K a Gaussian, b and r the points of the batch and of the reference in
each cell, m and R their numbers, N = m + R and pi = m / N, the smoothed counts are B = K * b and
P = K * (b + r). If batch and reference are drawn alike, the batch is a random m of the N points, and B has

    mean pi P  and variance  pi (1 - pi) N / (N - 1) (K^2 * (b + r) - P^2 / N)

z is B so standardised: a two-sample binomial at every cell, smoothed (Kelsall and Diggle 1995 estimate the
same relative risk; Duong 2013 tests it locally). Chance is told by drawing the batch anew: its counts are
multivariate hypergeometric. A cell is significant where z lies beyond what the least, or the largest, z over
all cells does in 2.5% of the draws each: that any cell at all is marked of two samples drawn alike has a
chance of 5% at most (the maximum statistic of Westfall and Young 1993; of images Nichols and Holmes 2002).
Cells are asked only where the kernel holds so many points, (K * (b + r))^2 / (K^2 * (b + r)), that 5 of each
sample are expected: that depends on both together, not on which is which. Of significant cells those count
whose densities differ by a factor of 1.2 at least.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, label

from explorer.model.errors import InputError
from explorer.model.extent import Extent
from explorer.model.projection import Viewport, count
from explorer.model.shares import LEVEL, LOW

SIDE = 128
"""Cells along the longer side of a map."""
WIDTH, LEAST_WIDTH, REACH = 0.03, 1.0, 4.0
"""The Gaussian's standard deviation at 1,000 points of the smaller sample as a share of the longer side (by
Scott's rule it shrinks as n^(-1/6)), and at least, in cells; standard deviations at which it ends."""
RIM = 4
"""Cells around the points."""
DRAWS, DRAWS_AT_A_TIME = 199, 20
EXPECTED_AT_LEAST = 5.0
LACKING, SURPLUS = -1, 1

Grid = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Difference:
    """Two samples on one map, cell by cell; row 0 is at the bottom.

    Attributes
    ----------
    viewport : Viewport
        The map's rectangle, a pixel a cell.
    contrast : float64 (height, width)
        ``(f - g) / (f + g)`` of the densities f of the batch and g of the reference: -1 where the batch has
        nothing, 0 where both are alike, 1 where the reference has nothing.
    density : float64 (height, width)
        Smoothed count of both.
    asked : bool (height, width)
        Where there are enough points of both to tell whether they differ.
    p : float64 (height, width)
        That any cell of the map differs so much by chance; 1 where it is not asked.
    marked : int8 (height, width)
        -1 where the batch is significantly lacking, 1 where it abounds, 0 elsewhere.
    batch, reference : int64 (height, width)
        Points of each in each cell.
    """

    viewport: Viewport
    contrast: Grid
    density: Grid
    asked: NDArray[np.bool_]
    p: Grid
    marked: NDArray[np.int8]
    batch: NDArray[np.int64]
    reference: NDArray[np.int64]

    def regions(self, sign: int) -> NDArray[np.int32]:
        """The region of each cell that is marked so, int32 (height, width), counted from 1; 0 elsewhere."""
        return np.asarray(label(self.marked == sign)[0], np.int32)

    def cells_of(self, places: NDArray[np.float32]) -> NDArray[np.int64]:
        """The cell of each place, int64 (n,), as an index of the flat grid; -1 outside it."""
        view = self.viewport
        finite = np.asarray(np.isfinite(places).all(axis=1))
        at = np.where(finite[:, None], places, np.float32(view.x0)).astype(np.float64)
        columns = np.floor((at[:, 0] - view.x0) * (view.width / (view.x1 - view.x0))).astype(np.int64)
        rows = np.floor((at[:, 1] - view.y0) * (view.height / (view.y1 - view.y0))).astype(np.int64)
        inside = finite & (columns >= 0) & (columns < view.width) & (rows >= 0) & (rows < view.height)
        return np.where(inside, rows * view.width + columns, -1)


def difference(
    reference: NDArray[np.float32],
    batch: NDArray[np.float32],
    *,
    side: int = SIDE,
    draws: int = DRAWS,
    seed: int = 0,
    progress: Callable[[float], None] = lambda _: None,
) -> Difference:
    """Compare the densities of two samples.

    Parameters
    ----------
    reference, batch : float32 (R, 2), float32 (m, 2)
        Their places on the map; those that are not finite are left out, and those far outside.
    side : int, default 128
        Cells along the longer side.
    draws : int, default 199
        How often chance is asked; p is 2 / (draws + 1) at least.
    seed : int, default 0
    progress : callable, optional
        Called with the share done; what it raises ends the work.

    Raises
    ------
    InputError
        When either has no point on the map.
    """
    view = _grid(reference, batch, side)
    b, r = (count(places, view).counts.astype(np.int64) for places in (batch, reference))
    m, n = int(b.sum()), int(b.sum() + r.sum())
    if not 0 < m < n:
        which = "The batch" if m == 0 else "What the batch is compared with"
        raise InputError(f"{which} has no item on the map: choose another batch.")
    kernel = _kernel(side, min(m, n - m))
    pooled, share = b + r, m / n
    density, squared = _smooth(pooled, kernel), _smooth(pooled, kernel**2)
    spread = share * (1 - share) * n / (n - 1) * (squared - density**2 / n)
    held = np.divide(density**2, squared, out=np.zeros_like(density), where=squared > 1e-12)
    asked = (held * min(share, 1 - share) >= EXPECTED_AT_LEAST) & (spread > 0)
    smooth = _smooth(b, kernel)
    p = np.ones(density.shape)
    if asked.any():
        scale = np.sqrt(spread[asked])
        z = (smooth[asked] - share * density[asked]) / scale
        least, most = _by_chance(pooled, m, kernel, asked, scale, draws, seed, progress)
        fewer = 1 + np.searchsorted(least, z + 1e-9, side="right")
        more = 1 + draws - np.searchsorted(most, z - 1e-9, side="left")
        p[asked] = np.minimum(1.0, 2 * np.minimum(fewer, more) / (draws + 1))
    f, g = smooth / m, np.maximum(density - smooth, 0) / (n - m)
    contrast = np.divide(f - g, f + g, out=np.zeros_like(f), where=f + g > 1e-15)
    apart = np.abs(contrast) >= (LOW - 1) / (LOW + 1)
    marked = np.where((p <= LEVEL) & apart, np.sign(contrast), 0).astype(np.int8)
    progress(1.0)
    return Difference(view, contrast, density, asked, p, marked, b, r)


def _by_chance(
    pooled: NDArray[np.int64],
    m: int,
    kernel: NDArray[np.float64],
    asked: NDArray[np.bool_],
    scale: NDArray[np.float64],
    draws: int,
    seed: int,
    progress: Callable[[float], None],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The least and the largest z of every draw of the batch, each ascending, float64 (draws,)."""
    rng, held = np.random.default_rng(seed), np.flatnonzero(pooled)
    colours, expected = pooled.ravel()[held], m / pooled.sum() * _smooth(pooled, kernel)[asked]
    ends: list[NDArray[np.float64]] = []
    for start in range(0, draws, DRAWS_AT_A_TIME):
        progress(start / draws)
        size = min(DRAWS_AT_A_TIME, draws - start)
        drawn = np.zeros((size, pooled.size))
        drawn[:, held] = rng.multivariate_hypergeometric(colours, m, size=size, method="marginals")
        z = (_smooth(drawn.reshape(size, *pooled.shape), kernel)[:, asked] - expected) / scale
        ends.append(np.stack([z.min(axis=1), z.max(axis=1)]))
    least, most = np.sort(np.concatenate(ends, axis=1), axis=1)
    return least, most


def _grid(reference: NDArray[np.float32], batch: NDArray[np.float32], side: int) -> Viewport:
    """The rectangle both fill, but for a few points far outside, with room for the kernel."""
    x0, x1, y0, y1 = Extent.of(np.concatenate([reference, batch])).core
    cell = max(x1 - x0, y1 - y0) / side
    x0, y0 = x0 - RIM * cell, y0 - RIM * cell
    width, height = int((x1 - x0) / cell) + RIM + 1, int((y1 - y0) / cell) + RIM + 1
    return Viewport(x0, x0 + width * cell, y0, y0 + height * cell, width, height)


def _kernel(side: int, smaller: int) -> NDArray[np.float64]:
    width = max(LEAST_WIDTH, WIDTH * side * (smaller / 1000) ** (-1 / 6))
    at = np.arange(-int(np.ceil(REACH * width)), int(np.ceil(REACH * width)) + 1)
    weights = np.exp(-((at / width) ** 2) / 2)
    return np.asarray(weights / weights.sum())


def _smooth(counts: NDArray[np.generic], kernel: NDArray[np.float64]) -> Grid:
    """Counts, (..., height, width), as the kernel along both axes sees them."""
    once = convolve1d(counts.astype(np.float64), kernel, axis=-1, mode="constant")
    return np.asarray(convolve1d(once, kernel, axis=-2, mode="constant"), np.float64)
