"""The k nearest neighbours of each point: exact when small, by nearest-neighbour descent when large."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from core.checks import (
    LARGEST_SEED,
    SMALLEST_SCALE,
    Range,
    checked_vectors,
    is_sparse,
    refuse_other_than_metric,
    refuse_other_than_seed,
    refuse_overflow,
)
from core.descent import descend
from core.errors import InputError
from core.exact import nearest_of_all, nearest_of_candidates
from core.projection import project
from core.threads import threads_for

VERSION = 4
EXACT_UP_TO = 4096
"""Rows up to which all pairs are compared."""
PROJECT_FROM = 200
"""Columns from which candidates are sought among principal components and re-ranked by all columns."""
N_PRINCIPAL = 160
SPARE_CANDIDATES = 7
ENOUGH_VARIANCE = 0.9

EUCLIDEAN = ("euclidean", "l2")
ANGULAR = ("cosine", "correlation")
OWN = (*EUCLIDEAN, *ANGULAR, "true_angular")
"""Metrics that euclidean distances between the rows, or between unit vectors, rank alike."""
FARTHEST = {
    "cosine": 2.0,
    "correlation": 2.0,
    "hellinger": 1.0,
    "jaccard": 1.0,
    "dice": 1.0,
}
"""As far apart as two rows can be under some metrics: umap-learn takes such ones for no neighbours.

