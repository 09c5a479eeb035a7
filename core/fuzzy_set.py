"""From distances to a fuzzy simplicial set: how strongly each pair of neighbours belongs together.

McInnes, Healy, Melville 2018, sections 3.1 and algorithms 2-3. Each point gets its own scale, so that dense
and sparse regions count alike; the two views of an edge are then joined by a fuzzy union.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from core.checks import refuse_out_of_range
from core.knn import KnnGraph
from core.threads import BLOCK_ROWS, claim, for_rows

VERSION = 1
TOLERANCE = 1e-5
SMALLEST_SCALE = 1e-3
"""sigma is at least this share of the mean distance, so that duplicates do not make it 0."""


def fuzzy_simplicial_set(
    graph: KnnGraph,
    *,
    local_connectivity: float = 1.0,
    set_op_mix_ratio: float = 1.0,
    n_threads: int | None = None,
) -> csr_array:
    """Membership strengths of the neighbours' edges, joined into a symmetric set.

    With rho_i the distance to the `local_connectivity`-th neighbour and sigma_i solving
    ``sum_j exp(-max(0, d_ij - rho_i) / sigma_i) = log2(k + 1)``, the strength of j seen from i is
    ``w_ij = exp(-max(0, d_ij - rho_i) / sigma_i)``. The union is ``w_ij + w_ji - w_ij w_ji``, the
    intersection ``w_ij w_ji``; the result is their mixture.

    Parameters
    ----------
    graph : KnnGraph
        k neighbours of each point, itself excluded: n_neighbors is k + 1.
    local_connectivity : float, default 1.0
        Neighbours taken as connected for sure; >= 0.
    set_op_mix_ratio : float, default 1.0
        1 is the union, 0 the intersection.
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    fuzzy_set : csr_array, float32 (n, n)
        Symmetric, values in (0, 1], int32 sorted indices, no diagonal.

    Raises
    ------
    InputError
        If a parameter is out of its range.
    """
    refuse_out_of_range({"set_op_mix_ratio": set_op_mix_ratio})
    rho, sigma = smooth_knn_distances(graph, local_connectivity=local_connectivity, n_threads=n_threads)
    strengths = membership_strengths(graph, rho, sigma, n_threads=n_threads)
    return union(graph.indices, strengths, set_op_mix_ratio, n_threads=n_threads)


def smooth_knn_distances(
    graph: KnnGraph, *, local_connectivity: float = 1.0, n_threads: int | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Each point's distance where fuzziness begins, and its scale.

    Parameters
    ----------
    graph, local_connectivity, n_threads
        See `fuzzy_simplicial_set`.

    Returns
    -------
    rho, sigma : float32 (n,)

    Raises
    ------
    InputError
        If `local_connectivity` is out of its range.
    """
    return smooth(graph.distances, local_connectivity, n_threads)


