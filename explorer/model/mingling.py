"""How the categories of a cluster lie among each other in the data: counts of neighbours, compiled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray

ALL, INSIDE, OWN, DOMINANT, ELSEWHERE = range(5)


@dataclass(frozen=True, eq=False)
class Places:
    """Where rows are, in the data and among clusters and categories.

    Attributes
    ----------
    near : int32 (n, k)
        Neighbours in the data, -1 for none.
    reach : float32 (n,)
        The distance to the last of them: large where rows lie sparsely.
    labels, codes : int32 (n,)
        Cluster and category of each row, -1 for none.
    """

    near: NDArray[np.int32]
    reach: NDArray[np.float32]
    labels: NDArray[np.int32]
    codes: NDArray[np.int32]


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
    of : Places
        What was counted.
    """

    edges: NDArray[np.int64]
    counts: NDArray[np.int64]
    of: Places

    @cached_property
    def concentration(self) -> NDArray[np.float64]:
        """How far neighbours in the cluster are of a row's own category beyond chance: float64 (C, K).

        ``(s - q) / (1 - q)``, s the share found and q that of the category among the cluster's other rows:
        0 where its rows lie anywhere, 1 where they lie by themselves.
        """
        rest = np.where(self._chance < 1, 1 - self._chance, 1.0)
        return np.where(self.edges[..., INSIDE] > 0, (self._found - self._chance) / rest, 0.0)

    @cached_property
    def unevenness(self) -> NDArray[np.float64]:
        """How unevenly each category lies in each cluster: float64 (C, K).

        ``s / q - 1``, s and q as above: the squared coefficient of variation of its share from place to
        place, as its rows see that share weighted by itself. 0 where it lies anywhere, ``w / (1 - w)`` where
        a share w of the cluster is without it and the rest is even.
        """
        chance = np.where(self._chance > 0, self._chance, 1.0)
        known = (self.edges[..., INSIDE] > 0) & (self._chance > 0)
        return np.where(known, self._found / chance - 1, 0.0)

    @cached_property
    def _found(self) -> NDArray[np.float64]:
        """Share of the neighbours in the cluster that are of a row's own category."""
        return np.asarray(self.edges[..., OWN] / np.maximum(self.edges[..., INSIDE], 1))

    @cached_property
    def _chance(self) -> NDArray[np.float64]:
        """The same, if a row's neighbours were any of the cluster."""
        others = np.maximum(self.counts.sum(axis=1, keepdims=True) - 1, 1)
        return np.asarray(np.maximum(self.counts - 1, 0) / others)

    @cached_property
    def touching(self) -> NDArray[np.float64]:
        """Share of all neighbours that are of the cluster's commonest category: float64 (C, K)."""
        return self.edges[..., DOMINANT] / np.maximum(self.edges[..., ALL], 1)

    @cached_property
    def elsewhere(self) -> NDArray[np.float64]:
        """Share of all neighbours that are of the same category in another cluster: float64 (C, K)."""
        return self.edges[..., ELSEWHERE] / np.maximum(self.edges[..., ALL], 1)

    def meeting(self, cluster: int, one: int, other: int) -> tuple[int, float]:
        """How a category meets another in a cluster: O(n).

        Returns
        -------
        rows : int
            Rows of the one next to rows of the other, all with as many neighbours in the cluster of their own
            category as of the other at least: a single label amid the others is no border.
        sparse : float
            The share of the rows of the one that lie more densely than these, on average, ties by half: about
            a half where they are any, 1 where they are the outermost. It is U / (m n) of Mann and Whitney
            (1947); 1 for no rows.
        """
        rows = np.flatnonzero((self.of.labels == cluster) & (self.of.codes == one))
        around = self._around(rows, cluster)
        across = (around == other) & self._at_home(rows, cluster, one, other)[:, None]
        strangers = np.unique(self.of.near[rows][across])
        settled = strangers[self._at_home(strangers, cluster, other, one)]
        meets = (across & np.isin(self.of.near[rows], settled)).any(axis=1)
        if not meets.any():
            return 0, 1.0
        from scipy.stats import rankdata

        places = (rankdata(self.of.reach[rows]) - 0.5) / len(rows)
        return int(meets.sum()), float(places[meets].mean())

    def _around(self, rows: NDArray[np.integer], cluster: int) -> NDArray[np.int32]:
        """Categories of the neighbours that are in the cluster, -1 for others: int32 (m, k)."""
        near = self.of.near[rows]
        inside = (near >= 0) & (self.of.labels[near] == cluster)
        return np.where(inside, self.of.codes[near], np.int32(-1))

    def _at_home(self, rows: NDArray[np.integer], cluster: int, own: int, other: int) -> NDArray[np.bool_]:
        """Which rows have as many neighbours in the cluster of one category as of another: bool (m,)."""
        around = self._around(rows, cluster)
        return np.asarray((around == own).sum(axis=1) >= (around == other).sum(axis=1))


def mingling(of: Places, counts: NDArray[np.int64], dominant: NDArray[np.int64]) -> Mingling:
    """Count the neighbours of each category in each cluster: O(n k).

    Parameters
    ----------
    of : Places
    counts : int64 (C, K)
        Rows of each category in each cluster.
    dominant : int64 (C,)
        The commonest category of each cluster.
    """
    edges = np.zeros((*counts.shape, 5), np.int64)
    _tally(of.near, of.labels, of.codes, dominant, edges)
    return Mingling(edges, counts, of)


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
