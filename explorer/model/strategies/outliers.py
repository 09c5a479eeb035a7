"""The outliers strategy: rows far from their neighbours in the original space."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.threads import BLOCK_ROWS, claim, for_rows
from explorer.model.strategies.population import Pick, Plan, Population


def outliers(population: Population, plan: Plan) -> Pick:
    """Choose the rows of the highest local outlier factor, the highest first, the lower row among equals.

    The factor is ``local_outlier_factors`` over the neighbours the run found by its metric, n_neighbors - 1
    of them. About 1 is a row as densely surrounded as its neighbours are, 2 one half as densely.
    """
    rows = population.rows
    factors = local_outlier_factors(*population.neighbours(), rows)
    return Pick(rows[np.argsort(-factors, kind="stable")[: plan.size]])


def local_outlier_factors(
    indices: NDArray[np.int32], distances: NDArray[np.float32], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Local outlier factors of some rows (Breunig, Kriegel, Ng, Sander 2000).

    With N(i) the k neighbours of i and r(j) the distance of j to its last one::

        density(i) = 1 / (mean over j in N(i) of max(r(j), d(i, j)) + 1e-10)
        factor(i) = mean over j in N(i) of density(j) / density(i)

    The 1e-10 is scikit-learn's, for rows that have k duplicates.

    Parameters
    ----------
    indices, distances : int32 (n, k), float32 (n, k)
        Neighbours, nearest first; -1 where there are fewer.
    rows : int64 (m,)

    Returns
    -------
    float64 (m,)
        Infinite for rows without neighbours.
    """
    needed = np.zeros(len(indices), np.bool_)
    needed[rows] = True
    _mark(indices, rows, needed)
    asked = np.flatnonzero(needed)
    densities, factors = np.zeros(len(indices), np.float64), np.empty(len(rows), np.float64)
    for_rows(_densities, len(asked), asked, indices, distances, densities)
    for_rows(_factors, len(rows), rows, indices, densities, factors)
    return factors


@njit(nogil=True, cache=True)
def _mark(indices: Any, rows: Any, needed: Any) -> None:
    for row in rows:
        for j in indices[row]:
            if j >= 0:
                needed[j] = True


@njit(nogil=True)
def _reach(indices: Any, distances: Any, row: int) -> float:
    """Distance of a row to its last neighbour."""
    for c in range(indices.shape[1] - 1, -1, -1):
        if indices[row, c] >= 0:
            return float(distances[row, c])
    return 0.0


@njit(nogil=True, cache=True)
def _densities(counter: Any, n_rows: int, asked: Any, indices: Any, distances: Any, densities: Any) -> None:
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in asked[first : min(first + BLOCK_ROWS, n_rows)]:
            total, met = 0.0, 0
            for c in range(indices.shape[1]):
                j = indices[i, c]
                if j >= 0:
                    total += max(_reach(indices, distances, j), float(distances[i, c]))
                    met += 1
            densities[i] = 1 / (total / met + 1e-10) if met else 0.0


@njit(nogil=True, cache=True)
def _factors(counter: Any, n_rows: int, rows: Any, indices: Any, densities: Any, factors: Any) -> None:
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for place in range(first, min(first + BLOCK_ROWS, n_rows)):
            i = rows[place]
            total, met = 0.0, 0
            for j in indices[i]:
                if j >= 0:
                    total += densities[j]
                    met += 1
            factors[place] = total / met / densities[i] if met else np.inf
