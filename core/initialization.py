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
from scipy.sparse.csgraph import breadth_first_order, connected_components

from core.curve_order import curve_order
from core.errors import InputError
from core.threads import BLOCK_ROWS, claim, for_rows

VERSION = 2
Init = Literal["spectral", "pca", "random"] | NDArray[np.floating[Any]]
SPAN = 10.0
NOISE = 1e-4
BLOCK_VECTORS = 8
"""Vectors come in blocks of 32 bytes a row: one SIMD register."""
GUARDS = 6
"""Vectors carried beyond those wanted, for speed of convergence."""
ROUNDS = 6
"""At most: about 100 products. Where they do not converge, the gaps are too small for the layout to care."""
REORDERED_AFTER = 1
MAX_DEGREE = 20
GROWTH = 1e4
ACCURACY = 0.2


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
        layout = _pca(vectors, n_components, seed, n_threads)
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


def _pca(
    vectors: NDArray[np.float32] | None, n_components: int, seed: int, n_threads: int | None
) -> NDArray[np.float64]:
    from core.projection import project

    if vectors is None:
        raise InputError("init='pca' needs the vectors; pass them, or use init='spectral'.")
    if vectors.shape[1] < n_components:
        raise InputError(
            f"init='pca' needs at least {n_components} columns, the vectors have {vectors.shape[1]}."
        )
    return project(vectors, n_components, seed, n_threads)[0].astype(np.float64)


