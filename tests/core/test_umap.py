from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.datasets import load_iris, make_blobs
from sklearn.manifold import trustworthiness
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core import UMAP, InputError, StageCache, knn_graph
from core.entries import WalkedGraph
from core.quality import align
from tests.core.conftest import THREADS


@pytest.fixture(scope="module")
def iris() -> tuple[np.ndarray, np.ndarray]:
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def fitted(digits: np.ndarray) -> UMAP:
    return UMAP(n_epochs=60, random_state=3).fit(digits[:1500])


def bits(values: np.ndarray) -> bytes:
    return values.tobytes()


@pytest.mark.parametrize("n_components", [1, 3, 25, 50])
def test_a_map_has_as_many_dimensions_as_asked_for(digits, n_components):
    n_epochs = 500 if n_components == 1 else 100
    embedding = UMAP(n_components=n_components, n_epochs=n_epochs, random_state=0).fit_transform(digits)
    assert embedding.shape == (len(digits), n_components)
    assert trustworthiness(digits, embedding, n_neighbors=10) > (0.96 if n_components == 1 else 0.985)


def test_a_fit_warmed_by_another_map_starts_there_and_ends_near(digits):
    first = UMAP(n_epochs=100, random_state=0).fit(digits)
    start = []
    warmed = UMAP(
        n_epochs=30,
        learning_rate=0.1,
        init=first.embedding_,
        random_state=1,
        callback=lambda epoch, _, embedding: start.append(embedding) if epoch == 1 else None,
    ).fit(digits)
    assert align(start[0], first.embedding_).disparity < 0.03
    assert align(warmed.embedding_, first.embedding_).disparity < 0.05
    cold = UMAP(n_epochs=30, init="random", random_state=1).fit(digits)
    assert align(cold.embedding_, first.embedding_).disparity > 0.2


def test_a_cache_shares_stages_and_changes_no_bit(digits):
    cache = StageCache(n_neighbors=30)
    graph = knn_graph(digits, 30, seed=0)
    grid = [(k, d) for k in (5, 15, 30) for d in (0.0, 0.5)]
    shared = {}
    for k, d in grid:
        model = UMAP(n_neighbors=k, min_dist=d, n_epochs=10, random_state=0, cache=cache)
        shared[k, d] = clone(model).fit_transform(digits)
    # One knn graph; for each n_neighbors a fuzzy set and an initial layout
    assert len(cache) == 1 + 3 + 3
    for k, d in grid:
        alone = UMAP(n_neighbors=k, min_dist=d, n_epochs=10, random_state=0, precomputed_knn=graph)
        assert bits(alone.fit_transform(digits)) == bits(shared[k, d])
    UMAP(n_epochs=1, random_state=1, cache=cache).fit(digits)
    # The exact graph is the same for another seed, and so is its fuzzy set.
    assert len(cache) == 7 + 2
    changed = digits.copy()
    changed[3, 3] += 1
    UMAP(n_epochs=1, random_state=0, cache=cache).fit(changed)
    assert len(cache) == 9 + 3
    assert len(pickle.loads(pickle.dumps(cache))) == 0
    cache.clear()
    assert len(cache) == 0


def test_equal_parameters_share_stages_whatever_their_type(digits):
    cache, number_types = StageCache(), (float, int, np.int64, np.float32)
    made = [cache.result("stage", 1, {"p": (t(3), [t(1)])}, lambda t=t: np.array(t(0))) for t in number_types]
    assert all(one is made[0] for one in made)
    assert len(cache) == 1
    for whole, number in zip((int, int, np.int64, np.int32), number_types, strict=True):
        UMAP(
            whole(10),
            n_components=whole(2),
            local_connectivity=number(1),
            set_op_mix_ratio=number(1),
            random_state=whole(0),
            n_epochs=1,
            cache=cache,
        ).fit(digits[:200])
    assert len(cache) == 1 + 3


