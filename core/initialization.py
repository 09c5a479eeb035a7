"""Where the points start: spectral, principal components, random, or given.

The spectral layout takes the leading eigenvectors of D^-1/2 W D^-1/2 (equal to the trailing ones of the
normalised Laplacian; Belkin and Niyogi 2003) by a Chebyshev-filtered subspace iteration (Zhou, Saad, Tiago,
Chelikowsky 2006): the layout that follows needs no more than a few digits of them, which some tens of
sparse products give.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from core.errors import InputError
from core.threads import BLOCK_ROWS, claim, for_rows

VERSION = 1
Init = Literal["spectral", "pca", "random"] | NDArray[np.floating[Any]]
SPAN = 10.0
NOISE = 1e-4
BLOCK_VECTORS = 8
"""Vectors filtered together, 32 bytes a row: one SIMD register."""
DEGREE = 12
ROUNDS = 5


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
        If `init` is unknown, needs missing vectors, or has the wrong shape.
    """
    n = fuzzy_set.shape[0]
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
        layout = _pca(vectors, n_components, seed)
    elif init == "random":
        return rng.uniform(0, SPAN, (n, n_components)).astype(np.float32)
    else:
        raise InputError(f"init must be 'spectral', 'pca', 'random' or an array, got {init!r}.")
    return (scaled(layout) + rng.normal(0, NOISE, layout.shape)).astype(np.float32)


