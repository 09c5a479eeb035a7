"""What several runs of the same items agree on: which clusters come back, which regions are chance.

One run, the reference, is asked about; the others are its witnesses. Compared are finished maps, so all that
a seed decides is in the difference: the neighbours found, where the points start, the negative samples. Whole
runs differ, so whole clusters can move, merge and tear; any maps of the same items can be compared, of other
parameters too. Distances on the map, which mean little, are never compared.

The published neighbour, GhostUMAP2 (Jung, Fujiwara and Jo 2025), tests the layout's chance within one run, of
one graph and one start: a point is (r, d)-stable when duplicates of it ("ghosts") that begin within r of it
end within d. Where both speak they agree (``tests/benchmarks/bench_stability.py``): of eight points that
belong to two groups alike d finds two to six and our stability four or five, in two environments, where
chance finds none; of the 0.6% of 10,000 digits unstable to them 69% are in our least stable tenth, 10% among
as many of our least stable, and d and 1 - stability have a rank correlation of 0.36. They differ where a
point stays in its place but not beside the same others: of uniform noise 96% is stable to them, and here
such a map is called unstable.

For e runs of n rows with k neighbours and R, S clusters a map: O(e n) to count which clusters meet, O(e R S)
to match them, O(n k + n log n) for surroundings and regions. Nothing is n^2, and no table is larger than the
neighbours'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from core.quality import map_graph
from core.recall import sample_rows
from explorer.model.comparison import Map, overlap
from explorer.model.errors import InputError
from explorer.model.fates import PART, Fate, Meeting, fate_of, numbered

FEWEST_RUNS = 3
UNSTABLE = 0.2
"""Stability of surroundings below which fewer than a third are kept: their median is 0.17 on maps of uniform
noise in ten dimensions, and 0.48 of MNIST's digits, where one in twenty is below."""
HALF_KEPT = 1 / 3
"""Stability at which half are kept."""
THINNED = 5000
"""Rows whose neighbours among each other are the surroundings: the more rows a map has, the more it is chance
which of many near ones are nearest, and of a million even a good map keeps few."""
BLOCK_ROWS = 65_536
LINKS = 5
LEAST_REGION, SMALLEST_SHARE, MOST_REGIONS = 15, 1000, 20


