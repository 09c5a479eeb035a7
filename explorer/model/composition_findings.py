"""What is wrong with clusters by one column: mixed, mislabelled, categories missing or too many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.model import severity
from explorer.model.categories import NO_VALUE, Categories
from explorer.model.composition import Composition
from explorer.model.findings import ClusterRows, Finding, listed, percent, short
from explorer.model.mingling import Mingling
from explorer.model.severity import Severity

MOST_NAMED = 3


class Chances(NamedTuple):
    """The chances of a composition, corrected for all tests of the audit; see `Composition`."""

    differs: NDArray[np.float64]
    few: NDArray[np.float64]
    many: NDArray[np.float64]
    strangers: NDArray[np.float64]
    absent: NDArray[np.float64]

    @classmethod
    def raw(cls, made: Composition) -> Chances:
        """Those to be corrected."""
        return cls(made.p_differs, made.p_few, made.p_many, made.p_strangers, made.p_absent)


@dataclass(frozen=True, eq=False)
class ColumnAudit:
    """One column of an audit: its categories, what the clusters have of them, and how likely that is.

    Attributes
    ----------
    name : str
    categories : Categories
    made : Composition
    lies : Mingling
        How categories lie among each other in the data.
    p : Chances
        Corrected.
    """

    name: str
    categories: Categories
    made: Composition
    lies: Mingling
    p: Chances

    @cached_property
    def names_clusters(self) -> bool:
        """Whether most clusters are nearly of one category, so that one that is not stands out."""
        left = self.made.left[self.made.sizes > 0]
        return bool(len(left) and np.median(left) <= severity.NAMING)

    @cached_property
    def follows(self) -> NDArray[np.bool_]:
        """Which categories follow the place in the data within most clusters that have them: bool (K,)."""
        found = np.zeros(len(self.categories.names), np.bool_)
        some = self.made.counts >= severity.LEAST_ROWS
        for category in np.flatnonzero(some.any(axis=0)).tolist():
            unevenness = self.lies.unevenness[some[:, category], category]
            found[category] = np.median(unevenness) >= severity.FOLLOWING
        return found

    @cached_property
    def missing(self) -> NDArray[np.int64]:
        """How severe it is that a category is missing in a cluster, 0 for not at all: int64 (C, K)."""
        made = self.made
        candidates = (self.p.few <= severity.LEVEL) & (
            made.sizes[:, None] * made.usual >= severity.LEAST_EXPECTED
        )
        found = np.zeros(made.counts.shape, np.int64)
        present, known = made.lift >= severity.PRESENT, made.sizes > 0
        for cluster, category in np.argwhere(candidates & self._own):
            others = np.delete(present[:, category], cluster)[np.delete(known, cluster)]
            usual = bool(len(others)) and others.mean() >= severity.WIDESPREAD
            if usual and self._is_hole(present[cluster], int(category)):
                found[cluster, category] = severity.of_missing(
                    float(made.lift[cluster, category]),
                    float(made.unusual[cluster, category]),
                    float(made.usual[category]),
                    bool(self.follows[category]),
                )
        return found

    @cached_property
    def over_represented(self) -> NDArray[np.int64]:
        """How severe it is that a category is too common in a cluster, likewise; none in what names them."""
        made = self.made
        found = np.zeros(made.counts.shape, np.int64)
        if self.names_clusters:
            return found
        candidates = (self.p.many <= severity.LEVEL) & (made.counts >= severity.LEAST_ROWS)
        for cluster, category in np.argwhere(candidates & self._own):
            found[cluster, category] = severity.of_over_represented(
                float(made.lift[cluster, category]),
                float(made.unusual[cluster, category]),
                float(made.shares[cluster, category]),
                bool(self.follows[category]),
            )
        return found

    def _is_hole(self, present: NDArray[np.bool_], category: int) -> bool:
        """Whether those beside a range are there: else values are higher or lower, and none is lost."""
        if self.categories.ranges is None:
            return True
        return bool(np.delete(present[max(0, category - 1) : category + 2], min(category, 1)).all())

    @cached_property
    def _own(self) -> NDArray[np.bool_]:
        """Which categories are one value, and not the rest of many names: bool (K,)."""
        own = np.ones(len(self.categories.names), np.bool_)
        if self.categories.has_rest:
            own[-1] = False
        return own


def findings(column: ColumnAudit, rows: ClusterRows) -> Iterator[Finding]:
    """Yield what is wrong with the clusters by one column."""
    for cluster, category in np.argwhere(column.missing):
        yield _missing(column, int(cluster), int(category), rows)
    for cluster, category in np.argwhere(column.over_represented):
        yield _over_represented(column, int(cluster), int(category), rows)
    if column.names_clusters:
        for cluster in np.flatnonzero(column.made.sizes):
            yield from _strangers(column, int(cluster), rows)


def _which(column: ColumnAudit, category: int) -> str:
    """The number of a category among those written the same, rows without a value too; empty for the first.

    By all that the column has, so that it is the same whichever of them something is found of.
    """
    names = (NO_VALUE, *column.categories.names)
    before = names[: category + 1].count(names[category + 1])
    return str(before + 1) if before else ""


def _missing(column: ColumnAudit, cluster: int, category: int, rows: ClusterRows) -> Finding:
    made, name = column.made, short(column.categories.names[category])
    count, size = int(made.counts[cluster, category]), int(made.sizes[cluster])
    few = "none" if not count else f"{count:,}"
    return Finding(
        kind="missing",
        severity=Severity(int(column.missing[cluster, category])),
        sentence=(
            f"Of {size:,} items of cluster {cluster}, {few} {'is' if count < 2 else 'are'} {name} "
            f"({column.name}), of all items {percent(made.usual[category])}: find out whether these were "
            "lost or lie elsewhere."
        ),
        rows=rows.of(cluster),
        cluster=cluster,
        column=column.name,
        category=column.categories.names[category],
        value=float(made.shares[cluster, category]),
        expected=float(made.usual[category]),
        aspect=_which(column, category),
        p=float(column.p.few[cluster, category]),
    )


def _over_represented(column: ColumnAudit, cluster: int, category: int, rows: ClusterRows) -> Finding:
    made, name = column.made, short(column.categories.names[category])
    share, usual = made.shares[cluster, category], made.usual[category]
    inside = rows.of(cluster)
    return Finding(
        kind="over_represented",
        severity=Severity(int(column.over_represented[cluster, category])),
        sentence=(
            f"{percent(share)} of cluster {cluster} are {name} ({column.name}), of all items "
            f"{percent(usual)}: find out what brings them together."
        ),
        rows=inside[column.categories.codes[inside] == category],
        cluster=cluster,
        column=column.name,
        category=column.categories.names[category],
        value=float(share),
        expected=float(usual),
        aspect=_which(column, category),
        p=float(column.p.many[cluster, category]),
    )


# What does not belong to the commonest category of a cluster, where the column names the clusters


def _strangers(column: ColumnAudit, cluster: int, rows: ClusterRows) -> Iterator[Finding]:
    made = column.made
    typical = float(np.median(1 - made.purity[made.sizes > 0]))
    real = column.p.strangers[cluster] <= severity.LEVEL
    beyond = 1 - made.purity[cluster] > severity.MIXED_BEYOND * typical
    if not (real and beyond):
        return
    shares = made.shares[cluster]
    large = shares >= severity.PART
    large[made.dominant[cluster]] = False
    mingled, beside = 1.0 - float(made.purity[cluster]), 0.0
    for category in np.flatnonzero(large).tolist():
        lies = _lies(column, cluster, category)
        if lies == "amid" and made.counts[cluster, category] >= severity.LEAST_ROWS:
            yield _mislabelled(column, cluster, category, rows)
        if lies != "mingled":
            mingled -= float(shares[category])
            beside += float(shares[category]) if lies == "beside" else 0.0
    if mingled * made.sizes[cluster] < severity.LEAST_ROWS:
        mingled = 0.0
    by_mingling, by_parts = severity.of_mingled(mingled), severity.of_side_by_side(beside)
    if by_mingling or by_parts:
        how_bad = max(by_mingling, by_parts)
        yield _mixed(column, cluster, rows, how_bad, typical, mingled=by_mingling >= by_parts)


def _lies(column: ColumnAudit, cluster: int, category: int) -> str:
    """How a part of a cluster lies.

    Mingled with the rest; beside it, with a gap between the two in the data, or with no other place to be; at
    the border to others of its own, which is no fault of labels; or amid the rest, away from these.
    """
    lies = column.lies
    if lies.concentration[cluster, category] < severity.CONCENTRATED:
        return "mingled"
    meeting, sparse = lies.meeting(cluster, category, int(column.made.dominant[cluster]))
    if meeting < severity.MEETING or not _has_other_place(column.made, cluster, category):
        return "beside"
    if lies.touching[cluster, category] < severity.AMID * lies.elsewhere[cluster, category]:
        return "border"
    return "amid" if sparse <= severity.SPARSE else "beside"


def _has_other_place(made: Composition, cluster: int, category: int) -> bool:
    """Whether a category makes another cluster, or most of its rows are not in this one."""
    others = np.delete(made.dominant == category, cluster)
    here = made.counts[cluster, category]
    return bool(others.any() or made.totals[category] >= 2 * here)


def _mislabelled(column: ColumnAudit, cluster: int, category: int, rows: ClusterRows) -> Finding:
    made, names, inside = column.made, column.categories.names, rows.of(cluster)
    share = float(made.shares[cluster, category])
    return Finding(
        kind="mislabelled_region",
        severity=severity.MISLABELLED,
        sentence=(
            f"{made.counts[cluster, category]:,} items of cluster {cluster} are labelled "
            f"{short(names[category])} ({column.name}) but lie together amid "
            f"{short(names[made.dominant[cluster]])}, away from the others of that label: check these."
        ),
        rows=inside[column.categories.codes[inside] == category],
        cluster=cluster,
        column=column.name,
        category=names[category],
        value=share,
        expected=_elsewhere(made, cluster, category),
        aspect=_which(column, category),
        p=float(column.p.strangers[cluster]),
    )


def _elsewhere(made: Composition, cluster: int, category: int) -> float:
    """The share of a category in the other clusters of this one's commonest category, or in all others."""
    alike = made.dominant == made.dominant[cluster]
    alike[cluster] = False
    if not alike.any():
        alike = np.arange(len(made.counts)) != cluster
    return float(made.counts[alike, category].sum() / max(1, int(made.sizes[alike].sum())))


