from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from numba import njit
from numba.core.errors import TypingError
from pynndescent.distances import named_distances
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.metrics import pairwise_distances

from core import UMAP, InputError, KnnGraph, StageCache, any_metric, knn_graph
from core.knn import comparable, unit_vectors
from tests.core.conftest import THREADS

YES_AND_NO = (
    "dice", "hamming", "jaccard", "kulsinski", "matching", "rogerstanimoto", "russellrao", "sokalmichener",
    "sokalsneath", "yule",
)  # fmt: skip


def brute_force(x: np.ndarray, k: int, metric: str = "euclidean") -> np.ndarray:
    """Distances (n, k) to the nearest others, worked independently."""
    d = pairwise_distances(x.astype(np.float64), metric=metric)
    np.fill_diagonal(d, np.inf)
    return np.sort(d, axis=1)[:, :k]


def clusters(n: int, d: int) -> np.ndarray:
    """Clusters of six latent dimensions, bent into d columns, with a little noise in each."""
    latent = make_blobs(n, 6, centers=8, cluster_std=2.0, random_state=1)[0]
    rng = np.random.default_rng(1)
    bent = np.tanh(latent @ rng.normal(scale=0.1, size=(6, d)))
    return (bent + rng.normal(scale=0.01, size=bent.shape)).astype(np.float32)


def recall(graph: KnnGraph, x: np.ndarray, metric: str = "euclidean") -> float:
    """Share of neighbours as near as the true ones."""
    return float((graph.distances <= brute_force(x, graph.k, metric) * 1.0001 + 1e-6).mean())


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "correlation"])
def test_the_exact_graph_has_the_distances_of_all_pairs(digits, metric):
    x = digits[:500]
    graph = knn_graph(x, 11, metric=metric)
    np.testing.assert_allclose(graph.distances, brute_force(x, 10, metric), atol=2e-4)
    own = pairwise_distances(x.astype(np.float64), metric=metric)
    np.testing.assert_allclose(np.take_along_axis(own, graph.indices, 1), graph.distances, atol=2e-4)


@pytest.mark.parametrize("metric", ["manhattan", "chebyshev", "canberra", "braycurtis", "minkowski"])
def test_other_metrics_agree_with_scikit_learn(digits, metric):
    x = digits[:200] + 1
    keywords = {"p": 3.0} if metric == "minkowski" else {}
    d = pairwise_distances(x.astype(np.float64), metric=metric, **keywords)
    np.fill_diagonal(d, np.inf)
    graph = knn_graph(x, 6, metric=metric, metric_kwds=keywords)
    np.testing.assert_allclose(graph.distances, np.sort(d, axis=1)[:, :5], rtol=1e-4)


NEEDS = {
    "seuclidean": {"sigma": np.linspace(0.5, 2, 8)},
    "standardised_euclidean": {"sigma": np.linspace(0.5, 2, 8)},
    "wminkowski": {"w": np.linspace(0.5, 2, 8), "p": 3},
    "weighted_minkowski": {"p": 3, "w": np.linspace(0.5, 2, 8)},
    "mahalanobis": {"vinv": np.diag(np.linspace(0.5, 2, 8))},
    "kantorovich": {"cost": np.abs(np.subtract.outer(np.arange(8), np.arange(8)))},
    "wasserstein": {"cost": np.abs(np.subtract.outer(np.arange(8), np.arange(8)))},
    "sinkhorn": {"cost": np.abs(np.subtract.outer(np.arange(8), np.arange(8)))},
}


def columns_for(metric: str) -> np.ndarray:
    """Rows that a metric can compare: positive numbers, yes and no, packed bits, or places on a globe."""
    rng = np.random.default_rng(0)
    if metric == "haversine":
        return rng.uniform(-1.5, 1.5, (40, 2)).astype(np.float32)
    if metric.startswith("bit_"):
        return rng.integers(0, 256, (40, 8)).astype(np.float32)
    if metric in YES_AND_NO:
        return (rng.uniform(size=(40, 8)) < 0.5).astype(np.float32)
    positive = rng.uniform(0.1, 1, (40, 8)).astype(np.float32)
    # inner_product is a distance between unit vectors alone
    return positive / np.linalg.norm(positive, axis=1, keepdims=True)


