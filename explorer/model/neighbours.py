"""The neighbours of one item: in the data by exact distances, on the map, and where the two disagree.

Every row is compared: one compiled pass over the memory-mapped vectors needs no index that could be wrong or
out of date. That pass adds up in single precision, as its memory is all it waits for; what may belong to the
nearest by its rounding is measured again in double precision, so the order is exact. Among equal distances
the lower row comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.any_metric import PACKED_BITS, compiled_metric
from core.knn import ANGULAR, EUCLIDEAN
from core.threads import claim, for_rows
from explorer.model.errors import InputError

BLOCK = 4096
ROUNDING = 1e-4
"""More than single precision loses over a few thousand dimensions, relative to the largest term."""
FAST = {"reassoc", "contract", "nsz"}
"""Sums may be taken in any order, which lets them be vectorised; what is not finite stays so."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """Rows by their distance from a point.

    Attributes
    ----------
    rows : int64 (k,)
        Row ids, nearest first, the lower row first among equals.
    distances : float64 (k,)
        Their distances.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The neighbours of a row in the original space and on a map.

    Attributes
    ----------
    row : int
        Whose neighbours they are.
    data : Ranked
        The nearest by the vectors.
    map : Ranked
        The nearest on the map; empty without one.
    data_on_map : int64 (k,) or (0,)
        Of each of the nearest in the data its rank on the map: 1 for the nearest there.
    map_in_data : int64 (k,) or (0,)
        Of each of the nearest on the map its rank in the data.
    """

    row: int
    data: Ranked
    map: Ranked
    data_on_map: NDArray[np.int64]
    map_in_data: NDArray[np.int64]

    @property
    def kept(self) -> NDArray[np.int64]:
        """Rows near in the data that are not lost, nearest first."""
        return self.data.rows[~np.isin(self.data.rows, self.lost)]

    @property
    def intruders(self) -> NDArray[np.int64]:
        """Rows near on the map that are not among the near ones in the data, nearest on the map first."""
        return self.map.rows[~np.isin(self.map.rows, self.data.rows)]

    @property
    def lost(self) -> NDArray[np.int64]:
        """Rows near in the data that are not among the near ones on the map; none without a map."""
        return self.data.rows[~np.isin(self.data.rows, self.map.rows) & (len(self.map.rows) > 0)]


def neighbours(
    vectors: NDArray[np.float32],
    embedding: NDArray[np.float32] | None,
    row: int,
    k: int,
    metric: str = "euclidean",
) -> Neighbours:
    """Find the `k` nearest of a row in the data and on the map.

    Parameters
    ----------
    vectors : float32 (n, d)
        The data, possibly memory-mapped.
    embedding : float32 (n, 2) or None
        The map; rows without a place on it are nobody's neighbours there.
    row : int
        0 to n - 1.
    k : int
        At least 1; all others when there are fewer.
    metric : str, default "euclidean"
        The metric of the run whose map it is; on the map distance is always euclidean.

    Raises
    ------
    InputError
        If there is no such row or metric.
    """
    if not 0 <= row < len(vectors):
        raise InputError(f"Rows are numbered 0 to {len(vectors) - 1:,}: there is no row {row}.")
    in_data = _scan(vectors, vectors[row], metric, row)
    data = in_data.nearest(k)
    nobody = np.empty(0, np.int64)
    if embedding is None or not np.isfinite(embedding[row]).all():
        return Neighbours(row, data, Ranked(nobody, np.empty(0)), nobody, nobody)
    on_map = _scan(embedding, embedding[row], "euclidean", row)
    there = on_map.nearest(k)
    return Neighbours(row, data, there, on_map.ranks(data.rows), in_data.ranks(there.rows))


def nearest(
    vectors: NDArray[np.float32],
    point: NDArray[np.floating[Any]],
    k: int,
    metric: str = "euclidean",
    leave_out: int = -1,
) -> Ranked:
    """Rank the `k` rows nearest to a point, comparing all of them.

    Parameters
    ----------
    vectors : float32 (n, d)
        Rows at no finite distance are left out.
    point : float (d,)
    k : int
        At least 1.
    metric : str, default "euclidean"
        Any metric a run can have.
    leave_out : int, default -1
        A row that is not compared: the point itself.
    """
    return _scan(vectors, point, metric, leave_out).nearest(k)


def centre(vectors: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean vector of some rows, float64 (d,); raises InputError without rows."""
    if not len(rows):
        raise InputError("Nothing is selected: an empty selection has no centre.")
    total = np.zeros(vectors.shape[1])
    for start in range(0, len(rows), BLOCK):
        total += vectors[rows[start : start + BLOCK]].sum(axis=0, dtype=np.float64)
    return total / len(rows)


