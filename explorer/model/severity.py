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
"""Share of false ones to be expected among the differences that are called real (false discovery rate).

Counts of one table depend on each other, some inversely. However they do, the rate is at most this times the
sum of 1 / i up to the number of tests (Benjamini and Yekutieli 2001): a tenth for the some ten thousand tests
of a hundred clusters by a few columns."""

# Columns that name the clusters, as a genre does: only of these can a cluster be mixed, or labels be wrong.
NAMING = 0.25
"""Median over clusters of their entropy, as a share of what shuffled values would have: a column that tells
three quarters of itself by the cluster. Of ten equally common values with nine tenths of one in a cluster and
the rest spread evenly, a quarter is left."""
LEAST_ROWS = 20
"""Rows below which nothing is said of a category in a cluster: a share of twenty has a standard error of up
to 11 points, so that a half, the least that is asked of how its rows lie, is four and more from none."""
PART = 0.05
"""Share of a cluster that is a part of it: what a look at twenty of its items would show."""
CONCENTRATED = 0.5
"""Of a part, how much more of its neighbours in the cluster are its own than chance has: the middle between 0
for labels that are thrown and 1 for a region by itself."""
MEETING, SPARSE = 5, 0.6
"""Rows of a part that meet the rest, at least, and the share of the part's rows that lie more densely than
these, at most: else a gap parts the two. Labels that change amid a cloud do so where it
is as dense as anywhere or denser, whatever its density and the number of rows: a half or less, of clouds of
two to eight dimensions. Clouds that lie side by side meet by their outskirts: of heavy tails six spreads
apart 0.7 or more. The middle of the two."""
AMID = 2.0
"""How many times as many neighbours a region has among the rest of its cluster as among its own elsewhere:
the side that two of three are on."""
MIXED_BEYOND = 3.0
"""How many times the strangers of the median cluster make a cluster mixed: labels are wrong here and there in
all clusters, as a rule in no cluster three times as often as in another."""

# Categories that are missing or too many.
WIDESPREAD, PRESENT = 0.75, 0.25
"""Share of the other clusters in which a category is to be expected, and of its usual share it has there.
Median and median absolute deviation, by which a cluster is out of line, tell of what most clusters do while
less than half of them lack it; three quarters keep off that."""
LEAST_EXPECTED = 10.0
"""Rows expected of a category before it can be missing: of ten none is there by chance once in 22,000 times,
of five once in 150, which the tests of one audit are too many for."""
FOLLOWING = 0.5
"""By how much more often than by chance a row's neighbours in the cluster are of its own category, in the
median cluster: from here on a category follows the place in the data, so that where it lacks tells where
clusters were cut, and not what was lost. One that a third of each cluster lacks, and that is even in the
rest, has a half."""
LEAST_SPREAD = 0.3
"""Spread of the log odds between clusters, at least: five of it are a factor of 4.5, so that what is out of
line where clusters are all but equal is still a difference that matters. Of few clusters, whose spread is
told badly, it is what counts."""

