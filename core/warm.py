"""Compile, or load from the cache, everything a fit needs, before anybody waits for it."""

from __future__ import annotations

import numpy as np

from core.coarsening import coarsened
from core.curve import find_ab
from core.filtering import BLOCK_VECTORS, Operator
from core.fuzzy_set import fuzzy_simplicial_set
from core.initialization import initial_layout
from core.knn import PROJECT_FROM, knn_graph
from core.layout import Layout, LayoutParameters


def warm_up(*, descent: bool = False) -> None:
    """Run all stages of an ordinary fit once on tiny data.

    Left out are maps of other than two dimensions, density, targets, new points and what is not searched by
    euclidean distances or angles: these load, or compile, when they are asked for.

    Parameters
    ----------
    descent : bool, default False
        Also warm nearest-neighbour descent; a process that only lays out needs it not.
    """
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(600, 4)).astype(np.float32)
    graph = knn_graph(vectors, 5, method="exact")
    if descent:
        # In so many columns that candidates come from principal components, and are re-ranked.
        wide = vectors @ rng.normal(size=(4, PROJECT_FROM)).astype(np.float32)
        knn_graph(wide, 5, method="descent")
    fuzzy_set = fuzzy_simplicial_set(graph)
    initial = initial_layout(fuzzy_set)
    # What a start of more points begins with: graphs made coarser again and again, counted in 64 bits.
    coarse = coarsened(fuzzy_set, seed=0).graph
    coarsened(coarse, seed=0)
    for edges in (fuzzy_set, coarse):
        operator = Operator(edges, None)
        operator.reorder(np.arange(edges.shape[0]))
        random = rng.standard_normal((edges.shape[0], BLOCK_VECTORS), np.float32)
        operator.rayleigh_ritz(operator.filter(random, 0.0), 2)
    layout = Layout(fuzzy_set, initial, LayoutParameters(2, *find_ab()))
    layout.run(2)
    layout.cost()