def spectral_layout(
    fuzzy_set: csr_array, n_components: int = 2, *, seed: int = 42, n_threads: int | None = None
) -> NDArray[np.float32]:
    """Spectral coordinates, each connected component laid out by itself and packed beside the others by size.

    Returns
    -------
    layout : float32 (n, n_components)
        Not scaled.
    """
    order = breadth_first_order(fuzzy_set, 0, return_predecessors=False)
    if len(order) == fuzzy_set.shape[0]:
        return _spectral_of_connected(fuzzy_set, order, n_components, seed, n_threads)
    n_parts, part = connected_components(fuzzy_set, directed=False)
    layout = np.zeros((len(part), n_components))
    rows = np.argsort(part, kind="stable")
    sizes = np.bincount(part)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    corners = _pack(np.sqrt(sizes))
    # Edges never leave a component: each is a slice of the rows sorted by component, its columns renamed.
    by_part = fuzzy_set[rows]
    place = np.empty(len(part), np.int32)
    place[rows] = np.arange(len(part)) - np.repeat(starts[:-1], sizes)
    for c in range(n_parts):
        members = rows[starts[c] : starts[c + 1]]
        indptr = by_part.indptr[starts[c] : starts[c + 1] + 1]
        edges = slice(indptr[0], indptr[-1])
        inner = csr_array(
            (by_part.data[edges], place[by_part.indices[edges]], indptr - indptr[0]), shape=(sizes[c],) * 2
        )
        order = breadth_first_order(inner, 0, return_predecessors=False)
        own = (
            scaled(_spectral_of_connected(inner, order, n_components, seed, n_threads).astype(np.float64))
            if len(members) > 1
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
    fuzzy_set: csr_array, order: NDArray[np.integer[Any]], n_components: int, seed: int, n_threads: int | None
) -> NDArray[np.float32]:
    """Eigenvectors 2..n_components+1 of S = D^-1/2 W D^-1/2 for one connected component.

    `order`, breadth first, keeps neighbours in the same cache lines until the vectors know better.
    """
    n = fuzzy_set.shape[0]
    rng = np.random.default_rng(seed)
    n_vectors = -(-(n_components + GUARDS) // BLOCK_VECTORS) * BLOCK_VECTORS
    if n <= 4 * n_vectors:
        return _spectral_dense(fuzzy_set, n_components, rng)
    operator = _Operator(fuzzy_set, n_threads)
    vectors = rng.standard_normal((n, n_vectors), np.float32)
    operator.reorder(order)
    cut = 0.0
    for round_ in range(ROUNDS):
        vectors, values, error = operator.rayleigh_ritz(operator.filter(vectors, cut), n_components)
        if error < ACCURACY:
            break
        cut = float(np.clip(values[-1], 0.0, 0.999))
        if round_ == REORDERED_AFTER:
            # The first rough vectors already tell who is near whom.
            along = curve_order(vectors[:, :2])
            operator.reorder(along)
            vectors, order = vectors[along], order[along]
    layout = np.empty((n, n_components), np.float32)
    layout[order] = vectors[:, :n_components]
    return layout


def _spectral_dense(fuzzy_set: csr_array, n_components: int, rng: np.random.Generator) -> NDArray[np.float32]:
    n = fuzzy_set.shape[0]
    w = fuzzy_set.toarray().astype(np.float64)
    root = np.sqrt(w.sum(1))
    vectors = np.linalg.eigh(w / np.outer(root, root))[1][:, ::-1][:, 1 : n_components + 1]
    layout = rng.normal(0, NOISE, (n, n_components))
    layout[:, : vectors.shape[1]] += vectors
    return layout.astype(np.float32)


class _Operator:
    """S = D^-1/2 W D^-1/2 without its known first eigenvector, D^1/2 1, whose eigenvalue is 1.

    Parameters
    ----------
    w : csr_array, float32 (n, n)
        Symmetric strengths of one connected component.
    n_threads : int or None
    """

    def __init__(self, w: csr_array, n_threads: int | None) -> None:
        root = np.sqrt(np.asarray(w.sum(axis=1), np.float64).ravel())
        self._indptr, self._indices, self._data = w.indptr, w.indices, np.empty_like(w.data)
        self._n_threads = n_threads
        self._first = (root / np.linalg.norm(root)).astype(np.float32)[:, None]
        scale = (1 / root).astype(np.float32)
        for_rows(_scale_rows, len(root), w.indptr, w.indices, w.data, scale, self._data, n_threads=n_threads)

    def reorder(self, order: NDArray[np.integer[Any]]) -> None:
        """Rename the vertices: row i is what was row ``order[i]``."""
        rank = np.empty(len(order), np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        indptr = np.concatenate([[0], np.cumsum(np.diff(self._indptr)[order])]).astype(self._indptr.dtype)
        indices, data = np.empty_like(self._indices), np.empty_like(self._data)
        old = self._indptr, self._indices, self._data
        for_rows(
            _permute_rows, len(order), *old, order, rank, indptr, indices, data, n_threads=self._n_threads
        )
        self._indptr, self._indices, self._data = indptr, indices, data
        self._first = self._first[order]

    def filter(self, x: NDArray[np.float32], cut: float) -> NDArray[np.float32]:
        """Apply the Chebyshev polynomial that stays within [-1, 1] on [-1, cut] and grows beyond.

        Its degree is bounded by its growth: a block whose first vector outgrows the others loses them in
        rounding.
        """
        centre, half = (cut - 1) / 2, (cut + 1) / 2
        beyond = (1 - centre) / half
        degree = int(np.clip(np.arccosh(GROWTH) / np.arccosh(beyond), 2, MAX_DEGREE))
        previous, current, spare = x, np.empty_like(x), np.empty_like(x)
        growth = 1 / beyond
        self._step(x, x, growth / half, -growth * centre / half, 0.0, current)
        first_growth = growth
        for _ in range(degree - 1):
            following = 1 / (2 / first_growth - growth)
            self._step(
                current,
                previous,
                2 * following / half,
                -2 * following * centre / half,
                -growth * following,
                spare,
            )
            previous, current, spare = current, spare, np.empty_like(x) if previous is x else previous
            growth = following
        return current

    def rayleigh_ritz(
        self, x: NDArray[np.float32], n_wanted: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float64], float]:
        """Diagonalise S on the span of `x`.

        Returns
        -------
        vectors : float32 (n, m)
            Orthonormal.
        values : float64 (m,)
            Falling.
        error : float
            Largest residual of the wanted vectors over the gap that parts them from the first guard: about
            the sine of the angle to the true subspace.
        """
        x = x - self._first * gram(self._first, x).astype(np.float32)
        values, vectors = np.linalg.eigh(gram(x, x))
        x = self._combine(x, vectors / np.sqrt(np.maximum(values, values[-1] * 1e-12)))
        product = np.empty_like(x)
        self._step(x, x, 1.0, 0.0, 0.0, product)
        values, vectors = np.linalg.eigh(gram(x, product))
        values, vectors = values[::-1], vectors[:, ::-1]
        x = self._combine(x, vectors)
        residual = self._combine(product, vectors[:, :n_wanted]) - x[:, :n_wanted] * values[:n_wanted].astype(
            np.float32
        )
        largest = float(np.sqrt(np.diag(gram(residual, residual)).max()))
        return x, values, largest / max(float(values[n_wanted - 1] - values[n_wanted]), 1e-6)

    def _step(
        self,
        x: NDArray[np.float32],
        before: NDArray[np.float32],
        p: float,
        q: float,
        r: float,
        out: NDArray[np.float32],
    ) -> None:
        """``out = p S x + q x + r before``."""
        for_rows(
            _step_rows,
            len(x),
            self._indptr,
            self._indices,
            self._data,
            x,
            before,
            np.float32(p),
            np.float32(q),
            np.float32(r),
            out,
            n_threads=self._n_threads,
        )

    def _combine(self, x: NDArray[np.float32], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
        out = np.empty((len(x), matrix.shape[1]), np.float32)
        for_rows(
            _combine_rows, len(x), x, np.ascontiguousarray(matrix, np.float32), out, n_threads=self._n_threads
        )
        return out


def gram(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float64]:
    """``x.T y`` in float64, summed over the rows in their order, so that no number of threads shows."""
    product = np.empty((x.shape[1], y.shape[1]))
    _sum_products(x, y, product)
    return product


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
def _scale_rows(
    counter: Any, n_rows: int, indptr: Any, indices: Any, weights: Any, scale: Any, scaled: Any
) -> None:
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            for j in range(indptr[i], indptr[i + 1]):
                scaled[j] = weights[j] * (scale[i] * scale[indices[j]])


@njit(nogil=True, cache=True)
def _permute_rows(
    counter: Any,
    n_rows: int,
    indptr: Any,
    indices: Any,
    data: Any,
    order: Any,
    rank: Any,
    new_indptr: Any,
    new_indices: Any,
    new_data: Any,
) -> None:
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            start, old = new_indptr[i], indptr[order[i]]
            for j in range(new_indptr[i + 1] - start):
                new_indices[start + j] = rank[indices[old + j]]
                new_data[start + j] = data[old + j]


@njit(nogil=True, cache=True, fastmath={"contract"}, error_model="numpy")
def _step_rows(
    counter: Any,
    n_rows: int,
    indptr: Any,
    indices: Any,
    data: Any,
    x: Any,
    before: Any,
    p: Any,
    q: Any,
    r: Any,
    out: Any,
) -> None:
    """``out = p S x + q x + r before``, 8 columns a time, written out so that LLVM sees a SIMD register."""
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            for g in range(0, x.shape[1], 8):
                t0 = t1 = t2 = t3 = t4 = t5 = t6 = t7 = np.float32(0.0)
                for j in range(indptr[i], indptr[i + 1]):
                    w, row = data[j], x[indices[j], g : g + 8]
                    t0 += w * row[0]
                    t1 += w * row[1]
                    t2 += w * row[2]
                    t3 += w * row[3]
                    t4 += w * row[4]
                    t5 += w * row[5]
                    t6 += w * row[6]
                    t7 += w * row[7]
                total = (t0, t1, t2, t3, t4, t5, t6, t7)
                for c in range(8):
                    out[i, g + c] = p * total[c] + q * x[i, g + c] + r * before[i, g + c]
