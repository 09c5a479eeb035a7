from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

import core.umap
from core import (
    UMAP,
    Density,
    InputError,
    KnnGraph,
    Layout,
    LayoutParameters,
    find_ab,
    fuzzy_simplicial_set,
    initial_layout,
    knn_graph,
    supervise,
)
from core.checks import LARGEST_SEED
from core.parameters import drawn_seed, layout_parameters

PAIR = KnnGraph([[1], [0]], [[1.0], [1.0]])


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"n_neighbors": 1}, "n_neighbors must be a whole number at least 2, got 1"),
        ({"n_neighbors": 2.5}, "n_neighbors must be a whole number"),
        ({"n_components": 0}, "n_components must be a whole number at least 1"),
        ({"min_dist": -1}, "min_dist must be a number at least 0"),
        ({"min_dist": "near"}, "min_dist must be a number at least 0, got 'near'"),
        ({"min_dist": 2}, "min_dist must be at most spread"),
        ({"a": 1.5}, "a and b must be given together"),
        ({"b": 0.9}, "a and b must be given together"),
        ({"set_op_mix_ratio": 2}, "at least 0 and at most 1"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number above 0"),
        ({"repulsion_strength": float("inf")}, "repulsion_strength must be a number at least 0"),
        ({"n_epochs": -1}, "n_epochs must be a whole number at least 0, or None"),
        ({"n_epochs": 5.0}, "n_epochs must be a whole number at least 0, or None"),
        ({"n_jobs": -2}, "n_jobs must be .* at least 1, or -1 or None for all processors, got -2"),
        ({"n_jobs": 0}, "n_jobs must be a whole number of at least 1"),
        ({"n_jobs": "all"}, "n_jobs must be a whole number"),
        ({"target_n_neighbors": 1}, "target_n_neighbors must be a whole number at least 2, or -1, got 1"),
        ({"target_n_neighbors": 0}, "target_n_neighbors must be a whole number at least 2"),
        ({"target_n_neighbors": None}, "target_n_neighbors must be a whole number at least 2"),
        ({"densmap": 1}, "densmap must be True or False, got 1"),
        ({"verbose": "no"}, "verbose must be True or False, got 'no'"),
        ({"unique": "no"}, "unique must be True or False, got 'no'"),
        ({"random_state": -1}, "random_state must be a whole number from 0 to 4294967295"),
        ({"random_state": LARGEST_SEED + 1}, "random_state must be a whole number"),
        ({"random_state": "a"}, "random_state must .* or None, got 'a'"),
        ({"random_state": 1.5}, "random_state must be a whole number"),
        ({"metric": "no such"}, "'no such' is unknown"),
        ({"metric_kwds": {"p": 3}}, "'euclidean' has no parameter 'p'; it takes none"),
        ({"metric_kwds": [3]}, "metric_kwds must be a mapping of names to values, or None"),
        ({"metric": ["l2"]}, "metric must be the name of a metric or a function .* got \\['l2'\\]"),
        ({"target_metric": None}, "target_metric must be the name of a metric"),
        ({"transform_seed": 2**32}, "transform_seed must be .* at most 4294967295, got 4294967296"),
        ({"disconnection_distance": 0}, "must be a number above 0, or infinite, or None, got 0"),
        ({"output_metric": "haversine"}, "output_metric must be 'euclidean' or 'l2', got 'haversine'"),
        ({"transform_mode": "graph"}, "transform_mode must be 'embedding', got 'graph'"),
        ({"unique": True, "metric": "precomputed"}, "unique must be False with precomputed"),
        (
            {"unique": True, "precomputed_knn": PAIR},
            "unique must be False with precomputed",
        ),
        ({"cache": 3}, "cache must be a StageCache, or None, got 3"),
        ({"callback": 3}, "callback must be a function, or None, got 3"),
        (
            {"init": None},
            "init must be 'spectral', 'pca', 'random', or an array .* 60 rows of 2; got NoneType None",
        ),
        ({"init": "spectrum"}, "init must be 'spectral', 'pca'"),
        ({"init": np.full((60, 2), "a")}, "init must be"),
        ({"init": np.full((60, 2), np.nan)}, "init must be .* finite numbers"),
        ({"init": np.full((60, 2), np.inf)}, "init must be .* finite numbers"),
        ({"init": np.ones((60, 3))}, "init must be .* 60 rows of 2"),
        ({"precomputed_knn": PAIR}, "precomputed_knn has 2 rows"),
        ({"precomputed_knn": "graph"}, "precomputed knn must be a KnnGraph or a tuple"),
        ({"precomputed_knn": (np.zeros((60, 5)),)}, "precomputed knn must be a KnnGraph or a tuple"),
    ],
)
def test_errors_name_the_parameter_and_its_range(x, keywords, sentence):
    with pytest.raises(InputError, match=sentence):
        UMAP(**keywords).fit(x)


@pytest.mark.parametrize(
    ("kind", "keywords", "sentence"),
    [
        (np.array, {"init": "spectrum"}, "init must be 'spectral', 'pca'"),
        (np.array, {"init": "pca", "n_components": 6}, "'pca' needs at least 6 columns, the vectors have 5"),
        (csr_array, {"init": "pca"}, "'pca' needs the vectors, dense"),
        (np.array, {"metric": "no such", "precomputed_knn": PAIR}, "'no such' is unknown"),
        (np.array, {"target_metric": "no such"}, "target_metric 'no such' is unknown"),
        (np.array, {"target_metric": "l1"}, "y must be numbers for target_metric='l1'"),
    ],
)
def test_errors_come_before_the_work(x, monkeypatch, kind, keywords, sentence):
    monkeypatch.delattr(core.umap, "fitted")
    with pytest.raises(InputError, match=sentence):
        UMAP(**keywords).fit(kind(x), np.full(60, "label"))


