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
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.model.comparison import Map
from explorer.model.errors import InputError
from explorer.model.fates import PART, Fate, Meeting, fate_of

FEWEST_RUNS = 3
UNSTABLE = 0.2
"""Stability below which fewer than a third of the neighbours are kept: the median of maps of uniform noise
in ten dimensions is 0.17, of MNIST 0.48, where one digit in twenty is below."""
HALF_KEPT = 1 / 3
"""Stability at which half of the neighbours are kept."""
LINKS = 5
LEAST_REGION, SMALLEST_SHARE, MOST_REGIONS = 15, 1000, 20


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

    @property
    def worst_first(self) -> tuple[Fate, ...]:
        """The clusters, those that depend on the seed most first, and those that do not in their order."""
        return tuple(
            sorted(self.clusters, key=lambda one: (one.is_stable, one.is_stable or one.beyond_chance))
        )

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
        clusters=tuple(fate_of(cluster, meetings) for cluster in range(len(meetings[0].sizes))),
        regions=unstable_regions(reference, stability),
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


def _verdict(median: float) -> str:
    if median < UNSTABLE:
        return (
            f"This map is unstable: half of the items keep less than {_kept(median, up=True)} of their "
            "neighbours from run to run. Read nothing from who lies beside whom."
        )
    kept = f"Half of the items keep {_kept(median)} of their neighbours or more from run to run"
    if median < HALF_KEPT:
        return f"{kept}: trust islands rather than who lies beside whom within one."
    return f"{kept}: most of who lies beside whom does not depend on the seed."


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
    edges = coo_array((np.ones(len(tails), np.int8), (tails, heads)), shape=(len(low), len(low)))
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
        f"{what} keep less than {_kept(median, up=True)} of their neighbours from run to run: who lies "
        "beside whom there is chance. Compare them in the data, not on the map."
    )
    return Region(rows, median, clusters, sentence)
