"""Drift: which clusters make up more and more, or less and less, of what comes in over time.

The share of a cluster is of all items of a period, noise among them. Whether it changes is tested as
``change_points`` says, and told where the false discovery rate over all clusters is at most 5%. As shares add
up to one, what one large cluster loses others gain; a factor below 1.2 is not told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.progress import part
from explorer.model import clusters
from explorer.model.change_points import Change, change_of
from explorer.model.errors import InputError
from explorer.model.items import Items
from explorer.model.periods import OUTSIDE, Periods, periods_of
from explorer.model.run import Run
from explorer.model.shares import (
    GROWING,
    LEVEL,
    MEDIUM,
    THINNING,
    Counts,
    Finding,
    adjusted,
    factor,
    percent,
    severity_of,
    worst_first,
)
from explorer.model.workspace import Workspace
from explorer.model.written import counted

LOOK_FOR_CLUSTERS = 0.8
"""Share of the work that is to find the clusters, where they are not kept."""
STEADY = 3
"""Changes in one direction that are told as one that goes on."""


@dataclass(frozen=True, eq=False)
class ClusterDrift:
    """What becomes of one cluster over time.

    Attributes
    ----------
    cluster : int
    counts : int64 (t,)
        Its items in each period.
    shares : float64 (t,)
        The same as shares of all items of the period: a sparkline's numbers.
    starts : tuple of int
        The first periods of new levels; none where it does not change, or does so slowly.
    levels : tuple of float
        Its shares between changes; without changes in the first and in the last quarter of all items.
    p : float
        That it changes as much by chance; of false discoveries over all clusters.
    kind : {"thinning", "growing", ""}
        What it does; of one that is back where it was, what it did in between.
    severity : {"high", "medium", "low", ""}
    sentence : str
        Empty where nothing is to be told.
    away : float or None
        The share farthest from the first, where it has been there and is back; else None.
    """

    cluster: int
    counts: Counts
    shares: NDArray[np.float64]
    starts: tuple[int, ...]
    levels: tuple[float, ...]
    p: float
    kind: str = ""
    severity: str = ""
    sentence: str = ""
    away: float | None = None

    @property
    def told(self) -> float:
        """The share that its kind goes by, beside the first: the last one, or where it was in between."""
        return self.levels[-1] if self.away is None else self.away

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        lists = {name: list(getattr(self, name)) for name in ("starts", "levels")}
        return vars(self) | {"counts": self.counts.tolist(), "shares": self.shares.tolist()} | lists


@dataclass(frozen=True, eq=False)
class Drift:
    """How the clusters of a map change over time.

    Attributes
    ----------
    column : str
        The times.
    periods : Periods
    totals : int64 (t,)
        Items of each period.
    clusters : tuple of ClusterDrift
        One a cluster, by number.
    labels : int32 (n,)
        The cluster of each row, -1 for noise.
    """

    column: str
    periods: Periods
    totals: Counts
    clusters: tuple[ClusterDrift, ...]
    labels: NDArray[np.int32]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is to be told, worst first; the rows are the cluster's.

        Of a cluster that is back where it was the value is the share that it had in between.
        """
        return worst_first(
            Finding(
                one.kind, one.severity, one.cluster, self.column, one.told, one.levels[0], one.p,
                one.sentence, self.rows_of(one.cluster),
            )
            for one in self.clusters
            if one.sentence
        )  # fmt: skip

    @property
    def sentence(self) -> str:
        """All of it in one."""
        names, left = self.periods.names, self.periods.left_out
        those = f"{counted(left, 'item')} without a time, or far from all others,"
        without = f"; {those} {'is' if left == 1 else 'are'} left out" if left else ""
        span = f"from {names[0]} to {names[-1]}, by {self.periods.unit}"
        return f"{self._what}, {span}{without}."

    @property
    def _what(self) -> str:
        """How many clusters change, and how."""
        if not self.clusters:
            return "The map has no clusters that could change"
        kinds = [one.kind for one in self.clusters if one.away is None]
        thin, grow = _how_many(kinds.count(THINNING), "thin"), _how_many(kinds.count(GROWING), "grow")
        back = len(self.clusters) - len(kinds)
        if not (back or any(kinds)):
            return "No cluster's share of what comes in differs beyond chance to speak of"
        returned = f", and {back:,} left {'its' if back == 1 else 'their'} share for a while" if back else ""
        return f"Of {counted(len(self.clusters), 'cluster')} {thin} out and {grow}{returned}"

    def rows_of(self, cluster: int) -> NDArray[np.int64]:
        """The rows of a cluster, int64 (m,), ascending."""
        return np.flatnonzero(self.labels == cluster).astype(np.int64, copy=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "column": self.column,
            "unit": self.periods.unit,
            "periods": list(self.periods.names),
            "totals": self.totals.tolist(),
            "left_out": self.periods.left_out,
            "sentence": self.sentence,
            "clusters": [one.to_dict() for one in self.clusters],
            "findings": [one.to_dict() for one in self.findings],
        }


def time_columns(items: Items) -> tuple[str, ...]:
    """The columns that drift can be told by: those of dates and times."""
    return tuple(column.name for column in items.columns if column.kind == "time")


def times(items: Items, column: str) -> NDArray[np.float64]:
    """A column of times in seconds since 1970, float64 (n,); raises InputError if there is no such column."""
    known = time_columns(items)
    if column not in known:
        some = f"choose one of {', '.join(known)}" if known else "the items have no column of dates or times"
        raise InputError(f"{column!r} is no column of times: {some}.")
    return np.asarray(items.numbers(column), np.float64)


