"""A forest of random projection trees: where nearest-neighbour descent begins.

Each tree halves the points again and again at the median of their projections on the line through two
random points (Dasgupta and Freund 2008), so that all leaves of a tree have one size and their borders need
not be stored. Points that share a leaf are compared with each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.random_streams import mix, stream
from core.threads import claim, for_rows

LEAF_SIZE = 48
LANES = 16
"""Vectors are padded with zeros to a multiple of this many columns."""
HEAD = 32
"""Leading columns, by which most candidates are turned down."""


def padded(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Append columns of zeros up to a multiple of LANES: distances stay, and loops lose their remainders."""
    missing = -x.shape[1] % LANES
    return np.pad(x, ((0, 0), (0, missing))) if missing else x


def leaf_borders(n: int, leaf_size: int = LEAF_SIZE) -> NDArray[np.int64]:
    """Positions where the leaves of a tree over `n` points begin and end: int64 (2^depth + 1,)."""
    depth = max(0, int(np.ceil(np.log2(max(1, n / leaf_size)))))
    # Halving an interval at its middle again and again leaves exactly these borders.
    borders = np.array([0, n], np.int64)
    for _ in range(depth):
        middles = (borders[:-1] + borders[1:]) // 2
        borders = np.sort(np.concatenate([borders, middles]))
    return borders


def grow_trees(
    x: NDArray[np.float32], n_trees: int, seed: int, n_threads: int | None = None
) -> NDArray[np.int32]:
    """Order of the points along the leaves of each tree: int32 (n_trees, n)."""
    orders = np.empty((n_trees, len(x)), np.int32)
    depth = int(np.log2(len(leaf_borders(len(x))) - 1))
    for_rows(_grow, n_trees, x, np.uint64(seed), depth, orders, n_threads=n_threads, block=1)
    return orders


def compare_leaves(
    x: NDArray[np.float32],
    order: NDArray[np.int32],
    indices: NDArray[np.int32],
    distances: NDArray[np.float32],
    n_threads: int | None = None,
) -> None:
    """Compare the points that share a leaf of one tree; keep the nearest in `indices`, squared `distances`.

    A point is in one leaf, so the leaves of one tree share no row and may be done at once.
    """
    borders = leaf_borders(len(x))
    for_rows(_compare, len(borders) - 1, x, order, borders, indices, distances, n_threads=n_threads, block=8)


@njit(nogil=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def squared_distance(a: Any, b: Any) -> Any:
    """``|a - b|^2`` of two float32 vectors; the same bits whichever comes first.

    Not inlined by numba, which would drop the permission to reorder the sum, but by LLVM, which keeps it.
    """
    total = np.float32(0.0)
    for c in range(len(a)):
        total += (a[c] - b[c]) * (a[c] - b[c])
    return total


@njit(nogil=True, inline="always")
def bounded_distance(a: Any, b: Any, bound: Any) -> Any:
    """``|a - b|^2``, given up with a partial sum once it reaches `bound`."""
    total = squared_distance(a[:HEAD], b[:HEAD])
    if total < bound and len(a) > HEAD:
        total += squared_distance(a[HEAD:], b[HEAD:])
    return total


@njit(nogil=True, inline="always")
def offer(distance: Any, index: Any, near: Any, near_distances: Any) -> int:
    """Insert into a row kept sorted by (distance, index), its last entry falling out.

    Returns the place taken, or -1 if the row's entries are all nearer or the point is in the row already. One
    pair's distance has the same bits whenever it is computed, so a point can only be met among equals.
    """
    place = len(near)
    while place > 0 and near_distances[place - 1] > distance:
        place -= 1
    while place > 0 and near_distances[place - 1] == distance and near[place - 1] >= index:
        if near[place - 1] == index:
            return -1
        place -= 1
    if place == len(near):
        return -1
    for j in range(len(near) - 1, place, -1):
        near[j], near_distances[j] = near[j - 1], near_distances[j - 1]
    near[place], near_distances[place] = index, distance
    return place


@njit(nogil=True)
def _select(values: Any, order: Any, low: int, high: int, middle: int) -> None:
    """Move the points with the smallest values to the front of ``low:high``, up to `middle` (Hoare 1961)."""
    high -= 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            return


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def _grow(counter: Any, n_rows: int, x: Any, seed: Any, depth: int, orders: Any) -> None:
    n, d = x.shape
    values, normal = np.empty(n, np.float32), np.empty(d, np.float32)
    borders = np.empty((1 << depth) + 1, np.int64)
    while True:
        tree = claim(counter, 1)
        if tree >= n_rows:
            return
        order = orders[tree]
        for i in range(n):
            order[i] = i
        borders[0], borders[1 << depth] = 0, n
        for level in range(depth):
            width = 1 << (depth - level)
            for node in range(1 << level):
                low, high = borders[node * width], borders[(node + 1) * width]
                bits = stream(seed, tree, (1 << level) + node)
                p = order[low + np.int64(bits % np.uint64(high - low))]
                q = order[low + np.int64(mix(bits) % np.uint64(high - low))]
                for c in range(d):
                    normal[c] = x[p, c] - x[q, c]
                for i in range(low, high):
                    row, value = x[order[i]], np.float32(0.0)
                    for c in range(d):
                        value += normal[c] * row[c]
                    values[i] = value
                middle = (low + high) // 2
                _select(values, order, low, high, middle)
                borders[node * width + width // 2] = middle


@njit(nogil=True, cache=True, error_model="numpy")
def _compare(
    counter: Any, n_rows: int, x: Any, order: Any, borders: Any, indices: Any, distances: Any
) -> None:
    d, last = x.shape[1], indices.shape[1] - 1
    leaf = np.empty((LEAF_SIZE + 1, d), np.float32)
    while True:
        first = claim(counter, 8)
        if first >= n_rows:
            return
        for node in range(first, min(first + 8, n_rows)):
            low, size = borders[node], borders[node + 1] - borders[node]
            # Element by element: numba takes seconds to compile the copy of a slice.
            for i in range(size):
                for c in range(d):
                    leaf[i, c] = x[order[low + i], c]
            for i in range(size):
                p = order[low + i]
                for j in range(i):
                    q = order[low + j]
                    bound = max(distances[p, last], distances[q, last])
                    distance = bounded_distance(leaf[i], leaf[j], bound)
                    if distance < distances[p, last]:
                        offer(distance, q, indices[p], distances[p])
                    if distance < distances[q, last]:
                        offer(distance, p, indices[q], distances[q])
