"""Scores against labels: their values worked by hand, whether noise counts, and rows without a label."""

from itertools import permutations

import numpy as np
import pytest

from explorer.model.errors import InputError
from explorer.model.label_scores import label_scores


def entropy(*counts: int) -> float:
    """Of a partition into parts of these sizes, in nats."""
    shares = np.array(counts) / sum(counts)
    return float(-(shares * np.log(shares)).sum())


def information(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Mutual information by its definition, H(A) + H(B) − H(A, B)."""
    sizes = [np.unique(np.array(part), axis=0, return_counts=True)[1] for part in (one, other)]
    both = np.unique(np.stack([one, other]), axis=1, return_counts=True)[1]
    return entropy(*sizes[0]) + entropy(*sizes[1]) - entropy(*both)


def adjusted_information(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Adjusted by its mean over every order of the labels, at most the mean entropy (Vinh et al. 2010)."""
    by_chance = float(np.mean([information(one, order) for order in permutations(other)]))
    most = np.mean([entropy(*np.unique(part, return_counts=True)[1]) for part in (one, other)])
    return float((information(one, other) - by_chance) / (most - by_chance))


def test_scores_of_six_rows_are_those_worked_by_hand() -> None:
    truth, labels = (0, 0, 0, 1, 1, 1), (0, 0, 1, 1, 1, -1)
    found = label_scores(np.array(labels, np.int32), np.array(truth, np.int32))
    assert (found.rows, found.clustered_share) == (6, pytest.approx(5 / 6))
    # Pairs of 6 rows are 15. Together in both: 2; by label 6, by cluster 1 + 3. By chance 6 · 4 / 15.
    assert found.ari == pytest.approx((2 - 1.6) / ((6 + 4) / 2 - 1.6))
    # Without the row in noise there are 10 pairs: 2 in both, 4 by label, 4 by cluster.
    assert found.ari_clustered == pytest.approx((2 - 1.6) / (4 - 1.6))
    # Of three parts one, of 3 rows, holds both labels, 1 and 2.
    assert found.homogeneity == pytest.approx(1 - 3 / 6 * entropy(1, 2) / entropy(3, 3))
    assert found.homogeneity_clustered == pytest.approx(1 - 3 / 5 * entropy(1, 2) / entropy(3, 2))
    assert found.ami == pytest.approx(adjusted_information(labels, truth))
    assert found.ami_clustered == pytest.approx(adjusted_information(labels[:5], truth[:5]))


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