def test_what_a_cache_shares_cannot_be_changed_by_mistake(digits):
    cache = StageCache()
    first = UMAP(n_epochs=3, random_state=0, cache=cache).fit(digits)
    for array in (first.graph_.data, first.graph_.indices, first.knn_graph_.distances):
        with pytest.raises(ValueError, match="read-only"):
            array[:5] = 0
    alone = UMAP(n_epochs=3, random_state=0).fit(digits)
    alone.graph_.data[:5] = 0
    # All further stages take what cannot be changed.
    labels = np.arange(len(digits)) % 3
    for keywords in ({"densmap": True, "output_dens": True}, {"target_metric": "euclidean"}, {"init": "pca"}):
        UMAP(n_epochs=3, random_state=0, cache=cache, **keywords).fit(digits, labels)
    again = UMAP(n_epochs=3, random_state=0, cache=cache).fit(digits)
    assert bits(again.embedding_) == bits(first.embedding_) == bits(alone.embedding_)
    assert np.isfinite(again.transform(digits[:5] + 1)).all()


def test_a_pickle_holds_the_vectors_once_or_not_at_all():
    x = np.random.default_rng(0).normal(size=(600, 500)).astype(np.float32)
    cache = StageCache()
    kept = UMAP(n_epochs=5, random_state=0, cache=cache).fit(x)
    assert len(pickle.dumps(kept)) < 1.25 * x.nbytes
    lean = UMAP(n_epochs=5, random_state=0, keep_vectors=False).fit(x)
    assert len(pickle.dumps(lean)) < 0.25 * x.nbytes
    assert bits(lean.embedding_) == bits(kept.embedding_)
    with pytest.raises(InputError, match="not kept cannot place"):
        lean.transform(x[:2])
    with pytest.raises(InputError, match="not kept has no way back"):
        lean.inverse_transform(lean.embedding_[:2])


def test_progress_is_shown_when_asked_for(digits, capsys):
    UMAP(n_epochs=7, random_state=0).fit(digits)
    assert capsys.readouterr().err == ""
    UMAP(n_epochs=7, random_state=0, progress=True).fit(digits)
    assert "7/7" in capsys.readouterr().err


def test_iris_is_mapped_faithfully(iris):
    x, _ = iris
    scores = [
        trustworthiness(x, UMAP(n_neighbors=10, random_state=seed).fit_transform(x), n_neighbors=10)
        for seed in range(3)
    ]
    assert np.median(scores) >= 0.97


def test_digits_form_islands(digits):
    from sklearn.datasets import load_digits

    labels = load_digits().target
    embedding = UMAP(random_state=0).fit_transform(digits)
    assert KNeighborsClassifier(10).fit(embedding, labels).score(embedding, labels) > 0.96


def test_a_callback_sees_every_epoch_and_may_stop(digits):
    seen = []

    def callback(epoch: int, n_epochs: int, embedding: np.ndarray) -> bool:
        seen.append((epoch, n_epochs, embedding))
        return epoch == 4

    model = UMAP(n_epochs=10, random_state=0, callback=callback).fit(digits)
    assert [(e, n) for e, n, _ in seen] == [(1, 10), (2, 10), (3, 10), (4, 10)]
    np.testing.assert_array_equal(seen[-1][2], model.embedding_)
    assert model.n_epochs_ == 4
    assert not np.array_equal(seen[0][2], seen[1][2])


def test_new_points_land_among_their_kind(fitted, digits):
    from sklearn.datasets import load_digits

    labels = load_digits().target
    classifier = KNeighborsClassifier(10).fit(fitted.embedding_, labels[:1500])
    assert classifier.score(fitted.transform(digits[1500:]), labels[1500:]) > 0.9


def test_another_fit_forgets_the_radii_and_the_map_can_be_changed(iris):
    x = iris[0]
    model = UMAP(n_epochs=2, random_state=0, output_dens=True).fit(x)
    model.set_params(output_dens=False).fit(x)
    assert not {"rad_orig_", "rad_emb_"} & set(vars(model))
    places = model.transform(x[:9] + 0.01)
    model.embedding_ += 100
    np.testing.assert_array_equal(model.transform(x[:9] + 0.01), places)


