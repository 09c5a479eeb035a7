"""Clusters of a map: HDBSCAN (Campello, Moulavi and Sander 2013), kept on disk with its condensed tree."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.model import applied, condensed_tree, linkage, stages, worker
from explorer.model.condensed_tree import NOISE, SELECTIONS, CondensedTree, condense, select
from explorer.model.doing import in_turn
from explorer.model.errors import InputError, RunError
from explorer.model.estimate import share
from explorer.model.run import Run
from explorer.model.workspace import Workspace

__all__ = ["NOISE", "ClusterParameters", "Clusters", "apply", "find", "grouped", "preview", "seconds_to_find"]

CLUSTERS, VERSION = "clusters", 2
LEAST_CLUSTER, SMALLEST_SHARE, MIN_SAMPLES = 15, 140, 10
TREE = ("branch", "leaves_at", "parent", "birth", "size")


@dataclass(frozen=True)
class ClusterParameters:
    """What a cluster is.

    Attributes
    ----------
    min_cluster_size : int
        Fewest points of a cluster: small values show detail, large ones the whole.
    min_samples : int
        Neighbours that make a point dense: the larger, the more points are noise.
    selection : {"eom", "leaf"}
        Which branches are clusters: the most stable (excess of mass), or the smallest.
    epsilon : float
        Clusters that part at a smaller distance, in the map's units, stay one; 0 for none.
    """

    min_cluster_size: int
    min_samples: int = MIN_SAMPLES
    selection: str = "eom"
    epsilon: float = 0.0

    @classmethod
    def for_rows(
        cls,
        n: int,
        min_cluster_size: int | None = None,
        min_samples: int | None = None,
        selection: str = "eom",
        epsilon: float = 0.0,
    ) -> ClusterParameters:
        """What is given, else a 140th of n points but 15 at least, and 10 or as many as there are others.

        Raises
        ------
        InputError
            If these parameters cannot work on n points.
        """
        size = max(LEAST_CLUSTER, n // SMALLEST_SHARE) if min_cluster_size is None else min_cluster_size
        samples = max(1, min(MIN_SAMPLES, n - 1)) if min_samples is None else min_samples
        if size < 2:
            raise InputError(f"min_cluster_size is {size}: a cluster has 2 points or more.")
        if not 1 <= samples < n:
            raise InputError(
                f"min_samples is {samples} but the map has {n} points: choose from 1 to {n - 1}."
            )
        if selection not in SELECTIONS:
            raise InputError(f"selection is {selection!r}: choose one of {', '.join(SELECTIONS)}.")
        if not (math.isfinite(epsilon) and epsilon >= 0):
            raise InputError(f"epsilon is {epsilon:g}: it is a distance on the map, 0 or more.")
        return cls(size, samples, selection, float(epsilon))


@dataclass(frozen=True, eq=False)
class Clusters:
    """The clusters of one map, the largest first.

    Attributes
    ----------
    labels : int32 (n,)
        The cluster of each point, -1 for noise.
    probabilities : float32 (n,)
        How surely each point belongs to its cluster, 0 to 1; 0 for noise.
    method : str
        The library that found the spanning tree they come of.
    persistence : float32 (n_clusters,)
        How long each lasts as the density rises, 0 to 1.
    branches : int32 (n_clusters,)
        The branch of the tree that each is.
    tree : CondensedTree or None
        None where it is not kept.
    seconds : float
        What it took; 0 for what was kept.
    """

    labels: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    method: str
    persistence: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    branches: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    tree: CondensedTree | None = None
    seconds: float = 0.0

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """What tells them apart from those of any other tree, by name."""
        told = ("labels", "probabilities", "persistence")
        return {name: getattr(self, name) for name in told}

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Points of each cluster, int64 (n_clusters,)."""
        return np.bincount(self.labels[self.labels >= 0]).astype(np.int64, copy=False)

    @property
    def noise_share(self) -> float:
        """Share of the points in no cluster."""
        return 1 - float(self.sizes.sum()) / len(self.labels) if len(self.labels) else 0.0

    @cached_property
    def mean_probabilities(self) -> NDArray[np.float64]:
        """The mean probability of each cluster's points, float64 (n_clusters,)."""
        inside = self.labels >= 0
        sums = np.bincount(self.labels[inside], self.probabilities[inside], len(self.sizes))
        means: NDArray[np.float64] = sums / self.sizes
        return means


def grouped(
    tree: CondensedTree, chosen: Iterable[int], method: str, level: float | None = None, seconds: float = 0.0
) -> Clusters:
    """Return the clusters that some branches of a tree are; see `condensed_tree.labels`."""
    found, branches = condensed_tree.labels(tree, chosen, level)
    return Clusters(
        found,
        condensed_tree.probabilities(tree, found, branches),
        method,
        condensed_tree.persistence(tree, branches),
        branches,
        tree,
        seconds,
    )


