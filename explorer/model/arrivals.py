"""New data against the data of a map: which clusters it adds to and which it lacks, and what is new about it.

Both are asked the same. A new row belongs to the cluster that most of its nearest old rows are in; so does an
old row, itself left out. The counts of each cluster are compared by Fisher's exact test at a false discovery
rate of 5%. How novel a row is tells its distance to the k-th nearest old row (Ramaswamy, Rastogi and Shim
2000) in the original space, as a percentile of the same distance of the old rows, themselves left out: a
conformal p (Laxhammar and Falkman 2010), so that 1% of data like the old lies beyond the 99th percentile.
How many of m new rows lie beyond the r-th largest of n old values is beta-binomial (m, r, n - r + 1) then. k
is the run's n_neighbors less one.

New rows beyond it that lie within that distance of one another make a group; a large one has appeared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from core.knn import KnnGraph
from explorer.model import clusters, placing
from explorer.model.dataset import Dataset
from explorer.model.doing import in_parts
from explorer.model.graph_aside import graph_aside, graph_here
from explorer.model.placing import Placed, Reference
from explorer.model.run import Run, RunParameters
from explorer.model.shares import (
    GROWING,
    LEVEL,
    MOST_IDS,
    THINNING,
    Finding,
    adjusted,
    exact,
    factor,
    percent,
    severity_of,
    worst_first,
)
from explorer.model.workspace import Workspace
from explorer.model.written import counted

COMPARING = 1 / 9
"""Seconds to compare placed rows with the old ones, for each to find clusters and to place them."""
FAR = 0.99
"""The percentile of the old rows' distances beyond which a new row is far from all that is known."""
SMALLEST_GROUP, GROUP_NEIGHBOURS = 15, 15
GraphOf = Callable[[NDArray[np.float32], RunParameters], KnnGraph]
EXPECTED_AT_LEAST = 5
"""New rows a cluster would have: with fewer it is not said to have vanished."""


@dataclass(frozen=True)
class Share:
    """One cluster in the old and in the new data.

    Attributes
    ----------
    cluster : int
    old, new : int
        Rows whose neighbours are mostly in it.
    old_share, new_share : float
    p : float
        That they differ so much by chance; of false discoveries over all clusters.
    kind : {"thinning", "growing", ""}
    severity : {"high", "medium", "low", ""}
    sentence : str
        Empty where nothing is to be told.
    """

    cluster: int
    old: int
    new: int
    old_share: float
    new_share: float
    p: float
    kind: str
    severity: str
    sentence: str


