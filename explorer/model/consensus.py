"""What several runs of the same items agree on: which clusters come back, which regions are chance.

One run, the reference, is asked about; the others are its witnesses. Compared are finished maps, so all that
a seed decides is in the difference: the neighbours found, where the points start, the negative samples. The
published neighbour, GhostUMAP2 (Jung, Fujiwara and Jo 2025), looks inside one run: it lays out duplicates
("ghosts") of each point beside the others and calls the point (r, d)-stable when ghosts that start within r
of it end within d. That tells of single points, needs the optimiser, and leaves all other points where this
one run put them. Here whole runs differ, so whole clusters can move, merge and tear; any maps of the same
items can be compared, of other parameters too; and what is told is of neighbours, clusters and regions.
Distances on the map, which mean little, are never compared.

For e runs of n rows with k neighbours and R, S clusters a map: O(e n) to count which clusters meet, O(e R S)
to match them, O(n k) for the regions. Nothing is n^2, and no table is larger than the neighbours'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from explorer.model.comparison import Map
from explorer.model.errors import InputError

FEWEST_RUNS = 3
PART, MOST = 0.2, 0.5
"""Shares of a cluster: what is a part of it, and what is most of it."""
STABLE, DISSOLVED = 0.75, 0.5
"""Hennig's (2007) bounds of a cluster's mean Jaccard index: it is there again, and it is not."""
UNSTABLE = 0.2
"""Stability below which fewer than a third of the neighbours are kept: the median of a map of uniform noise in
ten dimensions is 0.17, of MNIST 0.48, where one digit in twenty is below."""
HALF_KEPT = 1 / 3
"""Stability at which half of the neighbours are kept."""
LINKS = 5
LEAST_REGION, SMALLEST_SHARE, MOST_REGIONS = 15, 1000, 20


@dataclass(frozen=True)
class Fate:
    """What becomes of one cluster of the reference in the other runs.

    Attributes
    ----------
    cluster, size : int
        Its number on the reference, 0 the largest, and its rows.
    survival : float
        Mean over the other runs of its best match there, ``max_d |C & D| / |C | D|`` over their clusters D
        (Hennig 2007); 0 in a run without clusters.
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
    sentence : str
        What that means and what to do.
    """

    cluster: int
    size: int
    survival: float
    beyond_chance: float
    worst: str
    torn_in: tuple[str, ...]
    merged_in: tuple[str, ...]
    merged_with: tuple[int, ...]
    lost_in: tuple[str, ...]
    sentence: str

    @property
    def where(self) -> tuple[str, ...]:
        """The runs that its sentence speaks of."""
        if found := self.torn_in or self.merged_in or self.lost_in:
            return found
        return () if self.beyond_chance >= STABLE else (self.worst,)

    @property
    def is_stable(self) -> bool:
        """Whether it comes back whole and alone in every run."""
        return self.beyond_chance >= STABLE and not (self.torn_in or self.merged_in or self.lost_in)


@dataclass(frozen=True, eq=False)
class Region:
    """Rows that lie together on the reference and keep few of their neighbours.

    Attributes
    ----------
    rows : int64 (m,)
        Ascending.
    stability : float
        Median of theirs.
    clusters : tuple of int
        Clusters of the reference that hold a fifth of them or more, most first.
    sentence : str
        What that means and what to do.
    """

    rows: NDArray[np.int64]
    stability: float
    clusters: tuple[int, ...]
    sentence: str


@dataclass(frozen=True, eq=False)
class Consensus:
    """What the runs agree on, told of the first of them.

    Attributes
    ----------
    run_id : str
        The reference.
    others : tuple of str
        The other runs.
    labels : int32 (n,)
        The clusters of the reference, -1 for noise.
    stability : float32 (n,)
        Mean Jaccard index of each row's neighbours over all pairs of runs.
    median : float
        Of the stability of all rows.
    sentence : str
        What that says of the map as a whole.
    clusters : tuple of Fate
        The largest first.
    regions : tuple of Region
        Unstable ones, the largest first, twenty at most.
    changing : int64 (m,)
        Rows that change sides, ascending: in half of the other runs or more, another cluster than the best
        match of their own holds them. Rows that are noise there change no side.
    changing_sentence : str
        What that means and what to do.
    """

    run_id: str
    others: tuple[str, ...]
    labels: NDArray[np.int32]
    stability: NDArray[np.float32]
    median: float
    sentence: str
    clusters: tuple[Fate, ...]
    regions: tuple[Region, ...]
    changing: NDArray[np.int64]
    changing_sentence: str

    def rows_of(self, cluster: int) -> NDArray[np.int64]:
        """Rows of a cluster of the reference, ascending."""
        return np.flatnonzero(self.labels == cluster).astype(np.int64, copy=False)


def consensus(maps: Sequence[Map], stability: NDArray[np.float32]) -> Consensus:
    """Tell what the first of some runs has in common with the others.

    Parameters
    ----------
    maps : sequence of Map
        Of the same rows, three at least, the reference first.
    stability : float32 (n,)
        Of these maps, see ``comparison.stability``.

    Raises
    ------
    InputError
        If there are fewer than three maps.
    """
    if len(maps) < FEWEST_RUNS:
        raise InputError(f"A consensus needs {FEWEST_RUNS} runs or more, got {len(maps)}: add another seed.")
    reference, *rest = maps
    meetings = [_Meeting.of(reference, other) for other in rest]
    known = stability[np.isfinite(stability)]
    median = float(np.median(known)) if len(known) else 0.0
    changing = _changing(reference.labels, meetings)
    return Consensus(
        run_id=reference.run_id,
        others=tuple(other.run_id for other in rest),
        labels=reference.labels,
        stability=stability,
        median=median,
        sentence=_verdict(median),
        clusters=tuple(_fate(cluster, meetings) for cluster in range(len(meetings[0].sizes))),
        regions=unstable_regions(reference, stability),
        changing=changing,
        changing_sentence=_changing_sentence(len(changing)),
    )


# Clusters


@dataclass(frozen=True, eq=False)
class _Meeting:
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
    def of(cls, reference: Map, other: Map) -> _Meeting:
        n_rows, n_columns = (int(one.labels.max(initial=-1)) + 2 for one in (reference, other))
        # Noise, -1, is the first row and the first column.
        met = (reference.labels.astype(np.int64) + 1) * n_columns + other.labels + 1
        counts = np.bincount(met, minlength=n_rows * n_columns).reshape(n_rows, n_columns)
        return cls(other.run_id, other.labels, counts[1:, 1:], counts.sum(1)[1:], counts.sum(0)[1:])

    @cached_property
    def jaccard(self) -> NDArray[np.float64]:
        """``|C & D| / |C | D|`` of each pair of clusters, float64 (R, S)."""
        either = self.sizes[:, None] + self.other_sizes - self.together
        return self.together / np.maximum(either, 1)

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


def _fate(cluster: int, meetings: Sequence[_Meeting]) -> Fate:
    matches = [meeting.best(cluster) for meeting in meetings]
    beyond = {meeting.run_id: meeting.beyond_chance(cluster) for meeting in meetings}
    torn = tuple(meeting.run_id for meeting in meetings if meeting.tears(cluster))
    lost = tuple(meeting.run_id for meeting in meetings if meeting.loses(cluster))
    joined = {meeting.run_id: found for meeting in meetings if (found := meeting.joined(cluster))}
    merged_with = tuple(sorted({other for found in joined.values() for other in found}))
    fate = Fate(
        cluster=cluster,
        size=int(meetings[0].sizes[cluster]),
        survival=float(np.mean(matches)),
        beyond_chance=float(np.mean(list(beyond.values()))),
        worst=meetings[int(np.argmin(matches))].run_id,
        torn_in=torn,
        merged_in=tuple(joined),
        merged_with=merged_with,
        lost_in=lost,
        sentence="",
    )
    rest = [value for run, value in beyond.items() if run not in {*torn, *joined, *lost}]
    return replace(fate, sentence=_sentence(fate, len(meetings), rest))


def _sentence(fate: Fate, n: int, rest: Sequence[float]) -> str:
    """What becomes of a cluster in words.

    Parameters
    ----------
    fate : Fate
        With everything but its sentence.
    n : int
        Other runs.
    rest : sequence of float
        Its matches, beyond chance, in the runs where it is neither torn nor merged nor noise.
    """
    name, torn, joined = f"Cluster {fate.cluster}", fate.torn_in, fate.merged_in
    kinds = sum(map(bool, (torn, joined, fate.lost_in)))
    if fate.beyond_chance <= DISSOLVED and (kinds > 1 or (rest and np.mean(rest) <= DISSOLVED)):
        return f"{name} does not come back: what it holds depends on the seed, build nothing on it."
    if len(torn) > n / 2:
        return (
            f"{name} falls into parts in {_of(torn, n)}: on this map they may have met by chance. "
            "Look for what tells them apart before you call it one group."
        )
    if torn:
        whole = " and whole in the rest" if rest and min(rest) >= STABLE else ""
        return f"{name} is torn in {_of(torn, n)}{whole}: chance can part it, read no gap into it."
    if joined:
        others = ", ".join(map(str, fate.merged_with[:3])) + (" …" if len(fate.merged_with) > 3 else "")
        return (
            f"{name} is one with cluster {others} in {_of(joined, n)}: the gap between them may be chance. "
            "Read them as one unless the data tell them apart."
        )
    if fate.lost_in:
        return f"{name} is mostly noise in {_of(fate.lost_in, n)}: call it a group only if the data show it."
    if fate.beyond_chance >= STABLE:
        return f"{name} comes back in every run: it does not depend on the seed."
    return f"{name} comes back with other edges: trust its core, not its outline."


def _of(some: Sequence[str], n: int) -> str:
    return f"{len(some)} of {n} other runs"


# Rows


def _changing(labels: NDArray[np.int32], meetings: Sequence[_Meeting]) -> NDArray[np.int64]:
    changes = np.zeros(len(labels), np.int16)
    for meeting in meetings:
        # The last place is that of noise, which has no match.
        match = np.append(meeting.match, -1)[labels]
        changes += (labels >= 0) & (meeting.labels >= 0) & (meeting.labels != match)
    return np.flatnonzero(2 * changes >= len(meetings)).astype(np.int64, copy=False)


def _changing_sentence(n: int) -> str:
    if not n:
        return "No item changes sides: each stays with its cluster in most runs, or is noise."
    return (
        f"{n:,} item{' is' if n == 1 else 's are'} in another cluster in at least half of the other runs: take "
        "no label or sample from them by their place on this map."
    )


def _verdict(median: float) -> str:
    if median < UNSTABLE:
        return (
            f"This map is unstable: half of the items keep less than {_kept(median, up=True)} of their "
            "neighbours from run to run. Read nothing from who lies beside whom."
        )
    kept = f"Half of the items keep {_kept(median)} of their neighbours or more from run to run"
    if median < HALF_KEPT:
        return f"{kept}: trust islands rather than who lies beside whom within one."
    return f"{kept}: who lies beside whom does not depend on the seed."


def _kept(stability: float, up: bool = False) -> str:
    """The share of neighbours that two maps have in common whose Jaccard index this is: J = o / (2 - o)."""
    share = 200 * stability / (1 + stability)
    return f"{max(1, int(np.ceil(share) if up else share))}%"


def unstable_regions(reference: Map, stability: NDArray[np.float32]) -> tuple[Region, ...]:
    """Connected groups of rows on the reference that keep few of their neighbours.

    A row is low when the mean stability of itself and its neighbours on the reference is below 0.2; a single
    row's is too coarse a share. A low row and the low ones among its five nearest belong together, and groups
    of at least fifteen rows and a thousandth of all are regions. O(n k).

    Parameters
    ----------
    reference : Map
    stability : float32 (n,)
        NaN, for a row without a place on one of the maps, is low in nobody's eyes.
    """
    # Imported here: most who compare have no low rows, and it takes a fifth of a second.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, known = len(stability), np.nan_to_num(stability)
    around = (known + known[reference.near].sum(axis=1)) / np.float32(reference.near.shape[1] + 1)
    low = np.flatnonzero((around < UNSTABLE) & np.isfinite(stability))
    if len(low) < LEAST_REGION:
        return ()
    place = np.full(n, -1, np.int32)
    place[low] = np.arange(len(low), dtype=np.int32)
    nearest = place[reference.near[low, :LINKS]]
    tails, which = np.nonzero(nearest >= 0)
    heads = nearest[tails, which]
    edges = coo_array((np.ones(len(tails), np.bool_), (tails, heads)), shape=(len(low), len(low)))
    _, groups = connected_components(edges.tocsr(), directed=False)
    sizes = np.bincount(groups)
    large = np.flatnonzero(sizes >= max(LEAST_REGION, n // SMALLEST_SHARE))
    chosen = large[np.argsort(-sizes[large], kind="stable")][:MOST_REGIONS]
    return tuple(_region(low[groups == group], reference.labels, stability) for group in chosen)


def _region(rows: NDArray[np.int64], labels: NDArray[np.int32], stability: NDArray[np.float32]) -> Region:
    counts = np.bincount(labels[rows] + 1)[1:]
    order = np.argsort(-counts, kind="stable")
    clusters = tuple(int(one) for one in order if counts[one] >= PART * len(rows))
    median = float(np.median(stability[rows]))
    where = "in no cluster" if not clusters else "in cluster " + " and ".join(map(str, clusters))
    share = len(rows) / len(stability)
    what = "All items" if share == 1 else f"{len(rows):,} items {where}"
    sentence = (
        f"{what} keep less than {_kept(median, up=True)} of their neighbours from run to run: who lies beside "
        "whom there is chance. Compare them in the data, not on the map."
    )
    return Region(rows, median, clusters, sentence)
