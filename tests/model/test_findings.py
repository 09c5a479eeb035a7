"""The order in which findings are told."""

import numpy as np

from explorer.model.findings import Finding, worst_first
from explorer.model.severity import Severity

HIGH, LOW = Severity.HIGH, Severity.LOW


def finding(kind: str, rows: int, severity: Severity = HIGH, category: str | None = None) -> Finding:
    return Finding(kind, severity, "", np.arange(rows), 0, category=category, key=f"{kind}-{rows}")


def test_each_complaint_is_told_once_before_one_is_told_again() -> None:
    torn = [finding("mixed", rows, category="jungle") for rows in (90, 80, 70)]
    other = finding("mixed", 10, category="metal")
    rare, unstable = finding("missing", 5), finding("unstable", 85)
    low = finding("missing", 500, LOW)
    expected = (torn[0], unstable, other, rare, torn[1], torn[2], low)
    for given in (expected, expected[::-1]):
        assert worst_first(given) == expected


def test_the_same_complaint_as_severe_elsewhere_is_not_put_off_by_one_that_is_worse() -> None:
    worse, less, other = finding("missing", 50), finding("missing", 40, LOW), finding("unstable", 30, LOW)
    assert worst_first([other, less, worse]) == (worse, less, other)
