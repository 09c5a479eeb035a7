"""What is known about the points, joined with where their data put them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from core.errors import InputError
from core.fuzzy_set import fuzzy_simplicial_set
from core.knn import knn_graph

VERSION = 1
UNKNOWN = -1
UNKNOWN_DISTANCE = 1.0


def supervise(
    fuzzy_set: csr_array,
    target: NDArray[Any],
    *,
    target_metric: str = "categorical",
    target_metric_kwds: dict[str, Any] | None = None,
    target_weight: float = 0.5,
    target_n_neighbors: int = 15,
    seed: int = 42,
) -> csr_array:
    """Join the fuzzy set of the data with what `target` says.

    Parameters
    ----------
    fuzzy_set : csr_array, float32 (n, n)
    target : (n,) labels, or numbers (n,) or (n, m)
        For "categorical" any labels, -1 for unknown.
    target_metric : str, default "categorical"
        "categorical", or a metric between numbers.
    target_metric_kwds : dict, optional
        That metric's parameters.
    target_weight : float, default 0.5
        0 leaves the data alone, 1 trusts the target alone.
    target_n_neighbors : int, default 15
        Neighbours among numbers.
    seed : int, default 42

    Returns
    -------
    fuzzy_set : csr_array, float32 (n, n)
        Symmetric, values in [0, 1].
    """
    if not 0 <= target_weight <= 1:
        raise InputError(f"target_weight must lie between 0 and 1, got {target_weight}.")
    if len(target) != fuzzy_set.shape[0]:
        raise InputError(
            f"The target has {len(target)} values for {fuzzy_set.shape[0]} rows; give one for each."
        )
    if target_metric == "categorical":
        return with_local_connectivity(_by_category(fuzzy_set, target, target_weight))
    values = np.asarray(target, np.float32).reshape(len(target), -1)
    graph = knn_graph(
        values,
        min(target_n_neighbors, len(values)),
        metric=target_metric,
        metric_kwds=target_metric_kwds,
        seed=seed,
    )
    return with_local_connectivity(_intersection(fuzzy_set, fuzzy_simplicial_set(graph), target_weight))


def _by_category(fuzzy_set: csr_array, target: NDArray[Any], weight: float) -> csr_array:
    """Weaken edges between categories by exp(-far), to unknown ones by exp(-1)."""
    far = 2.5 / (1 - weight) if weight < 1 else np.inf
    labels, codes = np.unique(target, return_inverse=True)
    unknown = (labels == UNKNOWN)[codes]
    heads = np.repeat(np.arange(fuzzy_set.shape[0]), np.diff(fuzzy_set.indptr))
    tails = fuzzy_set.indices
    factor = np.where(codes[heads] != codes[tails], np.exp(-far), 1.0)
    factor[unknown[heads] | unknown[tails]] = np.exp(-UNKNOWN_DISTANCE)
    data = (fuzzy_set.data * factor).astype(np.float32)
    weakened = csr_array((data, tails.copy(), fuzzy_set.indptr.copy()), shape=fuzzy_set.shape)
    weakened.eliminate_zeros()
    return weakened


def _intersection(one: csr_array, other: csr_array, weight: float) -> csr_array:
    """Fuzzy intersection ``a^p b^q`` over the edges of either; one that is missing counts as the faintest.

    ``p, q`` are ``1, w / (1 - w)`` for a weight w below a half and ``(1 - w) / w, 1`` above it.
    """
    p, q = (1.0, weight / (1 - weight)) if weight < 0.5 else ((1 - weight) / weight, 1.0)
    pattern = csr_array(one + other)
    faint = [max(float(s.data.min(initial=1.0)) / 2, 1e-8) for s in (one, other)]
    heads = np.repeat(np.arange(one.shape[0]), np.diff(pattern.indptr))
    values = [_looked_up(s, heads, pattern.indices) for s in (one, other)]
    a, b = (np.where(v > 0, v, f) for v, f in zip(values, faint, strict=True))
    data = (a**p * b**q).astype(np.float32)
    return csr_array((data, pattern.indices, pattern.indptr), shape=one.shape)


def _looked_up(
    fuzzy_set: csr_array, heads: NDArray[np.int64], tails: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Values at the given places, 0 where none is stored."""
    n = fuzzy_set.shape[0]
    own_heads = np.repeat(np.arange(n), np.diff(fuzzy_set.indptr))
    keys = own_heads * n + fuzzy_set.indices
    wanted = heads * n + tails
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, fuzzy_set.data[places], 0.0)


def with_local_connectivity(fuzzy_set: csr_array) -> csr_array:
    """Bring each point's strongest edge back to 1, and join the two directions by the fuzzy union."""
    strongest = np.asarray(fuzzy_set.max(axis=1).todense()).ravel()
    scale = 1 / np.where(strongest > 0, strongest, 1)
    scaled: Any = diags_array(scale.astype(np.float32)) @ fuzzy_set
    joined: csr_array = csr_array(scaled + scaled.T - scaled.multiply(scaled.T))
    joined.data = joined.data.astype(np.float32)
    joined.sort_indices()
    joined.data = np.clip(joined.data, 0, 1)
    joined.eliminate_zeros()
    return joined
