"""How faithful a map is to its data, and how stable from run to run.

Nothing here needs n^2 memory: what compares points with all others does so for sampled rows, a row at a
time; what is asked of every point compares its k neighbours with k others, in blocks of rows. Each function
states its formula and its cost, for n points in d columns, m sampled rows and k neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.checks import checked_vectors, is_sparse, raised, refuse_overflow
from core.errors import InputError
from core.exact import nearest_of_rows, ranks_of
from core.knn import KnnGraph, knn_graph
from core.progress import part
from core.recall import sample_rows
from core.threads import one_blas_thread, threads_for

BLOCK_ROWS = 65_536
# Of the time of a comparison of two tables of neighbours and of five maps, finding the neighbours.
FINDING_IN_ONE, FINDING_IN_MANY = 0.9, 0.8


def map_graph(
    embedding: NDArray[np.float32],
    k: int,
    *,
    n_threads: int | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> KnnGraph:
    """The nearest neighbours on a map, itself excluded.

    Up to 3 dimensions by a tree, in O(n k log n); beyond by `knn_graph`, which may miss some.

    Parameters
    ----------
    embedding : float32 (n, d)
    k : int
        At least 1 and less than the number of points that have a place.
    n_threads : int, optional
        Never changes the result.
    progress : callable, optional
        Called with the share done of a map of up to 3 dimensions; what it raises ends the work.

    Returns
    -------
    graph : KnnGraph
        A point without a place (NaN) has no neighbours (-1) and is nobody's.

    Raises
    ------
    InputError
        If `k` is out of its range.
    """
    placed = np.flatnonzero(np.isfinite(embedding).all(axis=1))
    if not 1 <= k < len(placed):
        raise InputError(f"k must be at least 1 and less than the number of points ({len(placed)}), got {k}.")
    if len(placed) < len(embedding):
        graph = map_graph(embedding[placed], k, n_threads=n_threads, progress=progress)
        indices = np.full((len(embedding), k), -1, np.int32)
        distances = np.full((len(embedding), k), np.inf, np.float32)
        indices[placed], distances[placed] = placed[graph.indices], graph.distances
        return KnnGraph(indices, distances)
    if embedding.shape[1] > 3:
        return knn_graph(embedding, k + 1, n_threads=n_threads)
    # Imported here: most users of the core never ask, and it takes a fifth of a second.
    from scipy.spatial import KDTree

    tree, n = KDTree(embedding), len(embedding)
    lengths, near = np.empty((n, k + 1)), np.empty((n, k + 1), np.intp)
    for start in range(0, n, BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        lengths[block], near[block] = tree.query(embedding[block], k + 1, workers=threads_for(n_threads))
        progress(min(1.0, block.stop / n))
    return KnnGraph.from_tuple((near, lengths))


@dataclass(frozen=True, eq=False)
class Distortion:
    """What the map shows wrongly around each point.

    Attributes
    ----------
    lost : float32 (n,)
        Share of a point's nearest neighbours in the data that are not near it on the map; NaN without any.
    intruders : float32 (n,)
        Share of its nearest neighbours on the map that are not near it in the data; NaN without a place.
    """

    lost: NDArray[np.float32]
    intruders: NDArray[np.float32]


def distortion(
    graph: KnnGraph,
    embedding: NDArray[np.float32],
    *,
    k: int | None = None,
    n_threads: int | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> Distortion:
    """Lost neighbours and intruders of each point.

    With N_i(k) the k nearest neighbours of i in the data, M_i(k) those on the map and K those of `graph`:
    lost is ``|N_i(k) - M_i(K)| / k``, intruders ``|M_i(k) - N_i(K)| / k``; O(n k K) beyond `map_graph`.

    Parameters
    ----------
    graph : KnnGraph
        Neighbours in the data.
    embedding : float32 (n, d)
    k : int, optional
        Neighbours counted as nearest (default: a third of the graph's); all of the graph's count as near.
    n_threads : int, optional
        Never changes the result.
    progress : callable, optional
        Called with the share done; what it raises ends the work.

    Returns
    -------
    distortion : Distortion

    Raises
    ------
    InputError
        If `k` is not between 1 and the graph's, or graph and map have different points.
    """
    k = max(1, graph.k // 3) if k is None else k
    if not 1 <= k <= graph.k:
        raise InputError(f"k must lie between 1 and the graph's neighbours a point ({graph.k}), got {k}.")
    near = map_graph(embedding, graph.k, n_threads=n_threads, progress=part(progress, 0, FINDING_IN_ONE))
    lost = 1 - shared(graph.indices[:, :k], near.indices)
    intruders = 1 - shared(near.indices[:, :k], graph.indices)
    progress(1.0)
    return Distortion(lost, intruders)


def neighbour_preservation(
    graph: KnnGraph, embedding: NDArray[np.float32], *, n_threads: int | None = None
) -> NDArray[np.float32]:
    """Share of each point's neighbours in the data that are among as many on the map.

    ``|N_i & M_i| / k``, see `distortion`; O(n k^2) beyond `map_graph`.

    Parameters
    ----------
    graph : KnnGraph
        Neighbours in the data.
    embedding : float32 (n, d)
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    preservation : float32 (n,)
        0 for a point without a place on the map, NaN for one without neighbours in the data.

    Raises
    ------
    InputError
        If graph and map have different points, or the map has no more than the graph's neighbours a point.
    """
    return shared(graph.indices, map_graph(embedding, graph.k, n_threads=n_threads).indices)


def shared(one: NDArray[np.int32], other: NDArray[np.int32]) -> NDArray[np.float32]:
    """Share of each row's entries of one table found in the same row of the other.

    O(n p q), in blocks of rows.

    Parameters
    ----------
    one, other : int32 (n, p), int32 (n, q)
        Neighbours, -1 for none.

    Returns
    -------
    share : float32 (n,)
        NaN for a row without entries in `one`.

    Raises
    ------
    InputError
        If they have different rows.
    """
    if len(one) != len(other):
        raise InputError(f"Neighbours to compare need the same points, got {len(one)} and {len(other)} rows.")
    found = np.empty(len(one), np.float32)
    for start in range(0, len(one), BLOCK_ROWS):
        mine, others = one[start : start + BLOCK_ROWS], other[start : start + BLOCK_ROWS]
        hits = np.zeros(len(mine))
        for column in mine.T:
            hits += (others == column[:, None]).any(axis=1) & (column >= 0)
        count = (mine >= 0).sum(axis=1)
        found[start : start + BLOCK_ROWS] = np.where(count, hits / np.maximum(count, 1), np.nan)
    return found


def stability(
    embeddings: Sequence[NDArray[np.float32]],
    *,
    k: int = 15,
    n_threads: int | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> NDArray[np.float32]:
    """How far each point keeps its neighbours from map to map: mean Jaccard index over all pairs of maps.

    ``mean_{p<q} |M_i^p & M_i^q| / |M_i^p | M_i^q|`` over the k nearest neighbours M_i^p on map p; for e maps
    e trees and O(e^2 n k^2) comparisons.

    Parameters
    ----------
    embeddings : sequence of float32 (n, d)
        At least two maps of the same points.
    k : int, default 15
        At least 1 and less than the number of points that have a place.
    n_threads : int, optional
        Never changes the result.
    progress : callable, optional
        Called with the share done; what it raises ends the work.

    Returns
    -------
    stability : float32 (n,)
        1 where the neighbours are the same in all maps; NaN where one of them has no place for the point.

    Raises
    ------
    InputError
        If there are fewer than two maps, or maps of other points, or `k` is not below the number of points.
    """
    if len(embeddings) < 2 or len({len(e) for e in embeddings}) != 1:
        raise InputError("Stability needs at least two maps of the same points.")
    ends = np.linspace(0, FINDING_IN_MANY, len(embeddings) + 1).tolist()
    graphs = [
        map_graph(e, k, n_threads=n_threads, progress=part(progress, start, end)).indices
        for e, (start, end) in zip(embeddings, pairwise(ends), strict=True)
    ]
    total = np.zeros(len(graphs[0]), np.float32)
    pairs = list(combinations(graphs, 2))
    for place, (one, other) in enumerate(pairs):
        part(progress, FINDING_IN_MANY, 1)(place / len(pairs))
        overlap = shared(one, other)
        total += overlap / (2 - overlap)
        total[other[:, 0] < 0] = np.nan
    progress(1.0)
    return total / np.float32(len(pairs))


def trustworthiness(
    vectors: ArrayLike,
    embedding: NDArray[np.float32],
    *,
    k: int = 15,
    n_rows: int = 1000,
    seed: int = 0,
    n_threads: int | None = None,
) -> float:
    """Trustworthiness (Venna and Kaski 2001) estimated on sampled rows, each ranked against all points.

    1 less the mean penalty of points that are among the `k` nearest on the map but not in the data, by how
    far down they are in the data's ranking: ``1 - 2 / (m k (2n - 3k - 1)) sum_i sum_j max(0, r_ij - k)``
    over the neighbours j of i on the map, r_ij their rank in the data. Continuity is the same with data and
    map exchanged. O(m n (d + k)) operations and no memory beyond the sample's.

    Parameters
    ----------
    vectors : array-like (n, d)
        The data, dense.
    embedding : float32 (n, c)
        The map; points without a place (NaN) are left out of both.
    k : int, default 15
        At least 1 and less than half the number of points that have a place.
    n_rows : int, default 1000
        Rows sampled, at least 1; all, if there are fewer.
    seed : int, default 0
        Of the sample.
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    trustworthiness : float
        1 where no neighbour on the map is none in the data.

    Raises
    ------
    InputError
        If a parameter is out of its range, map and data have different points, or squared distances exceed
        float32.
    """
    x, y = _placed(vectors, embedding)
    return _ranked(x, y, k, sample_rows(len(x), n_rows, seed), n_threads)


def continuity(
    vectors: ArrayLike,
    embedding: NDArray[np.float32],
    *,
    k: int = 15,
    n_rows: int = 1000,
    seed: int = 0,
    n_threads: int | None = None,
) -> float:
    """Continuity (Venna and Kaski 2001): `trustworthiness` with data and map exchanged.

    Parameters, result and errors are those of `trustworthiness`.
    """
    x, y = _placed(vectors, embedding)
    return _ranked(y, x, k, sample_rows(len(x), n_rows, seed), n_threads)


def _placed(
    vectors: ArrayLike, embedding: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Data and map without the points that have no place there, with distances that float32 holds.

    Ranks are asked for, which do not depend on a scale: tiny values are raised.
    """
    x = checked_vectors(vectors)
    if is_sparse(x) or is_sparse(embedding):
        raise InputError("Trustworthiness and continuity are for dense vectors; pass them as an array.")
    y = np.ascontiguousarray(embedding, np.float32)
    if y.ndim != 2 or len(y) != len(x):
        raise InputError(
            f"Map and data need the same points, got {len(y)} and {len(x)} rows, the map of shape {y.shape}."
        )
    placed = np.isfinite(y).all(axis=1)
    if not placed.all():
        x, y = x[placed], y[placed]
    refuse_overflow(x)
    refuse_overflow(y, "The map holds")
    return raised(x)[0], raised(y)[0]


def _ranked(
    truth: NDArray[np.float32],
    claim: NDArray[np.float32],
    k: int,
    rows: NDArray[np.int64],
    n_threads: int | None,
) -> float:
    """One less the penalty of the rows' neighbours in `claim` by their ranks in `truth`."""
    n = len(truth)
    if not 1 <= k < n / 2:
        raise InputError(f"k must be at least 1 and less than half the number of points ({n}), got {k}.")
    neighbours, _ = nearest_of_rows(claim, rows, k, n_threads)
    penalty = np.maximum(0, ranks_of(truth, rows, neighbours, n_threads) - k).sum()
    return float(1 - 2 * penalty / (len(rows) * k * (2 * n - 3 * k - 1)))


@dataclass(frozen=True, eq=False)
class Alignment:
    """A map turned, mirrored, scaled and moved onto another.

    Attributes
    ----------
    embedding : float32 (n, d)
        The aligned map; points without a place (NaN) stay without.
    disparity : float
        Squared distance that remains, as a share of the reference's spread: 0 same shape, 1 unrelated.
    """

    embedding: NDArray[np.float32]
    disparity: float


def align(embedding: NDArray[np.float32], reference: NDArray[np.float32]) -> Alignment:
    """Procrustes alignment (Gower 1975) of `embedding` to `reference`: O(n d^2).

    Parameters
    ----------
    embedding, reference : float32 (n, d)
        Points that one of them has no place for (NaN) do not count.

    Returns
    -------
    alignment : Alignment

    Raises
    ------
    InputError
        If the maps have different shapes, or fewer than two points that lie apart on both.
    """
    if embedding.shape != reference.shape:
        raise InputError(f"Maps to align need one shape, got {embedding.shape} and {reference.shape}.")
    y, x = embedding.astype(np.float64), reference.astype(np.float64)
    placed = np.isfinite(y).all(axis=1) & np.isfinite(x).all(axis=1)
    if not (placed.any() and np.ptp(y[placed], axis=0).any() and np.ptp(x[placed], axis=0).any()):
        raise InputError("Maps to align need at least two points that lie apart on both of them.")
    centre = x[placed].mean(0)
    y, x = y - y[placed].mean(0), x - centre
    with one_blas_thread():
        u, s, vt = np.linalg.svd(y[placed].T @ x[placed])
        aligned = s.sum() / (y[placed] ** 2).sum() * y @ (u @ vt)
    disparity = float(((aligned - x)[placed] ** 2).sum() / (x[placed] ** 2).sum())
    return Alignment((aligned + centre).astype(np.float32), disparity)
