"""Principal components: fewer columns for the search of neighbours, a start for the layout."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from core.threads import default_n_threads

N_SAMPLED = 8192
"""Rows from which the components are taken: they need only be good, not exact."""


def project(
    x: NDArray[np.float32], n_components: int, seed: int, n_threads: int | None = None
) -> tuple[NDArray[np.float32], float]:
    """Coordinates on the leading principal components of (at most 8,192 sampled) rows.

    Returns
    -------
    coordinates : float32 (n, n_components)
    share : float
        The share of the variance that they hold.
    """
    rng = np.random.default_rng(seed)
    sample = x if len(x) <= N_SAMPLED else x[np.sort(rng.choice(len(x), N_SAMPLED, replace=False))]
    mean = sample.mean(0)
    out = np.empty((len(x), n_components), np.float32)
    # OpenBLAS rounds differently for each number of threads: it gets one, the blocks of rows get the
    # processors.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(n_threads or default_n_threads()) as executor:
        centred = sample - mean
        values, vectors = np.linalg.eigh((centred.T @ centred).astype(np.float64))
        basis = np.ascontiguousarray(vectors[:, ::-1][:, :n_components], np.float32)

        def block(start: int) -> None:
            np.matmul(x[start : start + 4096] - mean, basis, out=out[start : start + 4096])

        list(executor.map(block, range(0, len(x), 4096)))
    total = float(values.sum())
    return out, float(values[-n_components:].sum()) / total if total > 0 else 1.0
