"""Clusters of a map: HDBSCAN (Campello, Moulavi and Sander 2013) in a process of its own, kept on disk.

The libraries hold the interpreter's lock for seconds, or enter numba's threading layer, which aborts a
process that enters it twice: neither may happen in the server.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.model import stages
from explorer.model.doing import in_turn
from explorer.model.errors import InputError, RunError
from explorer.model.estimate import share
from explorer.model.run import Run
from explorer.model.worker import Worker, WorkerDiedError
from explorer.model.workspace import Workspace

CLUSTERS, VERSION = "clusters", 1
NOISE = -1
SLOW_UP_TO = 200_000
"""Rows up to which hdbscan is used; beyond, fast_hdbscan.

On maps of MNIST its clusters agree better with the digits (median ARI of five seeds 0.910, not 0.839), in
8.0 s, not 2.2 s; a million rows take fast_hdbscan 23 s.
"""
SECONDS_TO_START, SECONDS_SLOW, SECONDS_FAST = 3.0, 8.0 / 70_000, 23e-6
"""What the process takes to start, and each library for a row."""
LEAST_CLUSTER, SMALLEST_SHARE = 15, 140


@dataclass(frozen=True)
class ClusterParameters:
    """What a cluster is.

    Attributes
    ----------
    min_cluster_size : int
        Fewest points of a cluster: small values show detail, large ones the whole.
    min_samples : int
        Neighbours that make a point dense: the larger, the more points are noise.
    """

    min_cluster_size: int
    min_samples: int = 10

    @classmethod
    def for_rows(
        cls, n: int, min_cluster_size: int | None = None, min_samples: int | None = None
    ) -> ClusterParameters:
        """What is given, else a 140th of n points but 15 at least, and 10.

        Raises
        ------
        InputError
            If these parameters cannot work on n points.
        """
        size = max(LEAST_CLUSTER, n // SMALLEST_SHARE) if min_cluster_size is None else min_cluster_size
        samples = 10 if min_samples is None else min_samples
        if size < 2:
            raise InputError(f"min_cluster_size is {size}: a cluster has 2 points or more.")
        if not 1 <= samples < n:
            raise InputError(
                f"min_samples is {samples} but the map has {n} points: choose from 1 to {n - 1}."
            )
        return cls(size, samples)


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
        The library that found them.
    """

    labels: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    method: str

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Points of each cluster, int64 (n_clusters,)."""
        return np.bincount(self.labels[self.labels >= 0]).astype(np.int64, copy=False)

    @property
    def noise_share(self) -> float:
        """Share of the points in no cluster."""
        return 1 - float(self.sizes.sum()) / len(self.labels) if len(self.labels) else 0.0


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
        By default those for its number of rows.
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
    stage = _stage(run, parameters or ClusterParameters.for_rows(run.n))
    found = workspace.cached(CLUSTERS, stage.key)
    if found is None:
        with in_turn(progress):
            progress(0.0)
            if workspace.cached(CLUSTERS, stage.key) is None:
                _compute(workspace, run, stage, progress)
        found = workspace.cached(CLUSTERS, stage.key)
    if found is None:
        raise RunError("The clusters cannot be read back from the workspace: find them again.")
    return Clusters(np.asarray(found["labels"]), np.asarray(found["probabilities"]), _method(run.n))


def seconds_to_find(workspace: Workspace, run: Run) -> float:
    """Expected seconds of `find` with the parameters it takes by itself; none if they are kept already."""
    stage = _stage(run, ClusterParameters.for_rows(run.n))
    return 0.0 if workspace.cache_folder(stage.name, stage.key).is_dir() else _expected_seconds(run.n)


def label(
    points: NDArray[np.float32], min_cluster_size: int, min_samples: int, method: str
) -> dict[str, np.ndarray]:
    """Find clusters in this very process; the arrays of `Clusters` by name."""
    if method == "hdbscan":
        from hdbscan import HDBSCAN

        model: Any = HDBSCAN(min_cluster_size=min_cluster_size, min_samples=min_samples)
    else:
        from fast_hdbscan import HDBSCAN

        model = HDBSCAN(min_cluster_size=min_cluster_size, min_samples=min_samples)
    labels = model.fit_predict(np.asarray(points, np.float64))
    return {
        "labels": largest_first(np.asarray(labels)),
        "probabilities": np.asarray(model.probabilities_, np.float32),
    }


def largest_first(labels: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """Number clusters anew by falling size, ties by their first point; -1 stays.

    >>> largest_first(np.array([0, -1, 2, 2, 1])).tolist()
    [1, -1, 0, 0, 2]
    """
    names, first, sizes = np.unique(labels[labels >= 0], return_index=True, return_counts=True)
    place = np.full(int(labels.max(initial=-1)) + 2, NOISE, np.int32)
    place[names[np.lexsort((first, -sizes))]] = np.arange(len(names))
    numbered: NDArray[np.int32] = place[labels]  # the last place is that of -1
    return numbered


def _stage(run: Run, chosen: ClusterParameters) -> stages.Stage:
    return stages.of_map(CLUSTERS, VERSION, run, vars(chosen) | {"method": _method(run.n)})


def _method(n: int) -> str:
    return "hdbscan" if n <= SLOW_UP_TO else "fast_hdbscan"


def _expected_seconds(n: int) -> float:
    return SECONDS_TO_START + n * (SECONDS_SLOW if n <= SLOW_UP_TO else SECONDS_FAST)


def _compute(workspace: Workspace, run: Run, stage: stages.Stage, progress: Callable[[float], None]) -> None:
    if workspace.embedding(run.id) is None:
        raise InputError(f"The run {run.id} has no map to find clusters on yet: it is {run.status}.")
    workspace.discard(stage.name, stage.key)
    task = {
        "stage": stage.name,
        "parameters": stage.parameters,
        "vectors": str(workspace.run_folder(run.id) / "embedding.npy"),
        "earlier": {},
        "output": str(workspace.cache_folder(stage.name, stage.key)),
    }
    began, expected = time.monotonic(), _expected_seconds(run.n)
    with closing(Worker()) as worker:
        try:
            worker.compute(task, lambda: progress(share(time.monotonic() - began, expected)))
        except WorkerDiedError as error:
            raise RunError(
                "The process that finds clusters ended unexpectedly, most often for want of memory: "
                "close other programs, or use fewer rows."
            ) from error
    progress(1.0)
