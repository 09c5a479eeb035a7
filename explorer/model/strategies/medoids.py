"""The medoids strategy: a representative sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.forest import padded, squared_distance
from core.threads import claim, for_rows
from explorer.model.strategies.farthest import thinned
from explorer.model.strategies.population import Pick, Plan, Population

MOST = 2_000
CANDIDATES = 4_096
PASSES = 10
BLOCK = 16


def medoids(population: Population, plan: Plan) -> Pick:
    """Choose the k rows that stand for all: k medoids by FasterPAM (Schubert and Rousseeuw 2021).

    The rows m_1 ... m_k are to make the sum over candidates i of min_j |x_i - x_mj| small. From k random rows
    on, a medoid is swapped with another candidate whenever that lowers the sum, until no swap does or after
    10 passes over the candidates. The candidates are all rows up to 4,096, and of larger populations 4,096
    random ones (as CLARA does, Kaufman and Rousseeuw 1990). The medoid nearest to the most candidates comes
    first.
    """
    rng = np.random.default_rng(plan.seed)
    rows, notes = population.placed_rows() if plan.space == "map" else (population.rows, ())
    rows, notes = thinned(rows, CANDIDATES, rng, notes)
    size = min(plan.size, len(rows))
    distances = all_distances(population.points(rows, plan.space))
    start = np.sort(rng.choice(len(rows), size, replace=False))
    places = improved(distances, start)
    represented = np.bincount(np.argmin(distances[places], axis=0), minlength=size)
    return Pick(rows[places[np.argsort(-represented, kind="stable")]], notes=notes)


def all_distances(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Euclidean distances between all points, float32 (m, m)."""
    distances = np.empty((len(points), len(points)), np.float32)
    for_rows(_measure, len(points), padded(points), distances, block=BLOCK)
    return distances


def improved(distances: NDArray[np.float32], start: NDArray[np.int64]) -> NDArray[np.int64]:
    """Swap medoids while that lowers the sum of distances to the nearest.

    Parameters
    ----------
    distances : float32 (m, m)
    start : int64 (k,)
        Places of the first medoids.

    Returns
    -------
    int64 (k,)
        Places of the last: no single swap lowers the sum, unless 10 passes were too few.
    """
    if len(start) == len(distances):
        return start
    if len(start) == 1:
        return np.array([np.argmin(distances.sum(axis=1, dtype=np.float64))])
    found = start.copy()
    _swap(distances, found, PASSES)
    return found


@njit(nogil=True, cache=True, error_model="numpy")
def _measure(counter: Any, n_rows: int, points: Any, distances: Any) -> None:
    while True:
        first = claim(counter, BLOCK)
        if first >= n_rows:
            return
        for j in range(n_rows):
            for i in range(first, min(first + BLOCK, n_rows)):
                distances[i, j] = np.sqrt(squared_distance(points[i], points[j]))


@njit(nogil=True)
def _two_nearest(distances: Any, medoids: Any, i: int, near: Any) -> None:
    """Set the nearest and second nearest medoid of a row."""
    near[i, 0] = near[i, 1] = -1
    for j in range(len(medoids)):
        d = distances[medoids[j], i]
        if near[i, 0] < 0 or d < distances[medoids[near[i, 0]], i]:
            near[i, 1], near[i, 0] = near[i, 0], j
        elif near[i, 1] < 0 or d < distances[medoids[near[i, 1]], i]:
            near[i, 1] = j


@njit(nogil=True)
def _losses(first: Any, second: Any, near: Any, losses: Any) -> None:
    """What removing each medoid would cost."""
    losses[:] = 0
    for i in range(len(first)):
        losses[near[i, 0]] += second[i] - first[i]


@njit(nogil=True, cache=True)
def _swap(distances: Any, medoids: Any, passes: int) -> None:
    n, k = len(distances), len(medoids)
    near = np.empty((n, 2), np.int64)
    first, second = np.empty(n, np.float64), np.empty(n, np.float64)
    losses, change = np.empty(k, np.float64), np.empty(k, np.float64)
    is_medoid = np.zeros(n, np.bool_)
    is_medoid[medoids] = True
    for i in range(n):
        _two_nearest(distances, medoids, i, near)
        first[i], second[i] = distances[medoids[near[i, 0]], i], distances[medoids[near[i, 1]], i]
    _losses(first, second, near, losses)
    idle = 0
    for turn in range(passes * n):
        candidate = turn % n
        idle += 1
        if idle > n:
            return
        if is_medoid[candidate]:
            continue
        # What every row would gain from the candidate, whichever medoid leaves, and what depends on which.
        gain, total = 0.0, 0.0
        change[:] = losses
        for i in range(n):
            d = distances[candidate, i]
            total += first[i]
            if d < first[i]:
                gain += d - first[i]
                change[near[i, 0]] += first[i] - second[i]
            elif d < second[i]:
                change[near[i, 0]] += d - second[i]
        leaving = np.argmin(change)
        if change[leaving] + gain > -1e-9 * total:
            continue
        is_medoid[medoids[leaving]], is_medoid[candidate] = False, True
        medoids[leaving] = candidate
        idle = 0
        for i in range(n):
            d = distances[candidate, i]
            if near[i, 0] == leaving or near[i, 1] == leaving:
                _two_nearest(distances, medoids, i, near)
            elif d < first[i]:
                near[i, 1], near[i, 0] = near[i, 0], leaving
            elif d < second[i]:
                near[i, 1] = leaving
            first[i], second[i] = distances[medoids[near[i, 0]], i], distances[medoids[near[i, 1]], i]
        _losses(first, second, near, losses)
