"""One fit: the estimator's stages, one after the other, on vectors or distances that were checked."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from core import fuzzy_set, initialization, knn
from core.cache import uncached
from core.checks import is_sparse
from core.density import Density, local_radii
from core.errors import InputError
from core.knn import KnnGraph
from core.layout import Layout, default_n_epochs
from core.parameters import cut_distance, given_graph, is_given, layout_parameters
from core.supervision import supervise
from core.threads import threads_for
from core.watched import run


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a fit leaves behind.

    Attributes
    ----------
    knn_graph : KnnGraph
    graph : csr_array, float32 (n, n)
        The fuzzy set as it was laid out: with what the target says.
    edges : csr_array, float32 (n, n)
        The fuzzy set of the data alone.
    embedding : float32 (n, n_components)
        NaN for a point without edges.
    n_epochs : int
        Epochs done.
    radii : float32 (n,), optional
        Logarithms of the local radii in the data, where they were asked for.
    """

    knn_graph: KnnGraph
    graph: csr_array
    edges: csr_array
    embedding: NDArray[np.float32]
    n_epochs: int
    radii: NDArray[np.float32] | None


def fitted(model: Any, x: Any, target: NDArray[Any] | None, start: Any, seed: int) -> Fitted:
    """Run all stages.

    Parameters
    ----------
    model : UMAP
        For its parameters.
    x : float32 (n, d), dense or CSR
    target : array (n, ...) or None
    start : str or float (n, n_components)
        The model's `init`, row for row.
    seed : int
    """
    n_threads = threads_for(model.n_jobs, "n_jobs")
    result = uncached if model.cache is None else model.cache.result
    graph = _graph(model, x, seed, result).cut(cut_distance(model))
    mix = {"local_connectivity": model.local_connectivity, "set_op_mix_ratio": model.set_op_mix_ratio}
    of_data = edges = result(
        "fuzzy set",
        fuzzy_set.VERSION,
        (graph, mix),
        lambda: fuzzy_set.fuzzy_simplicial_set(graph, **mix, n_threads=n_threads),
    )
    # Before the target weakens edges: density does not depend on what is known of the points.
    radii = local_radii(edges, graph, n_threads=n_threads) if model.densmap or model.output_dens else None
    if target is not None:
        same = model.target_n_neighbors == -1
        edges = supervise(
            edges,
            target,
            target_metric=model.target_metric,
            target_metric_kwds=model.target_metric_kwds,
            target_weight=model.target_weight,
            target_n_neighbors=model.n_neighbors if same else model.target_n_neighbors,
            seed=seed,
            n_threads=n_threads,
        )
    vectors = x if isinstance(start, str) and start == "pca" else None
    begin = {"n_components": model.n_components, "init": start, "seed": seed}
    initial = result(
        "initial layout",
        initialization.VERSION,
        (edges, vectors, begin),
        lambda: initialization.initial_layout(edges, vectors=vectors, **begin, n_threads=n_threads),
    )
    density = None
    if model.densmap and radii is not None:
        density = Density(radii, model.dens_lambda, model.dens_frac, model.dens_var_shift)
    usual = default_n_epochs(x.shape[0], model.densmap)
    n_epochs = usual if model.n_epochs is None else model.n_epochs
    layout = Layout(
        edges, initial, layout_parameters(model, n_epochs), density=density, seed=seed, n_threads=n_threads
    )
    run(layout, model.callback, bar=model.progress or model.verbose)
    embedding = layout.embedding
    embedding[np.diff(edges.indptr) == 0] = np.nan
    warn_of_lost(embedding, "points have no neighbours", stacklevel=4)
    return Fitted(graph, edges, of_data, embedding, layout.epoch, radii)


def _graph(model: Any, x: Any, seed: int, result: Callable[..., Any]) -> KnnGraph:
    """The neighbours that the model was given, or those it is to find."""
    n = x.shape[0]
    n_neighbors = min(model.n_neighbors, n)
    if n_neighbors < model.n_neighbors:
        warnings.warn(f"n_neighbors is {model.n_neighbors} but there are {n} rows: using {n}.", stacklevel=4)
    if is_given(model.precomputed_knn):
        return given_graph(model.precomputed_knn, n, n_neighbors)
    widest = n_neighbors if model.cache is None else min(max(n_neighbors, model.cache.n_neighbors), n)
    search = {
        "metric": model.metric,
        "metric_kwds": model.metric_kwds,
        "seed": seed,
        "method": "descent" if model.force_approximation_algorithm else "auto",
    }
    graph: KnnGraph = result(
        "knn graph",
        knn.VERSION,
        (x, widest, search),
        lambda: knn.knn_graph(x, widest, **search, n_threads=threads_for(model.n_jobs, "n_jobs")),
    )
    return graph.prune(n_neighbors - 1)


def warn_of_lost(embedding: NDArray[np.float32], what: str, *, stacklevel: int) -> None:
    """Warn of the rows that are NaN, if there are any."""
    lost = int(np.isnan(embedding[:, 0]).sum())
    if lost:
        warnings.warn(f"{lost:,} {what} and no place on the map: their rows are NaN.", stacklevel=stacklevel)


def distinct_rows(x: Any) -> tuple[Any, NDArray[np.int64], NDArray[np.int64]]:
    """Each of the rows of `x` (dense or CSR) once.

    Returns
    -------
    rows : like x (m, d)
    first : int64 (m,)
        Where each is first met.
    inverse : int64 (n,)
        Which of them each row of `x` is.

    Raises
    ------
    InputError
        If all rows are equal.
    """
    if is_sparse(x):
        plain = x.copy()
        plain.sum_duplicates()
        plain.eliminate_zeros()
        rows = [plain.indices[a:b].tobytes() + plain.data[a:b].tobytes() for a, b in pairwise(plain.indptr)]
        _, first, inverse = np.unique(np.array(rows, object), return_index=True, return_inverse=True)
    else:
        _, first, inverse = np.unique(x, axis=0, return_index=True, return_inverse=True)
    if len(first) < 2:
        raise InputError("All rows are equal; with unique=True a single point is left to lay out.")
    return x[first], first, inverse.ravel()