@dataclass(frozen=True, eq=False)
class Arrivals:
    """New data on the map of a run.

    Attributes
    ----------
    name : str
        What the new data is called.
    placed : Placed
        Its rows on the map.
    labels : int32 (m,)
        The cluster of each new row, -1 for noise.
    novelty : float32 (m,)
        The share of the old rows that lie nearer to the others than this row does, 0 to 1.
    far_share, far_expected, far_p : float
        The share of new rows beyond the 99th percentile, the same of the old rows, and that it is so much
        larger by chance.
    shares : tuple of Share
        One a cluster, by number.
    groups : tuple of int64 arrays
        Rows of the new data that make groups far from all old ones, the largest first.
    old_labels : int32 (n,)
        The cluster of each old row on the map.
    """

    name: str
    placed: Placed
    labels: NDArray[np.int32]
    novelty: NDArray[np.float32]
    far_share: float
    far_expected: float
    far_p: float
    shares: tuple[Share, ...]
    groups: tuple[NDArray[np.int64], ...]
    old_labels: NDArray[np.int32]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The clusters that changed, worst first; the rows are theirs in the old data."""
        return worst_first(
            Finding(
                one.kind, one.severity, one.cluster, self.name, one.new_share, one.old_share, one.p,
                one.sentence,
                np.flatnonzero(self.old_labels == one.cluster).astype(np.int64, copy=False),
            )
            for one in self.shares
            if one.sentence
        )  # fmt: skip

    @property
    def sentence(self) -> str:
        """How new it is, in one."""
        n = len(self.novelty)
        many = f"{counted(n, 'new item')} {'lies' if n == 1 else 'lie'}"
        far = f"{percent(self.far_share)} of {many} farther from the known ones"
        than = f"than {FAR:.0%} of these do from one another, {percent(self.far_expected)} expected"
        by_chance = "more than by chance" if self.far_p <= LEVEL else "no more than by chance"
        return f"{far} {than}: {by_chance}."

    @property
    def appeared(self) -> tuple[str, ...]:
        """A sentence for each group."""
        return tuple(
            f"{len(rows):,} new items ({percent(len(rows) / len(self.novelty))}) make a group far from all "
            "known ones."
            for rows in self.groups
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "data": self.name,
            "sentence": self.sentence,
            "far": {"share": self.far_share, "expected": self.far_expected, "p": self.far_p},
            "appeared": [
                {"count": len(rows), "rows": rows[:MOST_IDS].tolist(), "sentence": sentence}
                for rows, sentence in zip(self.groups, self.appeared, strict=True)
            ],
            "clusters": [vars(one) for one in self.shares],
            "findings": [one.to_dict() for one in self.findings],
        }


def arrivals(
    workspace: Workspace, run: Run, dataset: Dataset, progress: Callable[[float], None] = lambda _: None
) -> Arrivals:
    """Compare other data with that of a run's map; slow, so never on the event loop.

    Parameters
    ----------
    workspace : Workspace
    run : Run
        At rest, with a map; its clusters are those of `clusters.find`.
    dataset : Dataset
        The new data, with vectors of the same dimensions.
    progress : callable, optional
        Called with the share done; what it raises ends the work.

    Raises
    ------
    InputError
        If it cannot be placed on the map.
    """
    reference = Reference.of_run(workspace, run)
    seconds = clusters.seconds_to_find(workspace, run), placing.seconds_to_place(workspace, run, dataset)
    begin = in_parts(progress, (*seconds, COMPARING * sum(seconds) or 1.0))
    labels = clusters.find(workspace, run, progress=begin()).labels
    found = placing.placed(workspace, run, dataset, begin())
    graph_of = partial(graph_aside, workspace, progress=begin())
    told = compared(reference, labels, found, np.asarray(dataset.vectors), dataset.name, graph_of)
    progress(1.0)
    return told


def compared(
    reference: Reference,
    labels: NDArray[np.int32],
    found: Placed,
    vectors: NDArray[np.float32],
    name: str = "new data",
    graph_of: GraphOf = graph_here,
) -> Arrivals:
    """Compare placed rows with the old ones.

    Parameters
    ----------
    reference : Reference
        The old rows.
    labels : int32 (n,)
        Their clusters, -1 for noise.
    found : Placed
        The new rows on the map.
    vectors : float32 (m, dims)
        The new rows.
    name : str
        What to call them.
    graph_of : callable, optional
        Finds the neighbours of new rows by the n_neighbors, metric and seed of parameters.
    """
    from scipy.stats import betabinom

    graph, k = reference.graph, reference.graph.k
    old, new = votes(labels, graph.indices), votes(labels, found.indices[:, :k])
    known, far = np.sort(graph.distances[:, -1]), found.distances[:, k - 1]
    # The r-th largest of the old distances, 1% of them.
    n, m, r = len(known), len(far), max(1, round((1 - FAR) * len(known)))
    threshold = float(known[-r])
    beyond = np.flatnonzero(far > threshold)
    p = min(1.0, max(0.0, float(betabinom.sf(len(beyond) - 1, m, r, n - r + 1))))
    groups = _groups(vectors, beyond, threshold, reference.run, graph_of) if p <= LEVEL else ()
    shares = _shares(old, new, int(labels.max(initial=-1)) + 1)
    far_share, expected = len(beyond) / max(m, 1), r / (n + 1)
    return Arrivals(name, found, new, novelty(graph, found), far_share, expected, p, shares, groups, labels)


def novelty(graph: KnnGraph, found: Placed) -> NDArray[np.float32]:
    """How far placed rows are from all old ones, float32 (m,): the share of the old that are no farther.

    Parameters
    ----------
    graph : KnnGraph
        The old rows' own neighbours, k of each; the k-th of a row tells how far it is.
    found : Placed
        The new rows, with k neighbours or more.
    """
    known = np.sort(graph.distances[:, -1])
    ranks = np.searchsorted(known, found.distances[:, graph.k - 1], side="right")
    return np.asarray(ranks / len(known), np.float32)


def votes(labels: NDArray[np.int32], indices: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the label that most of each row's neighbours have; of two with as many, the nearer one.

    Parameters
    ----------
    labels : int32 (n,)
    indices : int32 (m, k)
        Neighbours, nearest first, -1 for none.

    Returns
    -------
    int32 (m,)
        -1 for a row without neighbours.
    """
    found = np.empty(len(indices), np.int32)
    _vote(labels, indices, found)
    return found


