"""Where the points start: spectral, principal components, random, or given."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from core.checks import (
    is_sparse,
    refuse_other_than_csr,
    refuse_other_than_seed,
    refuse_out_of_range,
    refuse_overflow,
)
from core.errors import InputError
from core.projection import project
from core.spectral import scaled, spectral_layout

VERSION = 6
NAMES = ("spectral", "pca", "random")
Init = Literal["spectral", "pca", "random"] | ArrayLike
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
    init : {"spectral", "pca", "random"} or array-like (n, n_components), default "spectral"
        "pca" needs `vectors`. An array is taken as it is, scaled to the span; points whose row is NaN, on a
        map those without neighbours, are drawn from its extent.
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
        If `init` is unknown, needs missing vectors or such as float32 holds the distances of, has the wrong
        shape, infinite values or no row without NaN.
    """
    refuse_other_than_csr(fuzzy_set)
    refuse_other_than_seed(seed)
    n = fuzzy_set.shape[0]
    refuse_out_of_range({"n_components": n_components})
    start = checked_start(init, n, n_components, vectors)
    rng = np.random.default_rng(seed)
    if not isinstance(start, str):
        layout = _everywhere(start, rng)
    elif start == "spectral":
        layout = spectral_layout(fuzzy_set, n_components, seed=seed, n_threads=n_threads).astype(np.float64)
    elif start == "pca":
        assert vectors is not None
        refuse_overflow(vectors)
        layout = project(vectors, n_components, seed, n_threads)[0].astype(np.float64)
    else:
        return rng.uniform(0, SPAN, (n, n_components)).astype(np.float32)
    return (scaled(layout, SPAN) + rng.normal(0, NOISE, layout.shape)).astype(np.float32)


def checked_start(init: Any, n: int, n_components: int, vectors: Any) -> str | NDArray[np.float64]:
    """`init` as a name, or as an array (n, n_components) in which rows may be NaN, but not all.

    Raises
    ------
    InputError
        If it is neither, or "pca" of `vectors` that are not dense or have too few columns.
    """
    if isinstance(init, str) and init in NAMES:
        if init == "pca" and (vectors is None or is_sparse(vectors)):
            raise InputError("init='pca' needs the vectors, dense; pass them, or use init='spectral'.")
        if init == "pca" and vectors.shape[1] < n_components:
            raise InputError(
                f"init='pca' needs at least {n_components} columns, the vectors have {vectors.shape[1]}."
            )
        return init
    try:
        start = np.asarray(init, np.float64)
    except (TypeError, ValueError):
        start = np.empty(0)
    if start.shape != (n, n_components) or np.isinf(start).any() or np.isnan(start).any(axis=1).all():
        raise InputError(
            f"init must be 'spectral', 'pca', 'random', or an array of finite numbers, one row a point, NaN "
            f"where it has no place: {n} rows of {n_components}; got {type(init).__name__} "
            f"{getattr(init, 'shape', init)!s:.60}."
        )
    return start


def _everywhere(start: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Points that have a place, and the others drawn from among them."""
    lost = np.isnan(start).any(axis=1)
    if not lost.any():
        return start
    placed = start[~lost]
    layout = start.copy()
    layout[lost] = rng.uniform(placed.min(axis=0), placed.max(axis=0), (int(lost.sum()), start.shape[1]))
    return layout
