"""From places on a finished map back to vectors: what an item there would be like."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from core.checks import is_sparse
from core.errors import InputError
from core.fuzzy_set import smooth, strengths_of
from core.knn import OWN, Metric
from core.threads import threads_for

WITH_MEAN = (
    *OWN, "sqeuclidean", "manhattan", "taxicab", "l1", "chebyshev", "linfinity", "linfty",
    "linf", "minkowski",
)  # fmt: skip
"""Metrics of values whose mean is a value of the same kind, by all names that pynndescent knows them by: no
angles on a sphere, no yes and no."""


def refuse_without_mean(vectors: Any, metric: Metric) -> None:
    """Raise an InputError where vectors (dense or CSR) compared by `metric` have no mean to come back to."""
    if is_sparse(vectors):
        raise InputError(
            "A map of sparse rows has no way back to vectors; fit it on dense ones, and keep them."
        )
    if metric not in WITH_MEAN:
        raise InputError(
            f"Rows compared by {metric!r} have no mean; the way back from the map is for "
            f"{', '.join(WITH_MEAN)}."
        )


def vectors_at(
    places: NDArray[np.float32],
    embedding: NDArray[np.float32],
    vectors: NDArray[np.float32],
    n_neighbors: int,
    *,
    n_threads: int | None = None,
) -> NDArray[np.float32]:
    """Mean of the vectors that lie nearest on the map, weighted by the strengths of a fuzzy set.

    The strengths are those of `transform.place` with map and data exchanged:
    ``exp(-d / sigma)`` with sigma such that those of k neighbours sum to log2(k + 1), k being `n_neighbors`
    or all placed points. umap-learn starts from a mean as well and then moves it; a mean stays among the data
    and depends on its own place alone.

    Parameters
    ----------
    places : float32 (m, d)
        One that equals a point's place gives that point's vector.
    embedding : float32 (n, d)
        The finished map; points without a place (NaN) are left out.
    vectors : float32 (n, D)
        The data, row for row.
    n_neighbors : int
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    vectors : float32 (m, D)

    Raises
    ------
    InputError
        If no point of the map has a place.
    """
    placed = np.flatnonzero(np.isfinite(embedding).all(axis=1))
    if not len(placed):
        raise InputError("No point of the map has a place, so there is no way back from it to vectors.")
    k = min(n_neighbors, len(placed))
    found = cKDTree(embedding[placed]).query(places, np.arange(1, k + 1), workers=threads_for(n_threads))
    distances, indices = np.asarray(found[0], np.float32), placed[found[1]].astype(np.int32)
    # No mean of distances to bound sigma: it would depend on the batch.
    rho, sigma = smooth(distances, 0.0, n_threads, mean=0.0)
    strengths = strengths_of(indices, distances, rho, sigma, n_threads)
    upon = distances[:, 0] == 0
    strengths[upon, 0], strengths[upon, 1:] = 1, 0
    total = strengths.sum(axis=1, keepdims=True)
    made = np.zeros((len(places), vectors.shape[1]), np.float32)
    for j in range(k):
        made += strengths[:, j, None] / total * vectors[indices[:, j]]
    return made
