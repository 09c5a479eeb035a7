"""Shares compared with one another: how much they differ, whether by more than chance, what is told of it.

How much is a factor, of shares to which half a case is added on either side (Jeffreys), so that none is zero.
Whether by more than chance is Fisher's exact test: the cases of one sample are hypergeometric given both
samples and all cases. Of many such tests those are told whose false discovery rate (Benjamini and Hochberg
1995) is at most `LEVEL`, and of these only what is a difference in practice: a factor of `LOW` or more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.05
HIGH, MEDIUM, LOW = 3.0, 1.5, 1.2
"""Factors between two shares from which a finding is high, medium, or one at all."""
SEVERITIES = ("high", "medium", "low")
THINNING, GROWING, GAP = "thinning", "growing", "gap"
MOST_IDS = 1000
"""Row ids told of a finding."""
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Finding:
    """Something that changed, or that is lacking.

    Attributes
    ----------
    kind : {"thinning", "growing", "gap"}
    severity : {"high", "medium", "low"}
    cluster : int
        The cluster concerned; -1 for none.
    column : str
        The column of times, the condition of the batch, or the name of the other data.
    value, expected : float
        The share that is there, and the one it is compared with.
    p : float
        Of so much by chance, corrected for all that were looked at.
    sentence : str
        What that means.
    rows : int64 (m,)
        The rows concerned, ascending.
    """

    kind: str
    severity: str
    cluster: int
    column: str
    value: float
    expected: float
    p: float
    sentence: str
    rows: NDArray[np.int64]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: how many rows there are, and the ids of the first thousand."""
        told = {name: value for name, value in vars(self).items() if name != "rows"}
        return told | {"count": len(self.rows), "rows": self.rows[:MOST_IDS].tolist()}


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings by falling severity, then by the size of what is concerned."""
    return tuple(sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), -len(one.rows))))


def factor(cases: ArrayLike, total: ArrayLike, cases_before: ArrayLike, total_before: ArrayLike) -> Any:
    """How many times one share is another: ``(x + 1/2) / (n + 1)`` over the same of before.

    >>> round(float(factor(3, 6, 1, 6)), 4), round(float(factor(0, 99, 50, 99)), 4)
    (2.3333, 0.0099)
    """
    now = (np.asarray(cases) + 0.5) / (np.asarray(total) + 1.0)
    return now / ((np.asarray(cases_before) + 0.5) / (np.asarray(total_before) + 1.0))


def severity_of(times: float) -> str:
    """How severe it is that a share became so many times what it was; empty for no difference to speak of.

    >>> severity_of(0.2), severity_of(1.6), severity_of(0.8), severity_of(1.1)
    ('high', 'medium', 'low', '')
    """
    size = max(times, 1 / times)
    return next(
        (name for name, least in zip(SEVERITIES, (HIGH, MEDIUM, LOW), strict=True) if size >= least), ""
    )


def exact(cases: Counts, drawn: Counts, all_cases: Counts, total: Counts) -> NDArray[np.float64]:
    """Fisher's exact test: that so few or so many of all cases are among those drawn, twice the smaller tail.

    Parameters
    ----------
    cases : int64 (m,)
        Cases among those drawn.
    drawn, all_cases, total : int64 (m,)
        How many are drawn, how many cases there are, and how many in all.

    Returns
    -------
    float64 (m,)
        At most 1.
    """
    from scipy.stats import hypergeom

    few = hypergeom.cdf(cases, total, all_cases, drawn)
    many = hypergeom.sf(cases - 1, total, all_cases, drawn)
    return np.asarray(np.clip(2 * np.minimum(few, many), 0.0, 1.0), np.float64)


def adjusted(p: ArrayLike) -> NDArray[np.float64]:
    """Benjamini and Hochberg's adjusted p of tests, float64 (m,): what is at most q has false rate q."""
    from scipy.stats import false_discovery_control

    values = np.clip(np.asarray(p, np.float64), 0.0, 1.0)
    return np.asarray(false_discovery_control(values) if len(values) else values, np.float64)


def percent(share: float) -> str:
    """A share in per cent, with two digits at least.

    >>> percent(0.041), percent(0.0012), percent(0.1234), percent(0.0), percent(0.00001), percent(0.9999)
    ('4.1%', '0.12%', '12.3%', '0%', '<0.01%', '>99.9%')
    """
    if 0 < share < 0.0001:
        return "<0.01%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    return f"{share:.1%}" if share >= 0.1 else f"{100 * share:.2g}%"
