"""Time umap-learn stage by stage. Usage: time_umap_learn.py VECTORS.npy parallel|seeded [EPOCHS].

Runs under the interpreter of an environment that holds umap-learn, and imports nothing of ours.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from umap.layouts import optimize_layout_euclidean
from umap.spectral import spectral_layout
from umap.umap_ import find_ab_params, fuzzy_simplicial_set, make_epochs_per_sample, nearest_neighbors

warnings.filterwarnings("ignore")


def fit(vectors: np.ndarray, parallel: bool, n_epochs: int) -> dict[str, float]:
    random = np.random.RandomState(42)
    seconds: dict[str, float] = {}

    def timed(stage: str, call: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = call()
        seconds[stage] = time.perf_counter() - start
        return result

    indices, distances, _ = timed(
        "knn", lambda: nearest_neighbors(vectors, 15, "euclidean", {}, False, random)
    )
    graph, _, _ = timed(
        "fuzzy_set",
        lambda: fuzzy_simplicial_set(
            vectors, 15, random, "euclidean", knn_indices=indices, knn_dists=distances
        ),
    )
    start = timed("spectral", lambda: spectral_layout(vectors, graph, 2, random))
    start = np.ascontiguousarray(10 * (start - start.min(0)) / np.ptp(start, axis=0), dtype=np.float32)
    edges = graph.tocoo()
    edges.data[edges.data < edges.data.max() / n_epochs] = 0
    edges.eliminate_zeros()
    schedule = make_epochs_per_sample(edges.data, n_epochs)
    state = random.randint(-(2**31) + 1, 2**31 - 2, 3).astype(np.int64)
    a, b = find_ab_params(1.0, 0.1)
    timed(
        "layout",
        lambda: optimize_layout_euclidean(
            start, start, edges.row, edges.col, n_epochs, len(vectors), schedule, a, b, state,
            1.0, 1.0, 5.0, parallel=parallel, move_other=True,
        ),
    )  # fmt: skip
    return seconds


def main(path: str, mode: str, n_epochs: str = "0") -> None:
    vectors = np.load(path).astype(np.float32)
    epochs = int(n_epochs) or (500 if len(vectors) <= 10_000 else 200)
    fit(vectors[:6000], mode == "parallel", 2)
    print(json.dumps({"seconds": fit(vectors, mode == "parallel", epochs)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
