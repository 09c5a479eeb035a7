"""Where the points start: spectral, principal components, random, or given."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from core.checks import refuse_other_than_csr, refuse_other_than_seed, refuse_overflow
from core.errors import InputError
from core.spectral import scaled, spectral_layout

VERSION = 5
Init = Literal["spectral", "pca", "random"] | NDArray[np.floating[Any]]
SPAN = 10.0
NOISE = 1e-4


def initial_layout(
    fuzzy_set: csr_array,
    *,
    n_components: int = 2,
    init: Init = "spectral",
    vectors: NDArray[np.float32] | None = None,
    seed: int = 42,
    n_threads: int | None = None,
) -> NDArray[np.float32]:
    """Place the points for the first epoch, spanning 10 units, with seeded noise of 1e-4 to part duplicates.

    Parameters
    ----------
    fuzzy_set : csr_array, float32 (n, n)
    n_components : int, default 2
        Dimensions of the map.
    init : {"spectral", "pca", "random"} or float array (n, n_components), default "spectral"
        "pca" needs `vectors`. An array is taken as it is, scaled to the span.
    vectors : float32 (n, d), optional
    seed : int, default 42
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    layout : float32 (n, n_components)

    Raises
    ------
    InputError
        If `init` is unknown, needs missing vectors or such as float32 holds the distances of, or has the
        wrong shape.
    """
    refuse_other_than_csr(fuzzy_set)
    refuse_other_than_seed(seed)
    n = fuzzy_set.shape[0]
    if not isinstance(n_components, Integral) or n_components < 1:
        raise InputError(f"n_components must be at least 1, and whole, got {n_components!r}.")
    rng = np.random.default_rng(seed)
    if isinstance(init, np.ndarray):
        if init.shape != (n, n_components) or not np.isfinite(init).all():
            raise InputError(
                f"init must be finite and of shape ({n}, {n_components}), one row a point; got "
                f"shape {init.shape}."
            )
        layout = init.astype(np.float64)
    elif init == "spectral":
        layout = spectral_layout(fuzzy_set, n_components, seed=seed, n_threads=n_threads).astype(np.float64)
    elif init == "pca":
        layout = _pca(vectors, n_components, seed, n_threads)
    elif init == "random":
        return rng.uniform(0, SPAN, (n, n_components)).astype(np.float32)
    else:
        raise InputError(f"init must be 'spectral', 'pca', 'random' or an array, got {init!r}.")
    return (scaled(layout, SPAN) + rng.normal(0, NOISE, layout.shape)).astype(np.float32)


def _pca(
    vectors: NDArray[np.float32] | None, n_components: int, seed: int, n_threads: int | None
) -> NDArray[np.float64]:
    from core.projection import project

    if vectors is None:
        raise InputError("init='pca' needs the vectors, dense; pass them, or use init='spectral'.")
    if vectors.shape[1] < n_components:
        raise InputError(
            f"init='pca' needs at least {n_components} columns, the vectors have {vectors.shape[1]}."
        )
    refuse_overflow(vectors)
    return project(vectors, n_components, seed, n_threads)[0].astype(np.float64)
