"""What clusters are made of by one column, beside what chance and the other clusters have: pure arrays.

For C clusters and K categories, everything after one count of the n rows is O(C K) but for the shuffles,
which draw tables of C × K instead of permuting n rows: a table of counts with both margins kept is all that
shuffled values leave of themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.model.severity import LEAST_SPREAD, LEVEL

SHUFFLES = 200
POWER = 2 / 3
"""Of the statistic of Cressie and Read (1984), theirs: the least led astray by small expected counts."""
CELLS_AT_ONCE = 4_000_000
MAD_OF_NORMAL = 1.4826


@dataclass(frozen=True, eq=False)
class Composition:
    """The counts of C clusters by K categories, and how likely they are by chance.

    Attributes
    ----------
    counts : int64 (C, K)
    absent : int64 (C,)
        Rows of each cluster without a value.
    totals : int64 (K,)
        Rows of each category, those in no cluster too.
    all_absent, n : int
        Rows without a value, and all rows.
    purity_by_chance, entropy_by_chance : float64 (C,)
        Means over shuffles.
    p_differs : float64 (C,)
        Of a composition as far from that of all rows. See `shuffled`.
    p_few, p_many : float64 (C, K)
        Of a count as low or lower, as high or higher: exact, hypergeometric.
    p_strangers : float64 (C,)
        Of as many rows or more outside a cluster's commonest category, if clusters did not differ in that.
    p_absent : float64 (C,)
        Of as many rows or more without a value.
    """

    counts: NDArray[np.int64]
    absent: NDArray[np.int64]
    totals: NDArray[np.int64]
    all_absent: int
    n: int
    purity_by_chance: NDArray[np.float64]
    entropy_by_chance: NDArray[np.float64]
    p_differs: NDArray[np.float64]
    p_few: NDArray[np.float64]
    p_many: NDArray[np.float64]
    p_strangers: NDArray[np.float64]
    p_absent: NDArray[np.float64]

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Rows of each cluster that have a value, int64 (C,)."""
        return np.asarray(self.counts.sum(axis=1), np.int64)

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Share of each category in each cluster, float64 (C, K); 0 where a cluster has no value."""
        return self.counts / np.maximum(self.sizes, 1)[:, None]

    @cached_property
    def usual(self) -> NDArray[np.float64]:
        """Share of each category in all rows that have a value, float64 (K,)."""
        return self.totals / max(1, int(self.totals.sum()))

    @cached_property
    def lift(self) -> NDArray[np.float64]:
        """Share in each cluster by that in all rows, float64 (C, K)."""
        return self.shares / np.where(self.totals > 0, self.usual, 1.0)

    @cached_property
    def dominant(self) -> NDArray[np.int64]:
        """The commonest category of each cluster, int64 (C,)."""
        if not self.counts.size:
            return np.zeros(len(self.counts), np.int64)
        return np.asarray(self.counts.argmax(axis=1), np.int64)

    @cached_property
    def purity(self) -> NDArray[np.float64]:
        """Its share, float64 (C,)."""
        return np.asarray(self.shares.max(axis=1, initial=0.0), np.float64)

    @cached_property
    def entropy(self) -> NDArray[np.float64]:
        """Entropy of each cluster by the largest that its categories allow, ``H / log K``: float64 (C,)."""
        return entropy(self.shares) / largest_entropy(self.totals)

    @cached_property
    def effective(self) -> NDArray[np.float64]:
        """Effective categories, ``exp H``, the number of equally common ones of that entropy (Hill 1973)."""
        return np.asarray(np.exp(entropy(self.shares)), np.float64)

    @cached_property
    def left(self) -> NDArray[np.float64]:
        """Entropy by that of shuffled values: 0 for one category, 1 for what all rows have; float64 (C,)."""
        by_chance = np.where(self.entropy_by_chance > 0, self.entropy_by_chance, 1.0)
        return self.entropy / by_chance

    @cached_property
    def unusual(self) -> NDArray[np.float64]:
        """How far each share is from the median cluster's, see `out_of_line`: float64 (C, K)."""
        return out_of_line(self.counts, self.sizes)


