"""The k nearest neighbours of each point: exact when small, by nearest-neighbour descent when large."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.threads import claim, for_rows

VERSION = 1
EXACT_UP_TO = 4096
"""Rows up to which all pairs are compared."""
PROJECT_FROM = 200
"""Dimensions from which candidates are sought among principal components and re-ranked in the full space."""
N_PRINCIPAL = 100
SPARE_CANDIDATES = 9

Method = Literal["auto", "exact", "descent", "projected"]


@dataclass(frozen=True)
class KnnGraph:
    """Neighbours of each point, itself excluded, nearest first.

    Attributes
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
        object.__setattr__(self, "indices", np.ascontiguousarray(self.indices, np.int32))
        object.__setattr__(self, "distances", np.ascontiguousarray(self.distances, np.float32))
        if self.indices.ndim != 2 or self.indices.shape != self.distances.shape or not self.indices.shape[1]:
            raise InputError(
                f"A knn graph needs indices and distances of one shape (n, k), got {self.indices.shape} and "
                f"{self.distances.shape}."
            )
        first_bad = np.full(N_FAULTS, self.n, np.int64)
        _find_faults(self.indices, self.distances, first_bad)
        for fault, row in zip(FAULTS, first_bad, strict=True):
            if row < self.n:
                raise InputError(f"Row {row} of the knn graph {fault}.")

    @property
    def n(self) -> int:
        """Number of points."""
        return self.indices.shape[0]

    @property
    def k(self) -> int:
        """Neighbours of each point, itself excluded."""
        return self.indices.shape[1]

    def prune(self, k: int) -> KnnGraph:
        """Keep the first `k` neighbours: a graph for a large n_neighbors serves every smaller one."""
        if not 1 <= k <= self.k:
            raise InputError(f"The knn graph has {self.k} neighbours a point and cannot be pruned to {k}.")
        return self if k == self.k else KnnGraph(self.indices[:, :k], self.distances[:, :k])

    @classmethod
    def from_tuple(cls, knn: tuple[Any, ...]) -> KnnGraph:
        """Take umap-learn's ``(indices, distances, ...)``, whose first column is the point itself."""
        indices, distances = np.asarray(knn[0]), np.asarray(knn[1])
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
)
N_FAULTS = len(FAULTS)


@njit(nogil=True, cache=True)
def _find_faults(indices: Any, distances: Any, first_bad: Any) -> None:
    n, k = indices.shape
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


