"""The forces, compiled: tables for attraction, a branchless power for repulsion, the limit of a step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

# Forces of attraction are tabulated over the float's exponent and 7 mantissa bits, 20 KB that stay in the
# L1 cache.
TABLE_SHIFT = np.int32(16)
TABLE_FIRST = np.int32((127 - 24) << 7)
TABLE_SIZE = np.int32(40 << 7)

# The reductions may be reordered and fused (LLVM then uses SIMD); NaN and infinity keep their meaning.
FAST = {"reassoc", "contract", "nsz", "arcp"}


@njit(nogil=True, inline="always")
def power(x: Any, exponent: Any) -> Any:
    """``x ** exponent`` for positive normal float32; relative error below 2e-4 for exponents up to 1.

    ``log2`` is a polynomial of the mantissa plus the exponent bits, ``exp2`` its mirror image; there is no
    branch, so LLVM evaluates eight at a time, and no libm, so the bits do not depend on the C library.
    """
    bits = np.float32(x).view(np.int32)
    e = np.float32((bits >> np.int32(23)) - np.int32(127))
    m = np.int32((bits & np.int32(0x7FFFFF)) | np.int32(0x3F800000)).view(np.float32)
    # minimax of log2 on [1, 2), error 9e-5
    log2 = np.float32(-0.08161582) * m + np.float32(0.64514243)
    log2 = log2 * m + np.float32(-2.1206753)
    log2 = log2 * m + np.float32(4.07009099)
    log2 = log2 * m + np.float32(-2.51285471) + e
    # biased by 127 and kept positive, so that truncation is floor and the exponent stays in its field
    t = min(max(log2 * exponent + np.float32(127.0), np.float32(1.0)), np.float32(254.0))
    whole = np.int32(t)
    f = t - np.float32(whole)
    # minimax of 2^f on [0, 1), relative error 8e-5
    p = np.float32(0.07802452) * f + np.float32(0.22606716)
    p = p * f + np.float32(0.69583354)
    p = p * f + np.float32(0.99992522)
    return p * np.int32(whole << np.int32(23)).view(np.float32)


def attraction_table(a: float, b: float) -> NDArray[np.float32]:
    """``2ab d^2(b-1) / (1 + a d^2b)`` for squared distances from 2^-24 to 2^16, at the middle of each cell.

    A cell is 1/128 of its distance wide: the force is within 0.4% of the formula's.
    """
    cells = np.arange(TABLE_SIZE, dtype=np.int32) + TABLE_FIRST
    squared = ((cells << TABLE_SHIFT) + np.int32(1 << 15)).view(np.float32).astype(np.float64)
    return (2 * a * b * squared ** (b - 1) / (1 + a * squared**b)).astype(np.float32)


def attraction_shares(table: NDArray[np.float32], alpha: float) -> NDArray[np.float32]:
    """Share of the way to a neighbour that one attraction goes at rate `alpha`: at most all of it."""
    shares: NDArray[np.float32] = np.minimum(np.float32(alpha) * table, np.float32(1))
    return shares


@njit(nogil=True, inline="always")
def look_up(table: Any, squared: Any) -> Any:
    """Value at a squared distance; beyond the table, that of its nearest end."""
    cell = (np.float32(squared).view(np.int32) >> TABLE_SHIFT) - TABLE_FIRST
    return table[np.uint32(min(max(cell, np.int32(0)), TABLE_SIZE - np.int32(1)))]


@njit(nogil=True, inline="always")
def clip(x: Any) -> Any:
    """Limit a step to [-4, 4]."""
    x = x if x < np.float32(4.0) else np.float32(4.0)
    return x if x > np.float32(-4.0) else np.float32(-4.0)
