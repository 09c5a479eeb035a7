"""How categories lie among each other: counts by hand on a row of points, and what is made of them."""

import numpy as np
import pytest

from core import knn_graph
from explorer.model.mingling import DOMINANT, ELSEWHERE, INSIDE, OWN, Mingling, Places, links, mingling
from explorer.model.severity import MEETING, SPARSE

# Each point's neighbours are the one before and the one after it.
NEAR = np.array([[-1, 1], [0, 2], [1, 3], [2, 4], [3, 5], [4, -1]], np.int32)
LABELS = np.array([0, 0, 0, 0, 1, -1], np.int32)
CODES = np.array([0, 0, 1, 0, 0, 1], np.int32)
REACH = np.array([3, 1, 2, 1, 1, 1], np.float32)


def in_one_cluster(points: np.ndarray, codes: np.ndarray) -> Mingling:
    graph, labels = knn_graph(points.astype(np.float32), 15), np.zeros(len(points), np.int32)
    places = Places(graph.indices, graph.distances[:, -1], labels, codes.astype(np.int32))
    return mingling(places, np.bincount(codes.astype(int))[None], np.array([0]))


def test_neighbours_are_counted_as_by_hand() -> None:
    made = mingling(Places(NEAR, REACH, LABELS, CODES), np.array([[3, 1], [1, 0]]), np.array([0, 0]))
    assert made.edges[0, 0].tolist() == [5, 4, 2, 0, 1]
    assert made.edges[0, 1].tolist() == [2, 2, 0, 2, 0]
    assert made.edges[1, 0].tolist() == [2, 0, 0, 0, 1]
    assert made.touching[0, 1] == 1
    assert made.elsewhere[0, 0] == pytest.approx(1 / 5)
    assert made.concentration[0, 0] == pytest.approx((2 / 4 - 2 / 3) / (1 - 2 / 3))
    assert made.unevenness[0, 0] == pytest.approx((2 / 4) / (2 / 3) - 1)
    assert made.unevenness[0, 1] == 0
    assert (INSIDE, OWN, DOMINANT, ELSEWHERE) == (1, 2, 3, 4)


def test_categories_meet_where_rows_of_both_are_at_home() -> None:
    one_cluster, halves = np.zeros(6, np.int32), np.array([0, 0, 0, 1, 1, 1], np.int32)
    made = mingling(Places(NEAR, REACH, one_cluster, halves), np.array([[3, 3]]), np.array([0]))
    # Row 2 is next to row 3, and of rows 0, 1 and 2 the one in the middle by its reach.
    assert made.meeting(0, 0, 1) == (1, 0.5)
    # Row 2 alone is of the second category: it is at home with none.
    made = mingling(Places(NEAR, REACH, LABELS, CODES), np.array([[3, 1], [1, 0]]), np.array([0, 0]))
    assert made.meeting(0, 0, 1) == made.meeting(0, 1, 0) == (0, 1)


def test_links_are_counted_by_cluster_with_noise_last() -> None:
    assert links(NEAR, LABELS, 2).tolist() == [[6, 1, 0], [1, 0, 1]]


def test_a_half_plane_is_concentrated_and_thrown_labels_are_not() -> None:
    rng = np.random.default_rng(0)
    plane = rng.uniform(size=(2000, 2))
    for codes, low, high in ((plane[:, 0] > 0.7, 0.8, 1), (rng.random(2000) > 0.7, -0.1, 0.1)):
        assert low < in_one_cluster(plane, codes).concentration[0, 1] < high


@pytest.mark.parametrize("lacking", [1 / 3, 1 / 2])
def test_what_a_part_of_the_cluster_lacks_is_uneven_by_its_share(lacking: float) -> None:
    rng = np.random.default_rng(1)
    plane = rng.uniform(size=(6000, 2))
    codes = (plane[:, 0] > lacking) & (rng.random(6000) < 0.2)
    found = in_one_cluster(plane, codes).unevenness[0, 1]
    assert found == pytest.approx(lacking / (1 - lacking), rel=0.15)


@pytest.mark.parametrize("dims", [2, 8])
@pytest.mark.parametrize("n", [400, 8000])
def test_labels_that_change_amid_a_cloud_meet_where_it_is_dense_and_clouds_by_their_outskirts(
    dims: int, n: int
) -> None:
    rng = np.random.default_rng(dims)
    cloud = rng.normal(size=(n, dims))
    rows, sparse = in_one_cluster(cloud, cloud[:, 0] > 0.8).meeting(0, 1, 0)
    assert rows >= MEETING
    assert sparse < SPARSE - 0.05
    # Student's t of four degrees, six spreads apart.
    codes = rng.random(n) < 0.4
    two = rng.normal(size=(n, dims)) / np.sqrt(rng.chisquare(4, (n, 1)) / 4)
    two[codes, 0] += 6
    # Here and there a label is wrong, where a cloud is as dense as anywhere.
    codes ^= rng.random(n) < 0.01
    rows, sparse = in_one_cluster(two, codes).meeting(0, 1, 0)
    assert rows >= MEETING
    assert sparse > SPARSE + 0.05
