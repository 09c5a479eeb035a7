"""A coarse graph is the fine one with some vertices made one."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from core import fuzzy_simplicial_set, knn_graph
from core.coarsening import coarsened
from tests.core.conftest import THREADS, two_components


def joined(coarse) -> sp.csr_array:
    """P of P'WP: one column a group."""
    n = len(coarse.group)
    return sp.csr_array((np.ones(n), (np.arange(n), coarse.group)), shape=(n, coarse.graph.shape[0]))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ties_between_groups_are_the_sums_of_their_members(data, seed):
    graph = fuzzy_simplicial_set(knn_graph(data, 10))
    coarse = coarsened(graph, seed=seed)
    p = joined(coarse)
    expected = p.T @ graph.astype(np.float64) @ p
    np.testing.assert_allclose(coarse.graph.toarray(), expected.toarray(), rtol=1e-5, atol=1e-6)
    assert 2 * coarse.graph.shape[0] < len(data)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_group_holds_together(digits_set, seed):
    group = coarsened(digits_set, seed=seed).group
    edges = digits_set.tocoo()
    inside = group[edges.row] == group[edges.col]
    within = sp.csr_array(
        (edges.data[inside], (edges.row[inside], edges.col[inside])), shape=digits_set.shape
    )
    assert connected_components(within, directed=False)[0] == group.max() + 1


def test_components_stay_apart():
    graph = fuzzy_simplicial_set(knn_graph(two_components(), 10))
    coarse = coarsened(graph, seed=0)
    n, part = connected_components(graph, directed=False)
    n_coarse, coarse_part = connected_components(coarse.graph, directed=False)
    assert n == n_coarse == 2
    assert len({*zip(part, coarse_part[coarse.group], strict=True)}) == 2


def test_a_vertex_without_edges_is_a_group_of_its_own():
    graph = sp.csr_array(sp.block_diag([np.ones((3, 3)) - np.eye(3), np.zeros((2, 2))]), dtype=np.float32)
    group = coarsened(graph, seed=0).group
    assert len({*group[:3]}) == 1
    assert len({*group}) == 3


def test_groups_are_the_same_for_any_thread_count(data):
    graph = fuzzy_simplicial_set(knn_graph(data, 10))
    results = [coarsened(graph, seed=3, n_threads=n) for n in THREADS]
    for coarse in results[1:]:
        np.testing.assert_array_equal(coarse.group, results[0].group)
        for part in ("indptr", "indices", "data"):
            np.testing.assert_array_equal(getattr(coarse.graph, part), getattr(results[0].graph, part))