IN_SCIPY = {
    **{name: name for name in (
        "braycurtis", "canberra", "chebyshev", "correlation", "cosine", "dice", "euclidean", "hamming",
        "jaccard", "rogerstanimoto", "sokalsneath", "sqeuclidean", "yule",
    )},
    "manhattan": "cityblock", "l1": "cityblock", "taxicab": "cityblock", "l2": "euclidean",
    "linfinity": "chebyshev", "matching": "hamming", "direct_cosine": "cosine", "dot": "cosine",
}  # fmt: skip
"""Metrics as scipy names them; dot on unit vectors."""


@pytest.mark.parametrize("metric", sorted(named_distances))
def test_every_metric_of_pynndescent_is_taken(metric):
    x = columns_for(metric)
    x[7] = x[3]
    keywords = NEEDS.get(metric, {})
    graph = knn_graph(x, 6, metric=metric, metric_kwds=keywords)
    function = named_distances[metric]
    given = {
        name: np.asarray(value, np.float64 if name == "cost" else np.float32) if np.ndim(value) else value
        for name, value in keywords.items()
    }
    own = x.astype(np.uint8) if metric.startswith("bit_") else x
    expected = np.array([function(own[3], own[j], **given) for j in range(len(x))], np.float32)
    if metric in IN_SCIPY:
        scipys = x.astype(bool) if metric in YES_AND_NO else x.astype(np.float64)
        np.testing.assert_allclose(
            np.maximum(expected, 0), cdist(scipys[3:4], scipys, IN_SCIPY[metric])[0], rtol=1e-4, atol=1e-5
        )
    if metric == "true_angular":
        expected = np.arccos(1 - cdist(x[3:4], x, "cosine")[0]) / np.pi
    if metric != "inner_product":
        place = np.flatnonzero(graph.indices[3] == 7)
        np.testing.assert_allclose(graph.distances[3, place], graph.distances[3, :1], atol=1e-6)
    ours, theirs = graph.distances[3], np.sort(np.delete(expected, 3))[:5]
    if metric == "inner_product":
        ours, theirs = np.diff(ours), np.diff(theirs)
    # The root of what rounding leaves of nothing is as large, on some processors.
    nothing = np.sqrt(2 * np.finfo(np.float32).eps) if metric == "hellinger" else 1e-5
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=nothing)


@pytest.mark.parametrize("metric", ["dot", "direct_cosine"])
def test_dot_is_of_rows_scaled_to_length_1_wherever_rows_are_compared(metric):
    x = columns_for(metric) * np.geomspace(1e-30, 1e30, 40, dtype=np.float32)[:, None]
    x[5] = -x[6]
    x[9] = 0
    lengths = np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
    unit = x / np.where(lengths > 0, lengths, 1)
    expected = 1 - np.maximum(unit @ unit.T, 0)
    np.fill_diagonal(expected, np.inf)
    graph = knn_graph(x, 6, metric=metric)
    np.testing.assert_allclose(graph.distances, np.sort(expected, axis=1)[:, :5], atol=1e-6)
    indices, distances = any_metric.nearest_between(x / 2, x, 1, metric=metric, metric_kwds=None)
    others = np.delete(np.arange(40), 9)
    np.testing.assert_array_equal(indices[others, 0], others)
    np.testing.assert_array_equal(distances[:, 0], np.arange(40) == 9)


