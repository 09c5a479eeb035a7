"""How categories lie among each other: counts by hand on a row of points, and what is made of them."""

import numpy as np
import pytest

from core import knn_graph
from explorer.model.mingling import DOMINANT, ELSEWHERE, INSIDE, OWN, links, mingling

# Each point's neighbours are the one before and the one after it.
NEAR = np.array([[-1, 1], [0, 2], [1, 3], [2, 4], [3, 5], [4, -1]], np.int32)
LABELS = np.array([0, 0, 0, 0, 1, -1], np.int32)
CODES = np.array([0, 0, 1, 0, 0, 1], np.int32)


def test_neighbours_are_counted_as_by_hand() -> None:
    made = mingling(NEAR, LABELS, CODES, np.array([[3, 1], [1, 0]]), np.array([0, 0]))
    assert made.edges[0, 0].tolist() == [5, 4, 2, 0, 1]
    assert made.edges[0, 1].tolist() == [2, 2, 0, 2, 0]
    assert made.edges[1, 0].tolist() == [2, 0, 0, 0, 1]
    assert made.touching[0, 1] == 1
    assert made.elsewhere[0, 0] == pytest.approx(1 / 5)
    assert made.concentration[0, 0] == pytest.approx((2 / 4 - 2 / 3) / (1 - 2 / 3))
    assert (INSIDE, OWN, DOMINANT, ELSEWHERE) == (1, 2, 3, 4)


def test_links_are_counted_by_cluster_with_noise_last() -> None:
    assert links(NEAR, LABELS, 2).tolist() == [[6, 1, 0], [1, 0, 1]]


def test_a_half_plane_is_concentrated_and_thrown_labels_are_not() -> None:
    rng = np.random.default_rng(0)
    plane = rng.uniform(size=(2000, 2)).astype(np.float32)
    near, labels = knn_graph(plane, 15).indices, np.zeros(2000, np.int32)
    for codes, low, high in ((plane[:, 0] > 0.7, 0.8, 1), (rng.random(2000) > 0.7, -0.1, 0.1)):
        counts = np.bincount(codes.astype(int))[None]
        made = mingling(near, labels, codes.astype(np.int32), counts, np.array([0]))
        assert low < made.concentration[0, 1] < high
