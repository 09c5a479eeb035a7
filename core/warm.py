"""Compile, or load from the cache, everything a fit needs, before anybody waits for it."""

from __future__ import annotations

import numpy as np

from core.curve import find_ab
from core.fuzzy_set import fuzzy_simplicial_set
from core.initialization import initial_layout
from core.knn import knn_graph
from core.layout import Layout, LayoutParameters


def warm_up(*, descent: bool = False) -> None:
    """Run all stages once on tiny data.

    Parameters
    ----------
    descent : bool, default False
        Also warm nearest-neighbour descent; a process that only lays out needs it not.
    """
    vectors = np.random.default_rng(0).normal(size=(600, 4)).astype(np.float32)
    graph = knn_graph(vectors, 5, method="exact")
    if descent:
        knn_graph(vectors, 5, method="descent")
    fuzzy_set = fuzzy_simplicial_set(graph)
    initial = initial_layout(fuzzy_set)
    layout = Layout(fuzzy_set, initial, LayoutParameters(2, *find_ab()))
    layout.run(2)
    layout.cost()