@pytest.mark.parametrize("method", ["exact", "descent"])
def test_multiples_of_a_row_are_one_distribution_by_hellinger(method):
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(9), 60)
    rows = np.repeat(np.arange(60), 4)
    x = (shares[rows] * rng.uniform(0.1, 10, (240, 1))).astype(np.float32)
    graph = knn_graph(x, 10, metric="hellinger", method=method)
    np.testing.assert_array_equal(rows[graph.indices[:, :3]], np.repeat(rows[:, None], 3, axis=1))
    expected = np.sqrt(np.maximum(1 - np.sqrt(shares) @ np.sqrt(shares).T, 0))
    expected = expected[rows[:, None], rows[graph.indices]]
    if method == "exact":
        np.testing.assert_array_equal(graph.distances[:, :3], 0)
        np.testing.assert_allclose(graph.distances[:, 3:], expected[:, 3:], atol=1e-6)
    else:
        # pynndescent's counts in float32, whose rounding a root makes large.
        np.testing.assert_allclose(graph.distances, expected, atol=1e-3)
    with pytest.raises(InputError, match="negative or not a number"):
        knn_graph(-x, 5, metric="hellinger", method=method)


@njit
def of_its_columns_names(x, y):
    return x.name - y.name


def test_a_metric_s_parameters_are_taken_by_name_and_checked(digits):
    x = digits[:60, :8]
    w = np.linspace(0.5, 2, 8)
    one = knn_graph(x, 5, metric="wminkowski", metric_kwds={"w": w, "p": 3})
    other = knn_graph(x, 5, metric="wminkowski", metric_kwds={"p": 3, "w": list(w)})
    np.testing.assert_array_equal(one.distances, other.distances)
    with pytest.raises(InputError, match="'minkowski' has no parameter 'q'; it takes p"):
        knn_graph(x, 5, metric="minkowski", metric_kwds={"q": 3})
    with pytest.raises(InputError, match="'mahalanobis' needs its parameter 'vinv'"):
        knn_graph(x, 5, metric="mahalanobis")
    with pytest.raises(InputError, match="only defined for 2"):
        knn_graph(x, 5, metric="haversine")
    with pytest.raises(InputError, match="packed bits"):
        knn_graph(x + 0.5, 5, metric="bit_hamming")
    for near in (-1.0, np.nan):
        with pytest.raises(InputError, match="negative or not a number"):
            knn_graph(x, 5, metric=replacing_near, metric_kwds={"near": near})
        with pytest.raises(InputError, match="negative or not a number"):
            any_metric.nearest_between(x[:3], x, 5, metric=replacing_near, metric_kwds={"near": near})


@njit
def replacing_near(x, y, near=0.0):
    """Sum of differences, but for rows that differ by little."""
    total = 0.0
    for c in range(len(x)):
        total += abs(x[c] - y[c])
    return near if 0 < total < 20 else total


def test_rows_at_an_infinite_distance_are_no_neighbours(monkeypatch):
    x = np.array([[0.0], [1], [25], [50]], np.float32)
    apart = {"metric": replacing_near, "metric_kwds": {"near": np.inf}}
    graph = knn_graph(x, 4, **apart)
    np.testing.assert_array_equal(graph.indices[:2], [[2, 3, -1], [2, 3, -1]])
    np.testing.assert_array_equal(graph.distances[0], [25, 50, np.inf])
    found = np.array([[0, 2, 3, 1], [1, 2, 3, 0], [2, 1, 0, 3], [3, 0, 2, 1]], np.int32)
    lengths = np.tile(np.array([0, 25, 50, np.inf], np.float32), (4, 1))
    monkeypatch.setattr(any_metric, "_descend_here", lambda *_, **__: (found, lengths))
    np.testing.assert_array_equal(knn_graph(x, 4, method="descent", **apart).indices[0], [2, 3, -1])


@pytest.mark.parametrize(
    ("metric", "keywords"), [("minkowski", {"p": "three"}), (of_its_columns_names, None)]
)
def test_a_metric_that_does_not_compile_for_the_vectors_is_refused_in_one_sentence(
    metric, keywords, monkeypatch
):
    sentence = r"^The metric does not compile .*: (No implementation|Unknown attribute) [^\n]*\.$"
    with pytest.raises(InputError, match=sentence):
        knn_graph(np.eye(30, 4), 5, metric=metric, metric_kwds=keywords)

    def refuse(*_: object, **__: object) -> None:
        raise TypingError("Failed in nopython mode\nUnknown attribute 'name'.\nFile ...")

    monkeypatch.setattr(any_metric, "_descend_here", refuse)
    with pytest.raises(InputError, match=sentence):
        knn_graph(np.eye(30, 4), 5, metric=metric, metric_kwds=keywords, method="descent")


