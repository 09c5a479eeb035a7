"""Rows that are nearly the same: far nearer to each other than the data's own grain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import KnnGraph

RATE = 3e-4
"""Share of rows that would have a near duplicate by chance, in data of even density."""
MOST_RATIO, LEAST_SCALE = 0.25, 0.1
"""A near duplicate is nearer than a quarter of the distance to a row's last neighbour. In heaps, where that
is a duplicate too, a tenth of the median row's counts for it; and the median row's at most, as far out two
rows lie alone together by chance."""
FEWEST_NEIGHBOURS = 4
"""Below, only equal rows are near duplicates: nothing tells the data's grain."""
BLOCK_ROWS = 65_536


@dataclass(frozen=True, eq=False)
class NearDuplicates:
    """Groups of near duplicates, each row in one at most.

    Attributes
    ----------
    rows : int64 (m,)
        Group by group, ascending in each, groups by their first row.
    groups : int32 (m,)
        The group of each, counted from 0.
    ratio : float
        How near: as a share of the distance to a row's last neighbour.
    """

    rows: NDArray[np.int64]
    groups: NDArray[np.int32]
    ratio: float

    @property
    def n_groups(self) -> int:
        """How many groups there are."""
        return int(self.groups[-1]) + 1 if len(self.groups) else 0


def near_duplicates(graph: KnnGraph) -> NearDuplicates:
    """Find the pairs that are nearer than the data explain, and join them to groups: O(n k).

    With r_i the distance from i to its last neighbour, but the median row's at most, i and j are near
    duplicates when ``d_ij <= ratio * min(r_i, r_j)``. The ratio is such that three rows in ten thousand
    would have one by chance: of k neighbours in D dimensions the nearest is nearer than a share t of the
    last with chance ``1 - (1 - t^D)^(k - 1)``. It is a quarter at most.

    Parameters
    ----------
    graph : KnnGraph
        Neighbours in the data.
    """
    near, distances = graph.indices, graph.distances
    last = np.where(near >= 0, distances, 0).max(axis=1)
    ratio = _ratio(distances) if graph.k >= FEWEST_NEIGHBOURS else 0.0
    some = last[last > 0]
    typical = float(np.median(some)) if len(some) else 0.0
    reach = ratio * last.clip(LEAST_SCALE * typical, typical)
    tails, heads = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start in range(0, graph.n, BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        limit = np.minimum(reach[block, None], reach[near[block]])
        rows, columns = np.nonzero((distances[block] <= limit) & (near[block] >= 0))
        tails.append(rows + start)
        heads.append(near[block][rows, columns].astype(np.int64))
    return _grouped(np.concatenate(tails), np.concatenate(heads), ratio)


def dimensions(distances: NDArray[np.float32]) -> float:
    """Dimensions the data have around their rows, by how distances grow from neighbour to neighbour.

    In D dimensions the volume within the j-th of k neighbours is a Beta(j, k - j) share of that within the
    last, so ``E log(r_k / r_j) = (psi(k) - psi(j)) / D``, as in Levina and Bickel (2004). Of j = k / 2 the
    median is taken over rows, which duplicates, few and nearer than that, leave as it is.
    """
    from scipy.special import digamma

    k = distances.shape[1]
    j = k // 2
    inner, outer = distances[:, j - 1], distances[:, -1]
    usable = (inner > 0) & np.isfinite(outer)
    if not usable.any():
        return np.inf
    growth = float(np.median(np.log(outer[usable] / inner[usable])))
    return float(digamma(k) - digamma(j)) / growth if growth > 0 else np.inf


def _ratio(distances: NDArray[np.float32]) -> float:
    by_chance = RATE / (distances.shape[1] - 1)
    return float(min(MOST_RATIO, by_chance ** (1 / dimensions(distances))))


def _grouped(tails: NDArray[np.int64], heads: NDArray[np.int64], ratio: float) -> NearDuplicates:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows, places = np.unique(np.concatenate([tails, heads]), return_inverse=True)
    if not len(rows):
        return NearDuplicates(rows.astype(np.int64), np.zeros(0, np.int32), ratio)
    one, other = places[: len(tails)], places[len(tails) :]
    edges = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(len(rows), len(rows)))
    _, groups = connected_components(edges.tocsr(), directed=False)
    _, first, number = np.unique(groups, return_index=True, return_inverse=True)
    by_first_row = np.argsort(np.argsort(first))[number]
    order = np.argsort(by_first_row, kind="stable")
    return NearDuplicates(rows[order].astype(np.int64), by_first_row[order].astype(np.int32), ratio)
