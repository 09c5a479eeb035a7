"""Where a sample of more rows than can be ringed is seen."""

import numpy as np

from explorer.model.projection import Viewport
from explorer.views.sample_marks import DARK_DOT, LIGHT_DOT, MOST_MARKS, dotted

VIEW = Viewport(0, 60, 0, 40, 60, 40)


def test_every_row_of_a_large_sample_is_a_light_dot_in_a_dark_one() -> None:
    rng = np.random.default_rng(0)
    embedding = rng.uniform([-10, -10], [70, 50], (20_000, 2)).astype(np.float32)
    embedding[5] = np.nan
    rows = np.arange(0, MOST_MARKS + 1)
    image = dotted(np.zeros((40, 60), np.uint32), embedding, rows, VIEW)
    x, y = np.floor(embedding[np.delete(rows, 5)]).astype(int).T
    seen = (x >= 0) & (x < 60) & (y >= 0) & (y < 40)
    expected = np.zeros((40, 60), bool)
    expected[y[seen], x[seen]] = True
    np.testing.assert_array_equal(image == LIGHT_DOT, expected)


def test_a_dot_s_rim_is_dark_and_stays_in_the_picture() -> None:
    embedding = np.zeros((MOST_MARKS + 1, 2), np.float32)
    image = dotted(np.zeros((40, 60), np.uint32), embedding, np.arange(MOST_MARKS + 1), VIEW)
    assert image[0, 0] == LIGHT_DOT
    assert (image[[0, 1, 1], [1, 0, 1]] == DARK_DOT).all()
    assert np.count_nonzero(image) == 4


def test_a_few_rows_are_left_to_the_rings() -> None:
    embedding = np.ones((10, 2), np.float32)
    assert not dotted(np.zeros((40, 60), np.uint32), embedding, np.arange(3), VIEW).any()
