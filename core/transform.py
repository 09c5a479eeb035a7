"""Placing new points on a finished map.

A point's place depends on that point, the model and the seed, never on the batch it comes with: its random
numbers are keyed by its neighbours, and all points it meets are those of the finished map, which stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.checks import is_sparse
from core.entries import WalkedGraph
from core.errors import InputError
from core.forces import FAST, attraction_shares, attraction_table, clip, look_up, power
from core.forest import bounded_distance, offer, padded
from core.fuzzy_set import smooth, strengths_of
from core.kernels import WINDOW, draw_pool
from core.knn import OWN, Metric, by_metric, comparable
from core.layout import LayoutParameters
from core.random_streams import mix
from core.threads import claim, for_rows

POOL_SIZE = 1024
BEAM = 48
"""Nearest points kept open in the search."""
BLOCK = 16


def neighbours_in(
    reference: Any,
    x: Any,
    graph: WalkedGraph,
    k: int,
    *,
    metric: Metric = "euclidean",
    metric_kwds: Mapping[str, Any] | None = None,
    seed: int = 42,
    n_threads: int | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `k` nearest rows of the data to each new row: by `search` where it can, else all are compared.

    Parameters
    ----------
    reference, x : float32 (n, d), (m, d), dense or CSR
        The data and the new rows.
    graph : WalkedGraph
        Of the data alone, see `search`; kept from call to call, since it finds its entries once.
    k : int
        All n, if that is fewer.
    metric, metric_kwds
        See `core.knn.knn_graph`.
    seed : int, default 42
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    indices, distances : int32 (m, k), float32 (m, k)
        Nearest first.

    Raises
    ------
    InputError
        If the metric has no distance 0, or squared distances could exceed float32.
    """
    k = min(k, reference.shape[0])
    if is_sparse(x) or is_sparse(reference) or metric not in OWN:
        from core.any_metric import nearest_between

        return nearest_between(x, reference, k, metric=metric, metric_kwds=metric_kwds, n_threads=n_threads)
    indices, distances = search(
        comparable(x, str(metric), among_itself=False),
        comparable(reference, str(metric), among_itself=False),
        graph,
        k,
        seed=seed,
        n_threads=n_threads,
    )
    return indices, by_metric(distances, str(metric))


