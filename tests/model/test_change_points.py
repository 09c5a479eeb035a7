"""Changes of a share: the exact optimum, found where planted, and a p that keeps its promise by chance."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import binom, fisher_exact

from explorer.model.change_points import _log_likelihood, change_of, design_effect, segments
from explorer.model.shares import exact


def series(rates: np.ndarray, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    totals = np.full(len(rates), n)
    return np.random.default_rng(seed).binomial(totals, rates).astype(np.int64), totals


def p_of(cases: np.ndarray, totals: np.ndarray, seed: int = 0) -> float:
    return change_of(cases, totals, 0.05, np.random.default_rng(seed)).p


def most_by_chance(draws: int, level: float = 0.05) -> int:
    """More rejections than that come once in a thousand tests of this kind."""
    return int(binom.ppf(0.999, draws, level))


@pytest.mark.parametrize("seed", range(5))
def test_segments_are_the_best_of_all_partitions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    totals = rng.integers(1, 60, 8)
    cases, penalty = rng.binomial(totals, rng.uniform(0.1, 0.6, 8)), 2.0

    def worth(starts: tuple[int, ...]) -> float:
        ends = zip((0, *starts), (*starts, 8), strict=True)
        parts = [_log_likelihood(cases[a:b].sum(), totals[a:b].sum()) for a, b in ends]
        return float(sum(parts)) - penalty * len(starts)

    every = [starts for k in range(8) for starts in combinations(range(1, 8), k)]
    found = segments(cases, totals, penalty)
    assert worth(found) == pytest.approx(max(map(worth, every)))


def test_changes_are_found_where_they_are() -> None:
    rates = np.repeat([0.04, 0.012, 0.03], [30, 15, 15])
    found = change_of(*series(rates, 20_000), 0.05, np.random.default_rng(0))
    assert found.starts == (30, 45)
    assert found.p < 1e-9
    falling = change_of(*series(rates[:45], 2_000), 0.05, np.random.default_rng(0))
    assert falling.trend < -5
    assert len(falling.starts) == 1


def test_a_slow_trend_is_significant_and_has_its_sign() -> None:
    up = change_of(*series(np.linspace(0.05, 0.09, 40), 500), 0.05, np.random.default_rng(0))
    assert up.p < 0.001
    assert up.trend > 4


@pytest.mark.parametrize(("periods", "n", "rate"), [(12, 200, 0.1), (60, 40, 0.02), (3, 500, 0.3)])
def test_p_keeps_its_level_when_nothing_changes(periods: int, n: int, rate: float) -> None:
    draws = 300
    p = np.array([p_of(*series(np.full(periods, rate), n, seed), seed) for seed in range(draws)])
    assert (p <= 0.05).sum() <= most_by_chance(draws)
    assert (p <= 0.01).sum() <= most_by_chance(draws, 0.01)
    assert 0.35 < np.median(p) < 0.8, "nor is it idle"


def test_beyond_the_permutations_p_is_a_bound_from_fishers_test() -> None:
    cases, totals = np.array([40, 41, 5, 4]), np.full(4, 100)
    table = [[81, 119], [9, 191]]
    expected = 3 * fisher_exact(table, "greater").pvalue * 2
    assert p_of(cases, totals) == pytest.approx(expected, rel=1e-6)


def test_fishers_test_is_that_of_a_table() -> None:
    given = ([3, 9], [10, 20], [15, 12], [40, 50])
    for value, x, n, cases, total in zip(exact(*map(np.array, given)), *given, strict=True):
        table = [[x, n - x], [cases - x, total - n - cases + x]]
        tails = [fisher_exact(table, side).pvalue for side in ("less", "greater")]
        assert value == pytest.approx(min(1, 2 * min(tails)))


def test_batches_are_no_change() -> None:
    rng, draws = np.random.default_rng(3), 100
    totals = np.full(40, 1_000)
    batches = [10 * rng.binomial(totals // 10, 0.1) for _ in range(draws)]
    assert np.median([design_effect(cases, totals) for cases in batches]) == pytest.approx(10, rel=0.15)
    assert sum(p_of(cases, totals) <= 0.05 for cases in batches) <= 15
    step, of_step = series(np.repeat([0.1, 0.03], 20), 1_000)
    assert design_effect(step, of_step) < 1.5, "a change of level is no batch"


def test_the_same_seed_gives_the_same_p_and_no_case_no_change() -> None:
    cases, totals = series(np.full(20, 0.1), 100)
    assert p_of(cases, totals, 4) == p_of(cases, totals, 4)
    assert p_of(np.zeros(20, np.int64), totals) > 0.9
    assert p_of(totals, totals) > 0.9