def _shares(old: NDArray[np.int32], new: NDArray[np.int32], n_clusters: int) -> tuple[Share, ...]:
    before, now = (np.bincount(one[one >= 0], minlength=n_clusters).astype(np.int64) for one in (old, new))
    n, m = len(old), len(new)
    chance = adjusted(exact(now, np.full(n_clusters, m), before + now, np.full(n_clusters, n + m)))
    times = factor(now, m, before, n)
    return tuple(
        _share(
            cluster,
            int(before[cluster]),
            int(now[cluster]),
            n,
            m,
            float(chance[cluster]),
            float(times[cluster]),
        )
        for cluster in range(n_clusters)
    )


def _share(cluster: int, old: int, new: int, n: int, m: int, p: float, times: float) -> Share:
    before, now = old / n, new / max(m, 1)
    severity = severity_of(times) if p <= LEVEL else ""
    if not severity:
        return Share(cluster, old, new, before, now, p, "", "", "")
    kind = THINNING if times < 1 else GROWING
    sentence = (
        f"Cluster {cluster} {'shrank' if times < 1 else 'grew'} from {percent(before)} of the known to "
        f"{percent(now)} of the new items."
    )
    if new == 0 and m * before >= EXPECTED_AT_LEAST:
        sentence = (
            f"Cluster {cluster} vanished: none of the {m:,} new items is like it, where {m * before:,.0f} "
            "were expected."
        )
    return Share(cluster, old, new, before, now, p, kind, severity, sentence)


def _groups(
    vectors: NDArray[np.float32], rows: NDArray[np.int64], within: float, run: Run, graph_of: GraphOf
) -> tuple[NDArray[np.int64], ...]:
    """Those rows that chains of steps no longer than `within` join to 15 or more, the largest group first."""
    if len(rows) < SMALLEST_GROUP:
        return ()
    far, p = np.ascontiguousarray(vectors[rows]), run.parameters
    graph = graph_of(far, RunParameters(n_neighbors=GROUP_NEIGHBOURS, metric=p.metric, seed=p.seed))
    near = graph.distances <= within
    ends = np.repeat(np.arange(len(rows)), near.sum(axis=1)), graph.indices[near]
    links = coo_array((np.ones(len(ends[0]), np.int8), ends), shape=(len(rows), len(rows)))
    _, component = connected_components(links.tocsr(), directed=False)
    sizes = np.bincount(component)
    large = [int(one) for one in np.argsort(-sizes, kind="stable") if sizes[one] >= SMALLEST_GROUP]
    return tuple(rows[component == one] for one in large)


@njit(nogil=True, cache=True)
def _vote(labels, indices, found):  # type: ignore[no-untyped-def]
    for i in range(len(indices)):
        best, most = -1, 0
        for j in range(indices.shape[1]):
            if indices[i, j] < 0:
                continue
            one, same = labels[indices[i, j]], 0
            for other in range(indices.shape[1]):
                if indices[i, other] >= 0 and labels[indices[i, other]] == one:
                    same += 1
            if same > most:
                best, most = one, same
        found[i] = best