def without_self(
    indices: NDArray[np.integer[Any]], distances: NDArray[np.floating[Any]]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Drop each point from its own row (or the last column, where it is missing): (n, k + 1) -> (n, k)."""
    own = indices == np.arange(len(indices))[:, None]
    own[~own.any(1), -1] = True
    # Only the first occurrence goes, so that all rows keep one length.
    own &= np.cumsum(own, axis=1) == 1
    shape = (len(indices), indices.shape[1] - 1)
    kept = np.where(indices < 0, np.inf, distances)[~own].reshape(shape)
    return indices[~own].reshape(shape).astype(np.int32), kept.astype(np.float32)


def knn_graph(
    vectors: ArrayLike,
    n_neighbors: int,
    *,
    metric: str = "euclidean",
    metric_kwds: Mapping[str, Any] | None = None,
    seed: int = 42,
    method: Method = "auto",
) -> KnnGraph:
    """Find the ``n_neighbors - 1`` nearest neighbours of each row (n_neighbors counts the row itself).

    Parameters
    ----------
    vectors : array-like (n, d)
        Finite numbers; taken as float32.
    n_neighbors : int
        2 <= n_neighbors <= n.
    metric : str, default "euclidean"
        Any metric of pynndescent.
    metric_kwds : mapping, optional
        Its parameters.
    seed : int, default 42
        Of the descent; the exact method needs none.
    method : {"auto", "exact", "descent", "projected"}, default "auto"
        "projected" seeks candidates among 100 principal components and re-ranks them in the full space
        (euclidean only). "auto" is exact up to 4,096 rows, projected from 200 dimensions, descent otherwise.

    Returns
    -------
    KnnGraph

    Raises
    ------
    InputError
        If the vectors or a parameter cannot be used.
    """
    x = checked_vectors(vectors)
    if not 2 <= n_neighbors <= len(x):
        raise InputError(
            f"n_neighbors must lie between 2 and the number of rows ({len(x)}), got {n_neighbors}; it counts the "
            "point itself."
        )
    if method == "auto":
        method = _choose_method(x, metric)
    k = n_neighbors - 1
    if method == "exact":
        return exact_graph(x, k, metric, metric_kwds)
    from core.descent import descend

    if method == "descent":
        indices, distances = descend(x, k + 1, metric=metric, metric_kwds=metric_kwds, seed=seed)
        return KnnGraph(*without_self(indices, distances))
    principal = project(x, min(N_PRINCIPAL, x.shape[1]), seed)
    wanted = min(k + 1 + SPARE_CANDIDATES, len(x))
    candidates, distances = descend(principal, wanted, metric="euclidean", metric_kwds=None, seed=seed)
    return rerank(x, without_self(candidates, distances)[0], k)


def _choose_method(x: NDArray[np.float32], metric: str) -> Method:
    if len(x) <= EXACT_UP_TO:
        return "exact"
    return "projected" if x.shape[1] >= PROJECT_FROM and metric == "euclidean" else "descent"


def checked_vectors(vectors: ArrayLike) -> NDArray[np.float32]:
    """Float32, contiguous, finite, two-dimensional vectors with at least two rows, or an InputError."""
    try:
        x = np.ascontiguousarray(vectors, np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"The vectors must be numbers in a table of one row a point: {error}.") from None
    if x.ndim != 2:
        raise InputError(f"The vectors must have two dimensions (rows, columns), got shape {x.shape}.")
    if len(x) < 2 or not x.shape[1]:
        raise InputError(f"The vectors must have at least 2 rows and 1 column, got shape {x.shape}.")
    if not np.isfinite(x.sum(dtype=np.float64)):
        bad = np.argwhere(~np.isfinite(x))
        row, column = bad[0]
        raise InputError(
            f"Row {row}, column {column} of the vectors is {x[row, column]}; remove or fill the {len(bad):,} values "
            "that are NaN or infinite in float32."
        )
    return x


def exact_graph(
    x: NDArray[np.float32], k: int, metric: str = "euclidean", metric_kwds: Mapping[str, Any] | None = None
) -> KnnGraph:
    """Compare all pairs; among equal distances the lower row number comes first."""
    indices, distances = np.empty((len(x), k), np.int32), np.empty((len(x), k), np.float32)
    if metric == "euclidean":
        for_rows(_exact_rows, len(x), x, indices, distances)
        return KnnGraph(indices, distances)
    from sklearn.metrics import pairwise_distances

    for start in range(0, len(x), 1024):
        block = pairwise_distances(x[start : start + 1024], x, metric=metric, **(metric_kwds or {}))
        own = np.arange(len(block))
        block[own, start + own] = np.inf
        near = np.argsort(block, axis=1, kind="stable")[:, :k]
        indices[start : start + 1024] = near
        distances[start : start + 1024] = np.take_along_axis(block, near, 1)
    return KnnGraph(indices, distances)


def rerank(x: NDArray[np.float32], candidates: NDArray[np.int32], k: int) -> KnnGraph:
    """Keep the `k` of each row's candidates (int32 (n, m), m >= k) that are nearest by exact distance."""
    indices, distances = np.empty((len(x), k), np.int32), np.empty((len(x), k), np.float32)
    for_rows(_rerank_rows, len(x), x, candidates, indices, distances)
    return KnnGraph(indices, distances)


def project(x: NDArray[np.float32], n_components: int, seed: int) -> NDArray[np.float32]:
    """Coordinates on the leading principal components of (at most 10,000 sampled) rows: float32 (n, c)."""
    rng = np.random.default_rng(seed)
    sample = x if len(x) <= 10_000 else x[np.sort(rng.choice(len(x), 10_000, replace=False))]
    mean = sample.mean(0)
    basis = np.linalg.eigh(np.cov(sample - mean, rowvar=False))[1][:, ::-1][:, :n_components]
    basis = np.ascontiguousarray(basis, np.float32)
    out = np.empty((len(x), n_components), np.float32)
    for start in range(0, len(x), 8192):
        out[start : start + 8192] = (x[start : start + 8192] - mean) @ basis
    return out


@njit(nogil=True, inline="always", fastmath={"reassoc", "contract", "nsz"})
def _squared_distance(a: Any, b: Any) -> Any:
    total = np.float32(0.0)
    for c in range(len(a)):
        total += (a[c] - b[c]) * (a[c] - b[c])
    return total


@njit(nogil=True, inline="always")
def _insert(distance: Any, index: Any, near: Any, near_distances: Any) -> None:
    """Insert into a row kept sorted by (distance, index), its last entry falling out."""
    j = len(near) - 1
    while j > 0 and (
        near_distances[j - 1] > distance or (near_distances[j - 1] == distance and near[j - 1] > index)
    ):
        near[j], near_distances[j] = near[j - 1], near_distances[j - 1]
        j -= 1
    near[j], near_distances[j] = index, distance


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
def _exact_rows(counter: Any, n_rows: int, x: Any, indices: Any, distances: Any) -> None:
    """All pairs, eight rows at a time, so that each vector read serves eight comparisons."""
    while True:
        first = claim(counter, 8)
        if first >= n_rows:
            return
        last = min(first + 8, n_rows)
        indices[first:last] = n_rows
        distances[first:last] = np.inf
        for j in range(len(x)):
            for i in range(first, last):
                d = _squared_distance(x[i], x[j])
                if i != j and d < distances[i, -1]:
                    _insert(d, j, indices[i], distances[i])
        distances[first:last] = np.sqrt(distances[first:last])


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
def _rerank_rows(counter: Any, n_rows: int, x: Any, candidates: Any, indices: Any, distances: Any) -> None:
    while True:
        first = claim(counter, 64)
        if first >= n_rows:
            return
        for i in range(first, min(first + 64, n_rows)):
            indices[i] = n_rows
            distances[i] = np.inf
            for j in candidates[i]:
                if j >= 0:
                    d = _squared_distance(x[i], x[j])
                    if d < distances[i, -1] or (d == distances[i, -1] and j < indices[i, -1]):
                        _insert(d, j, indices[i], distances[i])
            for j in range(len(indices[i])):
                distances[i, j] = np.sqrt(distances[i, j])
                if indices[i, j] == n_rows:
                    indices[i, j] = -1
