"""How many of the true neighbours a knn graph holds, estimated on sampled rows that are compared with all."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.checks import checked_vectors, is_sparse, refuse_other_than_seed, refuse_overflow
from core.errors import InputError
from core.exact import nearest_of_rows
from core.knn import EUCLIDEAN, OWN, KnnGraph, Metric, by_metric, comparable, without_self

TIES = 1e-4
"""Relative difference below which two distances count as one."""


def knn_recall(
    vectors: ArrayLike,
    graph: KnnGraph,
    *,
    metric: Metric = "euclidean",
    metric_kwds: Mapping[str, Any] | None = None,
    n_rows: int = 300,
    seed: int = 0,
    n_threads: int | None = None,
) -> float:
    """Share of `graph`'s neighbours that are as near as the true ones, over sampled rows compared with all.

    ``mean_i |{j : d_ij <= (1 + 1e-4) t_i}| / k`` over the graph's own distances d, with t_i the true
    distance to the k-th neighbour; in O(m n d) operations.

    Parameters
    ----------
    vectors : array-like (n, d)
    graph : KnnGraph
    metric : str or compiled function, default "euclidean"
        The graph's own; any that `knn_graph` searches by, but those without a distance 0 (inner_product).
    metric_kwds : mapping, optional
        Its parameters.
    n_rows : int, default 300
        Rows sampled, at least 1; all, if there are fewer.
    seed : int, default 0
        Of the sample.
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    recall : float
        In [0, 1].

    Raises
    ------
    InputError
        If vectors and graph have different rows, or a parameter cannot be used.
    """
    x = checked_vectors(vectors)
    if x.shape[0] != graph.n:
        raise InputError(f"The graph has {graph.n} rows, the vectors {x.shape[0]}; give its own vectors.")
    rows = sample_rows(graph.n, n_rows, seed)
    if not is_sparse(x) and metric in OWN:
        refuse_overflow(x, or_underflow=metric in EUCLIDEAN)
        _, true = nearest_of_rows(comparable(x, str(metric)), rows, graph.k, n_threads)
        true = by_metric(true, str(metric))
    else:
        from core.any_metric import SIGNED, nearest_between

        if metric in SIGNED:
            raise InputError(
                f"A graph by {metric!r} has no recall: its distances are not counted from 0, but from the "
                "smallest of them."
            )
        found = nearest_between(
            x[rows], x, graph.k + 1, metric=metric, metric_kwds=metric_kwds, n_threads=n_threads
        )
        _, true = without_self(*found, rows)
    bound = true[:, -1:] * (1 + TIES) + 1e-12
    return float((graph.distances[rows] <= bound).mean(axis=1).mean())


def sample_rows(n: int, n_rows: int, seed: int) -> NDArray[np.int64]:
    """At most `n_rows` of the rows 0..n-1, drawn without replacement, ascending: int64.

    Raises
    ------
    InputError
        If `n_rows` is not a whole number of at least 1, or `seed` not one of at least 0.
    """
    if not isinstance(n_rows, Integral) or n_rows < 1:
        raise InputError(f"n_rows must be a whole number of at least 1, got {n_rows!r}.")
    refuse_other_than_seed(seed)
    return np.sort(np.random.default_rng(seed).choice(n, min(n, n_rows), replace=False))