def composition(
    labels: NDArray[np.int32],
    codes: NDArray[np.int32],
    n_clusters: int,
    n_categories: int,
    seed: int = 0,
) -> Composition:
    """Count the categories of clusters and test the counts.

    Parameters
    ----------
    labels, codes : int32 (n,)
        The cluster of each row, -1 for noise, and its category, -1 for none.
    n_clusters, n_categories : int
    seed : int, default 0
        Of the shuffles.
    """
    met = (labels.astype(np.int64) + 1) * (n_categories + 1) + codes + 1
    table = np.bincount(met, minlength=(n_clusters + 1) * (n_categories + 1))
    table = table.reshape(n_clusters + 1, n_categories + 1).astype(np.int64)
    counts, absent, valued = table[1:, 1:], table[1:, 0], table[:, 1:]
    totals, sizes = valued.sum(axis=0), counts.sum(axis=1)
    n, all_absent = len(labels), int(table[:, 0].sum())
    strangers = sizes - counts.max(axis=1, initial=0)
    purity, mean_entropy, p_differs = shuffled(valued, seed)
    few, many = tails(counts, int(totals.sum()), totals, sizes[:, None])
    return Composition(
        counts, absent, totals, all_absent, n, purity, mean_entropy, p_differs, few, many,
        p_strangers=tails(strangers, int(sizes.sum()), strangers.sum(), sizes)[1],
        p_absent=tails(absent, n, np.int64(all_absent), sizes + absent)[1],
    )  # fmt: skip


