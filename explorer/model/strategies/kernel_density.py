"""How many rows lie around each place of a map: a binned kernel density estimate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import convolve1d

from explorer.model.projection import bounds

NARROWER = 0.25
"""Bandwidth as a share of Scott's: a map's clusters are far narrower than the map."""
MOST_CELLS = 2048
KERNEL = np.array([1, 4, 6, 4, 1]) / 16
"""Binomial, with a standard deviation of one cell."""


def kernel_density(embedding: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rows per unit of area around each row of a map.

    Rows are counted in square cells of side h, the counts smoothed by the binomial kernel 1 4 6 4 1 along
    both axes, whose standard deviation is one cell, and divided by h²; a row has the density of its cell.
    The side is a quarter of Scott's bandwidth, h = 0.25 s n^(-1/6), where s² is the mean variance of the
    axes and n the number of rows placed, or 1/2048 of the map's longer side if that is more.

    The density that colours a map (``statistics.local_density``) is another: it counts within a fixed share
    of the map's width, which means the same at every size; this one narrows as rows grow more.

    Parameters
    ----------
    embedding : float32 (n, 2)

    Returns
    -------
    float64 (n,)
        Positive; 0 for rows without a finite place. All equal when all rows lie at one place.

    References
    ----------
    Scott (1992), Multivariate Density Estimation; Silverman (1982) for binned estimates.
    """
    placed = np.asarray(np.isfinite(embedding).all(axis=1))
    spread = float(np.sqrt(embedding[placed].var(axis=0, dtype=np.float64).mean())) if placed.any() else 0.0
    if not spread > 0:
        return placed.astype(np.float64)
    x0, x1, y0, y1 = bounds(embedding)
    side = max(NARROWER * spread * np.count_nonzero(placed) ** (-1 / 6), max(x1 - x0, y1 - y0) / MOST_CELLS)
    shape = int((y1 - y0) / side) + 1, int((x1 - x0) / side) + 1
    counts = np.zeros(shape, np.float64)
    _count(embedding, x0, y0, side, counts)
    for axis in (0, 1):
        counts = convolve1d(counts, KERNEL, axis, mode="constant")
    found = np.zeros(len(embedding), np.float64)
    _look_up(embedding, x0, y0, side, counts / side**2, found)
    return found


@njit(nogil=True, cache=True)
def _count(embedding: Any, x0: float, y0: float, side: float, counts: Any) -> None:
    for i in range(len(embedding)):
        x, y = embedding[i, 0], embedding[i, 1]
        if np.isfinite(x) and np.isfinite(y):
            counts[int((y - y0) / side), int((x - x0) / side)] += 1


@njit(nogil=True, cache=True)
def _look_up(embedding: Any, x0: float, y0: float, side: float, densities: Any, found: Any) -> None:
    for i in range(len(embedding)):
        x, y = embedding[i, 0], embedding[i, 1]
        if np.isfinite(x) and np.isfinite(y):
            found[i] = densities[int((y - y0) / side), int((x - x0) / side)]
