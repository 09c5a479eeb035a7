"""What is wrong with rows that have no value: clusters with many of them, and heaps of them in the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.model import severity
from explorer.model.categories import NO_VALUE
from explorer.model.composition_findings import ColumnAudit
from explorer.model.findings import ClusterRows, Finding, listed, percent, short


def findings(columns: Sequence[ColumnAudit], near: NDArray[np.int32], rows: ClusterRows) -> Iterator[Finding]:
    """Yield what is wrong; columns that lack a value in the same rows tell it once, by the first by name.

    Parameters
    ----------
    columns : sequence of ColumnAudit
    near : int32 (n, k)
        Neighbours in the data, -1 for none.
    rows : ClusterRows
    """
    alike: dict[bytes, list[ColumnAudit]] = {}
    for column in sorted(columns, key=lambda one: one.name):
        if column.made.all_absent:
            alike.setdefault(np.packbits(column.categories.codes < 0).tobytes(), []).append(column)
    for group in alike.values():
        names = listed([short(column.name) for column in group])
        yield from _together(group[0], names, near)
        yield from _in_clusters(group[0], names, rows)


def _together(column: ColumnAudit, names: str, near: NDArray[np.int32]) -> Iterator[Finding]:
    """Rows without a value whose neighbours in the data have none either, whatever cluster they are in."""
    absent = column.categories.codes < 0
    rows = np.flatnonzero(absent).astype(np.int64, copy=False)
    around = near[rows]
    found = float(absent[around[around >= 0]].mean()) if (around >= 0).any() else 0.0
    n, m = len(absent), len(rows)
    usual = m / n
    if m < severity.LEAST_ROWS or found - usual < severity.CONCENTRATED * (1 - usual):
        return
    if how_bad := min(severity.of_absent(found / usual, found), severity.of_duplicates(usual)):
        yield Finding(
            kind="over_represented",
            severity=how_bad,
            sentence=(
                f"{m:,} of {n:,} items have no value in {names}, and {percent(found)} of their neighbours in "
                "the data have none either: look what these are, and whether they belong in the data."
            ),
            rows=rows,
            column=column.name,
            category=NO_VALUE,
            value=found,
            expected=usual,
        )


def _in_clusters(column: ColumnAudit, names: str, rows: ClusterRows) -> Iterator[Finding]:
    """Clusters with more rows without a value than chance has."""
    made = column.made
    usual = made.all_absent / made.n
    real = (column.p.absent <= severity.LEVEL) & (made.absent >= severity.LEAST_ROWS)
    for cluster in np.flatnonzero(real).tolist():
        share = float(made.absent[cluster] / (made.absent[cluster] + made.sizes[cluster]))
        if how_bad := severity.of_absent(share / usual, share):
            inside = rows.of(cluster)
            yield Finding(
                kind="over_represented",
                severity=how_bad,
                sentence=(
                    f"{percent(share)} of cluster {cluster} have no value in {names}, of all items "
                    f"{percent(usual)}: look what these are, and whether they belong in the data."
                ),
                rows=inside[column.categories.codes[inside] < 0],
                cluster=cluster,
                column=column.name,
                category=NO_VALUE,
                value=share,
                expected=usual,
                p=float(column.p.absent[cluster]),
            )
