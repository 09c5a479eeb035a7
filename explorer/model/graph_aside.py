"""The knn graph of rows that are no data set of their own, where need be in a process of its own.

By most metrics pynndescent searches once there are more rows than all can be compared with all. It holds the
interpreter's lock for long, cannot be ended, and to import it rewrites numba's threading layer: in a server's
own process pages would freeze, and nobody could cancel. The graph is kept under the hash of the rows, as the
first stage of a run of theirs would be.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.checks import raised
from core.knn import EUCLIDEAN, EXACT_UP_TO, OWN, KnnGraph, knn_graph
from explorer.model import stages, worker
from explorer.model.doing import in_turn
from explorer.model.errors import RunError
from explorer.model.estimate import guess, share
from explorer.model.run import RunParameters
from explorer.model.workspace import Workspace

ROWS = "rows aside"
SECONDS_TO_START = 10.0
"""What the process takes to start and to compile pynndescent."""


def graph_here(vectors: NDArray[np.float32], parameters: RunParameters) -> KnnGraph:
    """Find the neighbours of rows in this very process: see `graph_aside`.

    The rows are part of a table: they may be near 0 altogether, where the others are not.
    """
    vectors, exponent = raised(vectors) if parameters.metric in EUCLIDEAN else (vectors, 0)
    graph = knn_graph(vectors, parameters.n_neighbors, metric=parameters.metric, seed=parameters.seed)
    return KnnGraph(graph.indices, np.ldexp(graph.distances, -exponent)) if exponent else graph


def graph_aside(
    workspace: Workspace,
    vectors: NDArray[np.float32],
    parameters: RunParameters,
    progress: Callable[[float], None] = lambda _: None,
) -> KnnGraph:
    """Find the neighbours of rows, in a process of its own where pynndescent would search.

    Parameters
    ----------
    workspace : Workspace
        Keeps the graph that such a process made.
    vectors : float32 (m, dims)
    parameters : RunParameters
        Of which n_neighbors, metric and seed count.
    progress : callable, optional
        Called ten times a second while a process works, with the share done as its time tells; what it
        raises ends the process.

    Raises
    ------
    InputError
        If the metric refuses the rows.
    RunError
        If the process fails.
    """
    if len(vectors) <= EXACT_UP_TO or parameters.metric in OWN:
        return graph_here(vectors, parameters)
    digest = hashlib.blake2b(np.ascontiguousarray(vectors).data, digest_size=16).hexdigest()
    stage = stages.plan(digest, parameters)[0]
    found = workspace.cached(stage.name, stage.key)
    if found is None:
        with in_turn(progress):
            progress(0.0)
            if workspace.cached(stage.name, stage.key) is None:
                _find(workspace, vectors, parameters, digest, stage, progress)
        found = workspace.cached(stage.name, stage.key)
    if found is None:
        raise RunError("The neighbours of the new items cannot be read back: compare them again.")
    return stages.read_graph(found)


def _find(
    workspace: Workspace,
    vectors: NDArray[np.float32],
    parameters: RunParameters,
    digest: str,
    stage: stages.Stage,
    progress: Callable[[float], None],
) -> None:
    for name, key in ((ROWS, digest), (stage.name, stage.key)):
        workspace.discard(name, key)
    workspace.store(ROWS, digest, vectors=vectors)
    task: dict[str, Any] = {
        "stage": stage.name,
        "parameters": stage.parameters,
        "vectors": str(workspace.cache_folder(ROWS, digest) / "vectors.npy"),
        "earlier": {},
        "output": str(workspace.cache_folder(stage.name, stage.key)),
    }
    n, dims = vectors.shape
    began, expected = time.monotonic(), SECONDS_TO_START + guess(n, dims, parameters, 0)[stages.KNN_GRAPH]
    try:
        worker.compute_alone(
            task,
            lambda: progress(share(time.monotonic() - began, expected)),
            "The process that finds the neighbours of new items ended unexpectedly, most often for want of "
            "memory: close other programs, or use fewer rows.",
        )
    finally:
        workspace.discard(ROWS, digest)
