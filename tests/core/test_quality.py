from __future__ import annotations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness as reference_trustworthiness

from core import InputError, KnnGraph, knn_graph, knn_recall
from core.quality import (
    align,
    continuity,
    distortion,
    map_graph,
    neighbour_preservation,
    stability,
    trustworthiness,
)


@pytest.fixture(scope="module")
def plane() -> np.ndarray:
    return np.random.default_rng(0).uniform(size=(900, 2)).astype(np.float32)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
def test_recall_of_a_true_graph_is_one_and_of_a_random_graph_low(digits, metric):
    x = digits[:600]
    assert knn_recall(x, knn_graph(x, 10, metric=metric), metric=metric) > 0.999
    rng = np.random.default_rng(0)
    indices = (np.arange(600)[:, None] + rng.integers(1, 600, (600, 9))) % 600
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
    with pytest.raises(InputError, match="k must"):
        map_graph(plane, 900)
