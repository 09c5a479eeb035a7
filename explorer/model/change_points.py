"""Whether and where a share changes over time: tested against chance, and the levels between its changes.

Of the N items of a time series x are cases; of the n_t items of period t, x_t. When time has nothing to do
with being a case, the x_t are what any permutation of the times would give: multivariate hypergeometric given
all n_t and the sum of the x_t. With l(x, n) = x log(x / n) + (n - x) log(1 - x / n), the log likelihood of n
items at the share x / n, and z the Cochran-Armitage statistic of a trend (Armitage 1955) over the numbers of
the periods, the statistic is

    max( max_t  l(x before t, n before t) + l(x from t, n from t) - l(x, N),   z^2 / 2 )

the likelihood ratio of the best single change (Hinkley and Hinkley 1970; Worsley 1983), or a steady trend.
Its p is that of random permutations, drawn one after the other until 10 reach it, 999 at most (Besag and
Clifford 1991). Where none does, it is the smaller of 1/1000 and Worsley's bound: Fisher's exact test of the
best change times the number of places where one could be. Both are valid at every level, and so is that.

Where items come in batches, the x_t vary by more than chance. That is told from how they differ from period
to period (von Neumann 1941), but for the largest differences, among which changes of level are; counts are
then divided by the design effect (Rao and Scott 1992) before anything is tested.

The changes are the exact optimum of the segments' log likelihood less a penalty for each change (Jackson et
al. 2005, a dynamic program over the periods): what 1% of the permutations reach by chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from explorer.model.shares import Counts, exact

FIRST_PERMUTATIONS, MOST_PERMUTATIONS, ENOUGH = 99, 999, 10
CHANCE_OF_A_CHANGE = 0.01
FEWEST_TO_TELL_BATCHES, BATCHES = 8, 1.5
"""Periods from which batches can be told, and the design effect from which items count as batches."""
USUAL = 0.95
"""Share of the differences between periods that batches are told by: changes of level are among the rest."""
TIE = 1e-9


@dataclass(frozen=True)
class Change:
    """How a share changes.

    Attributes
    ----------
    p : float
        Of a statistic as large by chance.
    trend : float
        The Cochran-Armitage statistic: below 0 the share falls, above it rises.
    starts : tuple of int
        The first periods of its new levels, ascending; of a share that changes slowly or not at all none.
    """

    p: float
    trend: float
    starts: tuple[int, ...]


def change_of(cases: Counts, totals: Counts, level: float, rng: np.random.Generator) -> Change:
    """Test whether a share changes, and find where when its p is at most `level`.

    Parameters
    ----------
    cases, totals : int64 (t,)
        Cases and items in each of two periods or more, every one with an item.
    level : float
    rng : numpy.random.Generator
        For the permutations.
    """
    cases, totals = without_batches(cases, totals)
    trend = float(_trend(cases, totals))
    p, chance = _by_permutations(cases, totals, rng)
    if p > level:
        return Change(p, trend, ())
    return Change(p, trend, segments(cases, totals, float(np.quantile(chance, 1 - CHANCE_OF_A_CHANGE))))


def segments(cases: Counts, totals: Counts, penalty: float) -> tuple[int, ...]:
    """Return where new levels begin: the partition with the largest log likelihood less penalties, exactly.

    Parameters
    ----------
    cases, totals : int64 (t,)
    penalty : float
        What each change has to add to the log likelihood at least.

    Returns
    -------
    tuple of int
        The first period of each segment but the first.
    """
    x, n = (np.concatenate([[0], np.cumsum(values)]) for values in (cases, totals))
    best, last = np.zeros(len(x)), np.zeros(len(x), np.int64)
    for end in range(1, len(x)):
        reached = best[:end] + _log_likelihood(x[end] - x[:end], n[end] - n[:end]) - penalty
        last[end] = reached.argmax()
        best[end] = reached[last[end]]
    starts, at = [], int(last[-1])
    while at > 0:
        starts.append(at)
        at = int(last[at])
    return tuple(reversed(starts))


def without_batches(cases: Counts, totals: Counts) -> tuple[Counts, Counts]:
    """Counts divided by the design effect where that tells of batches; else as they are."""
    effect = design_effect(cases, totals)
    if effect < BATCHES:
        return cases, totals
    items = np.maximum(1, np.rint(totals / effect)).astype(np.int64)
    return np.minimum(np.rint(cases / effect).astype(np.int64), items), items


def design_effect(cases: Counts, totals: Counts) -> float:
    """How many times as much a share differs from period to period as by chance; 1 with too few to tell."""
    from scipy.stats import chi2

    share = cases.sum() / totals.sum()
    if len(cases) < FEWEST_TO_TELL_BATCHES or not 0 < share < 1:
        return 1.0
    by_chance = share * (1 - share) * (1 / totals[1:] + 1 / totals[:-1])
    squares = np.sort(np.diff(cases / totals) ** 2 / by_chance)
    kept = squares[: int(USUAL * len(squares))]
    # What is left of a square of normal numbers without its largest: E[X; X < q] of chi2(1) is chi2(3)'s.
    part = len(kept) / len(squares)
    return float(kept.mean() / (chi2.cdf(chi2.ppf(part, 1), 3) / part))


def _by_permutations(
    cases: Counts, totals: Counts, rng: np.random.Generator
) -> tuple[float, NDArray[np.float64]]:
    """The p of the statistic, and the statistics of the permutations drawn for it."""
    gains = _gains(cases, totals)
    observed = max(float(gains.max()), float(_trend(cases, totals)) ** 2 / 2) - TIE
    drawn = np.empty(0)
    for most in (FIRST_PERMUTATIONS, MOST_PERMUTATIONS):
        more = rng.multivariate_hypergeometric(
            totals, int(cases.sum()), size=most - len(drawn), method="marginals"
        )
        drawn = np.concatenate(
            [drawn, np.maximum(_gains(more, totals).max(-1), _trend(more, totals) ** 2 / 2)]
        )
        reached = np.cumsum(drawn >= observed)
        if reached[-1] >= ENOUGH:
            return ENOUGH / (int(np.searchsorted(reached, ENOUGH)) + 1), drawn
    p = (int(reached[-1]) + 1) / (MOST_PERMUTATIONS + 1)
    if reached[-1] == 0:
        at = int(gains.argmax()) + 1
        counts = [cases[:at].sum(), totals[:at].sum(), cases.sum(), totals.sum()]
        before, of_before, all_cases, of_all = np.array(counts)[:, None]
        p = min(p, len(gains) * float(exact(before, of_before, all_cases, of_all)[0]))
    return p, drawn


def _gains(cases: NDArray[np.int64], totals: Counts) -> NDArray[np.float64]:
    """What a change before each period but the first adds to the log likelihood, float64 (..., t - 1)."""
    x, n = cases.cumsum(-1)[..., :-1], totals.cumsum()[:-1]
    all_cases, all_items = cases.sum(-1)[..., None], totals.sum()
    parts = _log_likelihood(x, n) + _log_likelihood(all_cases - x, all_items - n)
    return parts - _log_likelihood(all_cases, all_items)


def _trend(cases: NDArray[np.int64], totals: Counts) -> NDArray[np.float64]:
    """The Cochran-Armitage statistic, float64 (...), with the variance that permutations have."""
    number = np.arange(len(totals), dtype=np.float64)
    all_cases, n = cases.sum(-1), float(totals.sum())
    apart = number - (totals @ number) / n
    spread = all_cases * (n - all_cases) / (n * max(n - 1, 1.0)) * (totals @ apart**2)
    z = np.divide(cases @ apart, np.sqrt(spread), out=np.zeros(np.shape(spread)), where=spread > 0)
    return np.asarray(z, np.float64)


def _log_likelihood(cases: NDArray[np.int64], totals: NDArray[np.int64]) -> NDArray[np.float64]:
    share = cases / totals
    return np.asarray(xlogy(cases, share) + xlogy(totals - cases, 1 - share), np.float64)
