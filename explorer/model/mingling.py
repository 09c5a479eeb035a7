"""How the categories of a cluster lie among each other in the data: counts of neighbours, compiled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray

ALL, INSIDE, OWN, DOMINANT, ELSEWHERE = range(5)


@dataclass(frozen=True, eq=False)
class Mingling:
    """Neighbours in the data of the rows of each category in each cluster.

    Attributes
    ----------
    edges : int64 (C, K, 5)
        All; in the same cluster; of these, of the same category and of the cluster's commonest one; of the
        same category in another cluster.
    counts : int64 (C, K)
        Rows.
    """

    edges: NDArray[np.int64]
    counts: NDArray[np.int64]

    @cached_property
    def concentration(self) -> NDArray[np.float64]:
        """How far neighbours in the cluster are of a row's own category beyond chance: float64 (C, K).

        ``(s - q) / (1 - q)``, s the share found and q that of the category among the cluster's other rows:
        0 where its rows lie anywhere, 1 where they lie by themselves.
        """
        inside, own = self.edges[..., INSIDE], self.edges[..., OWN]
        others = np.maximum(self.counts.sum(axis=1, keepdims=True) - 1, 1)
        chance = np.maximum(self.counts - 1, 0) / others
        found = own / np.maximum(inside, 1)
        rest = np.where(chance < 1, 1 - chance, 1.0)
        return np.where(inside > 0, (found - chance) / rest, 0.0)

    @cached_property
    def touching(self) -> NDArray[np.float64]:
        """Share of all neighbours that are of the cluster's commonest category: float64 (C, K)."""
        return self.edges[..., DOMINANT] / np.maximum(self.edges[..., ALL], 1)

    @cached_property
    def elsewhere(self) -> NDArray[np.float64]:
        """Share of all neighbours that are of the same category in another cluster: float64 (C, K)."""
        return self.edges[..., ELSEWHERE] / np.maximum(self.edges[..., ALL], 1)


def mingling(
    near: NDArray[np.int32],
    labels: NDArray[np.int32],
    codes: NDArray[np.int32],
    counts: NDArray[np.int64],
    dominant: NDArray[np.int64],
) -> Mingling:
    """Count the neighbours of each category in each cluster: O(n k).

    Parameters
    ----------
    near : int32 (n, k)
        Neighbours in the data, -1 for none.
    labels, codes : int32 (n,)
        Cluster and category of each row, -1 for none.
    counts : int64 (C, K)
        Rows of each category in each cluster.
    dominant : int64 (C,)
        The commonest category of each cluster.
    """
    edges = np.zeros((*counts.shape, 5), np.int64)
    _tally(near, labels, codes, dominant, edges)
    return Mingling(edges, counts)


def links(near: NDArray[np.int32], labels: NDArray[np.int32], n_clusters: int) -> NDArray[np.int64]:
    """Count the neighbours that rows of each cluster have in each, the last being noise: int64 (C, C + 1)."""
    found = np.zeros((n_clusters, n_clusters + 1), np.int64)
    _link(near, labels, found)
    return found


@njit(nogil=True, cache=True)
def _tally(near, labels, codes, dominant, edges):  # type: ignore[no-untyped-def]
    for i in range(len(near)):
        cluster, own = labels[i], codes[i]
        if cluster < 0 or own < 0:
            continue
        found = edges[cluster, own]
        for j in near[i]:
            if j < 0:
                continue
            found[ALL] += 1
            if labels[j] == cluster:
                found[INSIDE] += 1
                if codes[j] == own:
                    found[OWN] += 1
                elif codes[j] == dominant[cluster]:
                    found[DOMINANT] += 1
            elif labels[j] >= 0 and codes[j] == own:
                found[ELSEWHERE] += 1


@njit(nogil=True, cache=True)
def _link(near, labels, found):  # type: ignore[no-untyped-def]
    for i in range(len(near)):
        if labels[i] >= 0:
            for j in near[i]:
                if j >= 0:
                    found[labels[i], labels[j]] += 1
