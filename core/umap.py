"""The estimator: all stages in one object with umap-learn's parameter names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from core.checks import checked_vectors
from core.curve import find_ab
from core.fuzzy_set import fuzzy_simplicial_set
from core.initialization import initial_layout
from core.knn import KnnGraph, knn_graph
from core.layout import Layout, LayoutParameters, default_n_epochs

Callback = Callable[[int, int, NDArray[np.float32]], bool | None]


class UMAP(TransformerMixin, BaseEstimator):
    """Uniform manifold approximation and projection (McInnes, Healy, Melville 2018).

    Parameters
    ----------
    n_neighbors : int, default 15
        Neighbours of each point, itself counted: small shows detail, large shows the whole.
    n_components : int, default 2
        Dimensions of the map.
    metric : str, default "euclidean"
    metric_kwds : dict, optional
    min_dist : float, default 0.1
        How tightly points may be packed on the map.
    spread : float, default 1.0
        Scale of the map.
    a, b : float, optional
        The curve's parameters, in place of `min_dist` and `spread`.
    n_epochs : int, optional
        Default: 500 up to 10,000 points, 200 beyond.
    learning_rate : float, default 1.0
    init : {"spectral", "pca", "random"} or array (n, n_components), default "spectral"
    random_state : int, RandomState or None
        Seeded results are the same for any `n_jobs`.
    negative_sample_rate : int, default 5
    repulsion_strength : float, default 1.0
    local_connectivity : float, default 1.0
    set_op_mix_ratio : float, default 1.0
    n_jobs : int, default -1
        Threads; -1 for all processors.
    precomputed_knn : KnnGraph or tuple (indices, distances, ...), optional
    callback : callable(epoch, n_epochs, embedding) -> bool or None, optional
        Called after each epoch; True stops the layout there.

    Attributes
    ----------
    embedding_ : float32 (n, n_components)
    graph_ : csr_array, float32 (n, n)
    knn_graph_ : KnnGraph
    n_epochs_ : int
        Epochs done.
    """

    def __init__(
        self,
        n_neighbors: int = 15,
        n_components: int = 2,
        metric: str = "euclidean",
        metric_kwds: dict[str, Any] | None = None,
        min_dist: float = 0.1,
        spread: float = 1.0,
        a: float | None = None,
        b: float | None = None,
        n_epochs: int | None = None,
        learning_rate: float = 1.0,
        init: Any = "spectral",
        random_state: Any = None,
        negative_sample_rate: int = 5,
        repulsion_strength: float = 1.0,
        local_connectivity: float = 1.0,
        set_op_mix_ratio: float = 1.0,
        n_jobs: int = -1,
        precomputed_knn: Any = None,
        callback: Callback | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.n_components = n_components
        self.metric = metric
        self.metric_kwds = metric_kwds
        self.min_dist = min_dist
        self.spread = spread
        self.a = a
        self.b = b
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.init = init
        self.random_state = random_state
        self.negative_sample_rate = negative_sample_rate
        self.repulsion_strength = repulsion_strength
        self.local_connectivity = local_connectivity
        self.set_op_mix_ratio = set_op_mix_ratio
        self.n_jobs = n_jobs
        self.precomputed_knn = precomputed_knn
        self.callback = callback

    def fit(self, X: ArrayLike, y: object = None) -> UMAP:  # noqa: ARG002
        """Lay out the rows of `X` (float (n, d))."""
        x = checked_vectors(X)
        seed = self._seed()
        n_threads = None if self.n_jobs is None or self.n_jobs < 1 else self.n_jobs
        self.knn_graph_ = self._knn(x, seed, n_threads)
        self.graph_ = fuzzy_simplicial_set(
            self.knn_graph_,
            local_connectivity=self.local_connectivity,
            set_op_mix_ratio=self.set_op_mix_ratio,
            n_threads=n_threads,
        )
        initial = initial_layout(
            self.graph_,
            n_components=self.n_components,
            init=self.init,
            vectors=x,
            seed=seed,
            n_threads=n_threads,
        )
        layout = Layout(self.graph_, initial, self._layout_parameters(len(x)), seed=seed, n_threads=n_threads)
        self._run(layout)
        self.embedding_ = layout.embedding
        self.n_epochs_ = layout.epoch
        return self

    def fit_transform(self, X: ArrayLike, y: object = None, **_: Any) -> NDArray[np.float32]:
        """Fit, and return the map: float32 (n, n_components)."""
        return self.fit(X, y).embedding_

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        from sklearn.utils import check_random_state

        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _knn(self, x: NDArray[np.float32], seed: int, n_threads: int | None) -> KnnGraph:
        if self.precomputed_knn is None:
            return knn_graph(
                x,
                self.n_neighbors,
                metric=self.metric,
                metric_kwds=self.metric_kwds,
                seed=seed,
                n_threads=n_threads,
            )
        given = self.precomputed_knn
        graph = given if isinstance(given, KnnGraph) else KnnGraph.from_tuple(given)
        return graph.prune(self.n_neighbors - 1)

    def _layout_parameters(self, n: int) -> LayoutParameters:
        a, b = (
            (self.a, self.b)
            if self.a is not None and self.b is not None
            else find_ab(self.min_dist, self.spread)
        )
        return LayoutParameters(
            n_epochs=default_n_epochs(n) if self.n_epochs is None else self.n_epochs,
            a=a,
            b=b,
            learning_rate=self.learning_rate,
            negative_sample_rate=self.negative_sample_rate,
            repulsion_strength=self.repulsion_strength,
        )

    def _run(self, layout: Layout) -> None:
        if self.callback is None:
            layout.run(layout.n_epochs)
            return
        while layout.epoch < layout.n_epochs:
            if self.callback(layout.epoch + 1, layout.n_epochs, layout.run(layout.epoch + 1)):
                return
