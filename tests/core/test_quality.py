from __future__ import annotations

import tracemalloc
from itertools import combinations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness as reference_trustworthiness

from core import InputError, KnnGraph, knn_graph, knn_recall
from core.any_metric import nearest_between
from core.exact import nearest_of_rows, ranks_of
from core.quality import (
    align,
    continuity,
    distortion,
    map_graph,
    neighbour_preservation,
    stability,
    trustworthiness,
)
from core.recall import sample_rows


@pytest.fixture(scope="module")
def plane() -> np.ndarray:
    return np.random.default_rng(0).uniform(size=(900, 2)).astype(np.float32)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
def test_recall_of_a_true_graph_is_one_and_of_a_random_graph_low(digits, metric):
    x = digits[:600]
    assert knn_recall(x, knn_graph(x, 10, metric=metric), metric=metric) > 0.999
    rng = np.random.default_rng(0)
    indices = np.array([rng.choice(np.delete(np.arange(600), i), 9, replace=False) for i in range(600)])
    distances = np.sort(np.linalg.norm(x[:, None] - x[indices], axis=2), axis=1)
    if metric == "euclidean":
        assert knn_recall(x, KnnGraph(indices, distances)) < 0.2


def test_recall_counts_what_was_replaced(digits):
    x = digits[:600]
    graph = knn_graph(x, 11)
    wider = knn_graph(x, 21)
    # The five farthest of ten neighbours exchanged for ones beyond
    indices = np.column_stack([graph.indices[:, :5], wider.indices[:, 12:17]])
    distances = np.column_stack([graph.distances[:, :5], wider.distances[:, 12:17]])
    assert knn_recall(x, KnnGraph(indices, distances), n_rows=600) == pytest.approx(0.5, abs=0.01)


def test_trustworthiness_and_continuity_agree_with_scikit_learn(digits):
    x = digits[:400]
    embedding = (x @ np.random.default_rng(0).normal(size=(64, 2))).astype(np.float32)
    expected = reference_trustworthiness(x, embedding, n_neighbors=7)
    assert trustworthiness(x, embedding, k=7) == pytest.approx(expected, abs=1e-3)
    assert continuity(x, embedding, k=7) == pytest.approx(
        reference_trustworthiness(embedding, x, n_neighbors=7), abs=1e-3
    )
    assert trustworthiness(x, embedding, k=7, n_rows=200) == pytest.approx(expected, abs=0.02)


def test_trustworthiness_and_continuity_are_those_of_any_scale(digits):
    x = digits[:200]
    embedding = (x @ np.random.default_rng(0).normal(size=(64, 2))).astype(np.float32)
    for score in (trustworthiness, continuity):
        expected = score(x, embedding, k=7)
        assert expected < 0.99
        assert score(np.ldexp(x, -90), embedding, k=7) == expected
        assert score(x, np.ldexp(embedding, -90), k=7) == expected


def neighbours(x: np.ndarray, k: int) -> list[set[int]]:
    """The k nearest others of each point, by plain numpy, lower numbers first among equals."""
    d = ((x[:, None].astype(np.float64) - x) ** 2).sum(axis=2)
    np.fill_diagonal(d, np.inf)
    return [set(row) for row in np.argsort(d, axis=1, kind="stable")[:, :k].tolist()]


@pytest.fixture(scope="module")
def maps(digits) -> tuple[np.ndarray, list[np.ndarray]]:
    """Digits, and three maps that keep more of them or less."""
    x, rng = digits[:300], np.random.default_rng(0)
    leading = np.linalg.svd(x - x.mean(0), full_matrices=False)[2][:3].T
    return x, [
        ((x @ leading)[:, :2] + rng.normal(scale=s, size=(300, 2))).astype(np.float32) for s in (0, 1, 5)
    ]


def test_distortion_preservation_and_stability_are_those_of_plain_sets(maps):
    x, embeddings = maps
    data, wide = neighbours(x, 4), neighbours(x, 12)
    on_map, wide_on_map = neighbours(embeddings[0], 4), neighbours(embeddings[0], 12)
    graph = knn_graph(x, 13)
    found = distortion(graph, embeddings[0])
    pairs = list(zip(data, wide_on_map, strict=True))
    np.testing.assert_allclose(found.lost, [len(a - b) / 4 for a, b in pairs], atol=1e-6)
    pairs = list(zip(on_map, wide, strict=True))
    np.testing.assert_allclose(found.intruders, [len(a - b) / 4 for a, b in pairs], atol=1e-6)
    kept = [len(a & b) / 12 for a, b in zip(wide, wide_on_map, strict=True)]
    np.testing.assert_allclose(neighbour_preservation(graph, embeddings[0]), kept, atol=1e-6)
    near = [neighbours(e, 9) for e in embeddings]
    jaccard = [
        np.mean([len(a[i] & b[i]) / len(a[i] | b[i]) for a, b in combinations(near, 2)]) for i in range(300)
    ]
    np.testing.assert_allclose(stability(embeddings, k=9), jaccard, atol=1e-6)
    assert 0.05 < np.mean(jaccard) < 0.9


