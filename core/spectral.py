"""The spectral start: leading eigenvectors of D^-1/2 W D^-1/2, each connected component's by itself.

They equal the trailing ones of the normalised Laplacian (Belkin and Niyogi 2003). A Chebyshev-filtered
subspace iteration (Zhou, Saad, Tiago, Chelikowsky 2006) finds them on a coarse graph, where a product costs
little, and sharpens them on each finer one: the layout that follows needs no more than a few digits of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from core.coarsening import Coarse, coarsened
from core.curve_order import curve_order
from core.filtering import BLOCK_VECTORS, Operator
from core.threads import eigh

GUARDS = 6
"""Vectors carried beyond those wanted, for speed of convergence."""
ACCURACY = 0.2
COARSEST = 10_000
"""Vertices of a graph that is not made coarser."""
ROUNDS = 6
"""On the coarsest graph: where they do not suffice, the gaps are too small for the layout to care."""
NOISE = 1e-4


def spectral_layout(
    fuzzy_set: csr_array, n_components: int = 2, *, seed: int = 42, n_threads: int | None = None
) -> NDArray[np.float32]:
    """Spectral coordinates, each connected component laid out by itself and packed beside the others by size.

    Parameters
    ----------
    fuzzy_set : csr_array, float32 (n, n)
        Symmetric membership strengths.
    n_components : int, default 2
        Dimensions of the layout; >= 1.
    seed : int, default 42
        Of the vectors that the iteration starts from.
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    layout : float32 (n, n_components)
        Not scaled.
    """
    coarse = _coarsened(fuzzy_set, seed, n_threads)
    n_parts, part = connected_components(fuzzy_set if coarse is None else coarse.graph, directed=False)
    if n_parts == 1:
        return _of_connected(fuzzy_set, coarse, n_components, seed, n_threads)
    part = part if coarse is None else part[coarse.group]
    return _of_parts(fuzzy_set, part, n_components, seed, n_threads)


def scaled(layout: NDArray[np.float64], span: float) -> NDArray[np.float64]:
    """Move each axis to [0, span]; an axis without extent stays at 0."""
    extent = np.ptp(layout, axis=0)
    result: NDArray[np.float64] = (layout - layout.min(0)) * (span / np.where(extent > 0, extent, np.inf))
    return result


def _of_parts(
    fuzzy_set: csr_array, part: NDArray[np.int32], n_components: int, seed: int, n_threads: int | None
) -> NDArray[np.float32]:
    layout = np.zeros((len(part), n_components))
    rows = np.argsort(part, kind="stable")
    sizes = np.bincount(part)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    corners = _pack(np.sqrt(sizes), on_one_shelf=n_components == 1)
    # Edges never leave a component: each is a slice of the rows sorted by component, its columns renamed.
    by_part = fuzzy_set[rows]
    place = np.empty(len(part), np.int32)
    place[rows] = np.arange(len(part)) - np.repeat(starts[:-1], sizes)
    for c, size in enumerate(sizes):
        members = rows[starts[c] : starts[c + 1]]
        indptr = by_part.indptr[starts[c] : starts[c + 1] + 1]
        edges = slice(indptr[0], indptr[-1])
        if size > 1:
            inner = csr_array(
                (by_part.data[edges], place[by_part.indices[edges]], indptr - indptr[0]), shape=(size, size)
            )
            coarse = _coarsened(inner, seed, n_threads)
            own = _of_connected(inner, coarse, n_components, seed, n_threads).astype(np.float64)
            layout[members] = scaled(own, 0.8 * np.sqrt(size))
        layout[members, : corners.shape[1]] += corners[c, :n_components]
    return layout.astype(np.float32)


def _pack(sides: NDArray[np.float64], *, on_one_shelf: bool) -> NDArray[np.float64]:
    """Corners (m, 2) of squares of the given sides, largest first, on shelves that make up about a square.

    On a line there is room for one shelf alone.
    """
    corners = np.zeros((len(sides), 2))
    width = np.inf if on_one_shelf else 1.1 * np.sqrt((sides**2).sum())
    x = y = height = 0.0
    for c in np.argsort(-sides, kind="stable"):
        if x > 0 and x + sides[c] > width:
            x, y, height = 0.0, y + height, 0.0
        corners[c] = x, y
        x, height = x + sides[c], max(height, sides[c])
    return corners


def _coarsened(graph: csr_array, seed: int, n_threads: int | None) -> Coarse | None:
    """A graph of fewer vertices, None where there are few or hardly fewer would be left."""
    if graph.shape[0] <= COARSEST:
        return None
    coarse = coarsened(graph, seed=seed, n_threads=n_threads)
    return coarse if coarse.graph.shape[0] <= graph.shape[0] / 2 else None


def _of_connected(
    fuzzy_set: csr_array, coarse: Coarse | None, n_components: int, seed: int, n_threads: int | None
) -> NDArray[np.float32]:
    """Eigenvectors 2..n_components+1 of S = D^-1/2 W D^-1/2 for one connected component."""
    n_vectors = -(-(n_components + GUARDS) // BLOCK_VECTORS) * BLOCK_VECTORS
    if fuzzy_set.shape[0] <= 4 * n_vectors:
        return _dense(fuzzy_set, n_components, np.random.default_rng(seed))
    operator = Operator(fuzzy_set, n_threads)
    return _leading(operator, coarse, n_components, n_vectors, seed, n_threads)[0][:, :n_components]


def _leading(
    operator: Operator,
    coarse: Coarse | None,
    n_wanted: int,
    n_vectors: int,
    seed: int,
    n_threads: int | None,
) -> tuple[NDArray[np.float32], float]:
    """Leading eigenvectors but the first, float32 (n, n_vectors), and the last of their eigenvalues."""
    n = len(operator.root)
    if coarse is None:
        start, cut, rounds = (
            np.random.default_rng(seed).standard_normal((n, n_vectors), np.float32),
            0.0,
            ROUNDS,
        )
        order = np.arange(n)
    else:
        inner = Operator(coarse.graph, n_threads)
        finer = _coarsened(coarse.graph, seed, n_threads)
        vectors, cut = _leading(inner, finer, n_wanted, n_vectors, seed, n_threads)
        # Vertices along the coarse vectors, group after group: neighbours share cache lines.
        rank = np.empty(len(vectors), np.int32)
        rank[curve_order(vectors[:, :2])] = np.arange(len(vectors), dtype=np.int32)
        order = np.argsort(rank[coarse.group], kind="stable")
        start = vectors[coarse.group[order]]
        start *= (operator.root[order] / inner.root[coarse.group[order]])[:, None].astype(np.float32)
        rounds = 1  # it begins near
        operator.reorder(order)
    for _ in range(rounds):
        start, values, error = operator.rayleigh_ritz(operator.filter(start, cut), n_wanted)
        cut = float(np.clip(values[-1], 0.0, 0.999))
        if error < ACCURACY:
            break
    vectors = np.empty_like(start)
    vectors[order] = start
    return vectors, cut


def _dense(fuzzy_set: csr_array, n_components: int, rng: np.random.Generator) -> NDArray[np.float32]:
    n = fuzzy_set.shape[0]
    w = fuzzy_set.toarray().astype(np.float64)
    root = np.sqrt(np.maximum(w.sum(1), 1e-12))  # a vertex alone has no edges to sum
    vectors = eigh(w / np.outer(root, root))[1][:, ::-1][:, 1 : n_components + 1]
    layout = rng.normal(0, NOISE, (n, n_components))
    layout[:, : vectors.shape[1]] += vectors
    return layout.astype(np.float32)
