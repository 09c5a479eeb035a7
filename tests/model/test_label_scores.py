"""Scores against labels: whether noise counts, and rows without a label."""

import numpy as np
import pytest

from explorer.model.errors import InputError
from explorer.model.label_scores import label_scores


def test_noise_costs_agreement_and_is_left_out_on_the_other_side() -> None:
    truth = np.repeat([0, 1, 2, -1], [40, 30, 20, 10]).astype(np.int32)
    labels = truth.copy()
    labels[:10], labels[45:50], labels[90:] = -1, -1, 1
    found = label_scores(labels, truth)
    assert (found.rows, found.clustered_share) == (90, pytest.approx(75 / 90))
    assert (found.ari_clustered, found.ami_clustered, found.homogeneity_clustered) == pytest.approx((1, 1, 1))
    assert 0.5 < found.ari < 1
    # Of 90 rows only the 15 in noise do not tell their label: entropy of 10 and 5 there.
    left = 15 / 90 * -(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3))
    whole = -sum(s * np.log(s) for s in (4 / 9, 3 / 9, 2 / 9))
    assert found.homogeneity == pytest.approx(1 - left / whole)


def test_without_clusters_or_labels_there_is_nothing_to_score() -> None:
    truth = np.array([0, 1, 0, 1], np.int32)
    found = label_scores(np.full(4, -1, np.int32), truth)
    assert (found.clustered_share, found.ari, found.ari_clustered) == (0, 0, None)
    with pytest.raises(InputError, match="Fewer than two rows"):
        label_scores(truth, np.array([0, -1, -1, -1], np.int32))