def smooth(
    distances: NDArray[np.float32],
    local_connectivity: float,
    n_threads: int | None,
    *,
    mean: float | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rho and sigma of each row of `distances`, float32 (n, k), ascending, infinite where none.

    `mean` (default: of all distances) bounds sigma from below where rho is 0.
    """
    refuse_out_of_range({"local_connectivity": local_connectivity})
    n = len(distances)
    rho, sigma = np.empty(n, np.float32), np.empty(n, np.float32)
    if mean is None:
        finite = np.isfinite(distances)
        # The means count the point itself, at distance 0, as umap-learn's do.
        mean = float(distances.sum(where=finite, dtype=np.float64)) / (int(finite.sum()) + n)
    for_rows(_smooth, n, distances, float(local_connectivity), mean, rho, sigma, n_threads=n_threads)
    return rho, sigma


def membership_strengths(
    graph: KnnGraph,
    rho: NDArray[np.float32],
    sigma: NDArray[np.float32],
    *,
    n_threads: int | None = None,
) -> NDArray[np.float32]:
    """Strength of each neighbour as its row sees it.

    Parameters
    ----------
    graph : KnnGraph
    rho, sigma : float32 (n,)
        See `smooth_knn_distances`.
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    strengths : float32 (n, k)
        0 where a neighbour is missing.
    """
    return strengths_of(graph.indices, graph.distances, rho, sigma, n_threads)


def strengths_of(
    indices: NDArray[np.int32],
    distances: NDArray[np.float32],
    rho: NDArray[np.float32],
    sigma: NDArray[np.float32],
    n_threads: int | None,
) -> NDArray[np.float32]:
    """``exp(-max(0, d - rho) / sigma)``, float32 (n, k), 0 where the index is -1."""
    strengths = np.empty(distances.shape, np.float32)
    for_rows(_strengths, len(distances), indices, distances, rho, sigma, strengths, n_threads=n_threads)
    return strengths


def union(
    indices: NDArray[np.int32],
    strengths: NDArray[np.float32],
    mix_ratio: float = 1.0,
    *,
    n_threads: int | None = None,
) -> csr_array:
    """Join the two directions of each edge: ``mix (a + b - ab) + (1 - mix) ab``.

    Parameters
    ----------
    indices : int32 (n, k)
        Neighbours, -1 for none.
    strengths : float32 (n, k)
    mix_ratio : float, default 1.0
        1 is the union, 0 the intersection.
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    fuzzy_set : csr_array, float32 (n, n)
        See `fuzzy_simplicial_set`.
    """
    n, k = indices.shape
    in_indptr, in_tails, in_strengths = _transpose(indices, strengths)
    # One row of the union has at most its own and the incoming neighbours.
    room = np.arange(n + 1, dtype=np.int64) * k + in_indptr
    tails, values, counts = (
        np.empty(room[-1], np.int32),
        np.empty(room[-1], np.float32),
        np.empty(n, np.int64),
    )
    for_rows(
        _merge,
        n,
        indices,
        strengths,
        in_indptr,
        in_tails,
        in_strengths,
        np.float32(mix_ratio),
        room,
        tails,
        values,
        counts,
        n_threads=n_threads,
    )
    indptr = np.concatenate([[0], np.cumsum(counts)])
    index_type = np.int32 if indptr[-1] < 2**31 else np.int64
    joined, joined_values = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    for_rows(_compact, n, room, indptr, tails, values, joined, joined_values, n_threads=n_threads)
    fuzzy_set = csr_array((joined_values, joined, indptr.astype(index_type)), shape=(n, n))
    fuzzy_set.has_canonical_format = True
    return fuzzy_set


@njit(nogil=True, cache=True)
def _smooth(
    counter: Any, n_rows: int, distances: Any, local_connectivity: float, mean: float, rho: Any, sigma: Any
) -> None:
    """Bisect for sigma in each row; rho is interpolated between neighbours for a fractional connectivity."""
    k = distances.shape[1]
    target = np.log2(k + 1.0)
    whole = int(np.floor(local_connectivity))
    rest = local_connectivity - whole
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            row = distances[i]
            n_finite = 0
            zeros = 0
            total = 0.0
            for j in range(k):
                if np.isfinite(row[j]):
                    n_finite += 1
                    total += row[j]
                    zeros += row[j] == 0
            positive = n_finite - zeros
            r = 0.0
            if positive >= local_connectivity:
                if whole > 0:
                    r = float(row[zeros + whole - 1])
                    if rest > TOLERANCE and positive > whole:
                        r += rest * (row[zeros + whole] - r)
                elif positive > 0:
                    r = rest * row[zeros]
            elif positive > 0:
                r = float(row[n_finite - 1])
            low, high, s = 0.0, np.inf, 1.0
            for _ in range(64):
                value = 0.0
                for j in range(n_finite):
                    gap = row[j] - r
                    value += np.exp(-gap / s) if gap > 0 else 1.0
                if abs(value - target) < TOLERANCE:
                    break
                if value > target:
                    high = s
                    s = (low + high) / 2
                else:
                    low = s
                    s = s * 2 if high == np.inf else (low + high) / 2
            floor = SMALLEST_SCALE * (total / (n_finite + 1) if r > 0 else mean)
            rho[i], sigma[i] = r, max(s, floor)


@njit(nogil=True, cache=True)
def _strengths(
    counter: Any, n_rows: int, indices: Any, distances: Any, rho: Any, sigma: Any, strengths: Any
) -> None:
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            for j in range(indices.shape[1]):
                gap = distances[i, j] - rho[i]
                if indices[i, j] < 0:
                    strengths[i, j] = 0
                elif gap <= 0 or sigma[i] == 0:
                    strengths[i, j] = 1
                else:
                    strengths[i, j] = np.exp(-gap / sigma[i])


@njit(nogil=True, cache=True)
def _transpose(indices: Any, strengths: Any) -> Any:
    """Incoming edges of each vertex as CSR, sorted by source: a counting sort, serial, bound by memory."""
    n, k = indices.shape
    indptr = np.zeros(n + 1, np.int64)
    for i in range(n):
        for j in range(k):
            if indices[i, j] >= 0:
                indptr[indices[i, j] + 1] += 1
    for i in range(n):
        indptr[i + 1] += indptr[i]
    place = indptr[:-1].copy()
    tails, values = np.empty(indptr[n], np.int32), np.empty(indptr[n], np.float32)
    for i in range(n):
        for j in range(k):
            tail = indices[i, j]
            if tail >= 0:
                tails[place[tail]] = i
                values[place[tail]] = strengths[i, j]
                place[tail] += 1
    return indptr, tails, values


@njit(nogil=True, cache=True)
def _merge(
    counter: Any,
    n_rows: int,
    indices: Any,
    strengths: Any,
    in_indptr: Any,
    in_tails: Any,
    in_strengths: Any,
    mix_ratio: Any,
    room: Any,
    tails: Any,
    values: Any,
    counts: Any,
) -> None:
    """Merge each row's own and incoming neighbours in the order of their numbers; zeros are dropped."""
    one = np.float32(1.0)
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            order = np.argsort(indices[i])
            out, own, incoming = room[i], 0, in_indptr[i]
            while own < len(order) and indices[i, order[own]] < 0:
                own += 1
            while own < len(order) or incoming < in_indptr[i + 1]:
                left = np.int64(indices[i, order[own]]) if own < len(order) else np.int64(n_rows)
                right = np.int64(in_tails[incoming]) if incoming < in_indptr[i + 1] else np.int64(n_rows)
                a, b = np.float32(0.0), np.float32(0.0)
                if left <= right:
                    a = strengths[i, order[own]]
                    own += 1
                if right <= left:
                    b = in_strengths[incoming]
                    incoming += 1
                product = a * b
                value = mix_ratio * (a + b - product) + (one - mix_ratio) * product
                if value > 0:
                    tails[out], values[out] = min(left, right), min(value, one)
                    out += 1
            counts[i] = out - room[i]


@njit(nogil=True, cache=True)
def _compact(
    counter: Any,
    n_rows: int,
    room: Any,
    indptr: Any,
    tails: Any,
    values: Any,
    new_tails: Any,
    new_values: Any,
) -> None:
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            # Element by element: numba takes seconds to compile the copy of a slice.
            for at in range(indptr[i], indptr[i + 1]):
                source = room[i] + at - indptr[i]
                new_tails[at], new_values[at] = tails[source], values[source]
