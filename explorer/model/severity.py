"""How bad it is what an audit finds: every threshold of the audit, in this one place.

A finding must hold against two doubts. Chance: its p, corrected for all that was asked (`LEVEL`). And custom:
clusters of a map always differ, and of a million rows all differences are significant, so what is found must
also be out of line with how clusters of this map differ from each other, and large.
"""

from __future__ import annotations

from enum import IntEnum

from explorer.model.errors import InputError


class Severity(IntEnum):
    """How much a finding asks for: nothing, a look some day, a look, a look now."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def label(self) -> str:
        """Its name in lower case."""
        return self.name.lower()

    @classmethod
    def named(cls, name: str) -> Severity:
        """Return the severity of this name; raises InputError if there is none.

        >>> Severity.named("high").label
        'high'
        """
        if name.upper() not in cls.__members__ or name.upper() == "NONE":
            raise InputError(f"There is no severity {name!r}: choose high, medium or low.")
        return cls[name.upper()]


LEVEL = 0.01
"""Expected share of false ones among the differences that are called real."""

# Columns that name the clusters, as a genre does: only of these can a cluster be mixed, or labels be wrong.
NAMING = 0.25
"""Median over clusters of their entropy, as a share of what shuffled values would have."""
LEAST_ROWS = 20
"""Rows below which nothing is said of a category in a cluster."""
PART = 0.05
"""Share of a cluster that is a part of it."""
CONCENTRATED = 0.5
"""Of a part, how much more of its neighbours in the cluster are its own than chance has, 1 for all."""
TOUCHING = 0.01
"""Share of a part's neighbours that are of the rest: below, nothing in the data joins the two."""
AMID = 2.0
"""How many times as many neighbours a region has among the rest of its cluster as among its own elsewhere."""
MIXED_BEYOND = 3.0
"""How many times the strangers of the median cluster make a cluster mixed."""

# Categories that are missing or too many.
WIDESPREAD, PRESENT = 0.75, 0.25
"""Share of the other clusters in which a category is to be expected, and of its usual share it has there."""
LEAST_EXPECTED = 10.0
"""Rows expected of a category before it can be missing."""
FOLLOWING = 0.2
"""Of a category in the median cluster, how much more of its neighbours are its own than chance has: from here
on it follows the place in the data: where it lacks tells where clusters were cut, and not what was lost."""
LEAST_SPREAD = 0.3
"""Spread of the log odds between clusters, at least: below, clusters do not differ enough to matter."""


def of_missing(lift: float, unusual: float, share: float, follows: bool) -> Severity:
    """Judge a category that is rare in a cluster and common in most.

    Parameters
    ----------
    lift : float
        Its share there by that of all rows.
    unusual : float
        Its log odds there, in spreads from the median cluster.
    share : float
        Of all rows.
    follows : bool
        Whether it follows the place in the data anyway.
    """
    if lift > 0.2 or unusual > -3:
        return Severity.NONE
    if follows:
        return Severity.LOW
    if lift <= 0.1 and unusual <= -5 and share >= 0.02:
        return Severity.HIGH
    return Severity.MEDIUM if lift <= 0.1 and unusual <= -4 else Severity.LOW


def of_over_represented(lift: float, unusual: float, share: float, follows: bool) -> Severity:
    """Judge a category that is too common in a cluster, as above but for `share`, which is that there."""
    if lift < 2 or unusual < 4 or share < 0.1:
        return Severity.NONE
    clear = lift >= 3 and unusual >= 5 and share >= 0.2
    return Severity.MEDIUM if clear and not follows else Severity.LOW


def of_absent(lift: float, share: float) -> Severity:
    """Judge rows without a value: their share in a cluster, and that by the share of all rows."""
    if lift < 2 or share < 0.05:
        return Severity.NONE
    if share < 0.2:
        return Severity.LOW
    return Severity.HIGH if share >= 0.5 and lift >= 5 else Severity.MEDIUM


def of_mingled(share: float) -> Severity:
    """Judge a cluster by its share of strangers that its neighbours in the data do not tell apart."""
    if share < 0.1:
        return Severity.NONE
    return Severity.HIGH if share >= 0.25 else Severity.MEDIUM if share >= 0.15 else Severity.LOW


def of_side_by_side(share: float) -> Severity:
    """Judge a cluster by its share of strangers that lie apart from the rest of it."""
    return Severity.MEDIUM if share >= 0.15 else Severity.LOW if share >= PART else Severity.NONE


def of_mislabelled(share: float) -> Severity:
    """Judge a region of other labels by its share of the cluster that it lies in."""
    return Severity.HIGH if share >= PART else Severity.MEDIUM


def of_duplicates(share: float) -> Severity:
    """Judge the share of all rows that have a near duplicate."""
    if share < 0.001:
        return Severity.NONE
    return Severity.HIGH if share >= 0.01 else Severity.MEDIUM if share >= 0.003 else Severity.LOW


def of_duplicates_in_cluster(share: float, lift: float) -> Severity:
    """Judge that share of a cluster, and how many times that of all rows it is."""
    if lift < 2 or share < 0.02:
        return Severity.NONE
    return Severity.HIGH if share >= 0.2 else Severity.MEDIUM if share >= 0.05 else Severity.LOW


def of_fate(beyond_chance: float, torn: int, others: int) -> Severity:
    """Judge a cluster that is not stable: its match in other runs, and in how many of these it is torn."""
    if others >= 2 and beyond_chance <= 0.25:
        return Severity.HIGH
    return Severity.MEDIUM if others >= 2 and (beyond_chance <= 0.5 or torn > others / 2) else Severity.LOW


def of_torn(share: float) -> Severity:
    """Judge the share of a cluster's neighbours in the data that the map puts into one other cluster."""
    return Severity.MEDIUM if share >= 0.25 else Severity.LOW if share >= 0.1 else Severity.NONE


def of_joined(share: float) -> Severity:
    """Judge the share of a cluster that nothing in the data joins to the rest of it."""
    return Severity.MEDIUM if share >= 0.2 else Severity.LOW if share >= 0.1 else Severity.NONE


def of_agreement(agreement: float, median: float, spread: float) -> Severity:
    """Judge how many neighbours a cluster keeps on the map, beside the median cluster and their spread."""
    if agreement > median - max(0.15, 4 * spread):
        return Severity.NONE
    return Severity.MEDIUM if agreement < median / 2 else Severity.LOW
