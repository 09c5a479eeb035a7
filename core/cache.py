"""Results of stages, kept by the content of all they were made from, so that a sweep shares them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import joblib
import numpy as np

from core.checks import is_sparse
from core.errors import InputError
from core.knn import KnnGraph


class StageCache:
    """Knn graphs, fuzzy sets and initial layouts of several fits, in memory.

    Give one cache to all estimators of a sweep. A stage is computed once for each content it depends on:
    runs that differ in ``min_dist`` share all stages before the layout, runs that differ in ``n_neighbors``
    one knn graph, pruned.

    Parameters
    ----------
    n_neighbors : int, default 0
        Largest n_neighbors of the sweep: knn graphs are made for so many at least. It is fixed here, and not
        by the runs that came before, so that no result depends on their order.

    Raises
    ------
    InputError
        If `n_neighbors` is not a whole number of at least 0.

    Examples
    --------
    >>> import numpy as np
    >>> from core import UMAP
    >>> x = np.random.default_rng(0).normal(size=(100, 3))
    >>> cache = StageCache(n_neighbors=20)
    >>> maps = [UMAP(n_neighbors=k, n_epochs=5, cache=cache, random_state=0).fit(x) for k in (10, 20)]
    >>> len(cache)  # one knn graph, two fuzzy sets, two initial layouts
    5
    """

    def __init__(self, n_neighbors: int = 0) -> None:
        if not isinstance(n_neighbors, Integral) or n_neighbors < 0:
            raise InputError(
                f"n_neighbors of a cache must be a whole number of at least 0, got {n_neighbors!r}."
            )
        self.n_neighbors: int = int(n_neighbors)
        self._results: dict[str, Any] = {}
        self._lock: threading.Lock = threading.Lock()

    def __len__(self) -> int:
        """Results kept."""
        return len(self._results)

    def __deepcopy__(self, memo: dict[int, Any]) -> StageCache:
        """A copy would share nothing: clones of an estimator keep its cache."""
        return self

    def __reduce__(self) -> tuple[type[StageCache], tuple[int]]:
        """A pickle is empty: results can be made again."""
        return StageCache, (self.n_neighbors,)

    def clear(self) -> None:
        """Forget all results."""
        self._results.clear()

    def result(self, stage: str, version: int, depends_on: Any, compute: Callable[[], Any]) -> Any:
        """What `compute` returned for the same stage, version and content of `depends_on`, or returns now.

        One computation runs at a time, so that fits side by side do not compute the same twice.

        Parameters
        ----------
        stage : str
            The stage's name.
        version : int
            Of its algorithm.
        depends_on : object
            All that its result depends on; arrays count by their content, numbers by their value.
        compute : callable() -> KnnGraph, csr_array or array
            The stage itself.

        Returns
        -------
        result : KnnGraph, csr_array or array
            Shared by all who ask for it, and therefore read-only; a copy can be changed.
        """
        key = joblib.hash((stage, version, _of_one_type(depends_on)), hash_name="sha1")
        with self._lock:
            if key not in self._results:
                self._results[key] = _read_only(compute())
            return self._results[key]


def _of_one_type(value: Any) -> Any:
    """The same with all its numbers as floats: 30, 30.0 and numpy's are equal and have one key."""
    if isinstance(value, Mapping):
        return {name: _of_one_type(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [_of_one_type(one) for one in value]
    return float(value) if isinstance(value, Real) else value


def _read_only(result: Any) -> Any:
    """The same result, whose arrays nobody can change by mistake: others see them, and trust the key."""
    if isinstance(result, KnnGraph):
        arrays: tuple[Any, ...] = (result.indices, result.distances)
    else:
        arrays = (result.data, result.indices, result.indptr) if is_sparse(result) else (result,)
    for array in arrays:
        if isinstance(array, np.ndarray):
            array.setflags(write=False)
    return result


def uncached(stage: str, version: int, depends_on: Any, compute: Callable[[], Any]) -> Any:  # noqa: ARG001
    """Stand in for `StageCache.result` where there is no cache."""
    return compute()