def test_recall_of_each_row_is_that_of_plain_distances(digits):
    x = digits[:300]
    rng = np.random.default_rng(1)
    indices = np.array([rng.choice(np.delete(np.arange(300), i), 6, replace=False) for i in range(300)])
    all_distances = np.abs(x[:, None] - x).sum(axis=2)
    distances = np.take_along_axis(all_distances, indices, 1)
    order = np.argsort(distances, axis=1)
    graph = KnnGraph(np.take_along_axis(indices, order, 1), np.take_along_axis(distances, order, 1))
    np.fill_diagonal(all_distances, np.inf)
    true = np.sort(all_distances, axis=1)[:, 5:6]
    for metric, keywords in (("manhattan", None), ("minkowski", {"p": 1.0})):
        recall = knn_recall(x, graph, metric=metric, metric_kwds=keywords, n_rows=50)
        assert recall == pytest.approx((graph.distances <= true)[sample_rows(300, 50, 0)].mean())


def test_points_without_a_place_are_nobody_s_neighbours_and_have_no_scores(maps):
    x, (embedding, other, _) = maps
    torn = embedding.copy()
    torn[[3, 50]] = np.nan
    placed = np.isfinite(torn[:, 0])
    graph = map_graph(torn, 8)
    assert (graph.indices[~placed] == -1).all()
    np.testing.assert_array_equal(graph.distances[placed], map_graph(embedding[placed], 8).distances)
    assert not np.isin(graph.indices[placed], [3, 50]).any()
    found = distortion(knn_graph(x, 13), torn)
    assert np.isnan(found.intruders[~placed]).all()
    assert (found.lost[~placed] == 1).all()
    for pair in ((torn, other), (other, torn)):
        np.testing.assert_array_equal(np.isfinite(stability(pair)), placed)
    aligned = align(torn, other)
    np.testing.assert_array_equal(np.isfinite(aligned.embedding[:, 0]), placed)
    assert aligned.disparity == pytest.approx(align(torn[placed], other[placed]).disparity)


def test_trust_and_continuity_leave_points_without_a_place_out_of_both_tables(maps):
    x, (embedding, _, _) = maps
    torn = embedding.copy()
    torn[[3, 50], 1] = np.nan
    placed = np.isfinite(torn[:, 1])
    for score in (trustworthiness, continuity):
        assert score(x, torn, k=7) == score(x[placed], embedding[placed], k=7)
        with pytest.raises(InputError, match=r"less than half the number of points \(10\), got 7"):
            score(x, np.where(np.arange(300)[:, None] < 10, embedding, np.nan), k=7)
        with pytest.raises(InputError, match=r"The map holds values as large as 1e\+30"):
            score(x, np.where(np.arange(300)[:, None] == 3, 1e30, embedding), k=7)
        with pytest.raises(InputError, match=r"The vectors hold values as large as 1e\+30"):
            score(np.where(np.arange(300)[:, None] == 3, 1e30, x), embedding, k=7)


def test_missing_neighbours_are_minus_one_and_have_no_rank():
    x = np.arange(4, dtype=np.float32)[:, None]
    indices, distances = nearest_of_rows(x, np.array([0, 3]), 5)
    np.testing.assert_array_equal(indices, [[1, 2, 3, -1, -1], [2, 1, 0, -1, -1]])
    np.testing.assert_array_equal(distances[:, 3:], np.inf)
    np.testing.assert_array_equal(ranks_of(x, np.array([0, 3]), indices), [[1, 2, 3, 0, 0]] * 2)