def tails(
    counts: NDArray[np.int64],
    n: int,
    marked: NDArray[np.int64] | np.int64,
    drawn: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Exact chances that as few or fewer, and as many or more, of `drawn` rows of n are among the `marked`.

    Without replacement, so hypergeometric: ``sum_x C(m, x) C(n - m, d - x) / C(n, d)``.

    Parameters
    ----------
    counts : int64 (...)
    n : int
    marked, drawn : int64
        Broadcast with `counts`.
    """
    # Imported here: scipy's distributions take half a second.
    from scipy.stats import hypergeom

    if not n or not counts.size:
        return np.ones(counts.shape), np.ones(counts.shape)
    few = np.asarray(hypergeom.cdf(counts, n, marked, drawn), np.float64)
    many = np.asarray(hypergeom.sf(counts - 1, n, marked, drawn), np.float64)
    return few.clip(0, 1), many.clip(0, 1)


def shuffled(
    table: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """What shuffling the values over the rows leaves of each cluster: purity, entropy, and p of the table.

    Tables are drawn with the margins of this one (Patefield 1981), as permuting the values over all rows that
    have one leaves them, be these in a cluster or noise. p is of the statistic of Cressie and Read,
    ``2 / (l (l + 1)) sum_k x_k ((x_k / e_k)^l - 1)`` with l = 2/3: the tail of the gamma distribution that
    has the shuffles' mean and variance, which tells of chances far below one in their number.

    Parameters
    ----------
    table : int64 (1 + C, K)
        Noise first.
    seed : int

    Returns
    -------
    purity, entropy, p : float64 (C,)
        The first two are means over the shuffles, entropy as `Composition.entropy` has it.
    """
    from scipy.stats import gamma, random_table

    table = table[:, table.sum(axis=0) > 0]
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    n_clusters = len(rows) - 1
    if not table.size or not n_clusters:
        return np.zeros(n_clusters), np.zeros(n_clusters), np.ones(n_clusters)
    if len(columns) == 1:
        # There is one such table, and scipy draws others, with counts below 0.
        return (rows[1:] > 0).astype(np.float64), np.zeros(n_clusters), np.ones(n_clusters)
    sizes = np.maximum(rows[1:], 1).astype(np.float64)
    expected = rows[1:, None] * (columns / columns.sum())
    rng, sums = np.random.default_rng(seed), np.zeros((4, n_clusters))
    at_once = max(1, CELLS_AT_ONCE // table.size)
    for start in range(0, SHUFFLES, at_once):
        drawn = random_table.rvs(rows, columns, size=min(at_once, SHUFFLES - start), random_state=rng)
        inside = drawn[:, 1:]
        shares, statistic = inside / sizes[:, None], divergence(inside, expected)
        parts = (shares.max(axis=2), entropy(shares), statistic, statistic**2)
        sums += np.stack([part.sum(axis=0) for part in parts])
    purity, mean_entropy, mean, square = sums / SHUFFLES
    spread = np.maximum(square - mean**2, 0.0)
    varies = (spread > 0) & (mean > 0)
    shape = np.divide(mean**2, spread, out=np.ones(n_clusters), where=varies)
    scale = np.divide(spread, mean, out=np.ones(n_clusters), where=varies)
    p = gamma.sf(divergence(table[1:], expected), shape, scale=scale)
    return purity, mean_entropy / largest_entropy(columns), np.where(varies, p, 1.0)


def divergence(counts: NDArray[Any], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """The statistic of Cressie and Read over the last axis; where nothing is expected, nothing is counted."""
    ratio = counts / np.where(expected > 0, expected, 1.0)
    sums = (counts * (ratio**POWER - 1)).sum(axis=-1)
    return np.asarray(2 / (POWER * (POWER + 1)) * sums, np.float64)


def entropy(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """``-sum_k p_k log p_k`` over the last axis, in nats."""
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.asarray(np.abs((shares * logs).sum(axis=-1)), np.float64)


def largest_entropy(totals: NDArray[np.int64]) -> float:
    """``log K`` of the categories that there are; 1 for a single one, whose entropy is 0."""
    return float(np.log(max(2, int((totals > 0).sum())))) if len(totals) else 1.0


def out_of_line(counts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """How many robust spreads each cluster's log odds of a category are from the median cluster's, at least.

    ``(b_ck - median_c l_ck) / s_k`` with ``l = log((x + 1/2) / (m - x + 1/2))`` (Haldane 1956). Of few rows l
    is far off by chance. So b is the log odds nearest to the median that the cluster's rows leave likely, by
    the bound of Jeffreys' posterior, Beta(x + 1/2, m - x + 1/2), at `LEVEL`; what is within that is in line.
    And s² is the square of 1.4826 times the median absolute deviation of l, less the median of its variance
    by chance, ``1 / (x + 1/2) + 1 / (m - x + 1/2)`` (Gart 1966); s is 0.3 at least.

    Parameters
    ----------
    counts : int64 (C, K)
    sizes : int64 (C,)
        Rows of each cluster; those without any do not count, and are in line.
    """
    from scipy.special import logit
    from scipy.stats import beta

    known = sizes > 0
    if not known.any():
        return np.zeros(counts.shape)
    some, others = counts + 0.5, sizes[:, None] - counts + 0.5
    odds = np.log(some / others)
    middle = np.median(odds[known], axis=0)
    spread = MAD_OF_NORMAL * np.median(np.abs(odds[known] - middle), axis=0)
    by_chance = np.median((1 / some + 1 / others)[known], axis=0)
    between = np.sqrt(np.maximum(spread**2 - by_chance, LEAST_SPREAD**2))
    most, least = (logit(beta.ppf(level, some, others)) - middle for level in (1 - LEVEL, LEVEL))
    off = np.where(odds < middle, np.minimum(most, 0.0), np.maximum(least, 0.0))
    return np.where(known[:, None], off / between, 0.0)


def corrected(parts: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Correct all chances of an audit together, so that few of what is called real is not.

    Benjamini and Hochberg (1995), for how far it holds among counts of one table see ``severity.LEVEL``. Both
    tails of a count are among them: as at most one of the two is small, that is to correct twice the smaller.

    Parameters
    ----------
    parts : sequence of float64 arrays

    Returns
    -------
    list of float64 arrays
        The same shapes, each value the smallest level at which it is called real.
    """
    from scipy.stats import false_discovery_control

    flat = np.concatenate([part.ravel() for part in parts] or [np.zeros(0)])
    if not flat.size:
        return [part.copy() for part in parts]
    values = np.asarray(false_discovery_control(flat), np.float64)
    ends = np.cumsum([part.size for part in parts])
    split = np.split(values, ends[:-1])
    return [found.reshape(part.shape) for found, part in zip(split, parts, strict=True)]
