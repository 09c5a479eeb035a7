"""New rows on a run's map: their nearest old rows, and where these place them, as ``UMAP.transform`` does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from core.entries import WalkedGraph
from core.knn import FARTHEST, KnnGraph
from core.transform import neighbours_in, place
from explorer.model import stages
from explorer.model.dataset import Dataset
from explorer.model.doing import in_turn
from explorer.model.errors import InputError
from explorer.model.run import Run
from explorer.model.workspace import Workspace
from explorer.model.written import counted

PLACED, VERSION = "placed", 3
EPOCHS = 30
"""Of placing, where the run was not given its own number; else a third of those."""
BLOCK = 50_000
"""Rows looked up at a time: each time the old rows are passed over once."""
SECONDS_A_ROW = 6e-5


@dataclass(frozen=True, eq=False)
class Placed:
    """New rows on a finished map.

    Attributes
    ----------
    places : float32 (m, d)
        NaN where none of a row's neighbours has a place, or all are as far as rows can be by the metric.
    indices : int32 (m, k)
        The old rows nearest to each by the run's metric, nearest first; k is the run's n_neighbors.
    distances : float32 (m, k)
        How far they are.
    """

    places: NDArray[np.float32]
    indices: NDArray[np.int32]
    distances: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Reference:
    """What new rows are placed by.

    Attributes
    ----------
    run : Run
    vectors : float32 (n, dims)
        The old rows.
    graph : KnnGraph
        Their own neighbours, themselves left out: n_neighbors - 1 of each.
    fuzzy_set : csr_array (n, n)
        Of the data alone, without a target.
    embedding : float32 (n, d)
        The map.
    """

    run: Run
    vectors: NDArray[np.float32]
    graph: KnnGraph
    fuzzy_set: csr_array
    embedding: NDArray[np.float32]

    @classmethod
    def of_run(cls, workspace: Workspace, run: Run) -> Reference:
        """What a run places rows by.

        Raises
        ------
        InputError
            If it is not at rest with a map, or the workspace no longer keeps its neighbours.
        """
        embedding = None if run.status.active else workspace.embedding(run.id)
        if embedding is None:
            raise InputError(f"The run {run.id} has no map to place rows on yet: it is {run.status}.")
        graph, edges = (workspace.cached(one.name, one.key) for one in stages.of_run(run)[:2])
        if graph is None or edges is None:
            raise InputError(f"The neighbours that {run.id} was made from are no longer kept: run it again.")
        return cls(
            run,
            np.asarray(workspace.dataset(run.dataset_id).vectors),
            stages.read_graph(graph, run.parameters.n_neighbors),
            stages.read_fuzzy_set(edges),
            np.asarray(embedding),
        )

    @cached_property
    def _walked(self) -> WalkedGraph:
        return WalkedGraph(self.fuzzy_set)

    def place(
        self, vectors: NDArray[np.float32], progress: Callable[[float], None] = lambda _: None
    ) -> Placed:
        """Place rows, float32 (m, dims), each by itself; ``progress`` is told after every 50,000.

        Raises
        ------
        InputError
            If they have other dimensions than the old ones.
        """
        if vectors.shape[1] != self.vectors.shape[1]:
            raise InputError(
                f"The new rows have {counted(vectors.shape[1], 'dimension')}, those of {self.run.id} "
                f"{self.vectors.shape[1]}: place rows with vectors of the same kind."
            )
        p, m = self.run.parameters, len(vectors)
        k = min(p.n_neighbors, len(self.vectors))
        indices, distances = np.empty((m, k), np.int32), np.empty((m, k), np.float32)
        places = np.empty((m, self.embedding.shape[1]), np.float32)
        for start in range(0, m, BLOCK):
            progress(start / m)
            block = slice(start, start + BLOCK)
            indices[block], distances[block] = neighbours_in(
                self.vectors,
                np.ascontiguousarray(vectors[block]),
                self._walked,
                k,
                metric=p.metric,
                seed=p.seed,
            )
            places[block] = self.settle(indices[block], distances[block])
        progress(1.0)
        return Placed(places, indices, distances)

    def settle(self, indices: NDArray[np.int32], distances: NDArray[np.float32]) -> NDArray[np.float32]:
        """Where rows with these neighbours, (m, k), come to lie on the map: float32 (m, d)."""
        p = self.run.parameters
        epochs = EPOCHS if p.n_epochs is None else max(1, p.n_epochs // 3)
        return place(
            indices,
            distances,
            self.embedding,
            replace(stages.layout_parameters(p, len(self.vectors)), n_epochs=epochs),
            disconnection_distance=FARTHEST.get(p.metric, np.inf),
            local_connectivity=p.local_connectivity,
            seed=p.seed,
        )


def placed(
    workspace: Workspace, run: Run, dataset: Dataset, progress: Callable[[float], None] = lambda _: None
) -> Placed:
    """Return other data placed on a run's map, from the workspace if that was done before.

    Parameters
    ----------
    workspace : Workspace
    run : Run
        At rest, with a map.
    dataset : Dataset
        With vectors of the same dimensions.
    progress : callable, optional
        Called with the share done; what it raises ends the work.

    Raises
    ------
    InputError
        If they cannot be placed on it.
    """
    stage = stages.of_map(PLACED, VERSION, run, {"data": dataset.hash})
    found = workspace.cached(PLACED, stage.key)
    if found is None:
        reference = Reference.of_run(workspace, run)
        with in_turn(progress):
            progress(0.0)
            found = workspace.cached(PLACED, stage.key)
            if found is None:
                found = vars(reference.place(dataset.vectors, progress))
                workspace.discard(PLACED, stage.key)
                about = {"stage": PLACED, "run": run.id, **stage.parameters}
                workspace.store(PLACED, stage.key, about, **found)
    return Placed(*(np.asarray(found[name]) for name in ("places", "indices", "distances")))


def seconds_to_place(workspace: Workspace, run: Run, dataset: Dataset) -> float:
    """Expected seconds of `placed`; none if it is kept already."""
    stage = stages.of_map(PLACED, VERSION, run, {"data": dataset.hash})
    kept = workspace.cache_folder(stage.name, stage.key).is_dir()
    return 0.0 if kept else 0.5 + SECONDS_A_ROW * dataset.n