def test_points_of_the_data_keep_their_places(fitted, digits):
    np.testing.assert_array_equal(fitted.transform(digits[:1500]), fitted.embedding_)


def test_a_place_between_points_gives_a_row_like_theirs(fitted, digits):
    from sklearn.datasets import load_digits

    labels = load_digits().target[:1500]
    places = fitted.transform(digits[1500:])
    rows = fitted.inverse_transform(places)
    assert rows.shape == (len(places), 64)
    classifier = KNeighborsClassifier(10).fit(digits[:1500], labels)
    on_map = KNeighborsClassifier(10).fit(fitted.embedding_, labels)
    assert (classifier.predict(rows) == on_map.predict(places)).mean() > 0.97
    # Nearer to what the place is of than the mean digit of that kind is.
    means = np.array([digits[:1500][labels == digit].mean(axis=0) for digit in range(10)])
    off = np.linalg.norm(rows - digits[1500:], axis=1)
    off_mean = np.linalg.norm(means[on_map.predict(places)] - digits[1500:], axis=1)
    assert np.median(off) < np.median(off_mean)


def test_the_way_back_from_a_point_s_place_is_the_point_and_no_batch_or_thread_matters(fitted, digits):
    there = np.unique(fitted.embedding_, axis=0, return_index=True)[1]
    np.testing.assert_array_equal(fitted.inverse_transform(fitted.embedding_[there]), digits[there])
    places = fitted.embedding_[:50] + np.float32(0.05)
    together = fitted.inverse_transform(places)
    np.testing.assert_array_equal(fitted.inverse_transform(places[::-1])[::-1], together)
    np.testing.assert_array_equal(fitted.inverse_transform(places[7:8]), together[7:8])
    clone_on_one = pickle.loads(pickle.dumps(fitted)).set_params(n_jobs=1)
    np.testing.assert_array_equal(clone_on_one.inverse_transform(places), together)


def test_the_way_back_is_refused_where_there_is_none(fitted, digits, iris):
    with pytest.raises(InputError, match="2 dimensions, the places 3"):
        fitted.inverse_transform(np.zeros((4, 3)))
    sparse = UMAP(n_epochs=5, random_state=0).fit(sp.csr_array(digits[:300]))
    with pytest.raises(InputError, match="sparse rows has no way back"):
        sparse.inverse_transform(np.zeros((1, 2)))
    distances = UMAP(metric="precomputed", n_epochs=5, random_state=0).fit(pairwise_distances(iris[0]))
    with pytest.raises(InputError, match="precomputed distances has no way back"):
        distances.inverse_transform(np.zeros((1, 2)))
    yes_and_no = UMAP(metric="jaccard", n_epochs=5, random_state=0).fit(digits[:200] > 8)
    with pytest.raises(InputError, match="'jaccard' have no mean"):
        yes_and_no.inverse_transform(np.zeros((1, 2)))


def test_a_metric_has_a_way_back_by_all_its_names(digits):
    from pynndescent.distances import named_distances

    from core.inverse import WITH_MEAN, refuse_without_mean

    functions = {named_distances[name] for name in WITH_MEAN}
    names = {name for name, function in named_distances.items() if function in functions}
    assert names == set(WITH_MEAN)
    for name in names:
        refuse_without_mean(digits, name)
    for name in set(named_distances) - names:
        with pytest.raises(InputError, match="have no mean"):
            refuse_without_mean(digits, name)


def test_the_walk_for_neighbours_finds_almost_all():
    from core import fuzzy_simplicial_set
    from core.transform import search

    rng = np.random.default_rng(0)
    latent = rng.normal(size=(6500, 5))
    x = np.tanh(latent @ rng.normal(scale=0.3, size=(5, 20))).astype(np.float32)
    fuzzy_set = fuzzy_simplicial_set(knn_graph(x[:6000], 15))
    indices, _ = search(x[6000:], x[:6000], WalkedGraph(fuzzy_set), 10)
    d = ((x[6000:, None] - x[None, :6000]) ** 2).sum(-1)
    true = np.argsort(d, axis=1)[:, :10]
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(indices, true, strict=True)]) > 0.97


