"""Time the core stage by stage; one JSON line. Usage: time_core.py VECTORS.npy [THREADS].

Memory is counted beyond the vectors, which are held once if the file is float32.
"""

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
from tests.benchmarks.memory import peak_mib


def resident_gib() -> float:
    """What is held now: a peak that is past, of loading or warming, would hide as much of those to come."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**30


def main(path: str, threads: str = "0") -> None:
    vectors = np.load(path).astype(np.float32, copy=False)
    n_threads = int(threads) or None
    warm_up(descent=True)
    knn_graph(vectors[:6000], 15)
    before = resident_gib()
    seconds: dict[str, float] = {}
    peaks: dict[str, float] = {}

    def timed(stage: str, call: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = call()
        seconds[stage] = time.perf_counter() - start
        peaks[stage] = round(peak_mib() / 1024 - before, 2)
        return result

    parameters = LayoutParameters(default_n_epochs(len(vectors)), *find_ab())
    graph = timed("knn", lambda: knn_graph(vectors, 15, n_threads=n_threads))
    fuzzy_set = timed("fuzzy_set", lambda: fuzzy_simplicial_set(graph, n_threads=n_threads))
    initial = timed("spectral", lambda: initial_layout(fuzzy_set, n_threads=n_threads))
    timed(
        "layout", lambda: Layout(fuzzy_set, initial, parameters, n_threads=n_threads).run(parameters.n_epochs)
    )
    print(json.dumps({"seconds": seconds, "gib_beyond_vectors": peaks}))


if __name__ == "__main__":
    main(*sys.argv[1:])