MISLABELLED = Severity.HIGH
"""A region of other labels, a part of its cluster at least: whether there is one is told by how it lies."""


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

    Notes
    -----
    Four fifths of it are gone. How far out of line that is grades it. Were log odds of clusters normal, of a
    thousand categories in clusters 1.3 would be three spreads below by custom, 0.03 four and 0.0003 five;
    spreads told by few clusters, and longer tails, make that a hundred times as many, and it still holds.
    What is below a fiftieth of all rows is not asked for now.
    """
    if lift > 0.2 or unusual > -3:
        return Severity.NONE
    if follows:
        return Severity.LOW
    if unusual <= -5 and share >= 0.02:
        return Severity.HIGH
    return Severity.MEDIUM if unusual <= -4 else Severity.LOW


def of_over_represented(lift: float, unusual: float, share: float, follows: bool) -> Severity:
    """Judge a category that is too common in a cluster, as above but for `share`, which is that there.

    By one spread more, and never high: what is common somewhere is more often what the cluster is than what
    is wrong with it.
    """
    if lift < 2 or unusual < 4 or share < 0.1:
        return Severity.NONE
    clear = lift >= 3 and unusual >= 5 and share >= 0.2
    return Severity.MEDIUM if clear and not follows else Severity.LOW


def of_absent(lift: float, share: float) -> Severity:
    """Judge rows without a value: their share in a cluster, or next to others such, by that of all rows.

    A part of the cluster, a fifth, most of it: from there on a cluster is of rows that lack something.
    Fivefold, so that where many values are missing anyway it is not told of every second cluster.
    """
    if lift < 2 or share < 0.05:
        return Severity.NONE
    if share < 0.2:
        return Severity.LOW
    return Severity.HIGH if share >= 0.5 and lift >= 5 else Severity.MEDIUM


def of_mingled(share: float) -> Severity:
    """Judge a cluster by its share of strangers that its neighbours in the data do not tell apart.

    A quarter: of what is drawn as examples of it every fourth is something else. All are beyond chance and
    custom already, see `MIXED_BEYOND`.
    """
    if share < 0.1:
        return Severity.NONE
    return Severity.HIGH if share >= 0.25 else Severity.MEDIUM if share >= 0.15 else Severity.LOW


def of_side_by_side(share: float) -> Severity:
    """Judge a cluster by its share of strangers that lie apart from the rest of it.

    Never high: the data keep them apart, and smaller clusters would.
    """
    return Severity.MEDIUM if share >= 0.15 else Severity.LOW if share >= PART else Severity.NONE


def of_duplicates(share: float) -> Severity:
    """Judge the share of all rows that have a near duplicate, or that should not be there for other reasons.

    By chance 0.0003 have one (``near_duplicates.RATE``): three times, ten times and thirty times that.
    """
    if share < 0.001:
        return Severity.NONE
    return Severity.HIGH if share >= 0.01 else Severity.MEDIUM if share >= 0.003 else Severity.LOW


def of_duplicates_in_cluster(share: float, lift: float) -> Severity:
    """Judge that share of a cluster, and how many times that of all rows it is.

    From a fifth on a cluster looks that much denser than it is, with half or more it is there for its copies.
    """
    if lift < 2 or share < 0.02:
        return Severity.NONE
    return Severity.HIGH if share >= 0.2 else Severity.MEDIUM if share >= 0.05 else Severity.LOW


def of_fate(beyond_chance: float, torn: int, others: int) -> Severity:
    """Judge a cluster that is not stable: its match in other runs, and in how many of these it is torn.

    At a half a cluster is dissolved (Hennig 2007), at half of that more of it is elsewhere than stays. Of one
    other run it cannot be told which of the two is the odd one.
    """
    if others >= 2 and beyond_chance <= 0.25:
        return Severity.HIGH
    return Severity.MEDIUM if others >= 2 and (beyond_chance <= 0.5 or torn > others / 2) else Severity.LOW


def of_torn(share: float) -> Severity:
    """Judge the share of a cluster's neighbours in the data that the map puts into one other cluster.

    A half is the most that two have which the data do not tell apart: half of that, and a fifth. Never high,
    as the next two: it tells of the map, and not of the data.
    """
    return Severity.MEDIUM if share >= 0.25 else Severity.LOW if share >= 0.1 else Severity.NONE


def of_joined(share: float) -> Severity:
    """Judge the share of a cluster that nothing in the data joins to the rest of it."""
    return Severity.MEDIUM if share >= 0.2 else Severity.LOW if share >= 0.1 else Severity.NONE


def of_agreement(agreement: float, median: float, spread: float) -> Severity:
    """Judge how many neighbours a cluster keeps on the map, beside the median cluster and their spread.

    Four spreads below it, and 15 points: two neighbours of fifteen, below which nobody would see a
    difference.
    """
    if agreement > median - max(0.15, 4 * spread):
        return Severity.NONE
    return Severity.MEDIUM if agreement < median / 2 else Severity.LOW
