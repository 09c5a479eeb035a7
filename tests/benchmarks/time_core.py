"""Time the core stage by stage; one JSON line. Usage: time_core.py VECTORS.npy [SEED [EPOCHS]]."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from core import (
    Layout,
    LayoutParameters,
    default_n_epochs,
    find_ab,
    fuzzy_simplicial_set,
    initial_layout,
    knn_graph,
    warm_up,
)


def main(path: str, seed: int = 42, n_epochs: int = 0) -> None:
    vectors = np.load(path).astype(np.float32)
    warm_up(descent=True)
    knn_graph(vectors[:6000], 15)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds: dict[str, float] = {}

    def timed(stage: str, call: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = call()
        seconds[stage] = time.perf_counter() - start
        return result

    parameters = LayoutParameters(n_epochs or default_n_epochs(len(vectors)), *find_ab())
    graph = timed("knn", lambda: knn_graph(vectors, 15, seed=seed))
    fuzzy_set = timed("fuzzy_set", lambda: fuzzy_simplicial_set(graph))
    initial = timed("spectral", lambda: initial_layout(fuzzy_set, seed=seed))
    timed("layout", lambda: Layout(fuzzy_set, initial, parameters, seed=seed).run(parameters.n_epochs))
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    print(json.dumps({"seconds": seconds, "gib_beyond_vectors": round(peak, 2)}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