def search(
    x: NDArray[np.float32],
    reference: NDArray[np.float32],
    graph: WalkedGraph,
    k: int,
    *,
    seed: int = 42,
    n_threads: int | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `k` nearest points of `reference` to each row of `x`, by walking the reference's own graph.

    The walk enters at the nearest of the graph's entries, 512 fixed points and one of each of its parts (of
    more than 4,096 the largest), and opens the nearest point not opened yet, until the 48 nearest found are
    all open (beam search, as in Malkov and Yashunin 2018). Up to 4,096 points, all are compared.

    Parameters
    ----------
    x : float32 (m, d)
    reference : float32 (n, d)
    graph : WalkedGraph
        Of the n points.
    k : int
        k <= n.
    seed : int, default 42
        Chooses the entries.
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    indices, distances : int32 (m, k), float32 (m, k)
        Nearest first; euclidean.

    Raises
    ------
    InputError
        If the tables have different columns.
    """
    if x.shape[1] != reference.shape[1]:
        raise InputError(
            f"New rows need the {reference.shape[1]} columns of the reference, got {x.shape[1]} columns."
        )
    indices, distances = np.empty((len(x), k), np.int32), np.empty((len(x), k), np.float32)
    for_rows(
        _search_rows,
        len(x),
        padded(x),
        padded(reference),
        graph.fuzzy_set.indptr,
        graph.fuzzy_set.indices,
        graph.entries(seed),
        max(BEAM, k),
        indices,
        distances,
        n_threads=n_threads,
        block=BLOCK,
    )
    return indices, np.sqrt(distances)


def place(
    indices: NDArray[np.int32],
    distances: NDArray[np.float32],
    embedding: NDArray[np.float32],
    parameters: LayoutParameters,
    *,
    disconnection_distance: float = np.inf,
    local_connectivity: float = 1.0,
    seed: int = 42,
    n_threads: int | None = None,
) -> NDArray[np.float32]:
    """Place points by their neighbours in the reference.

    A point starts at the mean of its neighbours' places, weighted by the strengths of a fuzzy set, and is
    then pulled and pushed for some epochs as in the layout. One that equals a reference is put upon it.

    Parameters
    ----------
    indices, distances : int32 (m, k), float32 (m, k)
        Neighbours in the reference, nearest first.
    embedding : float32 (n, d)
        The finished map.
    parameters : LayoutParameters
        ``n_epochs`` are those of the placing, at least 1.
    disconnection_distance : float, default infinite
        Neighbours at least this far are none.
    local_connectivity : float, default 1.0
    seed : int, default 42
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    places : float32 (m, d)
        NaN where none of a point's neighbours has a place.

    Raises
    ------
    InputError
        If no point of the map has a place.
    """
    finite = embedding[np.isfinite(embedding).all(axis=1)]
    if not len(finite):
        raise InputError("No point of the map has a place, so new points can be placed nowhere.")
    far = distances >= disconnection_distance
    indices = np.where(far, np.int32(-1), indices)
    distances = np.where(far, np.float32(np.inf), distances)
    # One connection fewer: a new point need not touch anybody. No mean: it would depend on the batch.
    rho, sigma = smooth(distances, max(0.0, local_connectivity - 1), n_threads, mean=0.0)
    strengths = strengths_of(indices, distances, rho, sigma, n_threads)
    places = np.empty((len(indices), embedding.shape[1]), np.float32)
    pools = np.empty((parameters.n_epochs, embedding.shape[1], POOL_SIZE), np.float32)
    table = attraction_table(parameters.a, parameters.b)
    falling = 1 - np.arange(parameters.n_epochs) / parameters.n_epochs
    shares = np.array([attraction_shares(table, parameters.learning_rate / 4 * f) for f in falling])
    for epoch, pool in enumerate(pools):
        draw_pool(finite, np.uint64(seed), epoch, pool)
    for_rows(
        _place_rows,
        len(indices),
        indices,
        distances,
        strengths,
        embedding,
        pools,
        shares,
        np.uint64(seed),
        np.float32(parameters.learning_rate / 4),
        np.float32(parameters.a),
        np.float32(parameters.b),
        np.float32(parameters.repulsion_strength),
        parameters.negative_sample_rate,
        places,
        n_threads=n_threads,
        block=BLOCK,
    )
    return places


@njit(nogil=True, cache=True, error_model="numpy")
def _search_rows(
    counter: Any,
    n_rows: int,
    x: Any,
    reference: Any,
    indptr: Any,
    tails: Any,
    entries: Any,
    beam: int,
    indices: Any,
    distances: Any,
) -> None:
    k = indices.shape[1]
    seen = np.full(len(reference), -1, np.int32)
    near, near_distances = np.empty(beam, np.int32), np.empty(beam, np.float32)
    is_open = np.empty(beam, np.uint8)
    while True:
        first = claim(counter, BLOCK)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK, n_rows)):
            near[:], near_distances[:], is_open[:] = len(reference), np.inf, 1
            for entry in entries:
                seen[entry] = i
                distance = bounded_distance(x[i], reference[entry], near_distances[beam - 1])
                if distance < near_distances[beam - 1]:
                    offer(distance, entry, near, near_distances)
            is_open[: len(entries)] = 0
            if len(entries) < len(reference):
                _walk(x[i], reference, indptr, tails, i, seen, near, near_distances, is_open)
            indices[i], distances[i] = near[:k], near_distances[:k]


@njit(nogil=True, cache=True, error_model="numpy")
def _walk(
    point: Any,
    reference: Any,
    indptr: Any,
    tails: Any,
    mark: Any,
    seen: Any,
    near: Any,
    near_distances: Any,
    is_open: Any,
) -> None:
    """Open the nearest unopened point again and again, offering its neighbours, until all kept are open."""
    last = len(near) - 1
    j = 0
    while j <= last:
        if is_open[j] or near[j] >= len(reference):
            j += 1
            continue
        is_open[j] = 1
        middle, lowest = near[j], last + 1
        for e in range(indptr[middle], indptr[middle + 1]):
            other = tails[e]
            if seen[other] == mark:
                continue
            seen[other] = mark
            bound = near_distances[last]
            distance = bounded_distance(point, reference[other], bound)
            if distance < bound:
                spot = offer(distance, other, near, near_distances)
                if spot >= 0:
                    for c in range(last, spot, -1):
                        is_open[c] = is_open[c - 1]
                    is_open[spot] = 0
                    lowest = min(lowest, spot)
        j = min(j, lowest)


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def _place_rows(
    counter: Any,
    n_rows: int,
    indices: Any,
    distances: Any,
    strengths: Any,
    embedding: Any,
    pools: Any,
    shares: Any,
    seed: Any,
    learning_rate: Any,
    a: Any,
    b: Any,
    gamma: Any,
    negatives: int,
    places: Any,
) -> None:
    k = indices.shape[1]
    n_epochs, n_components = pools.shape[0], pools.shape[1]
    n_offsets = np.uint64(pools.shape[2] - WINDOW + 1)
    repulsion = np.float32(2.0) * b * gamma
    while True:
        first = claim(counter, BLOCK)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK, n_rows)):
            own = places[i]
            if distances[i, 0] == 0:
                own[:] = embedding[indices[i, 0]]
                continue
            total = np.float32(0.0)
            own[:] = 0
            for j in range(k):
                other = embedding[indices[i, j]]
                if strengths[i, j] > 0 and not np.isnan(other[0]):
                    total += strengths[i, j]
                    for c in range(n_components):
                        own[c] += strengths[i, j] * other[c]
            for c in range(n_components):
                own[c] = own[c] / total if total > 0 else np.float32(np.nan)
            if total == 0:
                continue
            key = seed
            for j in range(k):
                bits = np.uint64(np.uint32(np.float32(distances[i, j]).view(np.int32)))
                key = mix(key ^ (np.uint64(indices[i, j]) << np.uint64(32)) ^ bits)
            for epoch in range(n_epochs):
                alpha = learning_rate * (np.float32(1.0) - np.float32(epoch) / np.float32(n_epochs))
                state = mix(key + np.uint64(epoch) * np.uint64(0x9E3779B97F4A7C15))
                credit = np.int64(state & np.uint64(WINDOW - 1))
                for j in range(k):
                    other = embedding[indices[i, j]]
                    phase = np.float32(mix(key + np.uint64(j)) >> np.uint64(40)) * np.float32(2.0**-24)
                    turns = np.float32(epoch) * strengths[i, j] + phase
                    if np.floor(turns + strengths[i, j]) == np.floor(turns) or np.isnan(other[0]):
                        continue
                    d2 = np.float32(0.0)
                    for c in range(n_components):
                        d2 += (own[c] - other[c]) * (own[c] - other[c])
                    share = look_up(shares[epoch], d2)
                    for c in range(n_components):
                        own[c] -= share * (own[c] - other[c])
                    credit += negatives
                    while credit >= WINDOW:
                        credit -= WINDOW
                        state = mix(state + np.uint64(0x9E3779B97F4A7C15))
                        offset = np.int64(((state >> np.uint64(32)) * n_offsets) >> np.uint64(32))
                        for t in range(offset, offset + WINDOW):
                            r2 = np.float32(0.0)
                            for c in range(n_components):
                                r2 += (own[c] - pools[epoch, c, t]) * (own[c] - pools[epoch, c, t])
                            q = power(r2 + np.float32(1e-12), b)
                            push = repulsion / ((np.float32(0.001) + r2) * (np.float32(1.0) + a * q))
                            for c in range(n_components):
                                own[c] += alpha * clip(push * (own[c] - pools[epoch, c, t]))