def test_what_has_no_effect_is_warned_of_once_and_only_where_it_was_asked_for(x):
    model = UMAP(5, n_epochs=2, random_state=0)
    expected = model.fit_transform(x)
    with pytest.warns(UserWarning, match="umap-learn's low_memory, tqdm_kwds: without effect here") as caught:
        same = model.set_params(low_memory=False, tqdm_kwds={"desc": "map"}).fit_transform(x)
    assert len(caught) == 1
    np.testing.assert_array_equal(same, expected)


def test_umap_learn_s_default_for_a_graph_is_none(x):
    model = UMAP(5, n_epochs=2, random_state=0)
    expected = model.fit_transform(x)
    model.set_params(precomputed_knn=(None, None, None))
    np.testing.assert_array_equal(model.fit_transform(x), expected)
    assert model.set_params(unique=True).fit_transform(x).shape == expected.shape


def test_no_epochs_leave_the_start_as_in_umap_learn(x):
    model = UMAP(5, n_epochs=0, random_state=7).fit(x)
    np.testing.assert_array_equal(model.embedding_, initial_layout(model.graph_, seed=7))
    assert model.n_epochs_ == 0
    np.testing.assert_array_equal(model.transform(x), model.embedding_)
    assert np.isfinite(model.transform(x + 0.1)).all()
    dense = UMAP(5, n_epochs=0, random_state=7, densmap=True, output_dens=True).fit(x)
    np.testing.assert_array_equal(dense.embedding_, model.embedding_)


def test_a_bar_may_be_asked_for_by_umap_learn_s_number(x, capsys):
    for verbose in (0, 1, 2):
        UMAP(5, n_epochs=2, random_state=0, verbose=verbose).fit(x)
        assert ("2/2" in capsys.readouterr().err) == bool(verbose)


def test_a_misspelt_keyword_of_a_fit_is_refused(x):
    with pytest.raises(TypeError, match="target"):
        UMAP(5, n_epochs=2).fit_transform(x, target=np.zeros(60))


def test_a_precomputed_graph_that_is_too_narrow_says_for_how_many_it_serves(x):
    with pytest.raises(InputError, match="precomputed_knn serves n_neighbors up to 5, got 10"):
        UMAP(10, precomputed_knn=knn_graph(x, 5)).fit(x)


def test_a_seed_is_itself_and_a_random_state_draws_one():
    assert drawn_seed(7) == drawn_seed(np.int64(7)) == 7
    assert drawn_seed(LARGEST_SEED) == LARGEST_SEED
    assert drawn_seed(np.random.RandomState(3)) == drawn_seed(np.random.RandomState(3))
    assert drawn_seed(None) != drawn_seed(None)


def test_a_and_b_are_taken_or_fitted():
    given = layout_parameters(UMAP(a=1.2, b=0.8, min_dist=0.3, learning_rate=0.5), 7)
    assert (given.a, given.b, given.n_epochs, given.learning_rate) == (1.2, 0.8, 7, 0.5)
    fitted = layout_parameters(UMAP(min_dist=0.3, spread=2.0), 7)
    assert (fitted.a, fitted.b) == find_ab(0.3, 2.0)


def test_a_start_may_be_a_list_and_is_chosen_by_its_rows_where_equal_ones_are_one(x):
    start = np.random.default_rng(1).normal(size=(60, 2))
    model = UMAP(5, n_epochs=5, random_state=0)
    expected = model.set_params(init=start).fit_transform(x)
    np.testing.assert_array_equal(model.set_params(init=start.tolist()).fit_transform(x), expected)
    twice = np.repeat(x, 2, axis=0)
    embedding = model.set_params(init=np.repeat(start, 2, axis=0), unique=True).fit_transform(twice)
    assert np.isfinite(embedding).all()
    np.testing.assert_array_equal(embedding[::2], embedding[1::2])


@pytest.mark.parametrize("wrong", ["a", None, -1, float("nan"), np.ones(2), True])
def test_every_stage_names_a_number_that_is_none(wrong):
    nothing = csr_array((2, 2), dtype=np.float32)
    layout = Layout(nothing, np.zeros((2, 2)), LayoutParameters(3, 1.0, 1.0))
    for name, stage in {
        "set_op_mix_ratio": lambda: fuzzy_simplicial_set(PAIR, set_op_mix_ratio=wrong),
        "local_connectivity": lambda: fuzzy_simplicial_set(PAIR, local_connectivity=wrong),
        "min_dist": lambda: find_ab(wrong),
        "spread": lambda: find_ab(0.1, wrong),
        "a": lambda: LayoutParameters(10, wrong, 1),
        "n_epochs": lambda: LayoutParameters(wrong, 1, 1),
        "target_weight": lambda: supervise(nothing, [0, 1], target_weight=wrong),
        "dens_lambda": lambda: Density(np.zeros(2), wrong),
        "n_components": lambda: initial_layout(nothing, n_components=wrong),
        "to_epoch": lambda: layout.run(wrong),
        "k": lambda: PAIR.prune(wrong),
    }.items():
        with pytest.raises(InputError, match=rf"\b{name} must be a (whole )?number "):
            stage()


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"n_neighbors": 5.0}, "n_neighbors must lie between 2"),
        ({"method": "best"}, "method must be 'auto', 'exact' or 'descent', got 'best'"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"metric_kwds": "p"}, "metric_kwds must be a mapping"),
    ],
)
def test_parameters_of_a_search_are_named(x, keywords, sentence):
    with pytest.raises(InputError, match=sentence):
        knn_graph(x, **{"n_neighbors": 5, **keywords})
