"""Near duplicates: those planted are found and no others, in any density and however many are alike."""

import numpy as np
import pytest

from core import knn_graph
from explorer.model.near_duplicates import NearDuplicates, dimensions, near_duplicates
from explorer.model.structure_findings import of_duplicates


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


def test_only_a_cluster_that_is_mostly_copies_may_be_there_for_them() -> None:
    sizes = np.array([200, 40])
    labels = np.repeat(np.array([0, 1, -1], np.int32), [*sizes, 1760])
    rows = np.concatenate([np.arange(24), np.arange(200, 228)])
    found = NearDuplicates(rows, np.repeat(np.arange(26, dtype=np.int32), 2), 0.1)
    of_all, some, most = of_duplicates(found, labels, sizes, np.zeros(2))
    assert "keep one of each" in of_all.sentence
    assert some.sentence.startswith("12% of cluster 0 are nearly the same as another item, of all items 2.6%")
    assert "there for its copies" not in some.sentence
    assert "keep one of each group" in some.sentence
    assert most.sentence.endswith("of all items 2.6%: it may be there for its copies alone.")
