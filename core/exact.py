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
    """The `k` nearest other rows of some rows of `x`: int32 and float32 (m, k); see `nearest_of_all`.

    Where there are fewer than k, the rest is -1 and infinite.
    """
    indices, distances = np.empty((len(rows), k), np.int32), np.empty((len(rows), k), np.float32)
    for_rows(_exact_rows, len(rows), padded(x), rows, indices, distances, n_threads=n_threads, block=8)
    indices[indices == len(x)] = -1
    return indices, distances


def ranks_of(
    x: NDArray[np.float32],
    rows: NDArray[np.int64],
    others: NDArray[np.int32],
    n_threads: int | None = None,
) -> NDArray[np.int64]:
    """How near some other rows of `x` are to each row, 1 for the nearest: int64 (m, k).

    Each of the m rows is compared with all n, in O(m n (d + k)) operations and no memory beyond the result.

    Parameters
    ----------
    x : float32 (n, d)
    rows : int64 (m,)
    others : int32 (m, k)
        Rows whose rank is asked for, for each of `rows`; equal distances share the lowest of their ranks. -1
        is none, and has rank 0.
    n_threads : int, optional
        Never changes the result.
    """
    ranks = np.empty(others.shape, np.int64)
    for_rows(_rank_rows, len(rows), padded(x), rows, others, ranks, n_threads=n_threads, block=8)
    return ranks


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
def _rank_rows(counter: Any, n_rows: int, x: Any, rows: Any, others: Any, ranks: Any) -> None:
    k = others.shape[1]
    distances = np.empty(k, np.float32)
    while True:
        first = claim(counter, 8)
        if first >= n_rows:
            return
        for i in range(first, min(first + 8, n_rows)):
            for c in range(k):
                distances[c], ranks[i, c] = np.float32(-1.0), 0
                if others[i, c] >= 0:
                    distances[c] = squared_distance(x[rows[i]], x[others[i, c]])
                    ranks[i, c] = 1
            for j in range(len(x)):
                if j != rows[i]:
                    distance = squared_distance(x[rows[i]], x[j])
                    for c in range(k):
                        ranks[i, c] += distance < distances[c]


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