@njit
def tallest_difference(x, y, scale=1.0):
    result = 0.0
    for i in range(len(x)):
        result = max(result, abs(x[i] - y[i]))
    return scale * result


def test_a_compiled_function_is_a_metric(digits):
    x = digits[:300]
    graph = knn_graph(x, 8, metric=tallest_difference)
    expected = knn_graph(x, 8, metric="chebyshev")
    np.testing.assert_array_equal(graph.distances, expected.distances)
    np.testing.assert_array_equal(graph.indices, expected.indices)
    scaled = knn_graph(x, 8, metric=tallest_difference, metric_kwds={"scale": 3.0})
    np.testing.assert_allclose(scaled.distances, 3 * graph.distances)
    with pytest.raises(InputError, match=r"must be compiled: decorate it with numba\.njit"):
        knn_graph(x, 8, metric=np.dot)


def test_an_estimator_with_a_compiled_function_is_cloned_pickled_and_cached(digits):
    x, cache = digits[:200], StageCache()
    model = UMAP(n_epochs=3, metric=tallest_difference, random_state=0, cache=cache)
    first = clone(model).fit(x)
    again = pickle.loads(pickle.dumps(clone(model).fit(x)))
    assert len(cache) == 3
    np.testing.assert_array_equal(again.embedding_, first.embedding_)
    np.testing.assert_array_equal(again.transform(digits[200:210]), first.transform(digits[200:210]))


@pytest.mark.timeout(900)
def test_a_compiled_function_leads_the_descent_too():
    x = clusters(5000, 6)
    assert recall(knn_graph(x, 10, metric=tallest_difference), x, "chebyshev") > 0.97


@pytest.mark.timeout(900)
def test_the_descent_takes_sparse_rows():
    dense = np.maximum(clusters(5000, 30) - 0.2, 0)
    assert (dense == 0).mean() > 0.3
    assert recall(knn_graph(sp.csr_array(dense), 10), dense) > 0.95


@pytest.mark.parametrize("metric", ["haversine", "mahalanobis", tallest_difference])
def test_a_metric_that_has_no_sparse_form_is_named(metric):
    keywords = {"vinv": np.eye(4)} if metric == "mahalanobis" else None
    x = sp.random_array((40, 4), density=0.5, format="csr", dtype=np.float32, rng=np.random.default_rng(0))
    with pytest.raises(
        InputError, match=r"metric .* cannot lead the descent over sparse .* one of braycurtis"
    ):
        knn_graph(x, 5, metric=metric, metric_kwds=keywords, method="descent")


@pytest.mark.timeout(900)
def test_the_descent_leaves_sparse_rows_as_they_were():
    """Unsorted, and with a value stored in two parts."""
    data = np.arange(1, 401, dtype=np.float32)
    indices = np.tile([3, 1, 2, 1], 100).astype(np.int32)
    x = sp.csr_array((data, indices, np.arange(0, 401, 4, dtype=np.int32)), shape=(100, 4))
    before = x.indices.copy(), x.data.copy()
    graph = knn_graph(x, 5, metric="manhattan", method="descent")
    np.testing.assert_array_equal(x.indices, before[0])
    np.testing.assert_array_equal(x.data, before[1])
    assert recall(graph, x.toarray(), "manhattan") > 0.95


