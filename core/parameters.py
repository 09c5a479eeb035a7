"""What each of the estimator's parameters may be, and the sentence for one that is not."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from core.cache import StageCache
from core.checks import (
    LARGEST_SEED,
    RANGES,
    is_sparse,
    refuse_other_than_metric,
    refuse_out_of_range,
    refuse_unusable,
)
from core.curve import find_ab
from core.errors import InputError
from core.knn import FARTHEST, KnnGraph, refuse_unknown_metric
from core.layout import LayoutParameters
from core.threads import threads_for

INSTEAD = {"a": None, "b": None, "n_epochs": None, "disconnection_distance": None, "target_n_neighbors": -1}
"""What some of the numbers may be besides, for one that is chosen."""

SWITCHES = (
    "densmap", "output_dens", "unique", "keep_vectors", "progress", "verbose",
    "force_approximation_algorithm",
)  # fmt: skip

KINDS = {
    "cache": (StageCache, "a StageCache"),
    "metric_kwds": (Mapping, "a mapping of names to values"),
    "target_metric_kwds": (Mapping, "a mapping of names to values"),
}
"""Kinds of others that may be None."""

ONLY = {"output_metric": ("euclidean", "l2"), "transform_mode": ("embedding",)}
"""umap-learn's parameters that are not offered: what they may be."""

WITHOUT_EFFECT = {
    "output_metric_kwds": None,
    "low_memory": True,
    "angular_rp_forest": False,
    "transform_queue_size": 4.0,
    "tqdm_kwds": None,
}
"""umap-learn's parameters that change nothing here, and their defaults."""


def check_parameters(estimator: Any) -> None:
    """Raise an InputError that names the first parameter out of its range, and the range.

    Those that have no effect are warned of, once and together.
    """
    refuse_out_of_range({name: getattr(estimator, name) for name in RANGES}, INSTEAD)
    for name in SWITCHES:
        value = getattr(estimator, name)
        # To umap-learn verbose is a number as well.
        is_number = name == "verbose" and isinstance(value, Integral)
        if not (is_number or isinstance(value, bool | np.bool_)):
            raise InputError(f"{name} must be True or False, got {value!r}.")
    for name, (kind, sentence) in KINDS.items():
        value = getattr(estimator, name)
        if not isinstance(value, kind | None):
            raise InputError(f"{name} must be {sentence}, or None, got {value!r}.")
    for name, options in ONLY.items():
        value = getattr(estimator, name)
        if not (isinstance(value, str) and value in options):
            raise InputError(f"{name} must be {' or '.join(map(repr, options))}, got {value!r}.")
    refuse_unknown_metric(estimator.metric, estimator.metric_kwds)
    refuse_other_than_metric(estimator.target_metric, "target_metric")
    threads_for(estimator.n_jobs, "n_jobs")
    if not (estimator.callback is None or callable(estimator.callback)):
        raise InputError(f"callback must be a function, or None, got {estimator.callback!r}.")
    if (estimator.a is None) != (estimator.b is None):
        raise InputError("a and b must be given together, or neither: then min_dist and spread choose them.")
    if estimator.a is None:
        find_ab(estimator.min_dist, estimator.spread)
    if estimator.unique and (estimator.metric == "precomputed" or is_given(estimator.precomputed_knn)):
        raise InputError(
            "unique must be False with precomputed distances or neighbours: they have a row for each row of "
            "the data."
        )
    idle = [name for name, default in WITHOUT_EFFECT.items() if getattr(estimator, name) != default]
    if idle:
        warnings.warn(f"umap-learn's {', '.join(idle)}: without effect here.", UserWarning, stacklevel=3)


def is_given(precomputed_knn: Any) -> bool:
    """Whether there is a graph at all: umap-learn's default is a tuple of None."""
    if isinstance(precomputed_knn, tuple | list):
        return any(part is not None for part in precomputed_knn)
    return precomputed_knn is not None


def cut_distance(estimator: Any) -> float:
    """`disconnection_distance`, or the metric's own."""
    given, metric = estimator.disconnection_distance, estimator.metric
    own = FARTHEST.get(metric, math.inf) if isinstance(metric, str) else math.inf
    return own if given is None else float(given)


def layout_parameters(estimator: Any, n_epochs: int) -> LayoutParameters:
    """What shapes the layout, the curve fitted to `min_dist` and `spread` where it is not given."""
    a, b = estimator.a, estimator.b
    if a is None:
        a, b = find_ab(estimator.min_dist, estimator.spread)
    return LayoutParameters(
        n_epochs=n_epochs,
        a=a,
        b=b,
        learning_rate=estimator.learning_rate,
        negative_sample_rate=estimator.negative_sample_rate,
        repulsion_strength=estimator.repulsion_strength,
    )


def given_vectors(estimator: Any, X: ArrayLike, **keywords: Any) -> Any:
    """`X` as scikit-learn's ``validate_data`` takes it, float32 and finite, dense and row after row, or CSR.

    Raises
    ------
    InputError
        That names the first value that is not finite; other faults are scikit-learn's ValueErrors.
    """
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused
        # Sums over a row would add up in another order where the columns stand one after the other.
        x = validate_data(
            estimator,
            X,
            accept_sparse="csr",
            dtype=np.float32,
            order="C",
            ensure_all_finite=False,
            **keywords,
        )
    x = csr_array(x) if is_sparse(x) else x
    refuse_unusable(x)
    return x


def drawn_seed(random_state: Any) -> int:
    """The seed itself, or one drawn from a RandomState or from the system.

    Raises
    ------
    InputError
        If it is none of these, or beyond 32 bits.
    """
    if isinstance(random_state, int | np.integer) and 0 <= random_state <= LARGEST_SEED:
        return int(random_state)
    if random_state is None or isinstance(random_state, np.random.RandomState) or random_state is np.random:
        return int(check_random_state(random_state).randint(2**31 - 1))
    raise InputError(
        f"random_state must be a whole number from 0 to {LARGEST_SEED}, a numpy RandomState or None, got "
        f"{random_state!r}."
    )


def given_graph(given: Any, n: int, n_neighbors: int) -> KnnGraph:
    """`precomputed_knn` as the graph of `n` rows for `n_neighbors`, pruned; it stays as it is.

    Raises
    ------
    InputError
        If it is no such graph, of other rows, or too narrow.
    """
    graph = given if isinstance(given, KnnGraph) else KnnGraph.from_tuple(given)
    if graph.n != n:
        raise InputError(f"precomputed_knn has {graph.n} rows, the data {n}; compute it from the same rows.")
    if graph.k < n_neighbors - 1:
        raise InputError(
            f"precomputed_knn serves n_neighbors up to {graph.k + 1}, got {n_neighbors}; compute it for more."
        )
    return graph.prune(n_neighbors - 1)
