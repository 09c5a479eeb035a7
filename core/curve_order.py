"""An order of points in which neighbours in space are neighbours in memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def curve_order(points: NDArray[np.float32]) -> NDArray[np.int64]:
    """Order of the rows along a Morton curve of their first two coordinates: neighbours share cache lines.

    Parameters
    ----------
    points : float32 (n, d)

    Returns
    -------
    order : int64 (n,)
        Row numbers along the curve; ties keep the order of the rows.
    """
    code = np.zeros(len(points), np.uint64)
    for axis in range(min(2, points.shape[1])):
        values = points[:, axis].astype(np.float64)
        low, span = values.min(), np.ptp(values)
        cells = ((values - low) * (65535 / span if span > 0 else 0.0)).astype(np.uint64)
        code |= _spread_bits(cells) << np.uint64(axis)
    return np.argsort(code, kind="stable")


def _spread_bits(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Put a zero between the bits of 16-bit numbers."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        x = (x | (x << np.uint64(shift))) & np.uint64(mask)
    return x
