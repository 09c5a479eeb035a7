"""densMAP: a map on which points that lie far from their neighbours in the data do so as well.

Narayan, Berger, Cho 2021. A point's local radius is the mean squared distance to its neighbours, weighted by
how strongly they belong together; the layout's last epochs raise the correlation over all points between
the logarithms of the radii in the data and on the map.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from core.checks import refuse_other_than_csr, refuse_out_of_range
from core.errors import InputError
from core.forces import FAST, power
from core.fuzzy_set import fuzzy_simplicial_set
from core.knn import KnnGraph
from core.quality import map_graph
from core.threads import BLOCK_ROWS, claim, for_rows

SMALLEST_RADIUS = 1e-8
"""Added to the mean squared distance, so that duplicates have a logarithm."""
SMALLEST_VARIANCE = 1e-12


@dataclass(frozen=True, eq=False)
class Density:
    """How much a layout heeds the density of the data.

    Parameters
    ----------
    radii : float (n,)
        Logarithms of the local radii in the data, see `local_radii`; NaN where there is none.
    dens_lambda : float, default 2.0
        Weight of the correlation against the layout's own cost; >= 0.
    dens_frac : float, default 0.3
        Share of the epochs, at the end, in which it counts; in [0, 1].
    dens_var_shift : float, default 0.1
        Added to the variance of the radii on the map, so that it does not start at 0; >= 0.

    Raises
    ------
    InputError
        If a parameter is out of its range.
    """

    radii: NDArray[np.floating[Any]]
    dens_lambda: float = 2.0
    dens_frac: float = 0.3
    dens_var_shift: float = 0.1

    def __post_init__(self) -> None:
        refuse_out_of_range({name: value for name, value in vars(self).items() if name != "radii"})

    def counts_at(self, epoch: int, n_epochs: int) -> bool:
        """Whether it counts in this epoch of so many."""
        return self.dens_lambda > 0 and (epoch + 1) / n_epochs > 1 - self.dens_frac


def local_radii(
    fuzzy_set: csr_array, graph: KnnGraph, *, n_threads: int | None = None
) -> NDArray[np.float32]:
    """Logarithm of each point's local radius, ``log(sum_j w_ij d_ij^2 / sum_j w_ij)``.

    Equation 3 of the paper. Edges whose length `graph` does not hold are left out.

    Parameters
    ----------
    fuzzy_set : csr_array, float32 (n, n)
        Strengths w.
    graph : KnnGraph
        Distances d; where both points list each other, the row's own counts.
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    radii : float32 (n,)
        NaN for a point without edges.

    Raises
    ------
    InputError
        If set and graph have different points, or the set is no CSR array.
    """
    refuse_other_than_csr(fuzzy_set)
    if fuzzy_set.shape[0] != graph.n:
        raise InputError(
            f"Fuzzy set and knn graph need the same points, got {fuzzy_set.shape[0]} and {graph.n}."
        )
    radii = np.empty(graph.n, np.float32)
    for_rows(
        _local_radii,
        graph.n,
        fuzzy_set.indptr,
        fuzzy_set.indices,
        fuzzy_set.data,
        graph.indices,
        graph.distances,
        radii,
        n_threads=n_threads,
    )
    return radii


def map_radii(
    embedding: NDArray[np.float32], n_neighbors: int, *, n_threads: int | None = None
) -> NDArray[np.float32]:
    """Logarithm of each point's local radius on a finished map, by the map's own fuzzy set.

    Parameters
    ----------
    embedding : float32 (n, d)
    n_neighbors : int
        Of that fuzzy set, the point itself counted; >= 2.
    n_threads : int, optional
        Never changes the result.

    Returns
    -------
    radii : float32 (n,)
        NaN for points without a place (NaN), and for one that is alone.
    """
    n_placed = int(np.isfinite(embedding).all(axis=1).sum())
    if n_placed < 2:
        return np.full(len(embedding), np.nan, np.float32)
    graph = map_graph(embedding, min(n_neighbors, n_placed) - 1, n_threads=n_threads)
    return local_radii(fuzzy_simplicial_set(graph, n_threads=n_threads), graph, n_threads=n_threads)


class DensityTerm:
    """The density's part in the layout's gradient, prepared anew for each epoch.

    Parameters
    ----------
    density : Density
        With the radii in the order of the layout's rows.
    n_edges : float
        Sum of the strengths of all edges, each counted once, in units of the strongest.

    Attributes
    ----------
    density : Density
    """

    def __init__(self, density: Density, n_edges: float) -> None:
        radii = np.asarray(density.radii, np.float64)
        self.density = density
        self._known = np.isfinite(radii)
        known = radii[self._known] if self._known.any() else np.zeros(1)
        self._standard = np.where(self._known, radii - known.mean(), 0.0) / (known.std() or 1.0)
        self._n_edges = n_edges
        self._radii = np.empty(len(radii), np.float64)
        self._closeness = np.empty(len(radii), np.float64)

    def at(
        self,
        positions: NDArray[np.float32],
        indptr: NDArray[np.int64],
        tails: NDArray[np.int32],
        a: float,
        b: float,
        n_threads: int | None,
    ) -> NDArray[np.float32]:
        """Each vertex's share u in an edge's gradient, and u over its radius, as float32 (n, 2).

        The correlation of the radii r on the map with the standardised radii R of the data is
        ``cov(r, R) / std(r)``; its derivative by r_i is ``(R_i - cov (r_i - mean) / var) / (n std)``.
        """
        n = len(positions)
        for_rows(
            _radii_on_map,
            n,
            indptr,
            tails,
            positions,
            np.float32(a),
            np.float32(b),
            self._radii,
            self._closeness,
            n_threads=n_threads,
        )
        n_known = max(int(self._known.sum()), 2)
        # numpy's own sums have one order; a product of BLAS would depend on its threads.
        mean = self._radii.sum(where=self._known) / n_known
        from_mean = np.where(self._known, self._radii - mean, 0.0)
        variance = (from_mean**2).sum() / n_known + self.density.dens_var_shift
        if variance < SMALLEST_VARIANCE:  # no correlation with radii that are all the same
            return np.zeros((n, 2), np.float32)
        covariance = (from_mean * self._standard).sum() / (n_known - 1)
        weight = self._standard - covariance * from_mean / variance
        weight *= self.density.dens_lambda * self._n_edges / (n * np.sqrt(variance))
        share = weight / np.maximum(self._closeness, 1e-12)
        return np.column_stack([share, share * np.exp(-self._radii)]).astype(np.float32)


@njit(nogil=True, cache=True)
def _local_radii(
    counter: Any,
    n_rows: int,
    indptr: Any,
    tails: Any,
    weights: Any,
    neighbours: Any,
    distances: Any,
    radii: Any,
) -> None:
    k = neighbours.shape[1]
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            total, weight = 0.0, 0.0
            for e in range(indptr[i], indptr[i + 1]):
                other, length = tails[e], np.float32(-1.0)
                for c in range(k):
                    if neighbours[i, c] == other:
                        length = distances[i, c]
                        break
                    if neighbours[other, c] == i:
                        length = distances[other, c]
                if length >= 0:
                    total += weights[e] * np.float64(length) * length
                    weight += weights[e]
            radii[i] = np.log(SMALLEST_RADIUS + total / weight) if weight > 0 else np.nan


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def _radii_on_map(
    counter: Any,
    n_rows: int,
    indptr: Any,
    tails: Any,
    positions: Any,
    a: Any,
    b: Any,
    radii: Any,
    closeness: Any,
) -> None:
    """``log(sum_j z_ij d_ij^2 / sum_j z_ij)`` over a vertex's edges of all turns, and ``sum_j z_ij``."""
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            total, weight = np.float32(0.0), np.float32(0.0)
            for begin in range(i, len(indptr) - 1, n_rows):
                for e in range(indptr[begin], indptr[begin + 1]):
                    d2 = np.float32(1e-12)
                    for c in range(positions.shape[1]):
                        step = positions[i, c] - positions[tails[e], c]
                        d2 += step * step
                    z = np.float32(1.0) / (np.float32(1.0) + a * power(d2, b))
                    total += z * d2
                    weight += z
            closeness[i] = weight
            radii[i] = np.log(SMALLEST_RADIUS + (total / weight if weight > 0 else np.float32(0.0)))
