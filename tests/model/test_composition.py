"""Counts of clusters by categories: worked values, exact chances, and no more false alarms than agreed."""

import numpy as np
import pytest
from scipy.stats import power_divergence

from explorer.model.composition import (
    composition,
    corrected,
    divergence,
    entropy,
    out_of_line,
    shuffled,
    tails,
)

LABELS = np.array([0, 0, 0, 1, 1, -1], np.int32)
CODES = np.array([0, 0, 1, 1, -1, 0], np.int32)


def test_counts_purity_and_effective_categories_are_those_counted_by_hand() -> None:
    made = composition(LABELS, CODES, 2, 2)
    assert made.counts.tolist() == [[2, 1], [0, 1]]
    assert (made.absent.tolist(), made.totals.tolist()) == ([0, 1], [3, 2])
    assert (made.all_absent, made.n) == (1, 6)
    assert made.purity == pytest.approx([2 / 3, 1])
    assert made.dominant.tolist() == [0, 1]
    by_hand = np.log(3) - 2 / 3 * np.log(2)
    assert made.entropy == pytest.approx([by_hand / np.log(2), 0])
    assert made.effective == pytest.approx([3 / 4 ** (1 / 3), 1])
    assert made.lift[0] == pytest.approx([2 / 3 / 0.6, 1 / 3 / 0.4])


def test_entropy_of_a_half_and_two_quarters_is_one_and_a_half_bits() -> None:
    assert entropy(np.array([[0.5, 0.25, 0.25], [1, 0, 0]])) == pytest.approx([1.5 * np.log(2), 0])


def test_tails_are_the_hypergeometric_sums_by_hand() -> None:
    # Of 10 rows 4 are marked and 3 drawn: 120 draws, C(4,2) C(6,1) = 36 with two, 4 with three, 20 with none.
    few, many = tails(np.array([0, 2]), 10, np.int64(4), np.array([3, 3]))
    assert many[1] == pytest.approx((36 + 4) / 120)
    assert few[0] == pytest.approx(20 / 120)
    assert (many[0], few[1]) == pytest.approx((1, 1 - 4 / 120))


def test_tails_of_a_million_rows_are_chances_and_reach_far_out() -> None:
    few, many = tails(np.array([0, 20_000, 1_000]), 1_000_000, np.int64(140_000), np.array([20_000] * 3))
    assert few[0] < 1e-300
    assert many[1] < 1e-300
    assert few[2] + many[2] == pytest.approx(1, abs=1e-6)
    assert few[2] < 1e-100


def test_divergence_is_that_of_cressie_and_read() -> None:
    counts, expected = np.array([[6, 2, 4]]), np.array([[4.0, 4.0, 4.0]])
    told = power_divergence(counts[0], expected[0], lambda_="cressie-read").statistic
    assert divergence(counts, expected) == pytest.approx([told])


def test_shuffled_tables_tell_what_a_permutation_of_the_values_tells() -> None:
    rng = np.random.default_rng(0)
    labels, codes = rng.integers(-1, 3, 600).astype(np.int32), rng.choice(4, 600, p=[0.6, 0.2, 0.1, 0.1])
    made = composition(labels, codes.astype(np.int32), 3, 4)
    again = [composition(labels, rng.permutation(codes).astype(np.int32), 3, 4) for _ in range(100)]
    assert made.purity_by_chance == pytest.approx(np.mean([one.purity for one in again], axis=0), abs=0.02)
    assert made.entropy_by_chance == pytest.approx(np.mean([one.entropy for one in again], axis=0), abs=0.02)


def test_a_cluster_unlike_all_rows_differs_and_one_like_them_does_not() -> None:
    table = np.array([[40, 100, 100], [50, 50, 50], [90, 30, 30], [0, 0, 0]])
    p = shuffled(table, seed=0)[2]
    assert p[0] > 0.9
    assert p[1] < 1e-6
    assert p[2] == 1


def test_the_correction_is_that_of_benjamini_and_hochberg_over_all_parts() -> None:
    one, other = corrected([np.array([[0.01, 0.5]]), np.array([0.03, 0.02])])
    assert one == pytest.approx(np.array([[0.04, 0.5]]))
    assert other == pytest.approx([0.04, 0.04])


def test_a_single_value_is_shuffled_into_what_it_was() -> None:
    purity, spread, p = shuffled(np.array([[23], [7], [0]]), seed=0)
    assert (purity.tolist(), spread.tolist(), p.tolist()) == ([1, 0], [0, 0], [1, 1])


def test_shuffled_labels_raise_no_more_false_alarms_than_the_level() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(-1, 7), [100, 400, 300, 200, 150, 100, 60, 40]).astype(np.int32)
    codes = rng.choice(9, len(labels), p=[0.4, 0.2, 0.1, 0.1, 0.08, 0.06, 0.03, 0.02, 0.01]).astype(np.int32)
    codes[rng.random(len(codes)) < 0.05] = -1
    alarms = 0
    for seed in range(100):
        made = composition(labels, rng.permutation(codes), 7, 9, seed)
        p = [made.p_differs, made.p_few, made.p_many, made.p_strangers, made.p_absent]
        alarms += min(part.min() for part in corrected(p)) <= 0.05
    assert alarms <= 5


def test_odds_are_out_of_line_by_the_spread_between_clusters_as_far_as_their_rows_tell() -> None:
    sizes = np.array([1000, 1000, 1000, 1000, 1000, 0])
    counts = np.array([[100], [150], [200], [140], [0], [0]])
    odds = np.log((counts[:5, 0] + 0.5) / (sizes[:5] - counts[:5, 0] + 0.5))
    middle = odds[3]
    by_chance = np.median(1 / (counts[:5, 0] + 0.5) + 1 / (sizes[:5] - counts[:5, 0] + 0.5))
    spread = np.sqrt((1.4826 * np.median(np.abs(odds - middle))) ** 2 - by_chance)
    assert spread > 0.3
    found = out_of_line(counts, sizes)[:, 0]
    rng = np.random.default_rng(0)
    for cluster, bound in ((0, 99), (2, 1), (4, 99)):
        drawn = rng.beta(counts[cluster] + 0.5, sizes[cluster] - counts[cluster] + 0.5, 400_000)
        likely = np.percentile(drawn, bound)
        assert found[cluster] == pytest.approx((np.log(likely / (1 - likely)) - middle) / spread, abs=0.05)
    assert found[[1, 3, 5]].tolist() == [0, 0, 0], "by 150 of 1,000 nobody can tell it from 140"
    few = out_of_line(counts // 20, sizes // 20)[:, 0]
    assert found[4] < few[4] < 0, "none of fifty tells less than none of a thousand"