def test_arguments_of_numpy_reach_the_process_of_its_own(monkeypatch):
    seen = {}

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        seen.update(json.loads((Path(command[-1]) / "arguments.json").read_text()))
        return subprocess.CompletedProcess(command, 1, "", "first line\nlast line\n")

    monkeypatch.setattr(any_metric, "_max_threads", lambda: 2)
    monkeypatch.setattr(any_metric.subprocess, "run", run)
    x = np.eye(8, dtype=np.float32)
    with pytest.raises(InputError, match=r"neighbours failed: last line\.$"):
        knn_graph(
            x,
            np.int64(5),
            metric="minkowski",
            metric_kwds={"p": np.float32(3)},
            seed=np.int64(1),
            method="descent",
        )
    assert seen == {"n_neighbors": 5, "metric": "minkowski", "metric_kwds": {"p": 3.0}, "seed": 1}


def test_the_process_of_its_own_imports_nothing_from_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").write_text("raise ImportError('a stranger')")
    monkeypatch.chdir(tmp_path)
    asked = {"n_neighbors": 3, "metric": "no such", "metric_kwds": {}, "seed": 0}
    with pytest.raises(InputError, match="metric 'no such' is unknown"):
        any_metric._descend_elsewhere(np.eye(8, dtype=np.float32), asked)


