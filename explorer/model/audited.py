"""The clusters of an audit, a row each: what they are made of, and by what they are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from explorer.model.clusters import Clusters
from explorer.model.composition_findings import ColumnAudit
from explorer.model.fates import Fate
from explorer.model.findings import ClusterRows
from explorer.model.near_duplicates import NearDuplicates
from explorer.model.severity import LEVEL, Severity

NOTHING = "Nothing stands out."
LISTS = ("unexpected", "missing", "over_represented")


@dataclass(frozen=True)
class ColumnOfCluster:
    """What one cluster is made of by one column.

    Attributes
    ----------
    column : str
    purity, purity_by_chance : float
        Share of the commonest category, and the mean of that with the values shuffled.
    entropy, entropy_by_chance : float
        From 0, one category, to 1, all categories alike; and the mean of that with the values shuffled.
    effective : float
        ``exp`` of the entropy: as many equally common categories have it.
    p : float
        Of differing so much from all rows by chance, corrected.
    dominant : str or None
        The commonest category; None where no row has a value.
    unexpected, missing, over_represented : tuple of (category, share, lift)
        Others than the commonest that are more than chance has of a column that names clusters; categories
        that most clusters have; those out of line. Lift is the share by that in all rows.
    """

    column: str
    purity: float
    purity_by_chance: float
    entropy: float
    entropy_by_chance: float
    effective: float
    p: float
    dominant: str | None
    unexpected: tuple[tuple[str, float, float], ...]
    missing: tuple[tuple[str, float, float], ...]
    over_represented: tuple[tuple[str, float, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        told = {name: [_share_told(*one) for one in getattr(self, name)] for name in LISTS}
        return {**vars(self), **told}

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Self:
        """Return what told this of itself."""
        lists = {
            name: tuple((one["category"], one["share"], one["lift"]) for one in told[name]) for name in LISTS
        }
        return cls(**told | lists)


@dataclass(frozen=True)
class AuditedCluster:
    """One cluster: a row of the audit.

    Attributes
    ----------
    cluster, size : int
    columns : tuple of ColumnOfCluster
    duplicates : float
        Share of its rows that are near duplicates of others.
    density : float or None
        Median of the local density of its rows, see ``statistics.local_density``; None if none has a place.
    probability : float
        Mean of how surely its rows belong to it.
    persistence : float or None
        How long it lasts as the density rises, 0 to 1; None where it was not kept.
    agreement : float
        Mean share of neighbours in the data that its rows have on the map: 1 less their distortion.
    stability : float or None
        Mean match in the other runs that differ by seed, beyond chance; None without any.
    severity : Severity
        Of the worst finding about it.
    reason : str
        That finding's sentence.
    """

    cluster: int
    size: int
    columns: tuple[ColumnOfCluster, ...]
    duplicates: float
    density: float | None
    probability: float
    persistence: float | None
    agreement: float | None
    stability: float | None
    severity: Severity = Severity.NONE
    reason: str = NOTHING

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        columns = [column.to_dict() for column in self.columns]
        return {**vars(self), "columns": columns, "severity": self.severity.label}

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Self:
        """Return what told this of itself."""
        columns = tuple(ColumnOfCluster.from_dict(one) for one in told["columns"])
        return cls(**told | {"columns": columns, "severity": Severity[told["severity"].upper()]})


def measured(
    found: Clusters,
    rows: ClusterRows,
    columns: Sequence[ColumnAudit],
    copies: NearDuplicates,
    density: NDArray[np.float32],
    agreement: NDArray[np.float64],
    fates: Sequence[Fate],
) -> tuple[AuditedCluster, ...]:
    """Tell of each cluster what was measured, before anything is judged.

    Parameters
    ----------
    found : Clusters
    rows : ClusterRows
    columns : sequence of ColumnAudit
    copies : NearDuplicates
    density : float32 (n,)
        Local density of each row.
    agreement : float64 (C,)
        Of each cluster.
    fates : sequence of Fate
        None without other runs.
    """
    doubled = np.zeros(len(found.labels), np.float32)
    doubled[copies.rows] = 1
    of_copies, densities = rows.means(doubled), rows.medians(density)
    probabilities = rows.means(found.probabilities)
    persistence = getattr(found, "persistence", ())
    return tuple(
        AuditedCluster(
            cluster=cluster,
            size=size,
            columns=tuple(_of_cluster(column, cluster) for column in columns),
            duplicates=float(of_copies[cluster]),
            density=float(densities[cluster]) if np.isfinite(densities[cluster]) else None,
            probability=float(probabilities[cluster]),
            persistence=float(persistence[cluster]) if len(persistence) else None,
            agreement=float(agreement[cluster]) if np.isfinite(agreement[cluster]) else None,
            stability=fates[cluster].beyond_chance if fates else None,
        )
        for cluster, size in enumerate(found.sizes.tolist())
    )


def _of_cluster(column: ColumnAudit, cluster: int) -> ColumnOfCluster:
    made = column.made
    has_values = bool(made.sizes[cluster])
    unexpected = np.zeros(made.counts.shape[1], np.bool_)
    if column.names_clusters and has_values:
        unexpected = (column.p.many[cluster] <= LEVEL) & (made.lift[cluster] > 1)
        unexpected[made.dominant[cluster]] = False
    return ColumnOfCluster(
        column=column.name,
        purity=float(made.purity[cluster]),
        purity_by_chance=float(made.purity_by_chance[cluster]),
        entropy=float(made.entropy[cluster]),
        entropy_by_chance=float(made.entropy_by_chance[cluster]),
        effective=float(made.effective[cluster]),
        p=float(column.p.differs[cluster]),
        dominant=column.categories.names[made.dominant[cluster]] if has_values else None,
        unexpected=_shares(column, cluster, unexpected),
        missing=_shares(column, cluster, column.missing[cluster] > 0),
        over_represented=_shares(column, cluster, column.over_represented[cluster] > 0),
    )


def _shares(
    column: ColumnAudit, cluster: int, chosen: NDArray[np.bool_]
) -> tuple[tuple[str, float, float], ...]:
    """Categories with their share and lift, the commonest of all first."""
    made = column.made
    which = np.flatnonzero(chosen)
    which = which[np.argsort(-made.totals[which], kind="stable")]
    return tuple(
        (column.categories.names[one], float(made.shares[cluster, one]), float(made.lift[cluster, one]))
        for one in which.tolist()
    )


def _share_told(category: str, share: float, lift: float) -> dict[str, Any]:
    return {"category": category, "share": share, "lift": lift}
