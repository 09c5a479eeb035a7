"""What is wrong with clusters by themselves: near duplicates, chance, a map that is untrue to the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.model import severity
from explorer.model.composition import MAD_OF_NORMAL
from explorer.model.fates import Fate
from explorer.model.findings import ClusterRows, Finding, percent
from explorer.model.near_duplicates import NearDuplicates
from explorer.model.written import counted

NEAREST = 5
"""Neighbours by which a cluster hangs together."""
LEAST_SHOWN = 0.1
MOSTLY = 0.5
"""Share of a cluster from which it is there for its copies, see ``severity.of_duplicates_in_cluster``."""


def of_duplicates(
    found: NearDuplicates,
    labels: NDArray[np.int32],
    sizes: NDArray[np.int64],
    p: NDArray[np.float64],
) -> Iterator[Finding]:
    """Yield the near duplicates of all rows, and of the clusters that have more than their part.

    Parameters
    ----------
    found : NearDuplicates
    labels : int32 (n,)
        The cluster of each row, -1 for noise.
    sizes : int64 (C,)
    p : float64 (C,)
        Of as many in each cluster, corrected.
    """
    n, share = len(labels), len(found.rows) / len(labels)
    if how_bad := severity.of_duplicates(share):
        spare = len(found.rows) - found.n_groups
        yield Finding(
            kind="duplicates",
            severity=how_bad,
            sentence=(
                f"{len(found.rows):,} of {n:,} items ({percent(share)}) are nearly the same as another, in "
                f"{counted(found.n_groups, 'group')}: keep one of each ({spare:,} less), and never split a "
                "group between training and test."
            ),
            rows=found.rows,
            value=share,
            groups=found.groups,
        )
    of_rows = labels[found.rows]
    counts = np.bincount(of_rows[of_rows >= 0], minlength=len(sizes))
    for cluster in np.flatnonzero((p <= severity.LEVEL) & (counts >= severity.LEAST_ROWS)).tolist():
        own = float(counts[cluster] / sizes[cluster])
        if how_bad := severity.of_duplicates_in_cluster(own, own / share):
            inside = of_rows == cluster
            groups = np.unique(found.groups[inside], return_inverse=True)[1].astype(np.int32)
            yield Finding(
                kind="duplicates",
                severity=how_bad,
                sentence=(
                    f"{percent(own)} of cluster {cluster} are nearly the same as another item, of all items "
                    f"{percent(share)}: {_of_copies(own)}."
                ),
                rows=found.rows[inside],
                cluster=cluster,
                value=own,
                expected=share,
                p=float(p[cluster]),
                groups=groups,
            )


def _of_copies(share: float) -> str:
    """What so many near duplicates mean for a cluster."""
    if share >= MOSTLY:
        return "it may be there for its copies alone"
    return "keep one of each group before you read anything from its size or density"


def of_fates(fates: Sequence[Fate], n_others: int, rows: ClusterRows) -> Iterator[Finding]:
    """Yield the clusters that other runs do not have as they are here."""
    for fate in fates:
        if not fate.is_stable:
            yield Finding(
                kind="unstable",
                severity=severity.of_fate(fate.beyond_chance, len(fate.torn_in), n_others),
                sentence=fate.sentence,
                rows=rows.of(fate.cluster),
                cluster=fate.cluster,
                value=fate.beyond_chance,
                expected=1.0,
            )


def of_links(links: NDArray[np.int64], rows: ClusterRows) -> Iterator[Finding]:
    """Yield the clusters that the map has torn from another: int64 (C, C + 1), see ``mingling.links``."""
    n_clusters = len(links)
    shares = links[:, :n_clusters] / np.maximum(links.sum(axis=1), 1)[:, None]
    np.fill_diagonal(shares, 0.0)
    if n_clusters < 2:
        return
    for cluster, other in enumerate(shares.argmax(axis=1).tolist()):
        share = float(shares[cluster, other])
        if how_bad := severity.of_torn(share):
            yield Finding(
                kind="distorted",
                severity=how_bad,
                sentence=(
                    f"{percent(share)} of the neighbours that cluster {cluster} has in the data are in "
                    f"cluster {other}: the map may have torn the two apart, so read no gap into it."
                ),
                rows=rows.of(cluster),
                cluster=cluster,
                value=share,
                aspect="torn",
            )


def of_parts(near: NDArray[np.int32], labels: NDArray[np.int32], rows: ClusterRows) -> Iterator[Finding]:
    """Yield the clusters that fall into parts which no neighbours in the data join: O(n k).

    Parameters
    ----------
    near : int32 (n, k)
        Neighbours in the data; the five nearest count.
    labels : int32 (n,)
        The cluster of each row, -1 for noise.
    rows : ClusterRows
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    few = near[:, :NEAREST]
    inside = (few >= 0) & (labels[:, None] >= 0) & (labels[few] == labels[:, None])
    tails, columns = np.nonzero(inside)
    heads = few[tails, columns]
    ones = np.ones(len(tails), np.int8)
    edges = coo_array((ones, (tails.astype(np.int32), heads)), shape=(len(near), len(near)))
    part = connected_components(edges.tocsr(), directed=False)[1]
    for cluster in range(int(labels.max(initial=-1)) + 1):
        own = rows.of(cluster)
        parts, counts = np.unique(part[own], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        share = float(counts[order[1]] / len(own)) if len(order) > 1 else 0.0
        if how_bad := severity.of_joined(share):
            n_parts = int((counts >= LEAST_SHOWN * len(own)).sum())
            yield Finding(
                kind="distorted",
                severity=how_bad,
                sentence=(
                    f"Cluster {cluster} is made of {n_parts} parts that nothing in the data joins, the "
                    f"second {percent(share)} of it: the map may have laid them side by side."
                ),
                rows=own[part[own] == parts[order[1]]],
                cluster=cluster,
                value=share,
                aspect="joined",
            )


def of_agreement(agreement: NDArray[np.float64], rows: ClusterRows) -> Iterator[Finding]:
    """Yield the clusters whose items keep far fewer of their neighbours than others do: float64 (C,)."""
    known = agreement[np.isfinite(agreement)]
    if len(known) < 2:
        return
    median = float(np.median(known))
    spread = MAD_OF_NORMAL * float(np.median(np.abs(known - median)))
    for cluster in np.flatnonzero(np.isfinite(agreement)).tolist():
        own = float(agreement[cluster])
        if how_bad := severity.of_agreement(own, median, spread):
            yield Finding(
                kind="distorted",
                severity=how_bad,
                sentence=(
                    f"Items of cluster {cluster} keep {percent(own)} of their neighbours on the map, in the "
                    f"median cluster {percent(median)}: compare them in the data, not on the map."
                ),
                rows=rows.of(cluster),
                cluster=cluster,
                value=own,
                expected=median,
                aspect="unfaithful",
            )