def test_new_rows_find_their_own_of_very_many_islands():
    from core.transform import search

    x, island = make_blobs(4800, 8, centers=300, cluster_std=0.01, random_state=0)
    x = x.astype(np.float32)
    old = np.arange(4800) < 4500
    model = UMAP(8, n_epochs=1, init="random", random_state=0).fit(x[old])
    graph = WalkedGraph(model.graph_)
    assert len(graph.firsts) >= 300
    assert len({*island[old][graph.firsts]}) == 300
    indices, distances = search(x[~old], x[old], graph, 5)
    np.testing.assert_array_equal(island[old][indices], np.repeat(island[~old, None], 5, axis=1))
    true = np.sort(np.linalg.norm(x[~old, None] - x[old], axis=2), axis=1)[:, :5]
    np.testing.assert_allclose(distances, true, rtol=1e-3)
    np.testing.assert_array_equal(model.transform(x[old]), model.embedding_)


def test_a_walk_enters_a_graph_of_one_part_at_512_points_and_of_several_at_one_of_each():
    def ring(n):
        around = np.arange(n)
        half = sp.csr_array((np.ones(n, np.float32), (around, (around + 1) % n)), shape=(n, n))
        return sp.csr_array(half + half.T)

    def drawn(n):
        return np.sort(np.random.default_rng(3).choice(n, 512, replace=False))

    one = WalkedGraph(ring(5000))
    np.testing.assert_array_equal(one.firsts, [0])
    np.testing.assert_array_equal(one.entries(3), drawn(5000))
    parts = WalkedGraph(sp.csr_array(sp.block_diag([ring(3000), sp.csr_array((2, 2)), ring(1998)])))
    np.testing.assert_array_equal(parts.firsts, [0, 3000, 3001, 3002])
    np.testing.assert_array_equal(parts.entries(3), np.union1d(drawn(5000), [0, 3000, 3001, 3002]))
    np.testing.assert_array_equal(WalkedGraph(ring(4096)).entries(3), np.arange(4096))


def test_a_walk_enters_no_more_than_the_4096_largest_of_very_many_parts():
    """5,000 pairs, one part of ten points and 3 of three."""
    sizes = np.array([2] * 5000 + [10] + [3] * 3)
    starts = np.cumsum(sizes) - sizes
    within = np.setdiff1d(np.arange(sizes.sum()), starts)
    chain = sp.csr_array((np.ones(len(within), np.float32), (within - 1, within)), shape=(sizes.sum(),) * 2)
    graph = WalkedGraph(sp.csr_array(chain + chain.T))
    np.testing.assert_array_equal(graph.firsts, np.r_[starts[:4092], starts[5000:]])
    entries = graph.entries(0)
    assert np.isin(graph.firsts, entries).all()
    assert len(entries) <= 4096 + 512


def test_new_rows_are_placed_among_their_neighbours_whatever_labels_tore_apart():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4400, 3)).astype(np.float32)
    labels = rng.integers(0, 2000, 4300)
    keywords = {"n_epochs": 2, "init": "random", "random_state": 0}
    plain = UMAP(**keywords).fit(x[:4300])
    with pytest.warns(UserWarning, match="points have no neighbours"):
        torn = UMAP(target_weight=1.0, **keywords).fit(x[:4300], labels)
    assert torn.graph_.nnz < 0.1 * plain.graph_.nnz
    torn._reference_embedding = plain._reference_embedding
    np.testing.assert_array_equal(torn.transform(x[4300:]), plain.transform(x[4300:]))