def _mixed(
    column: ColumnAudit, cluster: int, rows: ClusterRows, how_bad: Severity, typical: float, *, mingled: bool
) -> Finding:
    made, names = column.made, column.categories.names
    order = np.argsort(-made.counts[cluster], kind="stable")[:MOST_NAMED]
    parts = [(names[one], float(made.shares[cluster, one])) for one in order.tolist()]
    large = [part for part in parts if part[1] >= severity.PART] or parts[:1]
    told = [f"{short(name)} ({percent(share)})" for name, share in large]
    others = int((made.counts[cluster] > 0).sum()) - len(large)
    rest = 1 - sum(share for _, share in large)
    if rest >= severity.PART:
        told.append(f"{others:,} other{'' if others == 1 else 's'} ({percent(rest)})")
    why = (
        "and its neighbours in the data do not tell them apart: the vectors miss the difference, or the "
        "labels draw one that is not there."
        if mingled
        else "which lie side by side in the data: look for smaller clusters."
    )
    return Finding(
        kind="mixed",
        severity=how_bad,
        sentence=f"Cluster {cluster} holds {listed(told)} by {column.name}, {why}",
        rows=rows.of(cluster),
        cluster=cluster,
        column=column.name,
        category=parts[1][0],
        value=1 - float(made.purity[cluster]),
        expected=typical,
        p=float(column.p.strangers[cluster]),
    )
