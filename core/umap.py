"""The estimator: all stages in one object with umap-learn's parameter names."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from core import transform
from core.cache import StageCache
from core.density import map_radii
from core.entries import WalkedGraph
from core.errors import InputError
from core.initialization import checked_start
from core.inverse import refuse_without_mean, vectors_at
from core.parameters import (
    check_parameters,
    cut_distance,
    drawn_seed,
    given_vectors,
    layout_parameters,
)
from core.pipeline import distinct_rows, fitted, warn_of_lost
from core.supervision import checked_target
from core.threads import threads_for
from core.watched import Callback


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
        The curve's parameters, in place of `min_dist` and `spread`; both or neither.
    n_epochs : int, optional
        Default: 500 up to 10,000 points, 200 beyond; with `densmap` 200 more. 0 leaves the points where they
        start.
    learning_rate : float, default 1.0
        Step size of the first epoch; it falls to 0 at the end.
    init : {"spectral", "pca", "random"} or array (n, n_components), default "spectral"
        Where the points start; an array, another map for example, is scaled to span 10 units. Its rows of NaN
        start at random places.
    random_state : int, RandomState or None
        The seed, from 0 to 2^32 - 1; None draws one.
    negative_sample_rate : int, default 5
        Points repelled for each edge attracted.
    repulsion_strength : float, default 1.0
        Weight of the repulsion between points that are not neighbours: more pushes islands farther apart.
    local_connectivity : float, default 1.0
        Neighbours taken as connected for sure.
    set_op_mix_ratio : float, default 1.0
        1 joins the two directions of an edge by the fuzzy union, 0 by the intersection.
    disconnection_distance : float, optional
        Neighbours at least this far are cut off, in `transform` as well; a point that loses all becomes NaN.
        Default: 2 for cosine and correlation, 1 for jaccard, dice and hellinger, else infinite.
    n_jobs : int, default -1
        Threads, at least 1; -1 for all processors. Never changes a result.
    precomputed_knn : KnnGraph or tuple (indices, distances, ...), optional
        For at least `n_neighbors`; pruned, never changed. A tuple of None is none.
    target_metric : str or compiled function, default "categorical"
        How `y` is compared: by category (-1, NaN, None, pandas' NA unknown), or a metric between numbers.
    target_weight : float, default 0.5
        0 heeds the data above all, 1 `y`.
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
        Lay out equal rows once, and give them one place; not for precomputed distances or neighbours.
    keep_vectors : bool, default True
        Keep the data for `transform` and `inverse_transform`; without them a pickle holds the map and its
        graphs alone.
    progress : bool, default False
        Show a bar of the epochs.
    verbose : bool, default False
        umap-learn's name for `progress`; a number will do.
    callback : callable(epoch, n_epochs, embedding) -> bool or None, optional
        Called after each epoch; True stops the layout there. With `unique` the embedding is that of the
        distinct rows.
    output_metric : {"euclidean", "l2"}, default "euclidean"
        umap-learn's; maps on other surfaces are not made here.
    transform_mode : {"embedding"}, default "embedding"
        umap-learn's; the graph is in `graph_`.
    output_metric_kwds, low_memory, angular_rp_forest, transform_queue_size, tqdm_kwds
        umap-learn's, without effect here: a value other than the default is warned of.

    Attributes
    ----------
    embedding_ : float32 (n, n_components)
    graph_ : csr_array, float32 (n, n)
        The fuzzy simplicial set, with what `y` says; with `unique` that of the m distinct rows, (m, m), where
        they are dense in the order of ``numpy.unique``.
    knn_graph_ : KnnGraph
        With `unique` of the distinct rows.
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
        target_metric: Any = "categorical",
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
        output_metric: str = "euclidean",
        transform_mode: str = "embedding",
        output_metric_kwds: dict[str, Any] | None = None,
        low_memory: bool = True,
        angular_rp_forest: bool = False,
        transform_queue_size: float = 4.0,
        tqdm_kwds: dict[str, Any] | None = None,
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
        self.output_metric = output_metric
        self.transform_mode = transform_mode
        self.output_metric_kwds = output_metric_kwds
        self.low_memory = low_memory
        self.angular_rp_forest = angular_rp_forest
        self.transform_queue_size = transform_queue_size
        self.tqdm_kwds = tqdm_kwds

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> UMAP:
        """Lay out rows, with what is known of them.

        Parameters
        ----------
        X : array-like or sparse (n, d)
            Finite numbers, taken as float32; with ``metric="precomputed"`` the distances, (n, n).
        y : array-like (n,) or (n, m), optional
            Labels, or numbers that `target_metric` compares.

        Returns
        -------
        self : UMAP

        Raises
        ------
        InputError
            If a parameter is out of its range, or the data cannot be used.
        """
        check_parameters(self)
        x = given_vectors(self, X, ensure_min_samples=2)
        target = (
            None if y is None else checked_target(y, x.shape[0], self.target_metric, self.target_metric_kwds)
        )
        start = checked_start(self.init, x.shape[0], self.n_components, x)
        seed = drawn_seed(self.random_state)
        inverse: slice | NDArray[np.int64] = slice(None)
        if self.unique:
            x, first, inverse = distinct_rows(x)
            target = None if target is None else target[first]
            start = start if isinstance(start, str) else start[first]
        found = fitted(self, x, target, start, seed)
        self._reference = x if self.keep_vectors and self.metric != "precomputed" else None
        self._reference_embedding = found.embedding
        # What the target tore apart is near in the data: new rows are looked for without it.
        self._walked: Any = None if self._reference is None else WalkedGraph(found.edges)
        self.knn_graph_, self.graph_, self.n_epochs_ = found.knn_graph, found.graph, found.n_epochs
        # A copy: whoever changes it moves no new point.
        self.embedding_: NDArray[np.float32] = found.embedding[inverse].copy()
        for name in ("rad_orig_", "rad_emb_"):
            self.__dict__.pop(name, None)
        if self.output_dens:
            assert found.radii is not None
            on_map = map_radii(found.embedding, self.n_neighbors, n_threads=self._n_threads)
            self.rad_orig_, self.rad_emb_ = found.radii[inverse], on_map[inverse]
        self._n_features_out = self.n_components
        return self

    def fit_transform(self, X: ArrayLike, y: ArrayLike | None = None) -> Any:
        """Fit, and return the map.

        Parameters and errors are those of `fit`.

        Returns
        -------
        embedding : float32 (n, n_components)
            NaN for a point without neighbours. With `output_dens` a tuple: the embedding, `rad_orig_` and
            `rad_emb_`.
        """
        self.fit(X, y)
        return (self.embedding_, self.rad_orig_, self.rad_emb_) if self.output_dens else self.embedding_

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Place new rows on the finished map, each by itself.

        Parameters
        ----------
        X : array-like or sparse (m, n_features_in_)

        Returns
        -------
        places : float32 (m, n_components)
            That of the row itself, or of one of its duplicates, for a row that was in the data; NaN for one
            without neighbours nearer than `disconnection_distance`.

        Raises
        ------
        InputError
            If the vectors were not kept, were distances, or the new ones cannot be used.
        """
        check_is_fitted(self)
        x = given_vectors(self, X, reset=False)
        if self._reference is None:
            raise InputError(
                f"A map of {self._not_kept} cannot place new points; fit it on vectors, and keep them."
            )
        indices, distances = transform.neighbours_in(
            self._reference,
            x,
            self._walked,
            self.n_neighbors,
            metric=self.metric,
            metric_kwds=self.metric_kwds,
            seed=self.transform_seed,
            n_threads=self._n_threads,
        )
        n_epochs = 30 if self.n_epochs is None else max(1, self.n_epochs // 3)
        places = transform.place(
            indices,
            distances,
            self._reference_embedding,
            layout_parameters(self, n_epochs),
            disconnection_distance=cut_distance(self),
            local_connectivity=self.local_connectivity,
            seed=self.transform_seed,
            n_threads=self._n_threads,
        )
        warn_of_lost(places, "new rows have no neighbours", stacklevel=3)
        return places

    def inverse_transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """What a row at each place of the map would be like.

        The weighted mean of the `n_neighbors` nearest rows on the map; the place of a row gives the row.

        Parameters
        ----------
        X : array-like (m, n_components)
            Places on the map.

        Returns
        -------
        vectors : float32 (m, n_features_in_)

        Raises
        ------
        InputError
            If the data were sparse or distances, or its metric is of values that have no mean.
        """
        check_is_fitted(self)
        places = check_array(X, dtype=np.float32)
        if places.shape[1] != self.n_components:
            raise InputError(f"The map has {self.n_components} dimensions, the places {places.shape[1]}.")
        if self._reference is None:
            raise InputError(
                f"A map of {self._not_kept} has no way back to vectors; fit it on them, and keep them."
            )
        refuse_without_mean(self._reference, self.metric)
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
    def _n_threads(self) -> int:
        return threads_for(self.n_jobs, "n_jobs")

    @property
    def _not_kept(self) -> str:
        return "precomputed distances" if self.metric == "precomputed" else "vectors that were not kept"
