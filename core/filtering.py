"""A Chebyshev filter for the leading eigenvectors of a graph: sparse products, 8 vectors at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from core.threads import BLOCK_ROWS, claim, eigh, for_rows

BLOCK_VECTORS = 8
"""Vectors come in blocks of 32 bytes a row: one SIMD register."""
MAX_DEGREE = 20
GROWTH = 1e4


class Operator:
    """S = D^-1/2 W D^-1/2 without its known first eigenvector, D^1/2 1, whose eigenvalue is 1.

    Parameters
    ----------
    w : csr_array, float32 (n, n)
        Symmetric strengths of one connected component.
    n_threads : int or None

    Attributes
    ----------
    root : float64 (n,)
        D^1/2, in the order of `w`: by it eigenvectors of graphs of different size compare.
    """

    def __init__(self, w: csr_array, n_threads: int | None) -> None:
        self.root = root = np.sqrt(np.asarray(w.sum(axis=1), np.float64).ravel())
        self._indptr, self._indices, self._data = w.indptr, w.indices, np.empty_like(w.data)
        self._n_threads = n_threads
        # Not by np.linalg.norm: a product of BLAS, which depends on its threads.
        self._first = (root / np.sqrt(np.square(root).sum())).astype(np.float32)[:, None]
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
        values, vectors = eigh(gram(x, x))
        x = self._combine(x, vectors / np.sqrt(np.maximum(values, values[-1] * 1e-12)))
        product = np.empty_like(x)
        self._step(x, x, 1.0, 0.0, 0.0, product)
        values, vectors = eigh(gram(x, product))
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
