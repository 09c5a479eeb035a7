"""Single linkage of a map's points by mutual reachability, the part of HDBSCAN that takes time.

It depends on min_samples alone and is kept: all else of HDBSCAN then takes a moment (see condensed_tree).
It runs in a process of its own, as the library holds the interpreter's lock for seconds.

The spanning tree is hdbscan's, with the approximation of its defaults: of five maps of MNIST it told the
digits apart as well as the exact tree on four and better on one, and a million points take it a third of what
they take fast_hdbscan. Most of what hdbscan by itself takes is spent around it
(``tests/benchmarks/bench_clusters.py``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LINKAGE, VERSION = "linkage", 2
LIBRARY = "hdbscan"
"""The library that finds the spanning tree."""
LEAF_SIZE = 40
APART = 2.0
"""How far rows without a place are from the others, in longest edges between those that have one."""
SECONDS_TO_START, SECONDS_A_ROW = 2.5, 1e-5
"""What the process takes to start, and the linkage for a row."""


def expected_seconds(n: int) -> float:
    """Return what single linkage of n points will take, with the start of the process."""
    return SECONDS_TO_START + n * SECONDS_A_ROW


def single_linkage(points: NDArray[np.float32], min_samples: int) -> dict[str, np.ndarray]:
    """Join points by rising distance, in this very process; see `linked`.

    Parameters
    ----------
    points : float32 (n, d)
        Rows that are not finite, which have no place, are joined one by one to all the others, last.
    min_samples : int
        The neighbour whose distance is a point's core distance, itself not counted; the last one where fewer
        have a place.
    """
    placed = np.isfinite(points).all(axis=1)
    rows, lost = np.flatnonzero(placed), np.flatnonzero(~placed)
    edges = np.empty((0, 3))
    if len(rows) > 1:
        edges = spanning_tree(points[rows], min(min_samples, len(rows) - 1))
        edges[:, :2] = rows[edges[:, :2].astype(np.int64)]
    # As far as that each is noise, and no farther: a drawing of the tree has room for what lies between.
    far = APART * edges[:, 2].max(initial=0) or 1.0
    first = rows[0] if len(rows) else lost[0]
    apart = np.full((len(lost), 3), (first, 0, far))
    apart[:, 1] = lost
    return linked(np.concatenate([edges, apart[lost != first]]))


def spanning_tree(points: NDArray[np.floating[Any]], min_samples: int) -> NDArray[np.float64]:
    """Return the edges of a minimum spanning tree, float64 (n - 1, 3): two points and their distance.

    It is what hdbscan finds for its defaults, and as a whole at most a few thousandths longer than the exact
    one.
    """
    from hdbscan._hdbscan_boruvka import KDTreeBoruvkaAlgorithm

    search = KDTreeBoruvkaAlgorithm(
        _Neighbours(np.asarray(points, np.float64)),
        min_samples,
        leaf_size=LEAF_SIZE // 3,
        approx_min_span_tree=True,
        n_jobs=1,
    )
    edges: NDArray[np.float64] = search.spanning_tree()
    return edges


class _Neighbours:
    """Answers hdbscan's question for core distances on all processors, within this process.

    Left to itself hdbscan starts four processes for that, or asks on one processor.
    """

    def __init__(self, points: NDArray[np.float64]) -> None:
        self.data = points

    def query(self, data: NDArray[np.float64], k: int, **_: object) -> tuple[np.ndarray, np.ndarray]:
        from scipy.spatial import cKDTree

        distances, indices = cKDTree(self.data).query(data, k, workers=-1)
        return np.asarray(distances), np.asarray(indices)


def linked(edges: NDArray[np.float64]) -> dict[str, np.ndarray]:
    """Return the merges of a spanning tree's edges by rising distance, as `condense` takes them.

    Parameters
    ----------
    edges : float64 (n - 1, 3)
        Two points and their distance; of equal ones the lower points come first.

    Returns
    -------
    dict
        ``left`` and ``right``, int32 (n - 1,), and ``distance``, float64 (n - 1,).
    """
    from hdbscan._hdbscan_linkage import label

    merges = label(np.ascontiguousarray(edges[np.lexsort((edges[:, 1], edges[:, 0], edges[:, 2]))]))
    return {
        "left": merges[:, 0].astype(np.int32),
        "right": merges[:, 1].astype(np.int32),
        "distance": merges[:, 2].copy(),
    }