Exact = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class _Scan:
    """All rows measured from a point: in single precision, and by `exact` a few of them in double."""

    rows: NDArray[np.float32]
    rough: NDArray[np.float32]
    exact: Exact

    def nearest(self, k: int) -> Ranked:
        if k < 1:
            raise InputError(f"At least 1 neighbour can be asked for, not {k}.")
        candidates = self._candidates(k)
        distances = self.exact(self.rows[candidates], candidates)
        order = np.lexsort((candidates, distances))[:k]
        return Ranked(candidates[order], distances[order])

    def ranks(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.array([1 + np.count_nonzero(self.rough < self.rough[row]) for row in rows], np.int64)

    def _candidates(self, k: int) -> NDArray[np.int64]:
        """Rows that may be among the `k` nearest: those within rounding of the k-th distance."""
        finite = np.isfinite(self.rough)
        if int(np.count_nonzero(finite)) <= k:
            return np.flatnonzero(finite).astype(np.int64, copy=False)
        bound = float(np.partition(self.rough, k - 1)[k - 1])
        near = self.rough <= bound + ROUNDING * abs(bound) + 1e-6
        return np.flatnonzero(near).astype(np.int64, copy=False)


def _scan(
    vectors: NDArray[np.float32], point: NDArray[np.floating[Any]], metric: str, leave_out: int
) -> _Scan:
    rows = np.asarray(vectors)
    rough = np.empty(len(rows), np.float32)
    exact = _measure(rows, np.asarray(point), metric, rough)
    if leave_out >= 0:
        rough[leave_out] = np.inf
    return _Scan(rows, rough, exact)


def _measure(
    rows: NDArray[np.float32], point: NDArray[np.floating[Any]], metric: str, rough: NDArray[np.float32]
) -> Exact:
    """Fill `rough` with what ranks all rows, and return what measures a few of them exactly."""
    n, single = len(rows), np.ascontiguousarray(point, np.float32)
    if metric in EUCLIDEAN:
        for_rows(_squared, n, rows, single, rough, block=BLOCK)
        wide = point.astype(np.float64)
        return lambda some, _: np.sqrt(((some.astype(np.float64) - wide) ** 2).sum(axis=1))
    if metric in ANGULAR:
        centred = metric == "correlation"
        own = point.astype(np.float64) - (point.mean(dtype=np.float64) if centred else 0.0)
        for_rows(_angular, n, rows, own.astype(np.float32), centred, rough, block=BLOCK)
        return lambda some, _: _angles(some.astype(np.float64), own, centred)
    function, parameters = compiled_metric(metric, None)
    if metric in PACKED_BITS:
        rows, single = rows.astype(np.uint8), single.astype(np.uint8)
    try:
        for_rows(_by_function, n, rows, single, function, tuple(parameters.values()), rough, block=BLOCK)
    except ValueError as error:
        raise InputError(f"The metric {metric} refuses these vectors: {error}.") from None
    return lambda _, candidates: rough[candidates].astype(np.float64)


def _angles(some: NDArray[np.float64], own: NDArray[np.float64], centred: bool) -> NDArray[np.float64]:
    """Cosine or correlation distances; a row of zeros is 0 from another such and 1 from the rest."""
    if centred:
        some = some - some.mean(axis=1, keepdims=True)
    lengths = np.sqrt((some**2).sum(axis=1)) * np.sqrt((own**2).sum())
    both_zero = ~some.any(axis=1) & (not own.any())
    cosines = np.where(lengths > 0, (some @ own) / np.where(lengths > 0, lengths, 1.0), both_zero)
    distances: NDArray[np.float64] = np.maximum(0.0, 1.0 - cosines)
    return distances


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def _squared(counter: Any, n_rows: int, rows: Any, point: Any, rough: Any) -> None:
    while True:
        first = claim(counter, BLOCK)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK, n_rows)):
            row, total = rows[i], np.float32(0.0)
            for c in range(len(point)):
                total += (row[c] - point[c]) * (row[c] - point[c])
            rough[i] = total if np.isfinite(total) else np.float32(np.inf)


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def _angular(counter: Any, n_rows: int, rows: Any, own: Any, centred: Any, rough: Any) -> None:
    d = len(own)
    length = np.float32(0.0)
    for c in range(d):
        length += own[c] * own[c]
    while True:
        first = claim(counter, BLOCK)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK, n_rows)):
            row, mean = rows[i], np.float32(0.0)
            if centred:
                for c in range(d):
                    mean += row[c]
                mean /= np.float32(d)
            product, square = np.float32(0.0), np.float32(0.0)
            for c in range(d):
                product += (row[c] - mean) * own[c]
                square += (row[c] - mean) * (row[c] - mean)
            if square > 0 and length > 0:
                rough[i] = np.float32(1.0) - product / np.sqrt(square * length)
            else:
                rough[i] = np.float32(0.0) if square == length else np.float32(1.0)


@njit(nogil=True)
def _by_function(
    counter: Any, n_rows: int, rows: Any, point: Any, function: Any, values: Any, rough: Any
) -> None:
    while True:
        first = claim(counter, BLOCK)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK, n_rows)):
            rough[i] = function(point, rows[i], *values)
