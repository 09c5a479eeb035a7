"""Single linkage of a map's points by mutual reachability, the part of HDBSCAN that takes time.

It depends on min_samples alone and is kept: all else of HDBSCAN then takes a moment (see condensed_tree).
It runs in a process of its own, as the libraries hold the interpreter's lock for seconds, or enter numba's
threading layer, which aborts a process that enters it twice: neither may happen in the server.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LINKAGE, VERSION = "linkage", 1
LEAF_SIZE = 40
SLOW_UP_TO = 2_000_000
"""Rows up to which hdbscan finds the spanning tree; beyond, fast_hdbscan."""
SECONDS_TO_START, SECONDS_SLOW, SECONDS_FAST = 3.0, 8.0 / 70_000, 23e-6
"""What the process takes to start, and each library for a row."""


def library_for(n: int) -> str:
    """Return the library that finds the spanning tree of n points."""
    return "hdbscan" if n <= SLOW_UP_TO else "fast_hdbscan"


def expected_seconds(n: int) -> float:
    """Return what single linkage of n points will take, with the start of the process."""
    return SECONDS_TO_START + n * (SECONDS_SLOW if n <= SLOW_UP_TO else SECONDS_FAST)


def single_linkage(points: NDArray[np.float32], min_samples: int, library: str) -> dict[str, np.ndarray]:
    """Join points by rising distance, in this very process.

    Parameters
    ----------
    points : float32 (n, d)
    min_samples : int
        The neighbour whose distance is a point's core distance, itself not counted.
    library : {"hdbscan", "fast_hdbscan"}
        Which finds the minimum spanning tree.

    Returns
    -------
    dict
        ``left`` and ``right``, int32 (n - 1,), and ``distance``, float64 (n - 1,), as `condense` takes them.
    """
    from fast_hdbscan.cluster_trees import mst_to_linkage_tree

    find = {"hdbscan": _slow_tree, "fast_hdbscan": _fast_tree}[library]
    edges = find(np.ascontiguousarray(points, np.float32), min_samples)
    # Of equal edges always the same comes first, in whatever order threads found them.
    edges = edges[np.lexsort((edges[:, 1], edges[:, 0], edges[:, 2]))]
    merges = mst_to_linkage_tree(edges)
    return {
        "left": merges[:, 0].astype(np.int32),
        "right": merges[:, 1].astype(np.int32),
        "distance": merges[:, 2].copy(),
    }


def _fast_tree(points: NDArray[np.float32], min_samples: int) -> NDArray[np.float64]:
    from fast_hdbscan.hdbscan import compute_minimum_spanning_tree

    edges: NDArray[np.float64] = compute_minimum_spanning_tree(
        points, min_samples=min_samples, reproducible=True
    )[0]
    return edges


class _Neighbours:
    """Answers hdbscan's question for core distances on all processors, within its process and at once.

    Left to itself hdbscan starts four processes for that, or asks on one processor.
    """

    def __init__(self, points: NDArray[np.float64]) -> None:
        self.data = points

    def query(self, data: NDArray[np.float64], k: int, **_: object) -> tuple[NDArray[np.generic], ...]:
        from scipy.spatial import cKDTree

        found: tuple[NDArray[np.generic], ...] = cKDTree(self.data).query(data, k, workers=-1)
        return found


def _slow_tree(points: NDArray[np.float32], min_samples: int) -> NDArray[np.float64]:
    from hdbscan._hdbscan_boruvka import KDTreeBoruvkaAlgorithm

    # As hdbscan calls it for its defaults, with an approximate tree.
    search = KDTreeBoruvkaAlgorithm(
        _Neighbours(points.astype(np.float64)),
        min_samples,
        leaf_size=LEAF_SIZE // 3,
        approx_min_span_tree=True,
        n_jobs=1,
    )
    edges: NDArray[np.float64] = search.spanning_tree()
    return edges
