"""The stages before the layout: what each depends on, and how its arrays are made and read back.

A stage's key is a hash of its name, its version, its own parameters and the key of the stage before it; the
first starts from the hash of the vectors. So runs share every stage up to the first in which they differ: a
sweep over ``min_dist`` computes one knn graph, one fuzzy set and one initial layout.
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
from core import (
    KnnGraph,
    LayoutParameters,
    default_n_epochs,
    find_ab,
    fuzzy_simplicial_set,
    initial_layout,
    knn_graph,
    knn_recall,
)
from explorer.model.run import RunParameters

KNN_GRAPH, FUZZY_SET, INITIAL_LAYOUT, LAYOUT = "knn graph", "fuzzy set", "initial layout", "layout"
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


def plan(data_hash: str, parameters: RunParameters) -> tuple[Stage, Stage, Stage, Stage]:
    """Return the knn graph, fuzzy set, initial layout and layout of a run on the vectors of this hash."""
    p = parameters
    own: list[tuple[str, int, dict[str, Any]]] = [
        (KNN_GRAPH, core.knn.VERSION, {"n_neighbors": p.n_neighbors, "metric": p.metric, "seed": p.seed}),
        (
            FUZZY_SET,
            core.fuzzy_set.VERSION,
            {"local_connectivity": p.local_connectivity, "set_op_mix_ratio": p.set_op_mix_ratio},
        ),
        (
            INITIAL_LAYOUT,
            core.initialization.VERSION,
            {"init": p.init, "n_components": p.n_components, "seed": p.seed},
        ),
        (LAYOUT, core.layout.VERSION, p.to_dict()),
    ]
    stages, before = [], data_hash
    for name, version, chosen in own:
        before = _hash([before, name, version, chosen])
        stages.append(Stage(name, before, chosen))
    knn, fuzzy, initial, layout = stages
    return knn, fuzzy, initial, layout


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
        graph = KnnGraph(earlier[KNN_GRAPH]["indices"], earlier[KNN_GRAPH]["distances"])
        fuzzy_set = fuzzy_simplicial_set(graph, **parameters)
        return {"data": fuzzy_set.data, "indices": fuzzy_set.indices, "indptr": fuzzy_set.indptr}
    positions = initial_layout(read_fuzzy_set(earlier[FUZZY_SET]), vectors=vectors, **parameters)
    return {"positions": positions}


def recall(vectors: np.ndarray, graph: Arrays, metric: str) -> float:
    """Return the share of true neighbours in a knn graph, from exact searches of some rows."""
    rows = int(np.clip(RECALL_EFFORT / vectors.size, 30, 300))
    return float(
        knn_recall(vectors, KnnGraph(graph["indices"], graph["distances"]), metric=metric, n_rows=rows)
    )


def read_fuzzy_set(arrays: Arrays) -> csr_array[Any, tuple[int, int]]:
    """Return the fuzzy set from its cached arrays, without copying them."""
    n = len(arrays["indptr"]) - 1
    fuzzy_set = csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=(n, n))
    fuzzy_set.has_sorted_indices = fuzzy_set.has_canonical_format = True
    return fuzzy_set


def layout_parameters(parameters: RunParameters, n: int) -> LayoutParameters:
    """Return what the layout of n points looks at."""
    a, b = find_ab(parameters.min_dist, parameters.spread)
    return LayoutParameters(
        n_epochs=parameters.n_epochs or default_n_epochs(n),
        a=a,
        b=b,
        learning_rate=parameters.learning_rate,
        negative_sample_rate=parameters.negative_sample_rate,
        repulsion_strength=parameters.repulsion_strength,
    )
