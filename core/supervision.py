"""What is known about the points, joined with where their data put them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from core.checks import raised, refuse_other_than_csr, refuse_out_of_range
from core.errors import InputError
from core.fuzzy_set import fuzzy_simplicial_set
from core.knn import EUCLIDEAN, Metric, knn_graph, refuse_unknown_metric

VERSION = 2
UNKNOWN = -1
UNKNOWN_DISTANCE = 1.0
FAINTEST = 1e-8
FAINT_TARGET = 1e-4
"""Most that stands for an edge which the target's set lacks: all its own may be strong."""


def supervise(
    fuzzy_set: csr_array,
    target: NDArray[Any],
    *,
    target_metric: Metric = "categorical",
    target_metric_kwds: Mapping[str, Any] | None = None,
    target_weight: float = 0.5,
    target_n_neighbors: int = 15,
    seed: int = 42,
    n_threads: int | None = None,
) -> csr_array:
    """Join the fuzzy set of the data with what `target` says.

    Parameters
    ----------
    fuzzy_set : csr_array, float32 (n, n)
    target : (n,) labels, or numbers (n,) or (n, m)
        For "categorical" any labels; -1, NaN, None and pandas' NA are unknown.
    target_metric : str or compiled function, default "categorical"
        "categorical", or a metric between numbers.
    target_metric_kwds : mapping, optional
        That metric's parameters.
    target_weight : float, default 0.5
        0 heeds the data above all, 1 the target; at 1 an edge between categories is gone.
    target_n_neighbors : int, default 15
        Neighbours among numbers, the point itself counted; >= 2.
    seed : int, default 42
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    fuzzy_set : csr_array, float32 (n, n)
        Symmetric, values in [0, 1].

    Raises
    ------
    InputError
        If the target or a parameter cannot be used.
    """
    refuse_out_of_range({"target_weight": target_weight, "target_n_neighbors": target_n_neighbors})
    refuse_other_than_csr(fuzzy_set)
    values = checked_target(target, fuzzy_set.shape[0], target_metric, target_metric_kwds)
    if target_metric == "categorical":
        return with_local_connectivity(_by_category(fuzzy_set, values, target_weight))
    graph = knn_graph(
        values,
        min(int(target_n_neighbors), len(values)),
        metric=target_metric,
        metric_kwds=target_metric_kwds,
        seed=seed,
        n_threads=n_threads,
    )
    other = fuzzy_simplicial_set(graph, n_threads=n_threads)
    return with_local_connectivity(_intersection(fuzzy_set, other, target_weight))


def checked_target(
    target: Any, n: int, metric: Metric, metric_kwds: Mapping[str, Any] | None
) -> NDArray[Any]:
    """`target` of `n` points as categories, int64 (n,), or as numbers that `metric` compares, float32 (n, m).

    Raises
    ------
    InputError
        If it is neither, or there is no such metric.
    """
    values = _as_array(target)
    if not values.ndim or len(values) != n:
        raise InputError(f"y has {len(values) if values.ndim else 1} values for {n} rows; give one for each.")
    if metric == "categorical":
        return _categories(values)
    refuse_unknown_metric(metric, metric_kwds, "target_metric")
    return _numbers(values, metric)


def _as_array(target: Any) -> NDArray[Any]:
    """The same values in an array, each as it is: numpy makes text of a list that holds any."""
    try:
        values = np.asarray(target)
        is_made_text = values.dtype.kind in "SU" and not hasattr(target, "dtype")
        return np.asarray(target, object) if is_made_text else values
    except ValueError:
        raise InputError("y must hold as many values for each row as for every other.") from None


def _numbers(target: NDArray[Any], metric: Metric) -> NDArray[np.float32]:
    """Finite numbers, float32 (n, m); a set of distances between them does not depend on their scale."""
    try:
        values = np.asarray(target, np.float32).reshape(len(target), -1)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"y must be numbers for target_metric={metric!r}: {error}; labels need 'categorical'."
        ) from None
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        raise InputError(
            f"Row {bad[0]} of y is not finite; target_metric={metric!r} needs a number for each row."
        )
    return raised(values)[0] if metric in EUCLIDEAN else values


def _categories(target: NDArray[Any]) -> NDArray[np.int64]:
    """Number of each row's category, -1 where it is unknown: int64 (n,)."""
    if target.size != len(target):
        raise InputError(
            f"y must hold one label for each row with target_metric='categorical', got shape {target.shape}."
        )
    target = target.ravel()
    if target.dtype == object:
        unknown = np.array([_is_unknown(label) for label in target], bool)
    else:
        unknown = (target == UNKNOWN) | (target != target)
    codes = np.full(len(target), -1, np.int64)
    try:
        codes[~unknown] = np.unique(target[~unknown], return_inverse=True)[1]
    except TypeError as error:
        raise InputError(f"The labels in y must be of one kind: {error}.") from None
    return codes


def _is_unknown(label: Any) -> bool:
    try:
        return label is None or bool(label == UNKNOWN or label != label)
    except TypeError:
        # pandas.NA is neither equal nor unequal to anything.
        return True


def _by_category(fuzzy_set: csr_array, codes: NDArray[np.int64], weight: float) -> csr_array:
    """Weaken edges between categories by exp(-far), to unknown ones (-1) by exp(-1)."""
    far = 2.5 / (1 - weight) if weight < 1 else np.inf
    unknown = codes < 0
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
    faint = [max(float(s.data.min(initial=1.0)) / 2, FAINTEST) for s in (one, other)]
    faint[1] = min(faint[1], FAINT_TARGET)
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
    if not len(keys):
        return np.zeros(len(heads))
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
