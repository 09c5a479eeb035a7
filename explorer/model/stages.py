"""The stages before the layout: what each depends on, and how its arrays are made and read back.

A stage's key is a hash of its name, its version, its own parameters and the key of the stage before it; the
first starts from the hash of the vectors. So runs share every stage up to the first in which they differ: a
sweep over ``min_dist`` computes one knn graph, one fuzzy set and one initial layout, and one over
``n_neighbors`` one knn graph, for the largest, of which each fuzzy set takes the nearest neighbours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

import core.fuzzy_set
import core.initialization
import core.knn
import core.layout
import core.supervision
from core import (
    Density,
    KnnGraph,
    LayoutParameters,
    default_n_epochs,
    find_ab,
    fuzzy_simplicial_set,
    initial_layout,
    knn_graph,
    knn_recall,
    local_radii,
    supervise,
)
from core.any_metric import SIGNED
from core.knn import FARTHEST
from explorer.model.run import Run, RunParameters

KNN_GRAPH, FUZZY_SET, SUPERVISION = "knn graph", "fuzzy set", "supervision"
INITIAL_LAYOUT, LAYOUT = "initial layout", "layout"
ORDER = (KNN_GRAPH, FUZZY_SET, SUPERVISION, INITIAL_LAYOUT, LAYOUT)
TARGET = "target"
# Rows × dimensions × sampled rows of the exact search that measures the graph's recall: about a second.
RECALL_EFFORT = 2e10

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Stage:
    """One stage of one run.

    Attributes
    ----------
    name : str
    key : str
        What its result is cached under.
    parameters : dict
        Those of the run that this stage itself looks at.
    """

    name: str
    key: str
    parameters: dict[str, Any]


def plan(
    data_hash: str, parameters: RunParameters, target_hash: str = "", start_hash: str = ""
) -> tuple[Stage, ...]:
    """Return the stages of a run on the vectors of this hash: knn graph, fuzzy set, initial layout, layout.

    With a target, of that hash, supervision comes between the fuzzy set and the initial layout. What starts
    from another run's map, of that hash, has no initial layout.
    """
    p = parameters
    # A graph that is not pruned keeps the keys it had before any was.
    pruned = {"n_neighbors": p.n_neighbors} if p.graph_width != p.n_neighbors else {}
    # So do metrics under which two rows cannot be too far apart to be neighbours.
    cut = {"disconnection_distance": FARTHEST[p.metric]} if p.metric in FARTHEST else {}
    started = {"start": start_hash} if start_hash else {}
    of_layout = {name: value for name, value in p.to_dict().items() if name != "graph_neighbors"}
    initial = {"init": p.init, "n_components": p.n_components, "seed": p.seed}
    supervision = {"target": target_hash, "target_n_neighbors": p.n_neighbors, "seed": p.seed}
    own: list[tuple[str, int, dict[str, Any]]] = [
        (KNN_GRAPH, core.knn.VERSION, {"n_neighbors": p.graph_width, "metric": p.metric, "seed": p.seed}),
        (
            FUZZY_SET,
            core.fuzzy_set.VERSION,
            {"local_connectivity": p.local_connectivity, "set_op_mix_ratio": p.set_op_mix_ratio}
            | pruned
            | cut,
        ),
        *([(SUPERVISION, core.supervision.VERSION, supervision)] if p.target else []),
        *([] if started else [(INITIAL_LAYOUT, core.initialization.VERSION, initial)]),
        (LAYOUT, core.layout.VERSION, of_layout | started),
    ]
    stages, before = [], data_hash
    for name, version, chosen in own:
        before = _hash([before, name, version, chosen])
        stages.append(Stage(name, before, chosen))
    return tuple(stages)


def of_run(run: Run) -> tuple[Stage, ...]:
    """Return the stages of a run."""
    return plan(run.data_hash, run.parameters, run.target_hash, run.start.hash if run.start else "")


def of_map(name: str, version: int, run: Run, chosen: dict[str, Any]) -> Stage:
    """Return a stage that starts from the map of a run, as far as the run has come."""
    return Stage(name, _hash([of_run(run)[-1].key, run.epoch, name, version, chosen]), chosen)


def _hash(values: list[Any]) -> str:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def compute(
    name: str, parameters: Mapping[str, Any], vectors: np.ndarray, earlier: Mapping[str, Arrays]
) -> dict[str, np.ndarray]:
    """Compute a stage before the layout from the vectors and the arrays of the stages before it."""
    if name == KNN_GRAPH:
        graph = knn_graph(vectors, **parameters)
        return {"indices": graph.indices, "distances": graph.distances}
    if name == FUZZY_SET:
        chosen = dict(parameters)
        graph = read_graph(earlier[KNN_GRAPH], chosen.pop("n_neighbors", None))
        graph = graph.cut(chosen.pop("disconnection_distance", np.inf))
        return _written(fuzzy_simplicial_set(graph, **chosen))
    if name == SUPERVISION:
        return _written(_supervised(parameters, earlier))
    edges = earlier[SUPERVISION if SUPERVISION in earlier else FUZZY_SET]
    return {"positions": initial_layout(read_fuzzy_set(edges), vectors=vectors, **parameters)}


def _supervised(
    parameters: Mapping[str, Any], earlier: Mapping[str, Arrays]
) -> csr_array[Any, tuple[int, int]]:
    values = earlier[TARGET]["values"]
    return supervise(
        read_fuzzy_set(earlier[FUZZY_SET]),
        values,
        target_metric="l2" if values.dtype.kind == "f" else "categorical",
        target_n_neighbors=parameters["target_n_neighbors"],
        seed=parameters["seed"],
    )


def density_of(graph: Arrays, fuzzy_set: Arrays, parameters: RunParameters) -> Density:
    """Return densMAP's terms, of the fuzzy set before any target: what is known changes no density."""
    near = read_graph(graph, parameters.n_neighbors).cut(FARTHEST.get(parameters.metric, np.inf))
    return Density(local_radii(read_fuzzy_set(fuzzy_set), near))