@pytest.mark.parametrize("metric", ["cosine", "correlation"])
def test_a_row_without_an_angle_changes_no_other_s_place(digits, metric):
    """With 64 columns, one more for it alone would let the walk read beyond the ends of the others' rows."""
    from core.transform import neighbours_in

    model = UMAP(n_epochs=10, metric=metric, random_state=0).fit(digits[:500])
    new = digits[500:520].copy()
    alone = model.transform(new[1:])
    new[0] = 0 if metric == "cosine" else 7
    np.testing.assert_array_equal(model.transform(new)[1:], alone)
    _, distances = neighbours_in(digits[:500], new, WalkedGraph(model.graph_), 5, metric=metric)
    np.testing.assert_allclose(distances[0], 1, atol=1e-6)
    assert (distances[1:] < 0.9).all()


def test_a_walk_among_rows_of_other_columns_is_refused(fitted, digits):
    from core.transform import search

    with pytest.raises(InputError, match="need the 64 columns of the reference, got 63"):
        search(digits[:2, 1:], digits[:1500], WalkedGraph(fitted.graph_), 5)


def test_labels_pull_their_kind_together_and_unknown_ones_do_not_harm(iris):
    x, y = iris
    separation = []
    for target in (None, np.where(np.arange(len(y)) % 2, y, -1), y):
        embedding = UMAP(n_epochs=100, random_state=0).fit_transform(x, target)
        centres = np.array([embedding[y == c].mean(0) for c in (1, 2)])
        spread = np.mean([embedding[y == c].std() for c in (1, 2)])
        separation.append(np.linalg.norm(centres[0] - centres[1]) / spread)
    assert separation[2] > 1.5 * separation[0]
    assert separation[1] > separation[0]


def test_a_numeric_target_orders_the_map():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(600, 5)), rng.uniform(size=600)
    embedding = UMAP(
        n_epochs=100, target_metric="euclidean", target_weight=0.9, random_state=0
    ).fit_transform(x, y)
    guess = KNeighborsClassifier(5).fit(embedding, (y > 0.5)).score(embedding, y > 0.5)
    assert guess > 0.85


def test_the_supervised_set_is_symmetric_and_within_0_and_1(iris):
    x, y = iris
    graph = UMAP(n_epochs=1, random_state=0).fit(x, y).graph_
    assert abs(graph - graph.T).max() < 1e-6
    assert graph.data.min() > 0
    assert graph.data.max() <= 1


def test_equal_rows_share_a_place_when_asked():
    x = np.repeat(np.random.default_rng(0).normal(size=(100, 4)), 3, axis=0)
    embedding = UMAP(n_epochs=10, unique=True, random_state=0).fit_transform(x)
    np.testing.assert_array_equal(embedding[::3], embedding[1::3])
    assert len(np.unique(embedding, axis=0)) == 100


def test_equal_rows_of_a_sparse_table_share_a_place_too():
    x = np.random.default_rng(0).integers(0, 3, size=(100, 4)).astype(np.float32)
    assert 20 < len(np.unique(x, axis=0)) < 90
    sparse = sp.csr_array(x)
    sparse.data[:3] = 0  # a zero that is stored is a zero
    embedding = UMAP(5, n_epochs=10, unique=True, random_state=0).fit_transform(sparse)
    _, rows = np.unique(sparse.toarray(), axis=0, return_inverse=True)
    _, places = np.unique(embedding, axis=0, return_inverse=True)
    np.testing.assert_array_equal(rows[:, None] == rows, places[:, None] == places)