def test_haversine_takes_latitude_and_longitude():
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.uniform(-1.5, 1.5, 300), rng.uniform(-3, 3, 300)]).astype(np.float32)
    np.testing.assert_allclose(
        knn_graph(x, 5, metric="haversine").distances, brute_force(x, 4, "haversine"), rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize("d", [2, 50, 300])
def test_the_descent_finds_almost_all_neighbours(d):
    x = clusters(6000, d)
    assert recall(knn_graph(x, 15), x) > 0.97


def test_the_descent_finds_almost_all_neighbours_by_angle():
    x = clusters(5000, 30)
    assert recall(knn_graph(x, 15, metric="cosine"), x, "cosine") > 0.97


@pytest.mark.parametrize("d", [5, 220])
def test_the_graph_is_identical_for_any_thread_count(d):
    x = clusters(5000, d)
    graphs = [knn_graph(x, 12, seed=7, n_threads=n) for n in THREADS]
    for graph in graphs[1:]:
        np.testing.assert_array_equal(graph.indices, graphs[0].indices)
        np.testing.assert_array_equal(graph.distances, graphs[0].distances)


def test_many_duplicates_find_each_other():
    x = np.repeat(np.random.default_rng(0).normal(size=(300, 6)), 20, axis=0).astype(np.float32)
    graph = knn_graph(x, 15)
    assert (graph.distances == 0).mean() > 0.99


def test_rows_of_zeros_are_far_from_all_others_by_angle():
    x = np.eye(6, dtype=np.float32)
    x[4:] = 0
    graph = knn_graph(x, 6, metric="cosine")
    assert graph.indices[4, 0] == 5
    np.testing.assert_allclose(graph.distances[4], [0, 1, 1, 1, 1], atol=1e-6)


def test_constant_rows_are_far_from_all_others_by_correlation():
    """Seven times 0.1 adds up to more than 0.7 in float32."""
    x = np.random.default_rng(0).normal(size=(6, 7)).astype(np.float32)
    x[4:] = [[0.1], [-0.1]]
    graph = knn_graph(x, 6, metric="correlation")
    assert graph.indices[4, 0] == 5
    np.testing.assert_allclose(graph.distances[4], [0, 1, 1, 1, 1], atol=1e-6)
    np.testing.assert_array_equal(comparable(x, "correlation", among_itself=False)[:, -1], [0, 0, 0, 0, 1, 1])


@pytest.mark.parametrize(("scale", "tables"), [(0.0, 2.5), (1e-30, 1.5)])
def test_one_small_row_costs_no_copy_of_the_table(scale, tables):
    x = np.random.default_rng(0).normal(size=(3000, 100)).astype(np.float32)
    x[7] *= np.float32(scale)
    before = x.copy()
    tracemalloc.start()
    try:
        unit = unit_vectors(x)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < tables * x.nbytes
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(x, before)


def test_true_angles_lead_the_descent_and_compare_sparse_rows_too():
    x = clusters(5000, 30)
    graph = knn_graph(x, 6, metric="true_angular")
    cosine = knn_graph(x, 6, metric="cosine")
    np.testing.assert_array_equal(graph.indices, cosine.indices)
    np.testing.assert_allclose(graph.distances, np.arccos(1 - cosine.distances) / np.pi, atol=2e-4)
    few = x[:300]
    np.testing.assert_allclose(
        knn_graph(sp.csr_array(few), 6, metric="true_angular").distances,
        knn_graph(few, 6, metric="true_angular").distances,
        atol=2e-4,
    )


def test_a_sparse_table_has_the_graph_of_its_dense_form(digits):
    dense = np.where(digits[:400] > 8, digits[:400], 0)
    graph = knn_graph(sp.csr_array(dense), 10)
    np.testing.assert_allclose(graph.distances, knn_graph(dense, 10).distances, atol=1e-3)


@pytest.mark.parametrize("metric", ["manhattan", "inner_product"])
def test_a_wide_sparse_table_is_never_written_out_whole(metric, monkeypatch):
    some = sp.random_array((30, 2**16), density=1e-3, format="csr", rng=np.random.default_rng(0))
    x = sp.csr_array(sp.vstack([some, some]))
    expected = knn_graph(x, 6, metric=metric)
    monkeypatch.setattr(any_metric, "DENSE_VALUES", 7 * 2**16)
    tracemalloc.start()
    try:
        graph = knn_graph(x, 6, metric=metric)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(graph.indices, expected.indices)
    np.testing.assert_array_equal(graph.distances, expected.distances)
    assert most < x.shape[0] * x.shape[1] * np.dtype(np.float32).itemsize / 2


def test_precomputed_distances_stand_for_vectors(digits):
    x = digits[:300]
    d = pairwise_distances(x)
    expected = knn_graph(x, 8)
    np.testing.assert_allclose(knn_graph(d, 8, metric="precomputed").distances, expected.distances, atol=1e-3)
    near = np.where(d <= np.sort(d, axis=1)[:, 7:8], d, 0)
    np.testing.assert_allclose(
        knn_graph(sp.csr_array(near), 8, metric="precomputed").distances, expected.distances, atol=1e-3
    )


def test_a_sparse_precomputed_row_may_have_few_neighbours():
    d = sp.csr_array(([1.0, 2.0, 1.0, 2.0], ([0, 0, 1, 2], [1, 2, 0, 0])), shape=(4, 4))
    graph = knn_graph(d, 3, metric="precomputed")
    np.testing.assert_array_equal(graph.indices, [[1, 2], [0, -1], [0, -1], [-1, -1]])
    np.testing.assert_array_equal(graph.distances[3], [np.inf, np.inf])


def test_pruning_keeps_the_first_columns(digits_graph):
    pruned = digits_graph.prune(5)
    np.testing.assert_array_equal(pruned.indices, digits_graph.indices[:, :5])
    np.testing.assert_array_equal(pruned.distances, digits_graph.distances[:, :5])
    with pytest.raises(InputError, match="14 neighbours"):
        digits_graph.prune(15)


def test_a_tuple_with_the_point_itself_becomes_the_same_graph(digits_graph):
    n = digits_graph.n
    indices = np.column_stack([np.arange(n), digits_graph.indices])
    distances = np.column_stack([np.zeros(n), digits_graph.distances])
    graph = KnnGraph.from_tuple((indices, distances, None))
    np.testing.assert_array_equal(graph.indices, digits_graph.indices)
    np.testing.assert_array_equal(graph.distances, digits_graph.distances)


@pytest.mark.parametrize(
    ("indices", "distances", "sentence"),
    [
        ([[1], [5]], [[1.0], [1.0]], "Row 1 .* does not exist"),
        ([[1], [1]], [[1.0], [1.0]], "Row 1 .* itself"),
        ([[1], [0]], [[1.0], [np.nan]], "Row 1 .* not a number"),
        ([[1, 2], [0, 2], [0, 1]], [[1, 2], [2, 1], [1, 1]], "Row 1 .* not sorted"),
        ([[1], [-1]], [[1.0], [1.0]], "Row 1 .* missing"),
        ([[1], [0]], [[1.0]], "one shape"),
        (np.zeros((0, 3), int), np.zeros((0, 3)), "at least one row"),
        ([[1, 1], [0, 2], [0, 1]], [[1, 1]] * 3, "Row 0 .* repeats a neighbour"),
        ([[1], [2**32]], [[1.0], [1.0]], "Row 1 .* does not exist"),
        (np.array([[1], [2**63]], np.uint64), [[1.0], [1.0]], "Row 1 .* does not exist"),
        ([[1], [0]], [[1.0], [1e39]], "Row 1 .* infinite distance"),
        ([[1.0], [0.0]], [[1.0], [1.0]], "array of integers, got dtype float64"),
    ],
)
def test_a_malformed_graph_is_refused_with_its_row(indices, distances, sentence):
    with pytest.raises(InputError, match=sentence):
        KnnGraph(np.array(indices), np.array(distances))


def test_a_malformed_tuple_is_refused(digits_graph):
    rows = np.arange(3)[:, None]
    for others, sentence in ((rows + 0.5, "integers, got dtype float64"), (2**32 + rows, "does not exist")):
        with pytest.raises(InputError, match=sentence):
            KnnGraph.from_tuple((np.column_stack([rows, others]), np.ones((3, 2))))


def test_what_holds_arrays_is_equal_to_itself_alone(digits_graph):
    same = KnnGraph(digits_graph.indices, digits_graph.distances)
    assert digits_graph == digits_graph != same
    assert len({digits_graph, same}) == 2


def test_a_precomputed_distance_stored_in_parts_is_their_sum():
    parts = sp.csr_array(
        (np.array([1, 1, 5, 2, 2], np.float32), np.array([1, 1, 2, 0, 0]), np.array([0, 3, 4, 5])),
        shape=(3, 3),
    )
    graph = knn_graph(parts, 3, metric="precomputed")
    np.testing.assert_array_equal(graph.distances[0], [2, 5])
    assert parts.nnz == 5


@pytest.mark.parametrize(
    ("vectors", "n_neighbors", "sentence"),
    [
        (np.ones((10, 2)), 11, "between 2 and the number of rows"),
        (np.ones((10, 2)), 1, "between 2 and the number of rows"),
        (np.ones(10), 2, "two dimensions"),
        (np.ones((1, 3)), 2, "at least 2 rows"),
        (np.where(np.arange(20).reshape(10, 2) == 7, np.nan, 1), 3, "Row 3, column 1 .* nan"),
        ([["a", "b"], ["c", "d"]], 2, "must be numbers"),
    ],
)
def test_bad_input_is_named(vectors, n_neighbors, sentence):
    with pytest.raises(InputError, match=sentence):
        knn_graph(vectors, n_neighbors)


def test_an_unknown_metric_is_named():
    with pytest.raises(InputError, match="'manhatan' is unknown"):
        knn_graph(np.eye(5), 2, metric="manhatan")


SCRIPT = """
import sys
{first}
import numpy as np
from core import knn_graph
x = np.random.default_rng(0).normal(size=(5000, 5)).astype(np.float32)
graph = knn_graph(x, 6, metric="manhattan")
print(hash((graph.indices.tobytes(), graph.distances.tobytes())))
"""


@pytest.mark.timeout(900)
def test_other_metrics_are_identical_whatever_numba_was_told():
    """Told 2 threads, the descent must move to a process of its own."""
    root = Path(__file__).parents[2]

    def start(first: str, **variables: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(root), **variables}
        environment.pop("NUMBA_NUM_THREADS", None) if "NUMBA_NUM_THREADS" not in variables else None
        command = [sys.executable, "-c", SCRIPT.format(first=first)]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    runs = [start(""), start("import numba", NUMBA_NUM_THREADS="2")]
    here, elsewhere = (run.communicate()[0] for run in runs)
    assert here == elsewhere != ""