Not bit_jaccard, though umap-learn has it so: it is -log of the similarity, infinite where nothing is shared.
"""

Method = Literal["auto", "exact", "descent"]
Metric = str | Callable[..., float]


@dataclass(frozen=True, eq=False)
class KnnGraph:
    """Neighbours of each point, itself excluded, nearest first.

    Parameters
    ----------
    indices : int32 (n, k)
        Row numbers of the neighbours; -1 where a row has fewer than k.
    distances : float32 (n, k)
        Their distances, rows ascending; infinite where the index is -1.

    Raises
    ------
    InputError
        If the arrays are not such a graph; the sentence names the first row at fault.
    """

    indices: NDArray[np.int32]
    distances: NDArray[np.float32]

    def __post_init__(self) -> None:
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused
            object.__setattr__(self, "distances", np.ascontiguousarray(self.distances, np.float32))
        object.__setattr__(self, "indices", np.ascontiguousarray(row_numbers(self.indices)))
        if self.indices.ndim != 2 or self.indices.shape != self.distances.shape or not self.indices.size:
            raise InputError(
                "A knn graph needs indices and distances of one shape (n, k) with at least one row and one "
                f"column, got {self.indices.shape} and {self.distances.shape}."
            )
        first_bad = np.full(N_FAULTS, self.n, np.int64)
        _find_faults(self.indices, self.distances, first_bad)
        for fault, row in zip(FAULTS, first_bad, strict=True):
            if row < self.n:
                raise InputError(f"Row {row} of the knn graph {fault}.")

    @property
    def n(self) -> int:
        """Number of points."""
        return int(self.indices.shape[0])

    @property
    def k(self) -> int:
        """Neighbours of each point, itself excluded."""
        return int(self.indices.shape[1])

    def prune(self, k: int) -> KnnGraph:
        """Keep the first `k` neighbours: a graph for a large n_neighbors serves every smaller one.

        Parameters
        ----------
        k : int
            From 1 to the graph's own.

        Returns
        -------
        graph : KnnGraph
            Itself, where it has no more.

        Raises
        ------
        InputError
            If `k` is out of its range.
        """
        if k not in Range(1, self.k, whole=True):
            raise InputError(
                f"The knn graph has {self.k} neighbours a point: k must be a whole number from 1 to "
                f"{self.k}, got {k!r}."
            )
        return self if k == self.k else KnnGraph(self.indices[:, :k], self.distances[:, :k])

    def cut(self, distance: float) -> KnnGraph:
        """Leave out the neighbours at `distance` or farther.

        Parameters
        ----------
        distance : float

        Returns
        -------
        graph : KnnGraph
            As wide; -1 and infinity where a neighbour was left out. Itself, where none was.
        """
        far = self.distances >= distance
        if not far.any():
            return self
        return KnnGraph(np.where(far, -1, self.indices), np.where(far, np.inf, self.distances))

    @classmethod
    def from_tuple(cls, knn: tuple[Any, ...]) -> KnnGraph:
        """Take umap-learn's ``(indices, distances, ...)``, whose first column is the point itself.

        Parameters
        ----------
        knn : tuple of int (n, n_neighbors), float (n, n_neighbors), and anything

        Returns
        -------
        graph : KnnGraph
            Of ``n_neighbors - 1`` neighbours.

        Raises
        ------
        InputError
            If it is no such tuple, or no such graph.
        """
        if not isinstance(knn, tuple | list) or len(knn) < 2:
            raise InputError(
                "A precomputed knn must be a KnnGraph or a tuple (indices, distances, ...), got "
                f"{type(knn).__name__}{f' of {len(knn)}' if isinstance(knn, tuple | list) else ''}."
            )
        indices, distances = row_numbers(knn[0]), np.asarray(knn[1])
        if indices.ndim != 2 or indices.shape != distances.shape or indices.shape[1] < 2:
            raise InputError(
                "A precomputed knn needs indices and distances of one shape (n, n_neighbors), got "
                f"{indices.shape} and {distances.shape}."
            )
        return cls(*without_self(indices, distances))


FAULTS = (
    "refers to a point that does not exist",
    "lists the point itself",
    "has a distance that is not a number or is negative",
    "is not sorted by distance",
    "has a missing neighbour (-1) with a finite distance, or a neighbour at an infinite distance",
    "repeats a neighbour",
)
N_FAULTS = len(FAULTS)


@njit(nogil=True, cache=True)
def _find_faults(indices: Any, distances: Any, first_bad: Any) -> None:
    n, k = indices.shape
    listed_by = np.full(n, -1, np.int32)
    for i in range(n):
        for j in range(k):
            index, distance = indices[i, j], distances[i, j]
            if index < -1 or index >= n:
                first_bad[0] = min(first_bad[0], i)
            if index == i:
                first_bad[1] = min(first_bad[1], i)
            if not distance >= 0:
                first_bad[2] = min(first_bad[2], i)
            if j and distance < distances[i, j - 1]:
                first_bad[3] = min(first_bad[3], i)
            if (index == -1) != np.isinf(distance):
                first_bad[4] = min(first_bad[4], i)
            if 0 <= index < n:
                if listed_by[index] == i:
                    first_bad[5] = min(first_bad[5], i)
                listed_by[index] = i


def row_numbers(indices: Any) -> NDArray[np.int32]:
    """Integers as int32; those that are no row of a graph as long become -2, which is none either.

    Raises
    ------
    InputError
        If they are not integers.
    """
    given = np.asarray(indices)
    if given.dtype.kind not in "iu":
        raise InputError(f"The indices of a knn graph must be an array of integers, got dtype {given.dtype}.")
    if given.dtype == np.int32 or not given.ndim:
        return given.astype(np.int32, copy=False)
    numbers = given.astype(np.int32)
    numbers[(given < -1) | (given >= len(given))] = -2
    return numbers


def without_self(
    indices: NDArray[np.integer[Any]],
    distances: NDArray[np.floating[Any]],
    rows: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Drop each point from its own row (or the last column, where it is missing): (n, k + 1) -> (n, k).

    `rows` (default: all, in their order) says whose each row is.
    """
    own = indices == (np.arange(len(indices)) if rows is None else rows)[:, None]
    own[~own.any(1), -1] = True
    # Only the first occurrence goes, so that all rows keep one length.
    own &= np.cumsum(own, axis=1) == 1
    shape = (len(indices), indices.shape[1] - 1)
    kept = np.where(indices < 0, np.inf, distances)[~own].reshape(shape)
    return indices[~own].reshape(shape).astype(np.int32), kept.astype(np.float32)


