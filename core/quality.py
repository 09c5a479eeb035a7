"""How faithful a map is to its data, and how stable from run to run, sampled or blocked: no n^2 memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.checks import checked_vectors, is_sparse
from core.errors import InputError
from core.exact import nearest_of_rows
from core.knn import ANGULAR, EUCLIDEAN, KnnGraph, Metric, comparable, knn_graph

TIES = 1e-4
"""Relative difference below which two distances count as one."""


def knn_recall(
    vectors: ArrayLike, graph: KnnGraph, *, metric: Metric = "euclidean", n_rows: int = 300, seed: int = 0
) -> float:
    """Share of `graph`'s neighbours that are as near as the true ones, over sampled rows compared with all.

    Parameters
    ----------
    vectors : array-like (n, d)
    graph : KnnGraph
    metric : str, default "euclidean"
        "euclidean", "l2", "cosine" or "correlation"; under others the sample is compared by scikit-learn.
    n_rows : int, default 300
    seed : int, default 0
        Of the sample.

    Returns
    -------
    recall : float
        In [0, 1].
    """
    return float(row_recall(vectors, graph, metric=metric, n_rows=n_rows, seed=seed)[1].mean())


def row_recall(
    vectors: ArrayLike, graph: KnnGraph, *, metric: Metric = "euclidean", n_rows: int = 300, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sampled rows (int64, ascending) and the recall of each (float64); see `knn_recall`."""
    x = checked_vectors(vectors)
    rows = sample_rows(graph.n, n_rows, seed)
    if not is_sparse(x) and metric in EUCLIDEAN + ANGULAR:
        _, true = nearest_of_rows(comparable(x, str(metric)), rows, graph.k)
        if metric in ANGULAR:
            true = true * true / np.float32(2)
    else:
        from sklearn.metrics import pairwise_distances

        distances = pairwise_distances(x[rows], x, metric=metric)
        distances[np.arange(len(rows)), rows] = np.inf
        true = np.sort(distances, axis=1)[:, : graph.k]
    bound = true[:, -1:] * (1 + TIES) + 1e-12
    return rows, np.asarray((graph.distances[rows] <= bound).mean(axis=1))


def sample_rows(n: int, n_rows: int, seed: int) -> NDArray[np.int64]:
    """At most `n_rows` of the rows 0..n-1, drawn without replacement, ascending."""
    return np.sort(np.random.default_rng(seed).choice(n, min(n, n_rows), replace=False))


def map_graph(embedding: NDArray[np.float32], k: int) -> KnnGraph:
    """The `k` nearest neighbours on a map (float32 (n, d)), itself excluded."""
    if not 1 <= k < len(embedding):
        raise InputError(
            f"k must be at least 1 and less than the number of points ({len(embedding)}), got {k}."
        )
    if embedding.shape[1] > 3:
        return knn_graph(embedding, k + 1)
    # Imported here: most users of the core never ask, and it takes a fifth of a second.
    from scipy.spatial import KDTree

    distances, indices = KDTree(embedding).query(embedding, k + 1, workers=-1)
    return KnnGraph.from_tuple((indices, distances))


@dataclass(frozen=True)
class Distortion:
    """What the map shows wrongly around each point.

    Attributes
    ----------
    lost : float32 (n,)
        Share of a point's nearest neighbours in the data that are not near it on the map.
    intruders : float32 (n,)
        Share of its nearest neighbours on the map that are not near it in the data.
    """

    lost: NDArray[np.float32]
    intruders: NDArray[np.float32]


