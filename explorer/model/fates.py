"""What becomes of the clusters of one map on others: there again, torn, merged, lost in noise, or chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from explorer.model.comparison import Map
from explorer.model.findings import listed

PART, MOST = 0.2, 0.5
"""Shares of a cluster: what is a part of it, and what is most of it."""
STABLE, DISSOLVED = 0.75, 0.5
"""Hennig's (2007) bounds of a cluster's mean Jaccard index: it is there again, and it is not."""
MOST_NAMED = 3
"""Clusters that a sentence names."""


@dataclass(frozen=True)
class Fate:
    """What becomes of one cluster of the reference in the other runs.

    Attributes
    ----------
    cluster, size : int
        Its number on the reference, 0 the largest, and its rows.
    matches : tuple of float
        Its best match in each other run, ``max_d |C & D| / |C | D|`` over the clusters D there; 0 in a run
        without clusters.
    survival : float
        Their mean (Hennig 2007).
    beyond_chance : float
        The same with each match J corrected to ``(J - E) / (1 - E)``, where E is the index of two random sets
        of these sizes: two clusters of two thirds of all rows have half in common by chance.
    worst : str
        The run with the worst of these matches.
    torn_in : tuple of str
        Runs where two clusters or more each hold a fifth of it, and one of them is mostly of it.
    merged_in : tuple of str
        Runs where the cluster that holds more than half of it also holds more than half of other clusters of
        the reference, and these make a fifth of it.
    merged_with : tuple of int
        Those other clusters, in any run.
    lost_in : tuple of str
        Runs where more than half of it is noise.
    missed_in : tuple of str
        Runs where it is not there: even the best match, beyond chance, is a half or less.
    sentence : str
        What that means and what to do.
    where : tuple of str
        The runs that it speaks of.
    """

    cluster: int
    size: int
    matches: tuple[float, ...]
    survival: float
    beyond_chance: float
    worst: str
    torn_in: tuple[str, ...]
    merged_in: tuple[str, ...]
    merged_with: tuple[int, ...]
    lost_in: tuple[str, ...]
    missed_in: tuple[str, ...]
    sentence: str
    where: tuple[str, ...]

    @property
    def is_stable(self) -> bool:
        """Whether it comes back whole and alone in every run."""
        changes = self.torn_in or self.merged_in or self.lost_in or self.missed_in
        return self.beyond_chance >= STABLE and not changes


@dataclass(frozen=True, eq=False)
class Meeting:
    """How the R clusters of the reference meet the S clusters of another run.

    Attributes
    ----------
    labels : int32 (n,)
        The clusters of the other run.
    together : int64 (R, S)
        Rows in both.
    sizes, other_sizes : int64 (R,), (S,)
        Rows of each.
    """

    run_id: str
    labels: NDArray[np.int32]
    together: NDArray[np.int64]
    sizes: NDArray[np.int64]
    other_sizes: NDArray[np.int64]

    @classmethod
    def of(cls, reference: Map, other: Map) -> Meeting:
        """Count which clusters of two maps meet: O(n)."""
        n_rows, n_columns = (int(one.labels.max(initial=-1)) + 2 for one in (reference, other))
        # Noise, -1, is the first row and the first column.
        met = (reference.labels.astype(np.int64) + 1) * n_columns + other.labels + 1
        counts = np.bincount(met, minlength=n_rows * n_columns).reshape(n_rows, n_columns)
        return cls(other.run_id, other.labels, counts[1:, 1:], counts.sum(1)[1:], counts.sum(0)[1:])

    @cached_property
    def jaccard(self) -> NDArray[np.float64]:
        """``|C & D| / |C | D|`` of each pair of clusters, float64 (R, S)."""
        either = self.sizes[:, None] + self.other_sizes - self.together
        return np.asarray(self.together / np.maximum(either, 1), np.float64)

    @cached_property
    def match(self) -> NDArray[np.int64]:
        """The best match of each cluster, -1 where no cluster has a row of it: int64 (R,)."""
        if not self.jaccard.size:
            return np.full(len(self.sizes), -1)
        return np.where(self.together.any(axis=1), self.jaccard.argmax(axis=1), -1)

    def best(self, cluster: int) -> float:
        """Jaccard index of a cluster and its best match."""
        return float(self.jaccard[cluster].max(initial=0.0))

    def beyond_chance(self, cluster: int) -> float:
        """The same, 0 for what random sets of these sizes have in common and 1 for equal sets."""
        found, match = self.best(cluster), self.match[cluster]
        if match < 0:
            return 0.0
        both = float(self.sizes[cluster]) * float(self.other_sizes[match]) / len(self.labels)
        chance = both / (float(self.sizes[cluster] + self.other_sizes[match]) - both)
        return (found - chance) / (1 - chance) if chance < 1 else found

    def tears(self, cluster: int) -> bool:
        """Whether two clusters or more each hold a part of it, one of them little else."""
        parts = self.together[cluster] >= PART * self.sizes[cluster]
        own = self.together[cluster] > MOST * self.other_sizes
        return bool(parts.sum() > 1 and (parts & own).any())

    def loses(self, cluster: int) -> bool:
        """Whether most of it is noise."""
        return bool(self.together[cluster].sum() < MOST * self.sizes[cluster])

    def joined(self, cluster: int) -> tuple[int, ...]:
        """Clusters that are mostly in one with it there, and make a part of that one; empty for none."""
        mostly = self.together > MOST * self.sizes[:, None]
        (homes,) = np.nonzero(mostly[cluster])
        if not len(homes):
            return ()
        home = homes[0]
        others = [int(one) for one in np.flatnonzero(mostly[:, home]) if one != cluster]
        weight = int(self.together[others, home].sum())
        return tuple(others) if others and weight >= PART * self.other_sizes[home] else ()


def fate_of(cluster: int, meetings: Sequence[Meeting]) -> Fate:
    """Tell what becomes of a cluster of the reference in the runs that it met."""
    matches = [meeting.best(cluster) for meeting in meetings]
    beyond = {meeting.run_id: meeting.beyond_chance(cluster) for meeting in meetings}
    torn = tuple(meeting.run_id for meeting in meetings if meeting.tears(cluster))
    lost = tuple(meeting.run_id for meeting in meetings if meeting.loses(cluster))
    joined = {meeting.run_id: found for meeting in meetings if (found := meeting.joined(cluster))}
    merged_with = tuple(sorted({other for found in joined.values() for other in found}))
    fate = Fate(
        cluster=cluster,
        size=int(meetings[0].sizes[cluster]),
        matches=tuple(matches),
        survival=float(np.mean(matches)),
        beyond_chance=float(np.mean(list(beyond.values()))),
        worst=meetings[int(np.argmin(matches))].run_id,
        torn_in=torn,
        merged_in=tuple(joined),
        merged_with=merged_with,
        lost_in=lost,
        missed_in=tuple(run for run, value in beyond.items() if value <= DISSOLVED),
        sentence="",
        where=(),
    )
    rest = [value for run, value in beyond.items() if run not in {*torn, *joined, *lost}]
    sentence, where = _told(fate, len(meetings), rest)
    return replace(fate, sentence=sentence, where=where)


def _told(fate: Fate, n: int, rest: Sequence[float]) -> tuple[str, tuple[str, ...]]:
    """What becomes of a cluster in words, and the runs these speak of.

    Parameters
    ----------
    fate : Fate
        With everything but these.
    n : int
        Other runs.
    rest : sequence of float
        Its matches, beyond chance, in the runs where it is neither torn nor merged nor noise.
    """
    name, torn, joined = f"Cluster {fate.cluster}", fate.torn_in, fate.merged_in
    kinds = sum(map(bool, (torn, joined, fate.lost_in)))
    if fate.beyond_chance <= DISSOLVED and (kinds > 1 or (rest and np.mean(rest) <= DISSOLVED)):
        gone = f"{name} does not come back: what it holds changes from run to run, build nothing on it."
        return gone, fate.missed_in
    if len(torn) > n / 2:
        return (
            f"{name} falls into parts in {_of(torn, n)}: on this map they may have met by chance. "
            "Look for what tells them apart before you call it one group."
        ), torn
    if torn:
        whole = " and whole in the rest" if rest and min(rest) >= STABLE else ""
        return f"{name} is torn in {_of(torn, n)}{whole}: chance can part it, read no gap into it.", torn
    if joined:
        return (
            f"{name} is one with {numbered(fate.merged_with)} in {_of(joined, n)}: the gap between them may "
            "be chance. Read them as one unless the data tell them apart."
        ), joined
    only = "call it a group only if the data show it."
    if fate.lost_in:
        return f"{name} is mostly noise in {_of(fate.lost_in, n)}: {only}", fate.lost_in
    if fate.missed_in:
        return f"{name} is not there in {_of(fate.missed_in, n)}: {only}", fate.missed_in
    if fate.beyond_chance >= STABLE:
        return f"{name} comes back in every run: it is no accident of one.", ()
    return f"{name} comes back with other edges: trust its core, not its outline.", (fate.worst,)


def _of(some: Sequence[str], n: int) -> str:
    return "the other run" if n == 1 else f"{len(some)} of {n} other runs"


def numbered(clusters: Sequence[int], most: int = MOST_NAMED) -> str:
    """Clusters by their numbers, as a sentence names them.

    >>> numbered([3]), numbered([3, 5]), numbered([3, 5, 7, 8])
    ('cluster 3', 'clusters 3 and 5', 'clusters 3, 5, 7 and 1 more')
    """
    more = [f"{len(clusters) - most:,} more"] if len(clusters) > most else []
    return f"cluster{'' if len(clusters) == 1 else 's'} {listed([*map(str, clusters[:most]), *more])}"