def find(
    workspace: Workspace,
    run: Run,
    parameters: ClusterParameters | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> Clusters:
    """Return the clusters of a run's map, from the workspace if they were found before.

    Parameters
    ----------
    workspace : Workspace
    run : Run
        At rest, with a map.
    parameters : ClusterParameters, optional
        By default what was applied to the run, else those for its number of rows.
    progress : callable, optional
        Called ten times a second while a process works, with the share done as its time tells; what it
        raises ends the process.

    Raises
    ------
    InputError
        If there is no map, or the parameters do not fit it.
    RunError
        If the process fails.
    """
    if parameters is None:
        by_hand = _applied(workspace, run)
        if by_hand is not None:
            return by_hand
        parameters = ClusterParameters.for_rows(run.n)
    stage = _stage(run, parameters)
    kept = workspace.cached(CLUSTERS, stage.key)
    if kept is not None:
        tree = CondensedTree(*(kept[f"tree_{name}"] for name in TREE))
        return _read(kept, linkage.LIBRARY, kept["branches"], tree)
    found = preview(workspace, run, parameters, progress)
    about = {"stage": CLUSTERS, "run": run.id, "parameters": stage.parameters, "seconds": found.seconds}
    arrays = found.arrays | {"branches": found.branches}
    arrays |= {f"tree_{name}": getattr(found.tree, name) for name in TREE}
    with in_turn(progress):
        if workspace.cached(CLUSTERS, stage.key) is None:
            workspace.discard(CLUSTERS, stage.key)
            workspace.store(CLUSTERS, stage.key, about, **arrays)
    return found


def apply(
    workspace: Workspace,
    run: Run,
    found: Clusters,
    parameters: ClusterParameters,
    ground: Run,
    by_hand: bool = False,
    names: tuple[str, ...] = (),
) -> None:
    """Make these the clusters of a run for everybody, in place of those found on its map by itself.

    Parameters
    ----------
    workspace : Workspace
    run : Run
    found : Clusters
        Of the same rows.
    parameters, ground, by_hand, names
        As of `applied.Applied`.

    Raises
    ------
    InputError
        If they are of other data, or the run is at work: they would not be of the map it comes to.
    """
    if run.status.active:
        raise InputError(f"The run {run.id} is {run.status}: apply clusters once it is done or stopped.")
    if (ground.data_hash, len(found.labels)) != (run.data_hash, run.n):
        raise InputError(f"The clusters of {ground.id} are of other data than the run {run.id}.")
    applied.apply(workspace, run, found.arrays, found.method, ground.id, vars(parameters), by_hand, names)


def _applied(workspace: Workspace, run: Run) -> Clusters | None:
    now = applied.applied(workspace, run)
    kept = {} if now is None else applied.arrays_of(workspace, run, now)
    return _read(kept, now.method) if now is not None and kept else None


def _read(
    kept: dict[str, np.ndarray],
    method: str,
    branches: NDArray[np.int32] | None = None,
    tree: CondensedTree | None = None,
) -> Clusters:
    none = np.zeros(0, np.int32)
    chosen = none if branches is None else branches
    return Clusters(kept["labels"], kept["probabilities"], method, kept["persistence"], chosen, tree)


def preview(
    workspace: Workspace,
    run: Run,
    parameters: ClusterParameters,
    progress: Callable[[float], None] = lambda _: None,
) -> Clusters:
    """Find the clusters of a run's map and keep nothing but the single linkage they come of: see `find`.

    That depends on min_samples alone: once it is there, other parameters take a moment.
    """
    began = time.monotonic()
    merges = _linkage(workspace, run, parameters.min_samples, progress)
    tree = condense(merges["left"], merges["right"], merges["distance"], parameters.min_cluster_size)
    chosen = select(tree, parameters.selection, parameters.epsilon)
    found = grouped(tree, chosen, linkage.LIBRARY, seconds=time.monotonic() - began)
    progress(1.0)
    return found


def seconds_to_find(workspace: Workspace, run: Run, parameters: ClusterParameters | None = None) -> float:
    """Expected seconds of `find`, by these parameters or its own; none if they are kept already."""
    if parameters is None:
        if _applied(workspace, run) is not None:
            return 0.0
        parameters = ClusterParameters.for_rows(run.n)
    stages_done = (_stage(run, parameters), _linkage_stage(run, parameters.min_samples))
    kept = any(workspace.cache_folder(stage.name, stage.key).is_dir() for stage in stages_done)
    return 0.0 if kept else linkage.expected_seconds(run.n)


def _stage(run: Run, chosen: ClusterParameters) -> stages.Stage:
    return stages.of_map(CLUSTERS, VERSION, run, vars(chosen) | {"linkage": linkage.VERSION})


def _linkage_stage(run: Run, min_samples: int) -> stages.Stage:
    return stages.of_map(linkage.LINKAGE, linkage.VERSION, run, {"min_samples": min_samples})


def _linkage(
    workspace: Workspace, run: Run, min_samples: int, progress: Callable[[float], None]
) -> dict[str, np.ndarray]:
    stage = _linkage_stage(run, min_samples)
    found = workspace.cached(stage.name, stage.key)
    if found is None:
        with in_turn(progress):
            progress(0.0)
            if workspace.cached(stage.name, stage.key) is None:
                _link(workspace, run, stage, progress)
        found = workspace.cached(stage.name, stage.key)
    if found is None:
        raise RunError("The clusters cannot be read back from the workspace: find them again.")
    return found


def _link(workspace: Workspace, run: Run, stage: stages.Stage, progress: Callable[[float], None]) -> None:
    if workspace.embedding(run.id) is None:
        raise InputError(f"The run {run.id} has no map to find clusters on yet: it is {run.status}.")
    workspace.discard(stage.name, stage.key)
    task: dict[str, Any] = {
        "stage": stage.name,
        "parameters": stage.parameters,
        "vectors": str(workspace.run_folder(run.id) / "embedding.npy"),
        "earlier": {},
        "output": str(workspace.cache_folder(stage.name, stage.key)),
    }
    began, expected = time.monotonic(), linkage.expected_seconds(run.n)
    worker.compute_alone(
        task,
        lambda: progress(share(time.monotonic() - began, expected)),
        "The process that finds clusters ended unexpectedly, most often for want of memory: close other "
        "programs, or use fewer rows.",
    )