def scaled(layout: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move each axis to [0, 10]; an axis without extent stays at 0."""
    span = np.ptp(layout, axis=0)
    result: NDArray[np.float64] = (layout - layout.min(0)) * (SPAN / np.where(span > 0, span, np.inf))
    return result


def _pca(vectors: NDArray[np.float32] | None, n_components: int, seed: int) -> NDArray[np.float64]:
    from core.projection import project

    if vectors is None:
        raise InputError("init='pca' needs the vectors; pass them, or use init='spectral'.")
    if vectors.shape[1] < n_components:
        raise InputError(
            f"init='pca' needs at least {n_components} columns, the vectors have {vectors.shape[1]}."
        )
    return project(vectors, n_components, seed).astype(np.float64)


def spectral_layout(
    fuzzy_set: csr_array, n_components: int = 2, *, seed: int = 42, n_threads: int | None = None
) -> NDArray[np.float32]:
    """Spectral coordinates, each connected component laid out by itself and packed beside the others by size.

    Returns
    -------
    layout : float32 (n, n_components)
        Not scaled.
    """
    n_parts, part = connected_components(fuzzy_set, directed=False)
    if n_parts == 1:
        return _spectral_of_connected(fuzzy_set, n_components, seed, n_threads)
    layout = np.zeros((len(part), n_components))
    rows = np.argsort(part, kind="stable")
    sizes = np.bincount(part)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    corners = _pack(np.sqrt(sizes))
    for c in range(n_parts):
        members = rows[starts[c] : starts[c + 1]]
        inner = fuzzy_set[members][:, members] if len(members) > 1 else None
        own = (
            scaled(_spectral_of_connected(inner, n_components, seed, n_threads).astype(np.float64))
            if inner is not None
            else np.zeros((1, n_components))
        )
        layout[members] = own * (0.8 * np.sqrt(sizes[c]) / SPAN)
        layout[members, : corners.shape[1]] += corners[c, :n_components]
    return layout.astype(np.float32)


def _pack(sides: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners (m, 2) of squares of the given sides, largest first, on shelves that make up about a square."""
    corners = np.zeros((len(sides), 2))
    width = 1.1 * np.sqrt((sides**2).sum())
    x = y = height = 0.0
    for c in np.argsort(-sides, kind="stable"):
        if x > 0 and x + sides[c] > width:
            x, y, height = 0.0, y + height, 0.0
        corners[c] = x, y
        x, height = x + sides[c], max(height, sides[c])
    return corners


def _spectral_of_connected(
    fuzzy_set: csr_array, n_components: int, seed: int, n_threads: int | None
) -> NDArray[np.float32]:
    """Eigenvectors 2..n_components+1 of D^-1/2 W D^-1/2 for one connected component."""
    n = fuzzy_set.shape[0]
    rng = np.random.default_rng(seed)
    n_vectors = n_components + 1 + 5 if n_components > 2 else BLOCK_VECTORS
    if n <= max(64, 2 * n_vectors):
        return _spectral_dense(fuzzy_set, n_components, rng)
    root = np.sqrt(np.asarray(fuzzy_set.sum(axis=1), np.float64).ravel())
    scale = (1 / root).astype(np.float32)
    first = (root / np.linalg.norm(root)).astype(np.float32)
    vectors = rng.standard_normal((n, n_vectors), np.float32)
    vectors[:, 0] = first
    cut = 0.5
    for _ in range(ROUNDS):
        vectors = _filter(fuzzy_set, scale, vectors, cut, n_threads)
        vectors, values = _rayleigh_ritz(fuzzy_set, scale, vectors, n_threads)
        cut = min(max(float(values[-1]), 0.0), 0.999)
    return vectors[:, 1 : n_components + 1]


def _spectral_dense(fuzzy_set: csr_array, n_components: int, rng: np.random.Generator) -> NDArray[np.float32]:
    n = fuzzy_set.shape[0]
    w = fuzzy_set.toarray().astype(np.float64)
    root = np.sqrt(w.sum(1))
    vectors = np.linalg.eigh(w / np.outer(root, root))[1][:, ::-1][:, 1 : n_components + 1]
    layout = rng.normal(0, NOISE, (n, n_components))
    layout[:, : vectors.shape[1]] += vectors
    return layout.astype(np.float32)


def _product(
    w: csr_array, scale: NDArray[np.float32], x: NDArray[np.float32], n_threads: int | None
) -> NDArray[np.float32]:
    out = np.empty_like(x)
    for_rows(
        _step,
        len(x),
        w.indptr,
        w.indices,
        w.data,
        scale,
        x,
        x,
        np.float32(1),
        np.float32(0),
        np.float32(0),
        out,
        n_threads=n_threads,
    )
    return out


def _filter(
    w: csr_array, scale: NDArray[np.float32], x: NDArray[np.float32], cut: float, n_threads: int | None
) -> NDArray[np.float32]:
    """Apply the Chebyshev polynomial that stays within [-1, 1] on [-1, cut] and grows beyond."""
    centre, half = (cut - 1) / 2, (cut + 1) / 2
    growth = centre_growth = half / (1 - centre)
    previous, current, out = x, np.empty_like(x), np.empty_like(x)

    def step(
        source: NDArray[np.float32],
        before: NDArray[np.float32],
        p: float,
        q: float,
        r: float,
        into: NDArray[np.float32],
    ) -> None:
        for_rows(
            _step,
            len(x),
            w.indptr,
            w.indices,
            w.data,
            scale,
            source,
            before,
            np.float32(p),
            np.float32(q),
            np.float32(r),
            into,
            n_threads=n_threads,
        )

    step(x, x, growth / half, -growth * centre / half, 0.0, current)
    for _ in range(DEGREE - 1):
        following = 1 / (2 / centre_growth - growth)
        step(
            current, previous, 2 * following / half, -2 * following * centre / half, -growth * following, out
        )
        previous, current, out = current, out, previous if previous is not x else np.empty_like(x)
        growth = following
    return current


def _rayleigh_ritz(
    w: csr_array, scale: NDArray[np.float32], x: NDArray[np.float32], n_threads: int | None
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Orthonormal vectors that diagonalise the operator on the span of `x`, and its eigenvalues, falling."""
    values, vectors = np.linalg.eigh(_gram(x, x))
    kept = values > values[-1] * 1e-12
    whiten = vectors[:, kept] / np.sqrt(values[kept])
    x = _combine(x, whiten, n_threads)
    values, vectors = np.linalg.eigh(_gram(x, _product(w, scale, x, n_threads)))
    return _combine(x, vectors[:, ::-1], n_threads), values[::-1]


def _gram(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float64]:
    """``x.T y`` in float64, summed over blocks of rows in their order, so that no thread count shows."""
    gram = np.empty((x.shape[1], y.shape[1]))
    _sum_products(x, y, gram)
    return (gram + gram.T) / 2


def _combine(
    x: NDArray[np.float32], matrix: NDArray[np.float64], n_threads: int | None
) -> NDArray[np.float32]:
    out = np.empty((len(x), matrix.shape[1]), np.float32)
    for_rows(_combine_rows, len(x), x, np.ascontiguousarray(matrix, np.float32), out, n_threads=n_threads)
    return out


@njit(nogil=True, cache=True)
def _sum_products(x: Any, y: Any, gram: Any) -> None:
    gram[:] = 0
    for i in range(len(x)):
        for p in range(x.shape[1]):
            for q in range(y.shape[1]):
                gram[p, q] += np.float64(x[i, p]) * y[i, q]


@njit(nogil=True, cache=True)
def _combine_rows(counter: Any, n_rows: int, x: Any, matrix: Any, out: Any) -> None:
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            for q in range(matrix.shape[1]):
                total = np.float32(0.0)
                for p in range(matrix.shape[0]):
                    total += x[i, p] * matrix[p, q]
                out[i, q] = total


@njit(nogil=True, cache=True)
def _step(
    counter: Any,
    n_rows: int,
    indptr: Any,
    indices: Any,
    weights: Any,
    scale: Any,
    x: Any,
    before: Any,
    p: Any,
    q: Any,
    r: Any,
    out: Any,
) -> None:
    """``out = p S x + q x + r before`` with S = D^-1/2 W D^-1/2, `scale` holding D^-1/2."""
    m = x.shape[1]
    total = np.empty(m, np.float32)
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            total[:] = 0
            for j in range(indptr[i], indptr[i + 1]):
                w, tail = weights[j] * scale[indices[j]], indices[j]
                for c in range(m):
                    total[c] += w * x[tail, c]
            for c in range(m):
                out[i, c] = p * scale[i] * total[c] + q * x[i, c] + r * before[i, c]