@dataclass(frozen=True, eq=False)
class Region:
    """Rows that lie together on the reference and keep little of their surroundings.

    Attributes
    ----------
    rows : int64 (m,)
        Ascending.
    stability : float
        Median of that of their surroundings.
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
        What the surroundings of all rows say of the map as a whole.
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

    @property
    def worst_first(self) -> tuple[Fate, ...]:
        """The clusters, those that change most from run to run first, and the stable ones in their order."""
        return tuple(
            sorted(self.clusters, key=lambda one: (one.is_stable, one.is_stable or one.beyond_chance))
        )

    @property
    def changing_of(self) -> dict[int, NDArray[np.int64]]:
        """The rows of each cluster that change sides, ascending; the cluster with the most of them first."""
        homes, counts = np.unique(self.labels[self.changing], return_counts=True)
        most_first = homes[np.argsort(-counts, kind="stable")]
        return {int(home): self.changing[self.labels[self.changing] == home] for home in most_first}

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
    meetings = [Meeting.of(reference, other) for other in rest]
    around = surroundings(maps)
    changing = _changing(reference.labels, meetings)
    return Consensus(
        run_id=reference.run_id,
        others=tuple(other.run_id for other in rest),
        labels=reference.labels,
        stability=stability,
        median=_median(stability),
        sentence=_verdict(_median(around)),
        clusters=tuple(fate_of(cluster, meetings) for cluster in range(len(meetings[0].sizes))),
        regions=unstable_regions(reference, around, stability),
        changing=changing,
        changing_sentence=_changing_sentence(len(changing)),
    )


# Rows


def _changing(labels: NDArray[np.int32], meetings: Sequence[Meeting]) -> NDArray[np.int64]:
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
        f"{n:,} item{' is' if n == 1 else 's are'} in another cluster in at least half of the other runs: "
        "take no label or sample from them by their place on this map."
    )


def _median(values: NDArray[np.float32]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else 0.0


def _verdict(median: float) -> str:
    if median < UNSTABLE:
        return (
            f"This map is unstable: half of the items keep less than {_kept(median, up=True)} of their "
            "surroundings from run to run. Read nothing from where an item lies."
        )
    kept = f"Half of the items keep {_kept(median)} of their surroundings or more from run to run"
    if median < HALF_KEPT:
        return f"{kept}: trust islands rather than where in one an item lies."
    return f"{kept}: most of where an item lies is no accident of one run."


def _kept(stability: float, up: bool = False) -> str:
    """The share that two maps have in common whose Jaccard index this is: J = o / (2 - o)."""
    share = 200 * stability / (1 + stability)
    return f"{max(1, int(np.ceil(share) if up else share))}%"


def surroundings(maps: Sequence[Map]) -> NDArray[np.float32]:
    """How far the surroundings of each row on the reference are the same on all maps, float32 (n,).

    The stability of the k nearest neighbours among 5,000 rows, the same on each map and all if there are no
    more: so near means the nearest 0.3% of a map, however many rows it has. Of that the mean over the k + 1
    sampled rows nearest on the reference, as a single row's is too coarse a share. O(n k), and a tree of the
    sampled rows a map.

    Parameters
    ----------
    maps : sequence of Map
        The reference first.

    Returns
    -------
    surroundings : float32 (n,)
        0 to 1; NaN for a row without a place on the reference.
    """
    # Imported here: it takes a fifth of a second.
    from scipy.spatial import KDTree

    reference, n, k = maps[0].embedding, len(maps[0].embedding), maps[0].near.shape[1]
    rows = sample_rows(n, THINNED, seed=0)
    tables = [one.near if len(rows) == n else map_graph(one.embedding[rows], k).indices for one in maps]
    sums = sum(overlap(*two) for two in combinations(tables, 2))
    coarse = np.asarray(sums, np.float32) / np.float32(len(maps) * (len(maps) - 1) / 2)
    placed = np.flatnonzero(np.isfinite(coarse))
    tree, known = KDTree(reference[rows][placed]), coarse[placed]
    found = np.full(n, np.nan, np.float32)
    for start in range(0, n, BLOCK_ROWS):
        block = np.asarray(reference[start : start + BLOCK_ROWS])
        inside = np.isfinite(block).all(axis=1)
        near = tree.query(block[inside], k + 1, workers=-1)[1]
        found[start : start + BLOCK_ROWS][inside] = known[near].mean(axis=1)
    return found


def unstable_regions(
    reference: Map, around: NDArray[np.float32], stability: NDArray[np.float32]
) -> tuple[Region, ...]:
    """Connected groups of rows on the reference that keep little of their surroundings.

    A row is low when the stability of its surroundings is below 0.2. A low row and the low ones among its
    five nearest belong together, and groups of at least fifteen rows and a thousandth of all are regions.
    O(n k).

    Parameters
    ----------
    reference : Map
    around : float32 (n,)
        See `surroundings`.
    stability : float32 (n,)
        NaN for a row without a place on one of the maps, which is in no region.
    """
    # Imported here: most who compare have no low rows, and it takes a fifth of a second.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(stability)
    low = np.flatnonzero((around < UNSTABLE) & np.isfinite(stability))
    if len(low) < LEAST_REGION:
        return ()
    place = np.full(n, -1, np.int32)
    place[low] = np.arange(len(low), dtype=np.int32)
    nearest = place[reference.near[low, :LINKS]]
    tails, which = np.nonzero(nearest >= 0)
    heads = nearest[tails, which]
    edges = coo_array((np.ones(len(tails), np.int8), (tails, heads)), shape=(len(low), len(low)))
    _, groups = connected_components(edges.tocsr(), directed=False)
    sizes = np.bincount(groups)
    large = np.flatnonzero(sizes >= max(LEAST_REGION, n // SMALLEST_SHARE))
    chosen = large[np.argsort(-sizes[large], kind="stable")][:MOST_REGIONS]
    return tuple(_region(low[groups == group], reference.labels, around) for group in chosen)


def _region(rows: NDArray[np.int64], labels: NDArray[np.int32], around: NDArray[np.float32]) -> Region:
    counts = np.bincount(labels[rows] + 1)[1:]
    order = np.argsort(-counts, kind="stable")
    clusters = tuple(int(one) for one in order if counts[one] >= PART * len(rows))
    median = float(np.median(around[rows]))
    where = f"in {numbered(clusters, len(clusters))}" if clusters else "in no cluster"
    share = len(rows) / len(around)
    what = "All items" if share == 1 else f"{len(rows):,} items {where}"
    sentence = (
        f"{what} keep less than {_kept(median, up=True)} of their surroundings from run to run: where "
        "they lie is chance. Compare them in the data, not on the map."
    )
    return Region(rows, median, clusters, sentence)
