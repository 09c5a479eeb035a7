"""The estimator: all stages in one object with umap-learn's parameter names."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from core import fuzzy_set, initialization, knn, transform
from core.cache import StageCache, uncached
from core.checks import is_sparse
from core.curve import find_ab
from core.density import Density, local_radii, map_radii
from core.errors import InputError
from core.inverse import vectors_at
from core.knn import ANGULAR, EUCLIDEAN, KnnGraph, comparable
from core.layout import Layout, LayoutParameters, default_n_epochs
from core.parameters import check_parameters
from core.supervision import supervise

WITH_MEAN = (
    *EUCLIDEAN, *ANGULAR, "manhattan", "l1", "cityblock", "chebyshev", "linfinity", "linf", "minkowski",
)  # fmt: skip
"""Metrics of values whose mean is a value of the same kind: no angles on a sphere, no yes and no."""

EPOCHS_FOR_DENSITY = 200

Callback = Callable[[int, int, NDArray[np.float32]], bool | None]


class UMAP(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Uniform manifold approximation and projection (McInnes, Healy, Melville 2018).

    Seeded results are the same bits for any number of threads.

    Parameters
    ----------
    n_neighbors : int, default 15
        Neighbours of each point, itself counted: small shows detail, large shows the whole.
    n_components : int, default 2
        Dimensions of the map.
    metric : str or compiled function, default "euclidean"
        "precomputed", any metric of pynndescent, or a function of two vectors compiled by numba.
    metric_kwds : dict, optional
        The metric's parameters.
    min_dist : float, default 0.1
        How tightly points may be packed on the map; 0 <= min_dist <= spread.
    spread : float, default 1.0
        Scale of the map.
    a, b : float, optional
        The curve's parameters, in place of `min_dist` and `spread`.
    n_epochs : int, optional
        Default: 500 up to 10,000 points, 200 beyond; with `densmap` 200 more.
    learning_rate : float, default 1.0
    init : {"spectral", "pca", "random"} or array (n, n_components), default "spectral"
    random_state : int, RandomState or None
    negative_sample_rate : int, default 5
        Points repelled for each edge attracted.
    repulsion_strength : float, default 1.0
    local_connectivity : float, default 1.0
        Neighbours taken as connected for sure.
    set_op_mix_ratio : float, default 1.0
        1 joins the two directions of an edge by the fuzzy union, 0 by the intersection.
    disconnection_distance : float, optional
        Neighbours at least this far are cut off; a point that loses all becomes NaN.
    n_jobs : int, default -1
        Threads; -1 for all processors. Never changes a result.
    precomputed_knn : KnnGraph or tuple (indices, distances, ...), optional
        For at least `n_neighbors`; pruned, never changed.
    target_metric : str, default "categorical"
        How `y` is compared: by category (-1 unknown), or a metric between numbers.
    target_weight : float, default 0.5
        0 leaves the data alone, 1 trusts `y` alone.
    target_n_neighbors : int, default -1
        Neighbours among numbers in `y`; -1 for `n_neighbors`.
    target_metric_kwds : dict, optional
        That metric's parameters.
    force_approximation_algorithm : bool, default False
        Search neighbours by descent even where all pairs could be compared, up to 4,096 rows.
    transform_seed : int, default 42
        Of the places of new points.
    densmap : bool, default False
        Keep on the map what is dense and what is sparse in the data, see `core.density`.
    dens_lambda : float, default 2.0
        How much that counts.
    dens_frac : float, default 0.3
        Share of the epochs, the last ones, in which it counts.
    dens_var_shift : float, default 0.1
        Keeps it steady where all is equally dense.
    output_dens : bool, default False
        Measure the local radii, and let `fit_transform` return (embedding, rad_orig_, rad_emb_).
    cache : StageCache, optional
        Shares knn graphs, fuzzy sets and initial layouts with the other fits that were given it.
    unique : bool, default False
        Lay out equal rows once, and give them one place.
    keep_vectors : bool, default True
        Keep the data for `transform` and `inverse_transform`; without them a pickle holds the map and its
        graphs alone.
    progress : bool, default False
        Show a bar of the epochs.
    verbose : bool, default False
        umap-learn's name for `progress`.
    callback : callable(epoch, n_epochs, embedding) -> bool or None, optional
        Called after each epoch; True stops the layout there.

    Attributes
    ----------
    embedding_ : float32 (n, n_components)
    graph_ : csr_array, float32 (n, n)
        The fuzzy simplicial set.
    knn_graph_ : KnnGraph
    n_epochs_ : int
        Epochs done.
    n_features_in_ : int
    rad_orig_, rad_emb_ : float32 (n,)
        With `output_dens`: logarithms of the local radii in the data and on the map.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> UMAP(n_neighbors=10, n_epochs=20, random_state=0).fit_transform(load_iris().data).shape
    (150, 2)
    """

    def __init__(
        self,
        n_neighbors: int = 15,
        n_components: int = 2,
        metric: Any = "euclidean",
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
        disconnection_distance: float | None = None,
        n_jobs: int = -1,
        precomputed_knn: Any = None,
        target_metric: str = "categorical",
        target_weight: float = 0.5,
        target_n_neighbors: int = -1,
        target_metric_kwds: dict[str, Any] | None = None,
        force_approximation_algorithm: bool = False,
        transform_seed: int = 42,
        densmap: bool = False,
        dens_lambda: float = 2.0,
        dens_frac: float = 0.3,
        dens_var_shift: float = 0.1,
        output_dens: bool = False,
        cache: StageCache | None = None,
        unique: bool = False,
        keep_vectors: bool = True,
        progress: bool = False,
        verbose: bool = False,
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
        self.disconnection_distance = disconnection_distance
        self.n_jobs = n_jobs
        self.precomputed_knn = precomputed_knn
        self.target_metric = target_metric
        self.target_weight = target_weight
        self.target_n_neighbors = target_n_neighbors
        self.target_metric_kwds = target_metric_kwds
        self.force_approximation_algorithm = force_approximation_algorithm
        self.transform_seed = transform_seed
        self.densmap = densmap
        self.dens_lambda = dens_lambda
        self.dens_frac = dens_frac
        self.dens_var_shift = dens_var_shift
        self.output_dens = output_dens
        self.cache = cache
        self.unique = unique
        self.keep_vectors = keep_vectors
        self.progress = progress
        self.verbose = verbose
        self.callback = callback

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> UMAP:
        """Lay out the rows of `X` (float or sparse (n, d)), with what `y` knows of them, if given."""
        check_parameters(self)
        x = validate_data(self, X, accept_sparse="csr", dtype=np.float32, ensure_min_samples=2)
        target = None if y is None else np.asarray(y)
        self._seed = self._drawn_seed()
        inverse = None
        if self.unique and not is_sparse(x) and self.metric != "precomputed" and self.precomputed_knn is None:
            x, first, inverse = np.unique(x, axis=0, return_index=True, return_inverse=True)
            target = None if target is None else target[first]
        embedding = self._lay_out(csr_array(x) if is_sparse(x) else x, target)
        self._reference = x if self.keep_vectors and self.metric != "precomputed" else None
        self._reference_embedding = embedding
        rows = slice(None) if inverse is None else inverse.ravel()
        self.embedding_: NDArray[np.float32] = embedding[rows]
        if self.output_dens:
            self.rad_orig_: NDArray[np.float32] = self._radii[rows]
            self.rad_emb_: NDArray[np.float32] = map_radii(
                embedding, self.n_neighbors, n_threads=self._n_threads
            )[rows]
        self._n_features_out = self.n_components
        return self

    def fit_transform(self, X: ArrayLike, y: ArrayLike | None = None, **_: Any) -> Any:
        """Fit, and return the map: float32 (n, n_components); with `output_dens` and both radii."""
        self.fit(X, y)
        return (self.embedding_, self.rad_orig_, self.rad_emb_) if self.output_dens else self.embedding_

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Place new rows on the finished map, each by itself: float32 (m, n_components).

        A row that was in the data gets its place there.
        """
        check_is_fitted(self)
        x = validate_data(self, X, accept_sparse="csr", dtype=np.float32, reset=False)
        indices, distances = self._neighbours_in_reference(x)
        n_epochs = 30 if self.n_epochs is None else max(1, self.n_epochs // 3)
        return transform.place(
            indices,
            distances,
            self._reference_embedding,
            self._layout_parameters(n_epochs),
            local_connectivity=self.local_connectivity,
            seed=self.transform_seed,
            n_threads=self._n_threads,
        )

    def inverse_transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """What a row at each place of the map would be like: float32 (m, n_features_in_).

        The weighted mean of the `n_neighbors` nearest rows on the map; the place of a row gives the row.

        Parameters
        ----------
        X : array-like (m, n_components)
            Places on the map.

        Raises
        ------
        InputError
            If the data were sparse or distances, or its metric is of values that have no mean.
        """
        check_is_fitted(self)
        places = check_array(X, dtype=np.float32)
        if places.shape[1] != self.n_components:
            raise InputError(f"The map has {self.n_components} dimensions, the places {places.shape[1]}.")
        if self._reference is None or is_sparse(self._reference):
            kind = "sparse rows" if self._reference is not None else self._not_kept
            raise InputError(
                f"A map of {kind} has no way back to vectors; fit it on dense ones, and keep them."
            )
        if self.metric not in WITH_MEAN:
            raise InputError(
                f"Rows compared by {self.metric!r} have no mean; the way back from the map is for "
                f"{', '.join(WITH_MEAN)}."
            )
        return vectors_at(
            places, self._reference_embedding, self._reference, self.n_neighbors, n_threads=self._n_threads
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = self.metric == "precomputed"
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    @property
    def _n_threads(self) -> int | None:
        return None if self.n_jobs is None or self.n_jobs < 1 else self.n_jobs

    @property
    def _not_kept(self) -> str:
        return "precomputed distances" if self.metric == "precomputed" else "vectors that were not kept"

    def _drawn_seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _lay_out(self, x: Any, target: NDArray[Any] | None) -> NDArray[np.float32]:
        n_threads = self._n_threads
        result = uncached if self.cache is None else self.cache.result
        self.knn_graph_ = self._connected(self._knn(x, result))
        mix = {
            "local_connectivity": self.local_connectivity,
            "set_op_mix_ratio": self.set_op_mix_ratio,
        }
        self.graph_ = result(
            "fuzzy set",
            fuzzy_set.VERSION,
            (self.knn_graph_, mix),
            lambda: fuzzy_set.fuzzy_simplicial_set(self.knn_graph_, **mix, n_threads=n_threads),
        )
        density = None
        if self.densmap or self.output_dens:
            # Before the target weakens edges: density does not depend on what is known of the points.
            self._radii = local_radii(self.graph_, self.knn_graph_, n_threads=n_threads)
        if self.densmap:
            density = Density(self._radii, self.dens_lambda, self.dens_frac, self.dens_var_shift)
        if target is not None:
            self.graph_ = self._supervised(target)
        vectors = x if isinstance(self.init, str) and self.init == "pca" and not is_sparse(x) else None
        start = {"n_components": self.n_components, "init": self.init, "seed": self._seed}
        initial = result(
            "initial layout",
            initialization.VERSION,
            (self.graph_, vectors, start),
            lambda: initialization.initial_layout(self.graph_, vectors=vectors, **start, n_threads=n_threads),
        )
        more = EPOCHS_FOR_DENSITY if self.densmap else 0
        n_epochs = self.n_epochs or default_n_epochs(x.shape[0]) + more
        layout = Layout(
            self.graph_,
            initial,
            self._layout_parameters(n_epochs),
            density=density,
            seed=self._seed,
            n_threads=n_threads,
        )
        self._run(layout)
        self.n_epochs_ = layout.epoch
        return self._without_isolated(layout.embedding)

    def _knn(self, x: Any, result: Callable[..., Any]) -> KnnGraph:
        n = x.shape[0]
        n_neighbors = min(self.n_neighbors, n)
        if n_neighbors < self.n_neighbors:
            warnings.warn(
                f"n_neighbors is {self.n_neighbors} but there are {n} rows: using {n}.", stacklevel=4
            )
        if self.precomputed_knn is None:
            widest = n_neighbors if self.cache is None else min(max(n_neighbors, self.cache.n_neighbors), n)
            search = {
                "metric": self.metric,
                "metric_kwds": self.metric_kwds,
                "seed": self._seed,
                "method": "descent" if self.force_approximation_algorithm else "auto",
            }
            graph: KnnGraph = result(
                "knn graph",
                knn.VERSION,
                (x, widest, search),
                lambda: knn.knn_graph(x, widest, **search, n_threads=self._n_threads),
            )
            return graph.prune(n_neighbors - 1)
        given = self.precomputed_knn
        graph = given if isinstance(given, KnnGraph) else KnnGraph.from_tuple(given)
        if graph.n != n:
            raise InputError(
                f"precomputed_knn has {graph.n} rows, the data {n}; compute it from the same rows."
            )
        return graph.prune(n_neighbors - 1)

    def _connected(self, graph: KnnGraph) -> KnnGraph:
        """Cut off neighbours at `disconnection_distance` or farther."""
        if self.disconnection_distance is None:
            return graph
        far = graph.distances >= self.disconnection_distance
        return KnnGraph(np.where(far, -1, graph.indices), np.where(far, np.inf, graph.distances))

    def _supervised(self, target: NDArray[Any]) -> csr_array:
        return supervise(
            self.graph_,
            target,
            target_metric=self.target_metric,
            target_metric_kwds=self.target_metric_kwds,
            target_weight=self.target_weight,
            target_n_neighbors=self.n_neighbors if self.target_n_neighbors == -1 else self.target_n_neighbors,
            seed=self._seed,
        )

    def _layout_parameters(self, n_epochs: int) -> LayoutParameters:
        a, b = self.a, self.b
        if a is None or b is None:
            a, b = find_ab(self.min_dist, self.spread)
        return LayoutParameters(
            n_epochs=n_epochs,
            a=a,
            b=b,
            learning_rate=self.learning_rate,
            negative_sample_rate=self.negative_sample_rate,
            repulsion_strength=self.repulsion_strength,
        )

    def _run(self, layout: Layout) -> None:
        shown = self.progress or self.verbose
        if self.callback is None and not shown:
            layout.run(layout.n_epochs)
            return
        from tqdm import trange

        for epoch in trange(1, layout.n_epochs + 1, desc="layout", unit="epoch", disable=not shown):
            embedding = layout.run(epoch)
            if self.callback is not None and self.callback(epoch, layout.n_epochs, embedding):
                return

    def _without_isolated(self, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
        isolated = np.diff(self.graph_.indptr) == 0
        if isolated.any():
            embedding[isolated] = np.nan
            warnings.warn(
                f"{isolated.sum():,} points have no neighbours and no place on the map: their rows are NaN.",
                stacklevel=4,
            )
        return embedding

    def _neighbours_in_reference(self, x: Any) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        if self._reference is None:
            raise InputError(
                f"A map of {self._not_kept} cannot place new points; fit it on vectors, and keep them."
            )
        reference = self._reference
        k = min(self.n_neighbors, reference.shape[0])
        if is_sparse(x) or is_sparse(reference) or self.metric not in EUCLIDEAN + ANGULAR:
            from core.any_metric import nearest_between

            return nearest_between(
                x,
                reference,
                k,
                metric=self.metric,
                metric_kwds=self.metric_kwds,
                n_threads=self._n_threads,
            )
        indices, distances = transform.search(
            comparable(x, self.metric),
            comparable(reference, self.metric),
            self.graph_,
            k,
            seed=self.transform_seed,
            n_threads=self._n_threads,
        )
        if self.metric in ANGULAR:
            distances = distances * distances / np.float32(2)
        return indices, distances
