"""The boundary strategy: rows of the selection where it meets what is not selected."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
from scipy.spatial import cKDTree

from core.threads import default_n_threads
from explorer.model.errors import InputError
from explorer.model.projection import bounds
from explorer.model.strategies.population import Pick, Plan, Population

K = 15
CELLS = 256


def boundary(population: Population, plan: Plan) -> Pick:
    """Choose the rows nearest to the selection's border on the map.

    A row's score is the share of its 15 nearest other rows on the map that are not selected; the highest come
    first, in random order among equals. Where fewer rows have an unselected neighbour, those follow whose
    nearest unselected row is nearest.
    """
    rows, notes = population.placed_rows()
    embedding, mask = population.places(), population.selection.mask
    placed = np.flatnonzero(np.isfinite(embedding).all(axis=1))
    outside = placed[~mask[placed]]
    if not len(outside):
        raise InputError("Everything is selected, so there is no border: select a region of the map first.")
    # A random order before a stable sort decides among equals.
    rows = np.random.default_rng(plan.seed).permutation(rows)
    scores = np.zeros(len(rows), np.int64)
    near = np.flatnonzero(~_deep(embedding, rows, outside))
    scores[near] = _unselected_neighbours(embedding, placed, mask, rows[near])
    order = np.argsort(-scores, kind="stable")
    met = int(np.count_nonzero(scores))
    if met >= plan.size:
        return Pick(rows[order[: plan.size]], notes=notes)
    inner = rows[order[met:]]
    tree = _tree(embedding[outside])
    away = tree.query(embedding[inner], workers=default_n_threads())[0]
    inner = inner[np.argsort(away, kind="stable")]
    return Pick(np.concatenate([rows[order[:met]], inner[: plan.size - met]]), notes=notes)


def _unselected_neighbours(
    embedding: NDArray[np.float32],
    placed: NDArray[np.int64],
    mask: NDArray[np.bool_],
    rows: NDArray[np.int64],
) -> NDArray[np.int64]:
    """How many of the 15 nearest others of each row are not selected."""
    if not len(rows):
        return np.zeros(0, np.int64)
    k = min(K + 1, len(placed))
    nearest = _tree(embedding[placed]).query(embedding[rows], k, workers=default_n_threads())[1]
    # A row is selected itself, so that it does not count whichever place it has among equals; but where k + 1
    # others lie at its very place it may be missing, and then the last of them is one too many.
    found = placed[nearest.reshape(len(rows), k)]
    unselected = ~mask[found]
    unselected[~(found == rows[:, None]).any(axis=1), -1] = False
    return np.asarray(unselected.sum(axis=1), np.int64)


def _tree(points: NDArray[np.float32]) -> Any:
    return cKDTree(points, balanced_tree=False, compact_nodes=False)


def _deep(
    embedding: NDArray[np.float32], rows: NDArray[np.int64], outside: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether a row is sure to have none but selected rows among its 15 nearest, bool (len(rows),).

    So it is when its cell of a grid holds more than 15 selected rows and no cell within two of it holds an
    unselected one: the former lie within the diagonal of a cell, the latter beyond twice its side.
    """
    x0, x1, y0, y1 = bounds(embedding)
    side = max(x1 - x0, y1 - y0) / CELLS
    inside_counts, outside_counts = (np.zeros((CELLS + 1, CELLS + 1), np.int32) for _ in range(2))
    _count(embedding, rows, x0, y0, side, inside_counts)
    _count(embedding, outside, x0, y0, side, outside_counts)
    deep = (inside_counts > K) & (maximum_filter(outside_counts, 5, mode="constant") == 0)
    return np.asarray(_look_up(embedding, rows, x0, y0, side, deep))


@njit(nogil=True, cache=True)
def _count(embedding: Any, rows: Any, x0: float, y0: float, side: float, counts: Any) -> None:
    for row in rows:
        counts[int((embedding[row, 1] - y0) / side), int((embedding[row, 0] - x0) / side)] += 1


@njit(nogil=True, cache=True)
def _look_up(embedding: Any, rows: Any, x0: float, y0: float, side: float, cells: Any) -> Any:
    found = np.empty(len(rows), np.bool_)
    for i in range(len(rows)):
        row = rows[i]
        found[i] = cells[int((embedding[row, 1] - y0) / side), int((embedding[row, 0] - x0) / side)]
    return found
