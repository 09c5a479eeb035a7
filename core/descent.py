"""Nearest-neighbour descent by pynndescent, made reproducible on any number of processors.

pynndescent's result depends on its seed *and* on its number of threads, so that number is a constant here: 8, of
which as many run at once as there are processors. numba fixes its largest number of threads when it is first imported;
where another import came first and left fewer than 8, the descent runs in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from core.errors import InputError

N_THREADS = 8
_one_at_a_time = threading.Lock()
"""Two threads inside numba's parallel kernels abort the process under its workqueue layer."""


def descend(
    x: NDArray[np.float32],
    n_neighbors: int,
    *,
    metric: str,
    metric_kwds: Mapping[str, Any] | None,
    seed: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Approximate neighbours of each row, usually itself first: int32 and float32 (n, n_neighbors)."""
    arguments = {"n_neighbors": n_neighbors, "metric": metric, "metric_kwds": dict(metric_kwds or {}), "seed": seed}
    if numba.config.NUMBA_NUM_THREADS >= N_THREADS:
        with _one_at_a_time:
            return _descend_here(x, **arguments)
    return _descend_elsewhere(x, arguments)


def _descend_here(
    x: NDArray[np.float32], n_neighbors: int, metric: str, metric_kwds: dict[str, Any], seed: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    from pynndescent import NNDescent

    index = NNDescent(
        x,
        metric=metric,
        metric_kwds=metric_kwds,
        n_neighbors=n_neighbors,
        random_state=np.random.RandomState(seed),
        n_jobs=N_THREADS,
    )
    indices, distances = index.neighbor_graph
    return indices.astype(np.int32, copy=False), distances.astype(np.float32, copy=False)


def _descend_elsewhere(
    x: NDArray[np.float32], arguments: dict[str, Any]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Run `main` in a process that owns its number of threads; arrays pass through memory-mapped files."""
    with tempfile.TemporaryDirectory(prefix="umap-descent-") as name:
        folder = Path(name)
        np.save(folder / "vectors.npy", x)
        (folder / "arguments.json").write_text(json.dumps(arguments))
        root = str(Path(__file__).parent.parent)
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "NUMBA_NUM_THREADS": str(N_THREADS), "PYTHONPATH": path}
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "core.descent", name], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise InputError(f"The search for neighbours failed: {done.stderr.strip().splitlines()[-1:]}.")
        return np.load(folder / "indices.npy"), np.load(folder / "distances.npy")


def main(folder: Path) -> None:
    """Descend over ``vectors.npy`` as ``arguments.json`` asks; write ``indices.npy`` and ``distances.npy``."""
    arguments = json.loads((folder / "arguments.json").read_text())
    x = np.load(folder / "vectors.npy", mmap_mode="r")
    indices, distances = _descend_here(x, **arguments)
    np.save(folder / "indices.npy", indices)
    np.save(folder / "distances.npy", distances)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
