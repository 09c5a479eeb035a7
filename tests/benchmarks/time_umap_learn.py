"""Time umap-learn stage by stage; one JSON line. Usage: time_umap_learn.py VECTORS.npy [LAYOUT_EPOCHS].

Runs under the interpreter of an environment that holds umap-learn, without the core and the app. Only its
layout depends on whether it is seeded: it is timed in both modes, from one start. With LAYOUT_EPOCHS so many
epochs of it are run, each with the edges of a whole layout, and the time is scaled to all of them.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from umap.layouts import optimize_layout_euclidean
from umap.spectral import spectral_layout
from umap.umap_ import find_ab_params, fuzzy_simplicial_set, make_epochs_per_sample, nearest_neighbors

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.memory import peak_mib

warnings.filterwarnings("ignore")


def fit(vectors: np.ndarray, n_epochs: int, layout_epochs: int) -> dict[str, float]:
    random = np.random.RandomState(42)
    seconds: dict[str, float] = {}

    def timed(stage: str, call: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = call()
        seconds[stage] = time.perf_counter() - start
        print(stage, round(seconds[stage], 2), file=sys.stderr, flush=True)
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
    edges = graph.tocoo()
    edges.data[edges.data < edges.data.max() / n_epochs] = 0
    edges.eliminate_zeros()
    state = random.randint(-(2**31) + 1, 2**31 - 2, 3).astype(np.int64)
    a, b = find_ab_params(1.0, 0.1)
    start = 10 * (start - start.min(0)) / np.ptp(start, axis=0)

    def lay_out(parallel: bool) -> None:
        # The layout moves its start and counts in its schedule: each mode gets its own.
        place = np.array(start, np.float32, order="C")
        schedule = make_epochs_per_sample(edges.data, n_epochs)
        optimize_layout_euclidean(
            place, place, edges.row, edges.col, layout_epochs, len(vectors), schedule, a, b, state.copy(),
            1.0, 1.0, 5.0, parallel=parallel, move_other=True,
        )  # fmt: skip

    for mode in ("parallel", "seeded"):
        timed(f"layout {mode}", partial(lay_out, mode == "parallel"))
        seconds[f"layout {mode}"] *= n_epochs / layout_epochs
    return seconds


def main(path: str, layout_epochs: str = "0") -> None:
    vectors = np.load(path).astype(np.float32)
    n_epochs = 500 if len(vectors) <= 10_000 else 200
    fit(vectors[:6000], 20, 2)
    seconds = fit(vectors, n_epochs, int(layout_epochs) or n_epochs)
    print(json.dumps({"seconds": seconds, "peak_gib": round(peak_mib() / 1024, 2)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