def lost(arrays: Mapping[str, Arrays]) -> np.ndarray:
    """Return the rows that have no neighbour, from the arrays of the stages before the layout."""
    edges = arrays[SUPERVISION if SUPERVISION in arrays else FUZZY_SET]
    return np.flatnonzero(np.diff(edges["indptr"]) == 0)


def without(lost: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return a map on which rows that have no neighbour have no place, as ``core.UMAP`` gives them none.

    Parameters
    ----------
    lost : int64 (m,)
        As `lost` tells.
    positions : float32 (n, d)
        Returned as they are if no row is lost.
    """
    if not len(lost):
        return positions
    embedding = positions.copy()
    embedding[lost] = np.nan
    return embedding


def _written(fuzzy_set: csr_array[Any, tuple[int, int]]) -> dict[str, np.ndarray]:
    return {"data": fuzzy_set.data, "indices": fuzzy_set.indices, "indptr": fuzzy_set.indptr}


def recall(vectors: np.ndarray, graph: Arrays, metric: str) -> float | None:
    """Return the share of true neighbours in a knn graph, from exact searches of some rows.

    None by a metric without a distance 0, whose graph counts from the smallest of its distances.
    """
    if metric in SIGNED:
        return None
    rows = int(np.clip(RECALL_EFFORT / vectors.size, 30, 300))
    return float(knn_recall(vectors, read_graph(graph), metric=metric, n_rows=rows))


def read_graph(arrays: Arrays, n_neighbors: int | None = None) -> KnnGraph:
    """Return the knn graph from its cached arrays, pruned to ``n_neighbors`` if that is given.

    The arrays are not copied; of a pruned graph just the columns that stay are.
    """
    k = arrays["indices"].shape[1] if n_neighbors is None else n_neighbors - 1
    return KnnGraph(arrays["indices"][:, :k], arrays["distances"][:, :k])


def read_fuzzy_set(arrays: Arrays) -> csr_array[Any, tuple[int, int]]:
    """Return the fuzzy set from its cached arrays, without copying them."""
    n = len(arrays["indptr"]) - 1
    fuzzy_set = csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=(n, n))
    fuzzy_set.has_sorted_indices = fuzzy_set.has_canonical_format = True
    return fuzzy_set


def n_epochs(parameters: RunParameters, n: int) -> int:
    """Return the epochs of the layout of n points."""
    return parameters.n_epochs or default_n_epochs(n, parameters.densmap)


def layout_parameters(parameters: RunParameters, n: int) -> LayoutParameters:
    """Return what the layout of n points looks at."""
    a, b = find_ab(parameters.min_dist, parameters.spread)
    return LayoutParameters(
        n_epochs=n_epochs(parameters, n),
        a=a,
        b=b,
        learning_rate=parameters.learning_rate,
        negative_sample_rate=parameters.negative_sample_rate,
        repulsion_strength=parameters.repulsion_strength,
    )
