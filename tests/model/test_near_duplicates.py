"""Near duplicates: those planted are found and no others, in any density and however many are alike."""

import numpy as np
import pytest

from core import knn_graph
from explorer.model.near_duplicates import dimensions, near_duplicates


def as_groups(found) -> list[list[int]]:
    return [found.rows[found.groups == group].tolist() for group in range(found.n_groups)]


def test_planted_groups_are_found_exactly() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(1500, 16)).astype(np.float32)
    vectors[:500] *= 5  # a third of the rows lie far more sparsely
    planted = [[3, 700, 1200], [10, 11], [600, 900], [499, 1499]]
    for first, *others in planted:
        vectors[others] = vectors[first] + 0.02 * rng.normal(size=(len(others), 16))
    assert as_groups(near_duplicates(knn_graph(vectors, 16))) == sorted(planted)


@pytest.mark.parametrize("dims", [2, 5, 20])
def test_rows_of_even_density_are_no_duplicates(dims: int) -> None:
    vectors = np.random.default_rng(dims).uniform(size=(3000, dims)).astype(np.float32)
    graph = knn_graph(vectors, 16)
    # Of cubes much of the volume is near a side, which takes from the dimensions of the large ones.
    assert 0.5 * dims < dimensions(graph.distances) < 1.2 * dims
    assert len(near_duplicates(graph).rows) <= 4


def test_a_heap_of_copies_larger_than_the_graph_is_wide_is_one_group() -> None:
    vectors = np.random.default_rng(4).normal(size=(400, 8)).astype(np.float32)
    vectors[100:140] = vectors[100]
    found = near_duplicates(knn_graph(vectors, 11))
    assert set(range(100, 140)) == set(found.rows.tolist())


def test_all_rows_alike_are_duplicates_and_a_narrow_graph_knows_equal_rows_only() -> None:
    same = near_duplicates(knn_graph(np.ones((50, 3), np.float32), 6))
    assert len(same.rows) == 50
    vectors = np.random.default_rng(5).normal(size=(60, 4)).astype(np.float32)
    vectors[7], vectors[9] = vectors[8], vectors[10] + 1e-4
    assert as_groups(near_duplicates(knn_graph(vectors, 3))) == [[7, 8]]
