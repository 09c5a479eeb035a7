"""The neighbours of one item are those that all distances give, in the data and on the map."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import pairwise_distances

from explorer.model.errors import InputError
from explorer.model.neighbours import centre, nearest, neighbours


def expected(distances: np.ndarray, k: int, leave_out: int = -1) -> np.ndarray:
    """Rows by distance, the lower first among equals."""
    order = np.lexsort((np.arange(len(distances)), distances))
    return order[order != leave_out][:k]


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    rng = np.random.default_rng(3)
    made = rng.normal(size=(900, 17)).astype(np.float32) + 2
    made[[100, 500]] = 0
    return made


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "correlation", "manhattan", "chebyshev"])
def test_the_nearest_are_those_of_scikit_learn(vectors: np.ndarray, metric: str) -> None:
    usable = np.delete(vectors, [100, 500], axis=0)
    for row in (0, 7, 450):
        distances = pairwise_distances(
            usable[row : row + 1].astype(float), usable.astype(float), metric=metric
        )[0]
        found = nearest(usable, usable[row], 25, metric, leave_out=row)
        np.testing.assert_array_equal(found.rows, expected(distances, 25, row))
        np.testing.assert_allclose(found.distances, distances[found.rows], rtol=1e-4)


def test_digits_are_ranked_by_exact_distances(mnist_small: tuple[np.ndarray, np.ndarray]) -> None:
    images = mnist_small[0]
    wide = images.astype(np.int64)
    for row in (3, 1999):
        squared = ((wide - wide[row]) ** 2).sum(axis=1)
        found = nearest(images, images[row], 100, leave_out=row)
        np.testing.assert_array_equal(found.rows, expected(squared, 100, row))
        np.testing.assert_allclose(found.distances, np.sqrt(squared[found.rows]), rtol=1e-12)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=40), st.integers(1, 50))
def test_among_equals_the_lower_row_comes_first(values: list[int], k: int) -> None:
    points = np.array(values, np.float32)[:, None]
    found = nearest(points, points[0], k, leave_out=0)
    np.testing.assert_array_equal(found.rows, expected(np.abs(points[:, 0] - points[0, 0]), k, 0))


def test_rows_of_zeros_are_near_one_another_and_far_from_the_rest_by_angle(vectors: np.ndarray) -> None:
    found = nearest(vectors, vectors[100], 3, "cosine", leave_out=100)
    assert found.rows[0] == 500
    np.testing.assert_array_equal(found.distances, [0, 1, 1])


def test_a_memory_map_is_as_good_as_memory(vectors: np.ndarray, tmp_path) -> None:
    np.save(tmp_path / "v.npy", vectors)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    one, other = nearest(mapped, mapped[5], 9), nearest(vectors, vectors[5], 9)
    np.testing.assert_array_equal(one.rows, other.rows)


def test_intruders_and_lost_are_what_the_two_lists_do_not_share(vectors: np.ndarray) -> None:
    embedding = np.random.default_rng(0).normal(size=(900, 2)).astype(np.float32)
    embedding[:40] = vectors[:40, :2]
    found = neighbours(vectors, embedding, 12, 30)
    in_data = expected(np.linalg.norm(vectors.astype(float) - vectors[12], axis=1), 900, 12)
    on_map = expected(np.linalg.norm(embedding.astype(float) - embedding[12], axis=1), 900, 12)
    np.testing.assert_array_equal(found.data.rows, in_data[:30])
    np.testing.assert_array_equal(found.map.rows, on_map[:30])
    assert set(found.intruders) == set(on_map[:30]) - set(in_data[:30])
    assert set(found.lost) == set(in_data[:30]) - set(on_map[:30])
    assert set(found.kept) == set(in_data[:30]) & set(on_map[:30])
    assert len(found.intruders) == len(found.lost) > 0
    np.testing.assert_array_equal(on_map[found.data_on_map - 1], found.data.rows)
    np.testing.assert_array_equal(in_data[found.map_in_data - 1], found.map.rows)


def test_a_row_without_a_place_has_no_neighbours_on_the_map_and_is_none(vectors: np.ndarray) -> None:
    embedding = np.random.default_rng(0).normal(size=(900, 2)).astype(np.float32)
    embedding[3] = np.nan
    assert len(neighbours(vectors, embedding, 3, 5).map.rows) == 0
    assert 3 not in neighbours(vectors, embedding, 4, 899).map.rows
    without = neighbours(vectors, None, 3, 5)
    assert len(without.map.rows) == len(without.lost) == len(without.intruders) == 0
    assert len(without.data.rows) == 5


def test_fewer_rows_than_asked_for_are_all_rows(vectors: np.ndarray) -> None:
    assert len(nearest(vectors[:4], vectors[0], 50, leave_out=0).rows) == 3


def test_the_centre_is_the_mean_of_the_rows(vectors: np.ndarray) -> None:
    rows = np.arange(0, 900, 7)
    np.testing.assert_allclose(centre(vectors, rows), vectors[rows].mean(axis=0, dtype=float))
    with pytest.raises(InputError, match="Nothing is selected"):
        centre(vectors, rows[:0])


def test_what_cannot_be_asked_for_is_told(vectors: np.ndarray) -> None:
    with pytest.raises(InputError, match="there is no row 900"):
        neighbours(vectors, None, 900, 5)
    with pytest.raises(InputError, match="At least 1"):
        nearest(vectors, vectors[0], 0)
    with pytest.raises(InputError, match="unknown"):
        nearest(vectors, vectors[0], 5, "nonsense")
