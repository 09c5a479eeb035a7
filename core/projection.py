"""Principal components: fewer columns for the search of neighbours, a start for the layout."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from core.threads import one_blas_thread, threads_for

N_SAMPLED = 8192
"""Rows from which the components are taken: they need only be good, not exact."""
MANY_COLUMNS = 2048
"""Beyond, so many rows are sampled, and not the columns' products are made but those of the rows."""
LARGE_EXPONENT = 40
"""Values beyond 2^40 or below 2^-40 are scaled before they are multiplied."""


def project(
    x: NDArray[np.float32], n_components: int, seed: int, n_threads: int | None = None
) -> tuple[NDArray[np.float32], float]:
    """Coordinates on the leading principal components of (at most 8,192 sampled) rows.

    Parameters
    ----------
    x : float32 (n, d)
    n_components : int
        Those that the sample has not are axes on which all rows are 0.
    seed : int
        Of the sample.
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    coordinates : float32 (n, n_components)
    share : float
        The share of the sample's variance that they hold.
    """
    rng = np.random.default_rng(seed)
    n_rows = N_SAMPLED if x.shape[1] <= MANY_COLUMNS else MANY_COLUMNS
    sample = x if len(x) <= n_rows else x[np.sort(rng.choice(len(x), n_rows, replace=False))]
    # In float64: thousands of values that are large beside their spread would sum to a mean beyond it.
    mean = sample.mean(0, dtype=np.float64).astype(np.float32)
    out = np.empty((len(x), n_components), np.float32)
    # BLAS gets one thread, the blocks of rows get the processors.
    with one_blas_thread(), ThreadPoolExecutor(threads_for(n_threads)) as executor:
        basis, share = _leading(sample - mean, n_components)

        def block(start: int) -> None:
            np.matmul(x[start : start + 4096] - mean, basis, out=out[start : start + 4096])

        list(executor.map(block, range(0, len(x), 4096)))
    return out, share


def _leading(centred: NDArray[np.float32], n_components: int) -> tuple[NDArray[np.float32], float]:
    """The leading principal axes of centred rows, float32 (d, n_components), and their share of the variance.

    Of d columns or m rows those are multiplied with each other that are fewer: with ``C C^T u = v u`` the
    axis is ``C^T u / sqrt(v)``. That costs O(m d min(m, d)) operations, and memory for the square of the
    fewer.
    """
    # By a power of two, which changes no bit but the exponents'.
    exponent = int(np.frexp(max(centred.max(), -centred.min()))[1])
    if abs(exponent) > LARGE_EXPONENT:
        centred = np.ldexp(centred, -exponent)
    if centred.shape[1] <= MANY_COLUMNS:
        values, vectors = np.linalg.eigh((centred.T @ centred).astype(np.float64))
        axes = vectors[:, ::-1][:, :n_components]
    else:
        values, vectors = np.linalg.eigh((centred @ centred.T).astype(np.float64))
        kept = values > values[-1] * 1e-6
        scale = np.where(kept, 1 / np.sqrt(np.where(kept, values, 1)), 0.0)
        axes = np.zeros((centred.shape[1], n_components))
        leading = (vectors * scale)[:, ::-1][:, :n_components]
        axes[:, : leading.shape[1]] = centred.T @ leading.astype(np.float32)
    total = float(values.sum())
    share = float(values[-n_components:].sum()) / total if total > 0 else 1.0
    return np.ascontiguousarray(axes, np.float32), share