def distortion(graph: KnnGraph, embedding: NDArray[np.float32], *, k: int | None = None) -> Distortion:
    """Lost neighbours and intruders of each point.

    Parameters
    ----------
    graph : KnnGraph
        Neighbours in the data.
    embedding : float32 (n, d)
    k : int, optional
        Neighbours counted as nearest (default: a third of the graph's); all of the graph's count as near.
    """
    k = max(1, graph.k // 3) if k is None else k
    near = map_graph(embedding, graph.k)
    return Distortion(
        1 - shared(graph.indices[:, :k], near.indices),
        1 - shared(near.indices[:, :k], graph.indices),
    )


def neighbour_preservation(graph: KnnGraph, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of each point's neighbours in the data that are among as many on the map: float32 (n,)."""
    return shared(graph.indices, map_graph(embedding, graph.k).indices)


def shared(one: NDArray[np.int32], other: NDArray[np.int32]) -> NDArray[np.float32]:
    """Share of each row's entries of `one` (n, p) found in the same row of `other` (n, q): float32 (n,)."""
    found = np.empty(len(one), np.float32)
    for start in range(0, len(one), 65_536):
        block = slice(start, start + 65_536)
        hits = sum((other[block] == one[block, c : c + 1]).any(axis=1) for c in range(one.shape[1]))
        found[block] = hits / one.shape[1]
    return found


def stability(embeddings: Sequence[NDArray[np.float32]], *, k: int = 15) -> NDArray[np.float32]:
    """How far each point keeps its neighbours from map to map: mean Jaccard index over all pairs of maps.

    Parameters
    ----------
    embeddings : sequence of float32 (n, d)
        At least two maps of the same points.
    k : int, default 15

    Returns
    -------
    stability : float32 (n,)
        1 where the neighbours are the same in all maps.
    """
    if len(embeddings) < 2 or len({len(e) for e in embeddings}) != 1:
        raise InputError("Stability needs at least two maps of the same points.")
    graphs = [map_graph(e, k).indices for e in embeddings]
    pairs = [(a, b) for i, a in enumerate(graphs) for b in graphs[i + 1 :]]
    overlap = [shared(a, b) for a, b in pairs]
    return np.asarray(sum(o / (2 - o) for o in overlap) / len(pairs), np.float32)


def trustworthiness(
    vectors: ArrayLike, embedding: NDArray[np.float32], *, k: int = 15, n_rows: int = 1000, seed: int = 0
) -> float:
    """Trustworthiness (Venna and Kaski 2001) estimated on sampled rows, each ranked against all points.

    1 less the mean penalty of points that are among the `k` nearest on the map but not in the data, by how
    far down they are in the data's ranking. Continuity is the same with data and map exchanged.
    """
    return _ranked(checked_vectors(vectors), np.asarray(embedding, np.float32), k, n_rows, seed)


def continuity(
    vectors: ArrayLike, embedding: NDArray[np.float32], *, k: int = 15, n_rows: int = 1000, seed: int = 0
) -> float:
    """Continuity (Venna and Kaski 2001), estimated as `trustworthiness` is."""
    return _ranked(np.asarray(embedding, np.float32), checked_vectors(vectors), k, n_rows, seed)


def _ranked(truth: NDArray[np.float32], claim: NDArray[np.float32], k: int, n_rows: int, seed: int) -> float:
    """One less the penalty of `claim`'s neighbours by their ranks in `truth`."""
    n = len(truth)
    if not 1 <= k < n / 2:
        raise InputError(f"k must be at least 1 and less than half the number of points ({n}), got {k}.")
    rows = sample_rows(n, n_rows, seed)
    neighbours, _ = nearest_of_rows(claim, rows, k)
    penalty = 0.0
    for row, near in zip(rows, neighbours, strict=True):
        distances = ((truth - truth[row]) ** 2).sum(axis=1)
        distances[row] = -1
        ranks = np.searchsorted(np.sort(distances), distances[near])
        penalty += np.maximum(0, ranks - k).sum()
    return float(1 - 2 * penalty / (len(rows) * k * (2 * n - 3 * k - 1)))


@dataclass(frozen=True)
class Alignment:
    """A map turned, mirrored, scaled and moved onto another.

    Attributes
    ----------
    embedding : float32 (n, d)
        The aligned map.
    disparity : float
        Squared distance that remains, as a share of the reference's spread: 0 same shape, 1 unrelated.
    """

    embedding: NDArray[np.float32]
    disparity: float


def align(embedding: NDArray[np.float32], reference: NDArray[np.float32]) -> Alignment:
    """Procrustes alignment (Gower 1975) of `embedding` to `reference`, both float32 (n, d)."""
    if embedding.shape != reference.shape:
        raise InputError(f"Maps to align need one shape, got {embedding.shape} and {reference.shape}.")
    y, x = embedding.astype(np.float64), reference.astype(np.float64)
    centre = x.mean(0)
    y, x = y - y.mean(0), x - centre
    u, s, vt = np.linalg.svd(y.T @ x)
    scale = s.sum() / (y**2).sum()
    aligned = scale * y @ (u @ vt)
    disparity = float(((aligned - x) ** 2).sum() / (x**2).sum())
    return Alignment((aligned + centre).astype(np.float32), disparity)