def knn_graph(
    vectors: ArrayLike | csr_array,
    n_neighbors: int,
    *,
    metric: Metric = "euclidean",
    metric_kwds: Mapping[str, Any] | None = None,
    seed: int = 42,
    method: Method = "auto",
    n_threads: int | None = None,
) -> KnnGraph:
    """Find the ``n_neighbors - 1`` nearest neighbours of each row (n_neighbors counts the row itself).

    Euclidean, cosine, correlation and true_angular distances are searched by `core.descent`, all others by
    pynndescent.

    Parameters
    ----------
    vectors : array-like (n, d) or sparse (n, d)
        Finite numbers, taken as float32; with ``metric="precomputed"`` the distances, (n, n), of which a
        sparse array stores only those between neighbours.
    n_neighbors : int
        2 <= n_neighbors <= n.
    metric : str or compiled function, default "euclidean"
        "precomputed", any metric of pynndescent, or a function of two vectors compiled by numba; true_angular
        is the angle over pi, and not one less it, dot and direct_cosine are of the rows scaled to length 1.
    metric_kwds : mapping, optional
        Its parameters.
    seed : int, default 42
        Of the descent; the exact method needs none.
    method : {"auto", "exact", "descent"}, default "auto"
        "auto" is exact up to 4,096 rows. From 200 columns on, the descent seeks candidates among principal
        components and re-ranks them by their exact distances.
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    graph : KnnGraph
        A row at an infinite distance is no neighbour.

    Raises
    ------
    InputError
        If the vectors or a parameter cannot be used.
    """
    x = checked_vectors(vectors)
    n = x.shape[0]
    if not isinstance(n_neighbors, Integral) or not 2 <= n_neighbors <= n:
        raise InputError(
            f"n_neighbors must lie between 2 and the number of rows ({n}), got {n_neighbors}; it counts "
            "the point itself, and is whole."
        )
    refuse_other_than_seed(seed, LARGEST_SEED)
    refuse_unknown_metric(metric, metric_kwds)
    threads_for(n_threads)
    n_neighbors, seed = int(n_neighbors), int(seed)
    k = n_neighbors - 1
    if metric == "precomputed":
        return _precomputed(x, k)
    if method not in ("auto", "exact", "descent"):
        raise InputError(f"method must be 'auto', 'exact' or 'descent', got {method!r}.")
    exact = n <= EXACT_UP_TO if method == "auto" else method == "exact"
    if not is_sparse(x) and metric in OWN:
        return _nearest(x, k, str(metric), seed, exact, n_threads)
    from core.any_metric import descend_by_metric, nearest_by_metric

    if exact:
        return KnnGraph(*nearest_by_metric(x, k, metric=metric, metric_kwds=metric_kwds, n_threads=n_threads))
    return KnnGraph(
        *without_self(*descend_by_metric(x, n_neighbors, metric=metric, metric_kwds=metric_kwds, seed=seed))
    )


def refuse_unknown_metric(metric: Any, metric_kwds: Mapping[str, Any] | None, called: str = "metric") -> None:
    """Raise an InputError, which calls it so, where there is no such metric or it has other parameters."""
    refuse_other_than_metric(metric, called)
    if metric != "precomputed" and (metric_kwds or metric not in OWN):
        # pynndescent is imported only where it is needed: it takes long, and most data does without.
        from core.any_metric import compiled_metric

        compiled_metric(metric, metric_kwds, called)


def _nearest(
    x: NDArray[np.float32], k: int, metric: str, seed: int, exact: bool, n_threads: int | None
) -> KnnGraph:
    refuse_overflow(x, or_underflow=metric in EUCLIDEAN)
    x = comparable(x, metric)
    if exact:
        indices, distances = nearest_of_all(x, k, n_threads)
    else:
        indices, distances = _by_descent(x, k, seed, n_threads)
    return KnnGraph(indices, by_metric(distances, metric))


