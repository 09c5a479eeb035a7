"""Neighbours under any metric by pynndescent, made reproducible on any number of processors.

pynndescent's result depends on its seed *and* on its number of threads, so that number is a constant here:
8, of which as many run at once as there are processors. numba fixes its largest number of threads when it
is first imported; where another import came first and left fewer than 8, the descent runs in a process of
its own.
"""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core.errors import NumbaError
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix, load_npz, save_npz

from core.checks import is_sparse
from core.errors import InputError
from core.threads import claim, for_rows

N_THREADS = 8
BLOCK = 16
PACKED_BITS = ("bit_hamming", "bit_jaccard")
SIGNED = ("inner_product",)
ROUNDING = 1e-4
NO_DISTANCE = (
    "The metric gives distances that are negative or not a number for these vectors; take another, or scale "
    "them."
)
DENSE_VALUES = 2**24
"""Values of a sparse table that are written out at a time: 64 MB."""
_one_at_a_time = threading.Lock()
"""Two threads inside numba's parallel kernels abort the process under its workqueue layer."""


def _renew_lock() -> None:
    """Whoever holds the lock does not survive a fork to release it."""
    global _one_at_a_time
    _one_at_a_time = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)

Metric = str | Callable[..., float]
Vectors = Any  # float32 (n, d), or csr_array of it