def test_no_score_needs_memory_for_all_pairs():
    """20,000 points: all pairs are 400 million, 1.6 GB as float32; a million values are allowed."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 40)).astype(np.float32)
    embedding = x[:, :2].copy()
    graph = knn_graph(x[:, :3], 16)
    tracemalloc.start()
    try:
        knn_recall(x, graph, n_rows=50)
        trustworthiness(x, embedding, n_rows=50)
        continuity(x, embedding, n_rows=50)
        distortion(graph, embedding)
        neighbour_preservation(graph, embedding)
        stability([embedding, embedding[:, ::-1].copy()])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * x.nbytes


def test_a_perfect_map_has_no_distortion_and_a_torn_one_shows_where(plane):
    graph = knn_graph(plane, 16)
    assert distortion(graph, plane).lost.max() == 0
    torn = plane.copy()
    right = plane[:, 0] > 0.5
    torn[right] += 5
    lost = distortion(graph, torn).lost
    near_the_tear = np.abs(plane[:, 0] - 0.5) < 0.02
    assert lost[near_the_tear].mean() > 0.2
    assert lost[np.abs(plane[:, 0] - 0.5) > 0.2].max() == 0
    folded = np.where(right[:, None], [[1, 0]] + plane * [[-1, 1]], plane).astype(np.float32)
    assert distortion(graph, folded).intruders.mean() > 0.3


def test_preservation_and_stability_are_one_for_the_same_map_and_low_for_a_shuffled_one(plane):
    graph = map_graph(plane, 15)
    shuffled = plane[np.random.default_rng(1).permutation(len(plane))]
    turned = plane @ np.array([[0, -1], [1, 0]], np.float32)
    assert neighbour_preservation(graph, turned).min() == 1
    assert neighbour_preservation(graph, shuffled).mean() < 0.1
    assert stability([plane, turned, plane * 3]).min() == 1
    assert stability([plane, shuffled]).mean() < 0.05


@pytest.mark.parametrize("measure", ["map graph", "distortion", "stability"])
def test_progress_never_falls_ends_at_one_and_may_end_the_work(plane, monkeypatch, measure):
    monkeypatch.setattr("core.quality.BLOCK_ROWS", 200)
    graph, shares = map_graph(plane, 12), []
    maps = [plane, plane[:, ::-1], plane * [1, 2]]
    work = {
        "map graph": lambda told: map_graph(plane, 12, progress=told).indices,
        "distortion": lambda told: distortion(graph, plane**2, progress=told).lost,
        "stability": lambda told: stability(maps, progress=told),
    }[measure]
    found = work(shares.append)
    assert shares == sorted(shares)
    assert len(shares) >= 5
    assert shares[-1] == 1
    monkeypatch.undo()
    np.testing.assert_array_equal(found, work(lambda _: None))

    def stop(share):
        if share > 0.3:
            raise StopIteration(share)

    with pytest.raises(StopIteration):
        work(stop)


def test_alignment_undoes_turning_mirroring_scaling_and_moving(plane):
    moved = (plane @ np.array([[0.6, 0.8], [0.8, -0.6]]) * 3 + 7).astype(np.float32)
    aligned = align(moved, plane)
    np.testing.assert_allclose(aligned.embedding, plane, atol=1e-4)
    assert aligned.disparity < 1e-6
    assert align(np.random.default_rng(2).permutation(plane), plane).disparity > 0.9


def test_bad_input_is_named(plane):
    with pytest.raises(InputError, match="half the number"):
        trustworthiness(plane[:10], plane[:10], k=7)
    with pytest.raises(InputError, match="at least two"):
        stability([plane])
    with pytest.raises(InputError, match="one shape"):
        align(plane, plane[:5])
    for nowhere in (np.zeros((5, 2)), np.where(np.arange(5)[:, None] == 2, plane[:5], np.nan)):
        for maps in ((nowhere, plane[:5]), (plane[:5], nowhere)):
            with pytest.raises(InputError, match="at least two points that lie apart"):
                align(*maps)
    with pytest.raises(InputError, match="k must"):
        map_graph(plane, 900)
    graph = knn_graph(plane, 10)
    with pytest.raises(InputError, match=r"between 1 and the graph's neighbours a point \(9\), got 10"):
        distortion(graph, plane, k=10)
    with pytest.raises(InputError, match="900 and 50 rows"):
        distortion(graph, plane[:50])
    with pytest.raises(InputError, match="graph has 900 rows, the vectors 50"):
        knn_recall(plane[:50], graph)
    with pytest.raises(InputError, match="same points, got 50 and 900"):
        trustworthiness(plane, plane[:50])
    for n_rows in (0, 2.5):
        with pytest.raises(InputError, match=f"n_rows must be a whole number of at least 1, got {n_rows}"):
            knn_recall(plane, graph, n_rows=n_rows)
        with pytest.raises(InputError, match="n_rows must be a whole number"):
            continuity(plane, plane, n_rows=n_rows)
    with pytest.raises(InputError, match="seed must be a whole number from 0"):
        knn_recall(plane, graph, seed=-1)


def test_a_metric_without_a_distance_0_has_no_recall_and_is_refused_before_any_work(plane, monkeypatch):
    graph = knn_graph(plane[:50], 5, metric="inner_product")
    monkeypatch.setattr("core.any_metric._nearest", None)
    with pytest.raises(InputError, match="by 'inner_product' has no recall"):
        knn_recall(plane[:50], graph, metric="inner_product")
    with pytest.raises(InputError, match="by 'inner_product' cannot place new points"):
        nearest_between(plane[:5], plane, 3, metric="inner_product", metric_kwds=None)