def test_rows_with_nothing_in_common_are_no_neighbours_unless_asked_for():
    """umap-learn's default for jaccard: rows at distance 1 are cut, in the fit and in what comes after."""
    rng = np.random.default_rng(0)
    x = np.zeros((90, 60), bool)
    x[:45, :30], x[45:89, 30:59] = rng.uniform(size=(45, 30)) < 0.5, rng.uniform(size=(44, 29)) < 0.5
    x[89, 59] = True
    new = x[:2].copy()
    new[1] = False
    with pytest.warns(UserWarning, match="1 points have no neighbours and no place"):
        model = UMAP(5, metric="jaccard", n_epochs=5, random_state=0).fit(x)
    with pytest.warns(UserWarning, match="1 new rows have no neighbours and no place"):
        places = model.transform(new)
    np.testing.assert_array_equal(places[0], model.embedding_[0])
    assert np.isnan(places[1]).all()
    joined = UMAP(5, metric="jaccard", disconnection_distance=np.inf, n_epochs=5, random_state=0).fit(x)
    assert np.isfinite(joined.embedding_).all()


def test_new_rows_far_from_all_others_have_no_place(fitted, digits):
    strict = pickle.loads(pickle.dumps(fitted)).set_params(disconnection_distance=25.0)
    new = digits[1500:1510].copy()
    new[3] += 100
    with pytest.warns(UserWarning, match="new rows have no neighbours"):
        places = strict.transform(new)
    assert np.isnan(places[3]).all()
    assert np.isfinite(places[:, 0]).sum() > 5


def test_isolated_points_are_nan_with_one_warning(digits):
    x = np.concatenate([digits[:300], digits[300:302] + 1000 * np.arange(1, 3)[:, None]])
    with pytest.warns(UserWarning, match="2 points have no neighbours") as caught:
        embedding = UMAP(n_epochs=10, disconnection_distance=500, random_state=0).fit_transform(x)
    assert len(caught) == 1
    assert np.isnan(embedding[300:]).all()
    assert np.isfinite(embedding[:300]).all()


def test_a_sparse_table_is_mapped_and_transformed(digits):
    x = sp.csr_array(digits[:300])
    model = UMAP(n_epochs=20, random_state=0).fit(x)
    assert model.embedding_.shape == (300, 2)
    assert np.isfinite(model.transform(sp.csr_array(digits[300:310]))).all()


def test_precomputed_distances_give_the_map_of_the_vectors_graph(digits):

    x = digits[:300]
    embedding = UMAP(metric="precomputed", n_epochs=20, random_state=0).fit_transform(pairwise_distances(x))
    assert trustworthiness(x, embedding, n_neighbors=10) > 0.9


def test_too_many_neighbours_are_reduced_with_a_warning(iris):
    with pytest.warns(UserWarning, match="n_neighbors is 500"):
        assert UMAP(n_neighbors=500, n_epochs=5, random_state=0).fit_transform(iris[0]).shape == (150, 2)


def test_a_pickled_model_places_points_alike(fitted, digits):
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.transform(digits[1500:1520]), fitted.transform(digits[1500:1520]))


KINDS_OF_FITS: dict[str, dict[str, Any]] = {
    "labels": {},
    "numbers": {"target_metric": "euclidean"},
    "precomputed": {"metric": "precomputed"},
    "unique": {"unique": True},
    "pca": {"init": "pca"},
    "random": {"init": "random"},
    "array": {"init": np.random.default_rng(0).normal(size=(300, 2))},
}


@pytest.mark.parametrize("kind", KINDS_OF_FITS)
def test_every_kind_of_fit_is_identical_for_any_thread_count(digits, kind):
    x = pairwise_distances(digits[:300]) if kind == "precomputed" else digits[:300]
    y = np.arange(300) % 3 if kind in ("labels", "numbers") else None
    maps = [
        UMAP(n_epochs=5, random_state=0, n_jobs=n, **KINDS_OF_FITS[kind]).fit(x, y).embedding_
        for n in THREADS
    ]
    assert len({bits(embedding) for embedding in maps}) == 1
    assert np.isfinite(maps[0]).all()


def test_it_works_in_a_pipeline_and_names_its_columns(iris):
    pipeline = make_pipeline(StandardScaler(), UMAP(n_epochs=5, random_state=0)).set_output(
        transform="pandas"
    )
    frame = pipeline.fit_transform(iris[0])
    assert list(frame.columns) == ["umap0", "umap1"]