def nearest_by_metric(
    x: Vectors,
    k: int,
    *,
    metric: Metric,
    metric_kwds: Mapping[str, Any] | None,
    n_threads: int | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Compare all pairs of a small table: int32 and float32 (n, k), lower row numbers first among equals."""
    return _all_compared(x, x, k, metric, metric_kwds, True, n_threads)


def nearest_between(
    x: Vectors,
    reference: Vectors,
    k: int,
    *,
    metric: Metric,
    metric_kwds: Mapping[str, Any] | None,
    n_threads: int | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `k` nearest rows of `reference` to each row of `x`, all compared: int32 and float32 (m, k)."""
    if metric in SIGNED:
        raise InputError(f"A map by {metric!r} cannot place new points: that metric has no distance 0.")
    return _all_compared(x, reference, k, metric, metric_kwds, False, n_threads)


def _all_compared(
    x: Vectors,
    reference: Vectors,
    k: int,
    metric: Metric,
    metric_kwds: Mapping[str, Any] | None,
    among_itself: bool,
    n_threads: int | None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Compare block with block, of which no more than two are written out at a time.

    `among_itself`: `x` is the reference, and no row its own neighbour.
    """
    compiled = compiled_metric(metric, metric_kwds)
    step = max(k, DENSE_VALUES // reference.shape[1])
    found = []
    for rows in range(0, x.shape[0], step):
        own = _written_out(x[rows : rows + step], metric)
        indices, distances = np.empty((len(own), 0), np.int32), np.empty((len(own), 0), np.float32)
        for start in range(0, reference.shape[0], step):
            itself = among_itself and start == rows
            others = own if itself else _written_out(reference[start : start + step], metric)
            most = min(k, len(others) - itself)
            more, lengths = _nearest(own, others, most, compiled, itself, n_threads)
            indices = np.column_stack([indices, more + np.int32(start)])
            distances = np.column_stack([distances, lengths])
            order = np.argsort(distances, axis=1, kind="stable")[:, :k]
            indices = np.take_along_axis(indices, order, axis=1)
            distances = np.take_along_axis(distances, order, axis=1)
        found.append((indices, distances))
    return _from_zero(np.concatenate([i for i, _ in found]), np.concatenate([d for _, d in found]), metric)


def _written_out(x: Vectors, metric: Metric) -> NDArray[Any]:
    """Dense rows, as bytes for metrics of packed bits."""
    dense = np.ascontiguousarray(x.toarray() if is_sparse(x) else x)
    if metric not in PACKED_BITS:
        return dense
    packed = dense.astype(np.uint8)
    if not np.array_equal(packed, dense):
        raise InputError(f"metric {metric!r} is for packed bits: whole numbers from 0 to 255.")
    return packed


def _from_zero(
    indices: NDArray[np.int32], distances: NDArray[np.float32], metric: Metric
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Neighbours none of which is nearer than 0, or infinitely far: such a one is none, -1.

    Only differences count for the fuzzy set: distances of SIGNED metrics are counted from the smallest; of
    others, what rounding left below 0 is 0.
    """
    if metric in SIGNED:
        distances = distances - distances.min(initial=0.0)
    if not (distances >= -ROUNDING).all():
        raise InputError(NO_DISTANCE)
    return np.where(np.isinf(distances), np.int32(-1), indices), np.maximum(distances, np.float32(0))


def _nearest(
    x: NDArray[Any],
    reference: NDArray[Any],
    k: int,
    compiled: tuple[Callable[..., float], dict[str, Any]],
    among_itself: bool,
    n_threads: int | None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    indices, distances = np.empty((len(x), k), np.int32), np.empty((len(x), k), np.float32)
    function, parameters = compiled
    arguments = (x, reference, among_itself, function, tuple(parameters.values()), indices, distances)
    try:
        for_rows(_nearest_rows, len(x), *arguments, n_threads=n_threads, block=BLOCK)
    except ValueError as error:
        raise InputError(f"The metric refuses these vectors: {error}.") from None
    except NumbaError as error:
        raise _not_compiled(error) from None
    if np.isnan(distances).any():
        raise InputError(NO_DISTANCE)
    return indices, distances


def _not_compiled(error: NumbaError) -> InputError:
    """The line of numba's pages that says why."""
    lines = [line for line in str(error).splitlines() if line and not line.startswith("Failed in ")]
    return InputError(
        "The metric does not compile for two rows of float32 and its parameters to a number: "
        f"{lines[0].rstrip('.:') if lines else type(error).__name__}."
    )


@numba.njit(nogil=True)
def _nearest_rows(
    counter: Any,
    n_rows: int,
    x: Any,
    reference: Any,
    among_itself: bool,
    function: Any,
    values: Any,
    indices: Any,
    distances: Any,
) -> None:
    k = indices.shape[1]
    row = np.empty(len(reference), np.float32)
    while True:
        first = claim(counter, BLOCK)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK, n_rows)):
            unknown = False
            for j in range(len(reference)):
                row[j] = function(x[i], reference[j], *values)
                unknown |= np.isnan(row[j]) and not (among_itself and i == j)
            if among_itself:
                row[i] = np.inf
            order = np.argsort(row, kind="mergesort")[: k + 1]
            if among_itself:
                order = order[order != i]
            order = order[:k]
            indices[i], distances[i] = order, row[order]
            if unknown:
                # Sorting puts it last, where nobody would see it.
                distances[i] = np.nan


@numba.njit(nogil=True, fastmath=True)
def _true_angular(x: Any, y: Any) -> float:
    """The angle between two vectors over pi; a row of zeros is at right angles to all but another such."""
    product, own, other = 0.0, 0.0, 0.0
    for c in range(len(x)):
        product += x[c] * y[c]
        own += x[c] * x[c]
        other += y[c] * y[c]
    if own == 0 or other == 0:
        return 0.0 if own == other else 0.5
    return np.arccos(min(max(product / np.sqrt(own * other), -1.0), 1.0)) / np.pi  # type: ignore[no-any-return]


@numba.njit(nogil=True, fastmath=True)
def _dot_of_unit_vectors(x: Any, y: Any) -> Any:
    """One less the cosine of the angle between two vectors, at most 1; a row of zeros is 1 from all."""
    product, own, other = 0.0, 0.0, 0.0
    for c in range(len(x)):
        one, another = np.float64(x[c]), np.float64(y[c])
        product += one * another
        own += one * one
        other += another * another
    if own == 0 or other == 0:
        return np.float32(1.0)
    # Rounded before it is taken from 1: equal rows are at distance 0.
    return np.float32(1.0) - np.float32(max(product, 0.0) / np.sqrt(own * other))


@numba.njit(nogil=True)
def _hellinger(x: Any, y: Any) -> Any:
    """The distance between two rows as shares of their sums; a row of zeros is 1 from all but another such.

    ``sqrt(sum (sqrt(p) - sqrt(q))^2 / 2)`` is ``sqrt(1 - sum sqrt(p q))``, but loses no digits where the
    shares are alike. Values below 0 have no distance.
    """
    own, other, total = 0.0, 0.0, 0.0
    for c in range(len(x)):
        own += np.float64(x[c])
        other += np.float64(y[c])
    if own == 0 or other == 0:
        return np.float32(own != other)
    own, other = np.sqrt(own), np.sqrt(other)
    for c in range(len(x)):
        difference = np.sqrt(np.float64(x[c])) / own - np.sqrt(np.float64(y[c])) / other
        total += difference * difference
    # Shares that float32 rounded apart are the same.
    return np.float32(0.0) if total < 1e-14 else np.float32(np.sqrt(total / 2))


CORRECTED = {
    "true_angular": _true_angular,
    "hellinger": _hellinger,
    "dot": _dot_of_unit_vectors,
    "direct_cosine": _dot_of_unit_vectors,
}
"""In place of pynndescent's: its true_angular is 1 where the angle is 0, its hellinger not a number between
multiples of one row, and its dot and direct_cosine are for rows that its descent has scaled to length 1."""


def compiled_metric(
    metric: Metric, metric_kwds: Mapping[str, Any] | None, called: str = "metric"
) -> tuple[Callable[..., float], dict[str, Any]]:
    """The compiled function of a metric, and all its parameters in the order in which it takes them.

    Parameters
    ----------
    metric : str or compiled function
    metric_kwds : mapping or None
        Those of its parameters that are given.
    called : str, default "metric"
        The name under which the caller knows the metric, for the sentences of errors.

    Raises
    ------
    InputError
        If there is no such metric, it has no such parameter, or it needs one that is not given.
    """
    from pynndescent.distances import named_distances

    if not callable(metric) and metric not in named_distances:
        raise InputError(
            f"{called} {metric!r} is unknown; use 'precomputed', a compiled function or one of "
            f"{', '.join(sorted(named_distances))}."
        )
    function: Any = metric if callable(metric) else CORRECTED.get(metric, named_distances[metric])
    if not hasattr(function, "py_func"):
        raise InputError(f"A {called} that is a function must be compiled: decorate it with numba.njit.")
    name = function.py_func.__name__ if callable(metric) else metric
    if not isinstance(metric_kwds, Mapping | None):
        raise InputError(f"{called}_kwds must be a mapping of names to values, or None, got {metric_kwds!r}.")
    given = dict(metric_kwds or {})
    parameters = list(inspect.signature(function.py_func).parameters.values())[2:]
    for key in given:
        if key not in [p.name for p in parameters]:
            takes = ", ".join(p.name for p in parameters) or "none"
            raise InputError(f"{called} {name!r} has no parameter {key!r}; it takes {takes}.")
    for parameter in parameters:
        # A default that is an array stands for two columns and fits no other data.
        if parameter.name not in given and (
            parameter.default is parameter.empty or isinstance(parameter.default, np.ndarray)
        ):
            raise InputError(
                f"{called} {name!r} needs its parameter {parameter.name!r}; give it in {called}_kwds."
            )
    return function, {p.name: _typed(given.get(p.name, p.default), p.default) for p in parameters}


def _typed(value: Any, default: Any) -> Any:
    """Lists and arrays as the type of the default: compiled functions are particular."""
    if not isinstance(value, list | tuple | np.ndarray):
        return value
    return np.ascontiguousarray(value, default.dtype if isinstance(default, np.ndarray) else np.float32)


def descend_by_metric(
    x: Vectors,
    n_neighbors: int,
    *,
    metric: Metric,
    metric_kwds: Mapping[str, Any] | None,
    seed: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Approximate neighbours of each row, usually itself first: int32 and float32 (n, n_neighbors)."""
    parameters = compiled_metric(metric, metric_kwds)[1]
    if is_sparse(x):
        _refuse_unless_sparse(metric)
    else:
        x = _written_out(x, metric)
    if metric == "hellinger" and (x.data if is_sparse(x) else x).min(initial=0) < 0:
        raise InputError(NO_DISTANCE)
    arguments: dict[str, Any] = {
        "n_neighbors": n_neighbors,
        "metric": metric,
        "metric_kwds": parameters,
        "seed": seed,
    }
    if _max_threads() >= N_THREADS or callable(metric):
        with _one_at_a_time:
            try:
                indices, distances = _descend_here(x, **arguments)
            except NumbaError as error:
                raise _not_compiled(error) from None
    else:
        indices, distances = _descend_elsewhere(x, arguments)
    if metric == "hellinger":
        # Roots of what rounding left below 0, between multiples of one row.
        distances = np.where(np.isnan(distances), np.float32(0), distances)
    return _from_zero(indices, distances, metric)


def _refuse_unless_sparse(metric: Metric) -> None:
    """Raise an InputError where pynndescent has no form of `metric` for sparse vectors."""
    from pynndescent.sparse import sparse_named_distances

    if callable(metric) or metric not in sparse_named_distances:
        raise InputError(
            f"metric {metric!r} cannot lead the descent over sparse vectors; pass them dense, or use one of "
            f"{', '.join(sorted(sparse_named_distances))}."
        )


def _max_threads() -> int:
    """Threads numba may use in this process; fixed when it was imported."""
    return int(vars(numba.config)["NUMBA_NUM_THREADS"])


def _descend_here(
    x: Vectors, n_neighbors: int, metric: Metric, metric_kwds: dict[str, Any], seed: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    from pynndescent import NNDescent

    if is_sparse(x):
        x = csr_matrix(x, copy=True)  # pynndescent sorts in place what it is given, and needs no entry twice
        x.sum_duplicates()
    # What is no number is refused later, or is rounding.
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        # It is the metric that leaves a row few neighbours: no other parameters would find more.
        warnings.filterwarnings("ignore", "Failed to correctly find n_neighbors")
        index = NNDescent(
            x,
            metric=metric,
            metric_kwds=metric_kwds,
            n_neighbors=n_neighbors,
            random_state=np.random.RandomState(seed),
            n_jobs=min(N_THREADS, _max_threads()),
        )
        indices, distances = index.neighbor_graph
    return indices.astype(np.int32, copy=False), distances.astype(np.float32, copy=False)


def _descend_elsewhere(
    x: Vectors, arguments: dict[str, Any]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Run `main` in a process that owns its number of threads; arrays pass through memory-mapped files."""
    with tempfile.TemporaryDirectory(prefix="umap-descent-") as name:
        folder = Path(name)
        save_npz(folder / "vectors.npz", x) if is_sparse(x) else np.save(folder / "vectors.npy", x)
        (folder / "arguments.json").write_text(json.dumps(arguments, default=lambda value: value.tolist()))
        root = str(Path(__file__).parent.parent)
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "NUMBA_NUM_THREADS": str(N_THREADS), "PYTHONPATH": path}
        done = subprocess.run(  # noqa: S603
            # Safe path: the folder that the caller happens to be in may hold a core of its own.
            [sys.executable, "-P", "-m", "core.any_metric", name],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            reason = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise InputError(f"The search for neighbours failed: {reason[-1]}.")
        return np.load(folder / "indices.npy"), np.load(folder / "distances.npy")


def main(folder: Path) -> None:
    """Descend over the folder's vectors as its ``arguments.json`` asks; write the graph beside them."""
    arguments = json.loads((folder / "arguments.json").read_text())
    arguments["metric_kwds"] = compiled_metric(arguments["metric"], arguments["metric_kwds"])[1]
    sparse = folder / "vectors.npz"
    x = csr_array(load_npz(sparse)) if sparse.exists() else np.load(folder / "vectors.npy", mmap_mode="r")
    indices, distances = _descend_here(x, **arguments)
    np.save(folder / "indices.npy", indices)
    np.save(folder / "distances.npy", distances)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
