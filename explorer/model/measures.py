"""What is measured of the clusters of an audit: its name, what it means, its unit, how it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from explorer.model.audited import AuditedCluster, ColumnOfCluster
from explorer.model.findings import percent, short
from explorer.model.report_words import chance, shares

UNKNOWN = "–"
T = TypeVar("T")


def known(written: Callable[[float], str]) -> Callable[[float | None], str]:
    """What writes a number, and a dash where it is not known.

    >>> known(percent)(0.25), known(percent)(None), known(percent)(float("nan"))
    ('25%', '–', '–')
    """
    return lambda value: UNKNOWN if value is None or not np.isfinite(value) else written(value)


count, digits, tenths, share = (
    known(one) for one in ("{:,.0f}".format, "{:z.2f}".format, "{:.1f}".format, percent)
)


@dataclass(frozen=True)
class Measure(Generic[T]):
    """One number of a cluster, or of what a cluster is made of by a column.

    Attributes
    ----------
    name : str
    about : str
        What it means.
    of : callable
        Reads it; None where it is not known.
    write : callable
        Writes it, a dash for None.
    unit : str
        What it is of.
    by_chance : callable or None
        Reads the same with the values shuffled over all items.
    has_median : bool
        Whether a median of all clusters tells what is usual.
    """

    name: str
    about: str
    of: Callable[[T], float | None]
    write: Callable[[float | None], str]
    unit: str = ""
    by_chance: Callable[[T], float | None] | None = None
    has_median: bool = True

    def written(self, one: T) -> str:
        """The number of one."""
        return self.write(self.of(one))

    def usual(self, every: Iterable[T]) -> str:
        """The median of those that are known; empty if it would tell nothing."""
        if not self.has_median:
            return ""
        values = [value for one in every if (value := self.of(one)) is not None]
        return self.write(float(np.median(values)) if values else None)


@dataclass(frozen=True)
class Words:
    """What is told in words of what a cluster is made of by a column.

    Attributes
    ----------
    name, about : str
        As of `Measure`.
    written : callable
    """

    name: str
    about: str
    written: Callable[[ColumnOfCluster], str]


OF_CLUSTER: tuple[Measure[AuditedCluster], ...] = (
    Measure("items", "Items of the cluster.", lambda one: one.size, count),
    Measure(
        "duplicates",
        "Share of its items that are near duplicates of others.",
        lambda one: one.duplicates,
        share,
        "of its items",
    ),
    Measure(
        "density",
        "Items within a hundredth of the map’s width around one of its items; the median.",
        lambda one: one.density,
        count,
        "items nearby",
    ),
    Measure(
        "probability",
        "How surely its items belong to it, 0 to 1; the mean.",
        lambda one: one.probability,
        digits,
        "of 1",
    ),
    Measure(
        "persistence",
        "How long it lasts as the density rises, 0 to 1 (HDBSCAN).",
        lambda one: one.persistence,
        digits,
        "of 1",
    ),
    Measure(
        "agreement",
        "Share of an item’s neighbours in the data that the map keeps beside it; the mean.",
        lambda one: one.agreement,
        share,
        "of neighbours",
    ),
    Measure(
        "stability",
        "How far it comes back in runs of other seeds: 1 whole, 0 as by chance.",
        lambda one: one.stability,
        digits,
        "of 1",
    ),
)
"""In the order in which they are told."""


def of_values(read: Callable[[ColumnOfCluster], float]) -> Callable[[ColumnOfCluster], float | None]:
    """What reads a number of the values of a cluster: not known where none of its items has one."""
    return lambda one: None if one.dominant is None else read(one)


DOMINANT = Words(
    "dominant", "The commonest value.", lambda one: UNKNOWN if one.dominant is None else short(one.dominant)
)
OF_COLUMN: tuple[Measure[ColumnOfCluster], ...] = (
    Measure(
        "purity",
        "Share of the commonest value, the dominant one.",
        of_values(lambda one: one.purity),
        share,
        by_chance=of_values(lambda one: one.purity_by_chance),
    ),
    Measure(
        "entropy",
        "From 0, one value, to 1, all values alike.",
        of_values(lambda one: one.entropy),
        digits,
        by_chance=of_values(lambda one: one.entropy_by_chance),
    ),
    Measure(
        "effective",
        "As many equally common values have this entropy.",
        of_values(lambda one: one.effective),
        tenths,
        "values",
    ),
    Measure(
        "p",
        "That it differs so much from all items by chance, corrected for all tests.",
        of_values(lambda one: one.p),
        chance,
        has_median=False,
    ),
)
BY_CHANCE = "The mean of the same with the values shuffled over all items."
IN_WORDS = (
    Words(
        "unexpected",
        "Values beside the dominant one that are more than chance has, of a column that names clusters; with "
        "their share, and how many times that of all items it is.",
        lambda one: shares(one.unexpected),
    ),
    Words("missing", "Values that most clusters have and this lacks.", lambda one: shares(one.missing)),
    Words(
        "over-represented",
        "Values far commoner than in the other clusters.",
        lambda one: shares(one.over_represented),
    ),
)