def drift_of_run(
    workspace: Workspace, run: Run, column: str, progress: Callable[[float], None] = lambda _: None
) -> Drift:
    """Tell how the clusters of a run's map change over time; slow, so never on the event loop.

    Parameters
    ----------
    workspace : Workspace
    run : Run
        At rest, with a map; its clusters are those of `clusters.find`.
    column : str
        One of `time_columns`.
    progress : callable, optional
        Called with the share done; what it raises ends the work.

    Raises
    ------
    InputError
        If there is no such column of times, or no map.
    """
    seconds = times(workspace.dataset(run.dataset_id).items, column)
    middle = LOOK_FOR_CLUSTERS if clusters.seconds_to_find(workspace, run) else 0.0
    labels = clusters.find(workspace, run, progress=part(progress, 0.0, middle)).labels
    return drift(labels, seconds, column, progress=part(progress, middle, 1.0))


def drift(
    labels: NDArray[np.int32],
    seconds: NDArray[np.float64],
    column: str = "time",
    *,
    seed: int = 0,
    progress: Callable[[float], None] = lambda _: None,
) -> Drift:
    """Tell how clusters change over time.

    Parameters
    ----------
    labels : int32 (n,)
        The cluster of each row, -1 for noise.
    seconds : float64 (n,)
        When each came in, in seconds since 1970; NaN where unknown.
    column : str, default "time"
        What to call the times.
    seed : int, default 0
        Of the permutations.
    progress : callable, optional
        Called with the share done; what it raises ends the work.

    Raises
    ------
    InputError
        If the times do not make two periods.
    """
    progress(0.0)
    periods = periods_of(seconds, column)
    table = _counts(labels, periods)
    totals, counts = table.sum(axis=0), table[1:]
    changes = []
    for cluster, cases in enumerate(counts):
        progress(cluster / len(counts))
        changes.append(change_of(cases, totals, LEVEL, np.random.default_rng([seed, cluster])))
    chance = adjusted([change.p for change in changes])
    told = tuple(
        _told(cluster, cases, totals, change, float(p), periods)
        for cluster, (cases, change, p) in enumerate(zip(counts, changes, chance, strict=True))
    )
    progress(1.0)
    return Drift(column, periods, totals, told, labels)


def _how_many(n: int, verb: str) -> str:
    """So many do so.

    >>> _how_many(0, "grow"), _how_many(1, "grow"), _how_many(2, "grow")
    ('none grows', '1 grows', '2 grow')
    """
    return f"{n or 'none'} {verb}{'' if n > 1 else 's'}"


def _counts(labels: NDArray[np.int32], periods: Periods) -> Counts:
    """Rows by cluster, noise the first, and period: int64 (clusters + 1, t)."""
    inside = periods.codes != OUTSIDE
    t, n_labels = len(periods.names), int(labels.max(initial=clusters.NOISE)) + 2
    cells = (labels[inside].astype(np.int64) + 1) * t + periods.codes[inside]
    return np.bincount(cells, minlength=n_labels * t).reshape(n_labels, t).astype(np.int64, copy=False)


def _told(
    cluster: int, cases: Counts, totals: Counts, change: Change, p: float, periods: Periods
) -> ClusterDrift:
    """One cluster, and a sentence if it changes."""
    starts = change.starts if p <= LEVEL else ()
    levels = _levels(cases, totals, starts)
    shares = tuple(x / n for x, n in levels)
    known = ClusterDrift(cluster, cases, cases / totals, starts, shares, p)
    if p > LEVEL:
        return known
    since_first = [float(factor(*one, *levels[0])) for one in levels]
    times, farthest = since_first[-1], int(np.argmax(np.abs(np.log(since_first))))
    if severity := severity_of(times):
        kind = THINNING if times < 1 else GROWING
        return replace(known, kind=kind, severity=severity, sentence=_changed(known, kind, periods))
    # Back where it was: told only if it has been somewhere else in between.
    away = since_first[farthest]
    if max(away, 1 / away) < MEDIUM:
        return known
    kind, where = (GROWING, "up") if away > 1 else (THINNING, "down")
    sentence = (
        f"Cluster {cluster} went {where} from {percent(shares[0])} to {percent(shares[farthest])} of new "
        f"items and has been back at {percent(shares[-1])} since {periods.names[starts[-1]]}."
    )
    return replace(known, kind=kind, severity="low", sentence=sentence, away=shares[farthest])


def _levels(cases: Counts, totals: Counts, starts: tuple[int, ...]) -> list[tuple[int, int]]:
    """Cases and items between changes; without changes of the first and of the last quarter of all items."""
    if starts:
        spans = [slice(*ends) for ends in zip((0, *starts), (*starts, len(cases)), strict=True)]
    else:
        reached, last = totals.cumsum() / totals.sum(), len(totals) - 1
        first, final = np.searchsorted(reached, [0.25, 0.75])
        spans = [slice(0, min(int(first) + 1, last)), slice(min(max(int(final), 1), last), None)]
    return [(int(cases[span].sum()), int(totals[span].sum())) for span in spans]


def _changed(known: ClusterDrift, kind: str, periods: Periods) -> str:
    names, starts = periods.names, known.starts
    verb = f"Cluster {known.cluster} {'fell' if kind == THINNING else 'rose'}"
    what = f"from {percent(known.levels[0])} to {percent(known.levels[-1])} of new items"
    if not starts:
        return f"{verb} slowly {what} between {names[0]} and {names[-1]}."
    if len(starts) == 1:
        return f"{verb} {what} since {names[starts[0]]}."
    steps = np.diff(known.levels)
    one_way = bool((steps < 0).all() or (steps > 0).all())
    if one_way and len(starts) >= STEADY:
        return f"{verb} steadily {what} until {names[starts[-1]]}."
    how = f"in {len(starts)} steps" if one_way else "with ups and downs"
    return f"{verb} {how} {what}, the last in {names[starts[-1]]}."