def _by_descent(
    x: NDArray[np.float32], k: int, seed: int, n_threads: int | None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Descend over the columns, or over principal components where these tell most of many columns."""
    if x.shape[1] >= PROJECT_FROM:
        reduced, share = project(x, N_PRINCIPAL, seed, n_threads)
        if share >= ENOUGH_VARIANCE:
            spare = min(k + SPARE_CANDIDATES, len(x) - 1)
            candidates, bounds, order = descend(reduced, spare, seed=seed, n_threads=n_threads)
            return nearest_of_candidates(x, candidates, bounds, order, k, n_threads)
    indices, squared, _ = descend(x, k, seed=seed, n_threads=n_threads)
    return indices, np.sqrt(squared)


def comparable(x: NDArray[np.float32], metric: str, *, among_itself: bool = True) -> NDArray[np.float32]:
    """Vectors whose euclidean distances rank like those of `metric`: themselves, or unit vectors.

    Parameters
    ----------
    x : float32 (n, d)
    metric : str
        One of OWN.
    among_itself : bool, default True
        False for rows that are compared with those of another table: see `unit_vectors`.

    Returns
    -------
    vectors : float32 (n, d) or (n, d + 1)

    Raises
    ------
    InputError
        If a squared distance could exceed float32.
    """
    refuse_overflow(x)
    if metric in EUCLIDEAN:
        return x
    if metric == "correlation":
        # In float64, where the mean of equal values is the value: a row of them has no angle.
        x = x - x.mean(1, keepdims=True, dtype=np.float64).astype(np.float32)
    return unit_vectors(x, among_itself=among_itself)


def by_metric(distances: NDArray[np.float32], metric: str) -> NDArray[np.float32]:
    """Euclidean distances between what `comparable` makes of rows, as those of the rows by `metric`.

    With d between unit vectors the cosine distance is ``d^2 / 2``, the angle ``2 arcsin(d / 2)``.
    """
    if metric in ANGULAR:
        return distances * distances / np.float32(2)
    if metric == "true_angular":
        # In float64: what is sorted stays so.
        angle = 2 * np.arcsin(np.minimum(distances.astype(np.float64) / 2, 1))
        return (angle / np.pi).astype(np.float32)
    return distances


def unit_vectors(x: NDArray[np.float32], *, among_itself: bool = True) -> NDArray[np.float32]:
    """Rows scaled to length 1; a row of zeros becomes a unit vector at right angles to all others.

    The cosine distance between rows of zeros is thus 0, and 1 to any other row. The column they need is left
    out where no row is zero, unless the rows are not only compared `among_itself`: two tables must have the
    same columns, whatever rows they hold.
    """
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    # The squares of small rows may vanish; a power of two changes no direction.
    small = np.flatnonzero(norms[:, 0] < SMALLEST_SCALE)
    enlarged = np.ldexp(x[small], 100)
    norms[small] = np.linalg.norm(enlarged, axis=1, keepdims=True)
    zero = norms[:, 0] == 0
    lengths = np.where(norms > 0, norms, 1)
    unit: NDArray[np.float32] = (x / lengths).astype(np.float32, copy=False)
    unit[small] = enlarged / lengths[small]
    if among_itself and not zero.any():
        return unit
    return np.column_stack([unit, zero.astype(np.float32)])


def _precomputed(distances: Any, k: int) -> KnnGraph:
    """Take the `k` smallest distances of each row; a sparse row may hold fewer."""
    n = distances.shape[0]
    if distances.shape[1] != n:
        raise InputError(f"Precomputed distances must be square, got shape {distances.shape}.")
    if is_sparse(distances) and not distances.has_canonical_format:
        distances = distances.copy()
        distances.sum_duplicates()
    indices, near = np.full((n, k), -1, np.int32), np.full((n, k), np.inf, np.float32)
    for i in range(n):
        if is_sparse(distances):
            stored = slice(distances.indptr[i], distances.indptr[i + 1])
            columns, row = distances.indices[stored], distances.data[stored]
        else:
            columns, row = np.arange(n), distances[i]
        others = columns != i
        columns, row = columns[others], row[others]
        nearest = np.lexsort((columns, row))[:k]
        indices[i, : len(nearest)], near[i, : len(nearest)] = columns[nearest], row[nearest]
    return KnnGraph(indices, near)
