"""All that is measured of the cluster that is looked at, as plain values for the script of the audit."""

from __future__ import annotations

from typing import Any

from explorer.model.audit import Audit
from explorer.model.audited import ColumnOfCluster
from explorer.model.findings import short
from explorer.model.measures import BY_CHANCE, DOMINANT, IN_WORDS, OF_CLUSTER, OF_COLUMN, Measure, Words
from explorer.views.text import count

MEANINGS: tuple[Measure[Any] | Words, ...] = (*OF_CLUSTER, DOMINANT, *OF_COLUMN, *IN_WORDS)


def measures_state(audit: Audit, cluster: int | None) -> dict[str, Any]:
    """What `AuditResult` shows below the entries of a cluster, in the order of the report; empty for none.

    Parameters
    ----------
    audit : Audit
    cluster : int or None

    Returns
    -------
    state : dict
        Numbers are [name, value, what it is of or what chance has, median of all clusters], words are
        [name, words].
    """
    if cluster is None:
        return {}
    own, every = audit.measured[cluster], audit.measured
    of_cluster = [
        [one.name, one.written(own), "" if one.of(own) is None else one.unit, one.usual(every)]
        for one in OF_CLUSTER
    ]
    return {
        "cluster": f"cluster {cluster}",
        "usual": f"median of {count(len(every))}",
        "numbers": of_cluster,
        "columns": [_of_column(audit, cluster, place) for place in range(len(audit.columns))],
        "meanings": [*([one.name, one.about] for one in MEANINGS), ["by chance", BY_CHANCE]],
    }


def _of_column(audit: Audit, cluster: int, place: int) -> dict[str, Any]:
    every = [one.columns[place] for one in audit.measured]
    own = every[cluster]
    return {
        "title": f"By {short(audit.columns[place])}",
        "dominant": [DOMINANT.name, DOMINANT.written(own)],
        "numbers": [
            [measure.name, measure.written(own), _beside(measure, own), measure.usual(every)]
            for measure in OF_COLUMN
        ],
        "words": [[one.name, one.written(own)] for one in IN_WORDS],
    }


def _beside(measure: Measure[ColumnOfCluster], own: ColumnOfCluster) -> str:
    """What chance has of a number, else its unit."""
    if measure.by_chance is None:
        return measure.unit
    return f"by chance {measure.write(measure.by_chance(own))}"
