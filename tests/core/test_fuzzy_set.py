from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import brentq

from core import InputError, KnnGraph, fuzzy_simplicial_set, knn_graph
from core.fuzzy_set import membership_strengths, smooth_knn_distances, union
from tests.core.conftest import THREADS


def test_sigma_solves_its_equation_and_rho_is_the_first_distance():
    # Two neighbours at 1 and 2: rho = 1, and 1 + exp(-1 / sigma) = log2(3) has the root below.
    graph = KnnGraph(np.array([[1, 2], [0, 2], [1, 0]]), np.array([[1.0, 2], [1, 2], [1, 2]]))
    rho, sigma = smooth_knn_distances(graph)
    np.testing.assert_array_equal(rho, 1)
    np.testing.assert_allclose(sigma, -1 / np.log(np.log2(3) - 1), rtol=1e-4)


def test_strengths_sum_to_log2_of_n_neighbors(digits_graph):
    rho, sigma = smooth_knn_distances(digits_graph)
    strengths = membership_strengths(digits_graph, rho, sigma)
    np.testing.assert_allclose(strengths.sum(1), np.log2(15), atol=1e-4)
    np.testing.assert_array_equal(strengths[:, 0], 1)
    d = digits_graph.distances.astype(np.float64)
    expected = np.exp(-np.maximum(0, d - rho[:, None]) / sigma[:, None])
    np.testing.assert_allclose(strengths, expected, rtol=1e-5)


def test_rho_sigma_strengths_and_union_are_those_of_their_formulas(digits):
    """Worked in float64 from plain distances, sigma by Brent's method, the union of dense matrices."""
    x = digits[:200].astype(np.float64)
    distances = np.sqrt(((x[:, None] - x) ** 2).sum(axis=2))
    np.fill_diagonal(distances, np.inf)
    order = np.argsort(distances, axis=1, kind="stable")[:, :11]
    near = np.take_along_axis(distances, order, 1)
    expected_rho = near[:, 0]
    gaps = near - expected_rho[:, None]
    expected_sigma = np.array(
        [brentq(lambda s, g=g: np.exp(-g / s).sum() - np.log2(12), 1e-3, 1e3) for g in gaps]
    )
    graph = knn_graph(digits[:200], 12)
    rho, sigma = smooth_knn_distances(graph)
    np.testing.assert_allclose(rho, expected_rho, rtol=1e-6)
    np.testing.assert_allclose(sigma, expected_sigma, rtol=1e-3)
    a = np.zeros((200, 200))
    np.put_along_axis(a, order, np.exp(-gaps / expected_sigma[:, None]), 1)
    np.testing.assert_allclose(
        membership_strengths(graph, rho, sigma), np.take_along_axis(a, order, 1), atol=1e-4
    )
    np.testing.assert_allclose(fuzzy_simplicial_set(graph).toarray(), a + a.T - a * a.T, atol=2e-4)


def test_fractional_connectivity_interpolates_between_neighbours():
    graph = KnnGraph(np.array([[1, 2], [0, 2], [1, 0]]), np.array([[1.0, 3], [1, 3], [1, 3]]))
    assert smooth_knn_distances(graph, local_connectivity=1.5)[0] == pytest.approx([2, 2, 2])
    assert smooth_knn_distances(graph, local_connectivity=0.5)[0] == pytest.approx([0.5, 0.5, 0.5])
    assert smooth_knn_distances(graph, local_connectivity=0)[0] == pytest.approx([0, 0, 0])


def test_zero_distances_do_not_count_for_rho():
    graph = KnnGraph(np.array([[1, 2], [0, 2], [1, 0]]), np.array([[0.0, 2], [0, 2], [2, 2]]))
    assert smooth_knn_distances(graph)[0] == pytest.approx([2, 2, 2])


def test_the_union_is_the_probabilistic_sum_of_both_directions():
    # 0 -> 1 with .5, 1 -> 0 with .4, 1 -> 2 with .3, 2 -> 0 with .2, worked by hand
    indices = np.array([[1, -1], [2, 0], [0, -1]], np.int32)
    strengths = np.array([[0.5, 0], [0.3, 0.4], [0.2, 0]], np.float32)
    expected = np.array([[0, 0.7, 0.2], [0.7, 0, 0.3], [0.2, 0.3, 0]])
    np.testing.assert_allclose(union(indices, strengths).toarray(), expected, atol=1e-7)
    meet = np.array([[0, 0.2, 0], [0.2, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(union(indices, strengths, 0.0).toarray(), meet, atol=1e-7)
    np.testing.assert_allclose(union(indices, strengths, 0.5).toarray(), (expected + meet) / 2, atol=1e-7)


@settings(deadline=None, max_examples=30)
@given(hnp.arrays(np.float32, (12, 4), elements=st.floats(0, 1, width=32)), st.floats(0, 1))
def test_any_union_is_symmetric_and_within_0_and_1(strengths, mix):
    rng = np.random.default_rng(0)
    indices = np.array(
        [rng.choice(np.delete(np.arange(12), i), 4, replace=False) for i in range(12)], np.int32
    )
    w = union(indices, strengths, mix).toarray()
    np.testing.assert_array_equal(w, w.T)
    assert w.min() >= 0
    assert w.max() <= 1


def test_the_set_is_identical_for_any_thread_count(digits_graph):
    sets = [fuzzy_simplicial_set(digits_graph, n_threads=n) for n in THREADS]
    for other in sets[1:]:
        np.testing.assert_array_equal(other.indptr, sets[0].indptr)
        np.testing.assert_array_equal(other.indices, sets[0].indices)
        np.testing.assert_array_equal(other.data, sets[0].data)


def test_points_without_neighbours_stay_alone():
    graph = KnnGraph(
        np.array([[1, 2], [0, -1], [0, 1], [-1, -1]]), np.array([[1, 2], [1, np.inf], [2, 3], [np.inf] * 2])
    )
    fuzzy_set = fuzzy_simplicial_set(graph)
    assert fuzzy_set[[3]].nnz == 0
    assert np.isfinite(fuzzy_set.data).all()


@pytest.mark.parametrize("keywords", [{"set_op_mix_ratio": 1.5}, {"local_connectivity": -1}])
def test_a_parameter_out_of_range_is_named(digits_graph, keywords):
    with pytest.raises(InputError, match=next(iter(keywords))):
        fuzzy_simplicial_set(digits_graph, **keywords)
