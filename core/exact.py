"""Neighbours by exact distances: all pairs of a small table, or the best of given candidates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.forest import bounded_distance, offer, padded, squared_distance
from core.threads import claim, for_rows


def nearest_of_all(
    x: NDArray[np.float32], k: int, n_threads: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `k` nearest other rows of each row of `x` (float32 (n, d)): int32 and float32 (n, k).

    Among equal distances the lower row number comes first.
    """
    return nearest_of_rows(x, np.arange(len(x)), k, n_threads)


def nearest_of_rows(
    x: NDArray[np.float32], rows: NDArray[np.int64], k: int, n_threads: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `k` nearest other rows of some rows of `x`: int32 and float32 (m, k); see `nearest_of_all`."""
    indices, distances = np.empty((len(rows), k), np.int32), np.empty((len(rows), k), np.float32)
    for_rows(_exact_rows, len(rows), padded(x), rows, indices, distances, n_threads=n_threads, block=8)
    return indices, distances


def nearest_of_candidates(
    x: NDArray[np.float32],
    candidates: NDArray[np.int32],
    bounds: NDArray[np.float32],
    order: NDArray[np.int32],
    k: int,
    n_threads: int | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Keep the `k` of each row's candidates that are nearest by exact euclidean distance.

    Parameters
    ----------
    x : float32 (n, d)
    candidates : int32 (n, m)
        m >= k; -1 for none.
    bounds : float32 (n, m)
        Ascending lower bounds of the candidates' squared distances: projected distances.
    order : int32 (n,)
        In which rows are done: along space, so that the candidates of one are in the cache for the next.
    k : int
    """
    indices, distances = np.empty((len(x), k), np.int32), np.empty((len(x), k), np.float32)
    for_rows(
        _rerank_rows, len(x), x, candidates, bounds, order, indices, distances, n_threads=n_threads, block=64
    )
    return indices, distances


@njit(nogil=True, cache=True, error_model="numpy")
def _exact_rows(counter: Any, n_rows: int, x: Any, rows: Any, indices: Any, distances: Any) -> None:
    """All pairs, eight rows at a time, so that each vector read serves eight comparisons."""
    last = indices.shape[1] - 1
    while True:
        first = claim(counter, 8)
        if first >= n_rows:
            return
        stop = min(first + 8, n_rows)
        indices[first:stop] = len(x)
        distances[first:stop] = np.inf
        for j in range(len(x)):
            for i in range(first, stop):
                bound = distances[i, last]
                d = bounded_distance(x[rows[i]], x[j], bound)
                if rows[i] != j and d < bound:
                    offer(d, j, indices[i], distances[i])
        distances[first:stop] = np.sqrt(distances[first:stop])


@njit(nogil=True, cache=True, error_model="numpy")
def _rerank_rows(
    counter: Any, n_rows: int, x: Any, candidates: Any, bounds: Any, order: Any, indices: Any, distances: Any
) -> None:
    last = indices.shape[1] - 1
    while True:
        first = claim(counter, 64)
        if first >= n_rows:
            return
        for row in range(first, min(first + 64, n_rows)):
            i = order[row]
            indices[i] = n_rows
            distances[i] = np.inf
            for c in range(candidates.shape[1]):
                j = candidates[i, c]
                # The margin is for rounding: a projection is never longer than the vector.
                if j < 0 or bounds[i, c] * np.float32(0.9999) > distances[i, last]:
                    break
                offer(squared_distance(x[i], x[j]), j, indices[i], distances[i])
            for c in range(last + 1):
                distances[i, c] = np.sqrt(distances[i, c])
                if indices[i, c] == n_rows:
                    indices[i, c] = -1
