"""Neighbours under any metric by pynndescent, made reproducible on any number of processors.

pynndescent's result depends on its seed *and* on its number of threads, so that number is a constant here:
8, of which as many run at once as there are processors. numba fixes its largest number of threads when it
is first imported; where another import came first and left fewer than 8, the descent runs in a process of
its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix, load_npz, save_npz

from core.checks import is_sparse
from core.errors import InputError

N_THREADS = 8
_one_at_a_time = threading.Lock()
"""Two threads inside numba's parallel kernels abort the process under its workqueue layer."""


Metric = str | Callable[..., float]
Vectors = Any  # float32 (n, d), or csr_array of it


def nearest_by_metric(
    x: Vectors, k: int, *, metric: Metric, metric_kwds: Mapping[str, Any] | None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Compare all pairs of a small table: int32 and float32 (n, k), lower row numbers first among equals."""
    function = compiled_metric(metric)
    values = tuple((metric_kwds or {}).values())
    indices, distances = _all_pairs(x.toarray() if is_sparse(x) else x, k, function, values)
    return indices, distances


def nearest_between(
    x: Vectors, reference: Vectors, k: int, *, metric: Metric, metric_kwds: Mapping[str, Any] | None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `k` nearest rows of `reference` to each row of `x`, all compared: int32 and float32 (m, k)."""
    values = tuple((metric_kwds or {}).values())
    dense = [np.ascontiguousarray(v.toarray() if is_sparse(v) else v, np.float32) for v in (x, reference)]
    indices, distances = _between(dense[0], dense[1], k, compiled_metric(metric), values)
    return indices, distances


@numba.njit(nogil=True)
def _between(x: Any, reference: Any, k: int, function: Any, values: Any) -> Any:
    indices, distances = np.empty((len(x), k), np.int32), np.empty((len(x), k), np.float32)
    row = np.empty(len(reference), np.float32)
    for i in range(len(x)):
        for j in range(len(reference)):
            row[j] = function(x[i], reference[j], *values)
        order = np.argsort(row, kind="mergesort")[:k]
        indices[i], distances[i] = order, row[order]
    return indices, distances


def compiled_metric(metric: Metric) -> Callable[..., float]:
    """The compiled function behind a metric's name; a function stands for itself."""
    from pynndescent.distances import named_distances

    if callable(metric):
        return metric
    if metric not in named_distances:
        raise InputError(
            f"metric {metric!r} is unknown; use 'precomputed', a compiled function or one of "
            f"{', '.join(sorted(named_distances))}."
        )
    function: Callable[..., float] = named_distances[metric]
    return function


@numba.njit(nogil=True)
def _all_pairs(x: Any, k: int, function: Any, values: Any) -> Any:
    n = len(x)
    indices, distances = np.empty((n, k), np.int32), np.empty((n, k), np.float32)
    row = np.empty(n, np.float32)
    for i in range(n):
        for j in range(n):
            row[j] = function(x[i], x[j], *values)
        row[i] = np.inf
        order = np.argsort(row, kind="mergesort")[: k + 1]
        order = order[order != i][:k]
        indices[i], distances[i] = order, row[order]
    return indices, distances


def descend_by_metric(
    x: Vectors,
    n_neighbors: int,
    *,
    metric: Metric,
    metric_kwds: Mapping[str, Any] | None,
    seed: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Approximate neighbours of each row, usually itself first: int32 and float32 (n, n_neighbors)."""
    compiled_metric(metric)
    arguments: dict[str, Any] = {
        "n_neighbors": n_neighbors,
        "metric": metric,
        "metric_kwds": dict(metric_kwds or {}),
        "seed": seed,
    }
    if _max_threads() >= N_THREADS or callable(metric):
        with _one_at_a_time:
            return _descend_here(x, **arguments)
    return _descend_elsewhere(x, arguments)


def _max_threads() -> int:
    """Threads numba may use in this process; fixed when it was imported."""
    return int(vars(numba.config)["NUMBA_NUM_THREADS"])


def _descend_here(
    x: Vectors, n_neighbors: int, metric: Metric, metric_kwds: dict[str, Any], seed: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    from pynndescent import NNDescent

    index = NNDescent(
        csr_matrix(x) if is_sparse(x) else x,
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
        (folder / "arguments.json").write_text(json.dumps(arguments))
        root = str(Path(__file__).parent.parent)
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "NUMBA_NUM_THREADS": str(N_THREADS), "PYTHONPATH": path}
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "core.any_metric", name],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise InputError(f"The search for neighbours failed: {done.stderr.strip().splitlines()[-1:]}.")
        return np.load(folder / "indices.npy"), np.load(folder / "distances.npy")


def main(folder: Path) -> None:
    """Descend over the folder's vectors as its ``arguments.json`` asks; write the graph beside them."""
    arguments = json.loads((folder / "arguments.json").read_text())
    sparse = folder / "vectors.npz"
    x = csr_array(load_npz(sparse)) if sparse.exists() else np.load(folder / "vectors.npy", mmap_mode="r")
    indices, distances = _descend_here(x, **arguments)
    np.save(folder / "indices.npy", indices)
    np.save(folder / "distances.npy", distances)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
