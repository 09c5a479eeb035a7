"""What a run tells of each point: cluster, probability, density, distortion, stability, displacement.

Each is named with an @ before it; a column of that very name goes first and hides it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from core.quality import distortion, stability
from explorer.model import clusters, stages
from explorer.model.applied import applied
from explorer.model.categories import Categories, counted, of_ranges
from explorer.model.comparison import displacement
from explorer.model.doing import in_turn
from explorer.model.errors import InputError
from explorer.model.projection import bounds
from explorer.model.ranges import Ranges
from explorer.model.run import Run, RunStatus
from explorer.model.workspace import Workspace

CLUSTER, PROBABILITY = "@cluster", "@probability"
DENSITY, DISTORTION, STABILITY = "@density", "@distortion", "@stability"
DISPLACEMENT = "@displacement"
CLUSTERED = (CLUSTER, PROBABILITY)
"""What changes when other clusters are applied to a run."""
VERSION = 1
REACH = 0.01
GRID = 1024
MOST_MAPS = 5
NEIGHBOURS = 15
# 1, 3, 10, 30 … items: density spans decades.
DECADES = np.concatenate([[0.0], np.outer(10.0 ** np.arange(8), [1, 3]).ravel()])


@dataclass(frozen=True)
class Statistic:
    """One thing that a run tells of each point.

    Attributes
    ----------
    label : str
        What it is called.
    about : str
        What it means, in one sentence.
    work : str
        What computing it is called; by default that it is computed.
    """

    label: str
    about: str
    work: str = ""

    def __post_init__(self) -> None:
        if not self.work:
            object.__setattr__(self, "work", f"computing {self.label}")


STATISTICS = {
    CLUSTER: Statistic(
        "cluster", "Groups of the map found by HDBSCAN; grey is noise, in no group.", "finding clusters"
    ),
    PROBABILITY: Statistic("cluster probability", "How surely a point belongs to its cluster; 0 is noise."),
    DENSITY: Statistic("local density", "Items within a hundredth of the map's width around each point."),
    DISTORTION: Statistic(
        "distortion", "Share of a point's nearest neighbours that the map loses or makes up: 0 is faithful."
    ),
    STABILITY: Statistic(
        "stability", "Share of neighbours that a point keeps from run to run: what is low may be chance."
    ),
    DISPLACEMENT: Statistic(
        "displacement",
        "How far a point lies from its place on the first map beside, laid over this, in widths of this.",
    ),
}


@dataclass(frozen=True, eq=False)
class Known:
    """A statistic of one run.

    Attributes
    ----------
    categories : Categories
        Clusters, the last of them noise, or ranges.
    numbers : float64 (n,)
        The values; the cluster of each point.
    """

    categories: Categories
    numbers: NDArray[np.float64]


def compute(
    name: str,
    workspace: Workspace,
    run: Run,
    runs: tuple[Run, ...],
    progress: Callable[[float], None] = lambda _: None,
    by_default: bool = False,
) -> Known:
    """Compute a statistic of a run, or read it from the workspace; slow, so never on the event loop.

    Parameters
    ----------
    name : str
        One of `STATISTICS`.
    workspace : Workspace
    run : Run
        At rest, with a map.
    runs : tuple of Run
        Those that it is compared with, see `compared_with`; itself may be among them.
    progress : callable, optional
        Called with the share done where one is known; what it raises ends the work.
    by_default : bool, default False
        Of the clusters found on the map by itself, whatever was applied since.

    Raises
    ------
    InputError
        If the run does not have what the statistic needs.
    """
    if name in CLUSTERED:
        usual = clusters.ClusterParameters.for_rows(run.n) if by_default else None
        found = clusters.find(workspace, run, usual, progress)
        if name == CLUSTER:
            return Known(cluster_categories(found), found.labels.astype(np.float64))
        return _ranged(found.probabilities)
    if name == DENSITY:
        values = local_density(_map(workspace, run)).astype(np.float64)
        return Known(_by_decades(values), values)
    if name == DISTORTION:
        make = partial(_distortion, workspace, run, progress)
        return _ranged(_kept(workspace, run, "distortion", {}, progress, make))
    if name == DISPLACEMENT:
        (beside,) = runs
        return _ranged(displacement(_map(workspace, run), _map(workspace, beside)))
    chosen = (run, *(other for other in runs if other.id != run.id))
    maps = [_map(workspace, other) for other in chosen]
    k = min(NEIGHBOURS, (min(map(_n_placed, maps)) - 1) // 2)
    if k < 1:
        raise InputError("A map has fewer than 3 rows with a place on it, too few to compare neighbours.")
    about = {"maps": [stages.of_map("map", 1, other, {}).key for other in chosen], "k": k}
    make = partial(stability, maps, k=k, progress=progress)
    return _ranged(_kept(workspace, run, "stability", about, progress, make))


def compared_with(
    name: str,
    run: Run | None,
    runs: tuple[Run, ...],
    beside: Run | None = None,
    comparison: tuple[Run, ...] = (),
) -> tuple[Run, ...]:
    """Return the runs that a statistic of a run is computed with, for stability itself among them.

    Parameters
    ----------
    name : str
        One of `STATISTICS`.
    run : Run or None
    runs : tuple of Run
        All of this data.
    beside : Run or None, optional
        The one that displacement is measured to.
    comparison : tuple of Run, optional
        Runs that were compared: on each of them stability is told over them, on others as by
        `comparable_runs`.
    """
    if name == DISPLACEMENT:
        return () if beside is None else (beside,)
    if name != STABILITY or run is None:
        return ()
    return comparison if any(one.id == run.id for one in comparison) else comparable_runs(run, runs)


def comparable_runs(run: Run, runs: tuple[Run, ...]) -> tuple[Run, ...]:
    """Return the runs whose maps tell how stable one is, itself first, at most five.

    Those that differ in the seed alone, if there are any; else all of the same data that are done. Of runs
    with the same parameters one is enough: their maps are the same bits.
    """
    others = {(run.parameters, run.start): run}
    for o in runs:
        if o.status is RunStatus.DONE and _same_shape(o, run):
            others.setdefault((o.parameters, o.start), o)
    _, *rest = others.values()
    seeds = [o for o in rest if o.parameters == _seeded(o, run) and o.start == run.start]
    return (run, *(seeds or rest)[: MOST_MAPS - 1])


def local_density(embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    """Items within a hundredth of the map's width around each point, itself counted: float32 (n,), or NaN.

    Counted on a grid of 1,024 cells a side, smoothed to a Gaussian of that reach and read between the cells:
    linear in the number of points. A point without a place has no density. Samples are weighted by another
    estimate (``strategies.kernel_density``), whose reach shrinks as rows grow more.
    """
    x0, x1, y0, y1 = bounds(embedding)
    width = max(x1 - x0, y1 - y0)
    corner = np.array([x0, y0], np.float32)
    at = (np.asarray(embedding, np.float32) - corner) * np.float32((GRID - 1) / width)
    has_place = np.isfinite(at).all(axis=1)
    placed = at[has_place]
    cells = np.rint(placed).astype(np.int64).clip(0, GRID - 1)
    counts = np.bincount(cells[:, 1] * GRID + cells[:, 0], minlength=GRID * GRID).reshape(GRID, GRID)
    # The Gaussian of a disc's own variance, r / 2 on each axis, and its area.
    reach = REACH * GRID
    smooth = gaussian_filter(counts.astype(np.float32), reach / 2, mode="constant")
    items = np.full(len(at), np.nan, np.float32)
    read = map_coordinates(smooth, placed.T[::-1], order=1, mode="nearest")
    items[has_place] = np.maximum(np.float32(1), read * np.float32(np.pi * reach**2))
    return items


def cluster_categories(found: clusters.Clusters) -> Categories:
    """Return clusters as categories, the largest first, noise the last."""
    names = tuple(f"cluster {number}" for number in range(len(found.sizes)))
    if len(found.sizes) and found.noise_share == 0:
        return Categories(found.labels, names, found.sizes)
    codes = np.where(found.labels == clusters.NOISE, len(names), found.labels).astype(np.int32)
    return Categories(codes, (*names, "noise"), counted(codes, len(names) + 1), noise=len(names))


def named(workspace: Workspace, run: Run, name: str, known: Known) -> Known:
    """Return clusters with the names that were applied with them: ``cluster 3 · jazz``."""
    now = applied(workspace, run) if name == CLUSTER else None
    if now is None:
        return known
    plain = known.categories.names
    names = [f"{one} · {told}" if told else one for one, told in zip(plain, now.names, strict=False)]
    return replace(known, categories=replace(known.categories, names=(*names, *plain[len(names) :])))


def _ranged(values: NDArray[Any]) -> Known:
    numbers = np.asarray(values, np.float64)
    return Known(of_ranges(numbers, times=False), numbers)


def _by_decades(values: NDArray[np.float64]) -> Categories:
    last = int(np.searchsorted(DECADES, np.fmax.reduce(values, initial=1), side="right"))
    edges = DECADES[1 : max(last, 2) + 1]
    names = tuple(f"{low:,.0f} to {high:,.0f}" for low, high in pairwise(edges))
    ranges = Ranges(edges, names)
    codes = ranges.steps(values)
    return Categories(codes, names, counted(codes, len(names)), ranges)


def _distortion(workspace: Workspace, run: Run, progress: Callable[[float], None]) -> NDArray[np.float32]:
    first = stages.of_run(run)[0]
    graph = workspace.cached(first.name, first.key)
    if graph is None:
        raise InputError(f"The neighbours that {run.id} was made from are no longer kept: run it again.")
    near = stages.read_graph(graph, run.parameters.n_neighbors)
    found = distortion(near, _map(workspace, run), progress=progress)
    return (found.lost + found.intruders) / np.float32(2)


def _kept(
    workspace: Workspace,
    run: Run,
    name: str,
    about: dict[str, Any],
    progress: Callable[[float], None],
    make: Callable[[], NDArray[np.float32]],
) -> NDArray[np.float32]:
    stage = stages.of_map(name, VERSION, run, about)
    found = workspace.cached(name, stage.key)
    if found is None:
        with in_turn(progress):
            progress(0.0)
            found = workspace.cached(name, stage.key)
            if found is None:
                found = {"values": make()}
                workspace.discard(name, stage.key)
                workspace.store(name, stage.key, {"stage": name, "run": run.id, **about}, **found)
    return np.asarray(found["values"])


def _map(workspace: Workspace, run: Run) -> NDArray[np.float32]:
    embedding = workspace.embedding(run.id)
    if embedding is None or embedding.shape[1] != 2:
        raise InputError(f"The run {run.id} has no flat map yet: it is {run.status}.")
    return np.asarray(embedding)


def _n_placed(embedding: NDArray[np.float32]) -> int:
    return int(np.isfinite(embedding).all(axis=1).sum())


def _same_shape(other: Run, run: Run) -> bool:
    return (other.n, other.parameters.n_components) == (run.n, run.parameters.n_components)


def _seeded(other: Run, run: Run) -> Any:
    return replace(run.parameters, seed=other.parameters.seed)
