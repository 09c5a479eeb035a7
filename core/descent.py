"""Nearest-neighbour descent for euclidean distance: a neighbour of a neighbour is likely a neighbour.

After Dong, Moses, Li 2011, with one change that makes the graph the same for any number of threads: each
point searches among its neighbours' neighbours for itself alone and writes only its own row, reading the
lists of the previous round. Distances are counted twice, and in exchange nothing is locked, nothing holds
the GIL, and all kernels are compiled once and cached (other metrics, by pynndescent, are in
`core.any_metric`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.forest import HEAD, compare_leaves, grow_trees, offer, padded, squared_distance
from core.random_streams import mix
from core.threads import BLOCK_ROWS, claim, fetch_add, for_rows

N_TREES = 8
ROUNDS = 8
ENOUGH = 0.002
"""Rounds end when fewer than this share of all neighbours changed."""
N_LISTED = 16
"""A point searches through so many nearest neighbours, and so many points that it is a neighbour of."""


def descend(
    x: NDArray[np.float32], k: int, *, seed: int, n_threads: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int32]]:
    """Approximate neighbours of each row under euclidean distance, itself excluded.

    Parameters
    ----------
    x : float32 (n, d)
        Columns in the order of falling variance let far candidates be given up early.
    k : int
        k < n.
    seed : int
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    indices, squared : int32 (n, k), float32 (n, k)
        Nearest first, with squared distances; -1 and infinity where fewer than k were met.
    order : int32 (n,)
        Rows along a tree's leaves: neighbours in space are neighbours in it.
    """
    n, x = len(x), padded(x)
    orders = grow_trees(x, N_TREES, seed, n_threads)
    # Rows along the first tree's leaves: neighbours in space become neighbours in memory.
    order = orders[0].copy()
    rank = np.empty(n, np.int32)
    rank[order] = np.arange(n, dtype=np.int32)
    x = x[order]
    indices, distances = np.full((n, k), n, np.int32), np.full((n, k), np.inf, np.float32)
    for tree in range(N_TREES):
        compare_leaves(x, rank[orders[tree]], indices, distances, n_threads)
    fresh = np.ones((n, k), np.uint8)
    for round_ in range(ROUNDS):
        if _search(x, indices, distances, fresh, seed + round_, n_threads) < ENOUGH * n * k:
            break
    original = np.where(indices < n, order[np.minimum(indices, n - 1)], np.int32(-1))
    return original[rank], distances[rank], order


def _search(
    x: NDArray[np.float32],
    indices: NDArray[np.int32],
    distances: NDArray[np.float32],
    fresh: NDArray[np.uint8],
    seed: int,
    n_threads: int | None,
) -> int:
    """One round: lists of who is near whom, then each row's search. Returns the number of changes."""
    n = len(x)
    lists, counts = np.empty((n, 4 * N_LISTED), np.int32), np.zeros(n, np.int32)
    _list_neighbours(indices, fresh, 1, np.uint64(seed), lists, counts)
    n_fresh = counts.copy()
    _list_neighbours(indices, fresh, 0, np.uint64(seed), lists, counts)
    fresh[:, :N_LISTED] = 0
    changes = np.zeros(1, np.int64)
    for_rows(
        _search_rows, n, x, lists, n_fresh, counts, indices, distances, fresh, changes, n_threads=n_threads
    )
    return int(changes[0])


@njit(nogil=True, cache=True)
def _list_neighbours(indices: Any, fresh: Any, wanted: int, seed: Any, lists: Any, counts: Any) -> None:
    """Append to each point's list the edges that are fresh (`wanted` 1) or not (0), in both directions.

    Of its own nearest N_LISTED neighbours all, of the points that have it among theirs a random N_LISTED: a
    reservoir (Vitter 1985) whose choices are hashes of the edge. An edge is fresh when its row took it in
    the last round.
    """
    n, k = indices.shape
    m = min(k, N_LISTED)
    for i in range(n):
        for j in range(m):
            if indices[i, j] < n and fresh[i, j] == wanted:
                lists[i, counts[i]] = indices[i, j]
                counts[i] += 1
    own, met = counts.copy(), np.zeros(n, np.int32)
    for i in range(n):
        for j in range(m):
            tail = indices[i, j]
            if tail >= n or fresh[i, j] != wanted:
                continue
            place = np.int64(met[tail])
            met[tail] += 1
            if place >= N_LISTED:
                place = np.int64(mix(seed + np.uint64(i * k + j)) % np.uint64(met[tail]))
            if place < N_LISTED:
                lists[tail, own[tail] + place] = i
                counts[tail] = max(counts[tail], own[tail] + place + 1)


@njit(nogil=True, cache=True, error_model="numpy")
def _search_rows(
    counter: Any,
    n_rows: int,
    x: Any,
    lists: Any,
    n_fresh: Any,
    counts: Any,
    indices: Any,
    distances: Any,
    fresh: Any,
    changes: Any,
) -> None:
    """Compare each row with its neighbours' neighbours over paths of which at least one edge is fresh."""
    k = indices.shape[1]
    seen = np.full(n_rows, -1, np.int32)
    met = np.empty(lists.shape[1] ** 2, np.int32)
    partial = np.empty(lists.shape[1] ** 2, np.float32)
    changed = 0
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            fetch_add(changes, changed)
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            seen[i] = i
            for j in range(k):
                if indices[i, j] < n_rows:
                    seen[indices[i, j]] = i
            n_met = 0
            for a in range(counts[i]):
                middle = lists[i, a]
                for b in range(counts[middle] if a < n_fresh[i] else n_fresh[middle]):
                    other = lists[middle, b]
                    if seen[other] != i:
                        seen[other] = i
                        met[n_met] = other
                        n_met += 1
            # The leading columns of all candidates first, with no branch between the loads: the cache
            # misses overlap.
            for j in range(n_met):
                partial[j] = squared_distance(x[i, :HEAD], x[met[j], :HEAD])
            for j in range(n_met):
                worst, distance = distances[i, k - 1], partial[j]
                if distance < worst:
                    distance += squared_distance(x[i, HEAD:], x[met[j], HEAD:])
                    if distance < worst:
                        place = offer(distance, met[j], indices[i], distances[i])
                        for c in range(k - 1, place, -1):
                            fresh[i, c] = fresh[i, c - 1]
                        fresh[i, place] = 1
                        changed += 1
