"""What the page shows of an audit, as plain values for its script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from explorer.model.audit import Audit
from explorer.model.audited import AuditedCluster, ColumnOfCluster
from explorer.model.categories import NO_VALUE
from explorer.model.findings import Finding, short
from explorer.model.marks import STATES, Mark
from explorer.model.measures import OF_CLUSTER, OF_COLUMN, UNKNOWN
from explorer.model.report_words import NO_CLUSTERS, untried
from explorer.model.severity import Severity
from explorer.views.drift_state import TONES, items
from explorer.views.text import count, counted

TITLES = {
    "duplicates": "near duplicates",
    "unstable": "changes with the seed",
    "torn": "may be torn apart",
    "joined": "may be laid together",
    "unfaithful": "neighbours not kept",
    "thinning": "thins out",
    "growing": "grows",
    "gap": "gap",
}
CAUTIOUS = ("unstable", "distorted")
"""Kinds of findings by which a cluster may be the map's making, whatever else is found of it."""
OF_NAMES = ("mixed", "mislabelled_region")
"""Kinds of findings whose column names clusters; purity is told by it, and else by that which does best."""
MOST_LISTED = 500
"""Findings that are sent to the browser, at each mark anew, and clusters without any."""
ITEMS, DUPLICATES, *_, STABILITY = OF_CLUSTER
PURITY = OF_COLUMN[0]
CLUSTER = "cluster:"


def audit_state(audit: Audit, marks: Mapping[str, Mark], names: Sequence[str]) -> dict[str, Any]:
    """What `AuditResult` shows: the findings, worst first, then the clusters nothing is found of.

    Parameters
    ----------
    audit : Audit
    marks : mapping of str to Mark
        By the findings' keys.
    names : sequence of str
        Of the clusters by number, empty where there is none; none at all while they are not known.
    """
    clusters: dict[int | None, Any] = {one.cluster: one for one in audit.clusters}
    cautions: dict[int | None, list[Finding]] = {}
    for one in audit.findings:
        if one.kind in CAUTIOUS:
            cautions.setdefault(one.cluster, []).append(one)
    listed, naming, why = audit.findings[:MOST_LISTED], _naming(audit), untried(audit)
    return {
        "said": _said(audit),
        "untried": why,
        "states": list(reversed(STATES)),
        "levels": [level.label for level in sorted(Severity, reverse=True) if level],
        "findings": [
            _row(one, marks.get(one.key), cautions.get(one.cluster, ()))
            | _about(one, clusters.get(one.cluster), names, naming, why)
            for one in listed
        ],
        "sound": _sound(audit, names, naming, why),
    }


def title(finding: Finding) -> str:
    """What a finding is called."""
    column, category = short(finding.column or ""), short(finding.category or "")
    of_columns = {
        "mixed": f"mixed by {column}",
        "missing": f"{category} is missing",
        "over_represented": f"{column} is missing"
        if finding.category == NO_VALUE
        else f"too much {category}",
        "mislabelled_region": f"labelled {category} by mistake?",
    }
    known = of_columns | TITLES
    return known.get(finding.kind) or known.get(finding.aspect) or finding.kind


def called(finding: Finding) -> str:
    """What the selection of a finding's rows is called."""
    where = "" if finding.cluster is None else f" · cluster {finding.cluster}"
    return f"{title(finding)}{where}"


def _said(audit: Audit) -> str:
    """How many findings there are and where, those of single clusters and those of all data apart."""
    found, n = audit.findings, len(audit.measured)
    inside = [one.cluster for one in found if one.cluster is not None]
    clusters = counted(n, "cluster")
    where = f"in {count(len(set(inside)))} of {clusters}"
    of_all = f"{count(len(found) - len(inside))} about all items"
    if not n and not found:
        return NO_CLUSTERS
    if not found:
        said = f"No findings in {clusters}"
    elif not inside:
        said = f"{counted(len(found), 'finding')} about all items, none in {clusters}"
    elif len(inside) == len(found):
        said = f"{counted(len(found), 'finding')} {where}"
    else:
        said = f"{counted(len(found), 'finding')}: {count(len(inside))} {where}, {of_all}"
    some = f", the worst {count(MOST_LISTED)} listed" if len(found) > MOST_LISTED else ""
    return f"{said}{some} · by {', '.join(short(name) for name in audit.columns)}"


def _naming(audit: Audit) -> int:
    """Which of the columns names the clusters: by which they are purest beyond chance."""
    gains = [
        np.mean([one.columns[at].purity - one.columns[at].purity_by_chance for one in audit.measured])
        for at in range(len(audit.columns) if audit.measured else 0)
    ]
    return int(np.argmax(gains)) if gains else 0


def _row(one: Finding, mark: Mark | None, cautions: Sequence[Finding]) -> dict[str, Any]:
    return {
        "key": one.key,
        "title": title(one),
        "severity": one.severity.label,
        "tone": TONES[one.severity.label],
        "sentence": one.sentence,
        "items": items(len(one.rows)),
        "cautions": [[title(other), other.sentence] for other in cautions if other is not one],
        "state": "" if mark is None else mark.state,
        "note": "" if mark is None else mark.note,
        "changed": "" if mark is None else mark.changed[:10],
    }


def _about(
    one: Finding, cluster: AuditedCluster | None, names: Sequence[str], naming: int, why: str
) -> dict[str, Any]:
    """The cluster of a finding; of a finding about no single one, how many items it concerns."""
    if cluster is None:
        told = ("items", count(len(one.rows)), "Items that this concerns, of any cluster.")
        return {"cluster": "all items", "name": "", "numbers": [told], "whole": "", "size": "", "by": naming}
    columns = [made.column for made in cluster.columns]
    own = columns.index(one.column) if one.column in columns else naming
    return {
        "cluster": f"cluster {cluster.cluster}",
        "name": _name(names, cluster.cluster),
        "numbers": _numbers(cluster, cluster.columns[own if one.kind in OF_NAMES else naming], why),
        "by": own,
        "whole": f"{CLUSTER}{cluster.cluster}" if len(one.rows) < cluster.size else "",
        "size": items(cluster.size),
    }


def _sound(audit: Audit, names: Sequence[str], naming: int, why: str) -> dict[str, Any]:
    sound = [one for one in audit.clusters if not one.severity]
    what = "without findings" if why else "stable and without findings"
    listed = sound[:MOST_LISTED]
    some = "" if len(sound) == len(listed) else f", {count(len(listed))} listed"
    return {
        "title": f"{counted(len(sound), 'cluster')} {what}{some}",
        "hint": why,
        "clusters": [
            {
                "key": f"{CLUSTER}{one.cluster}",
                "cluster": f"cluster {one.cluster}",
                "name": _name(names, one.cluster),
                "items": items(one.size),
                "numbers": _numbers(one, one.columns[naming], why),
                "by": naming,
            }
            for one in listed
        ],
    }


def _name(names: Sequence[str], cluster: int) -> str:
    return names[cluster] if cluster < len(names) else ""


def _numbers(one: AuditedCluster, by: ColumnOfCluster, why: str) -> list[tuple[str, str, str]]:
    """What tells most of a cluster, each with its name and what it means; purity by a column."""
    purity = (
        (UNKNOWN, "No item has a value.") if by.dominant is None else (PURITY.written(by), _of_purity(by))
    )
    return [
        (ITEMS.name, ITEMS.written(one), ITEMS.about),
        (PURITY.name, *purity),
        (STABILITY.name, STABILITY.written(one), why or STABILITY.about),
        (DUPLICATES.name, DUPLICATES.written(one), DUPLICATES.about),
    ]


def _of_purity(by: ColumnOfCluster) -> str:
    return (
        f"Share of the commonest {short(by.column)}, {short(by.dominant or '')}; by chance "
        f"{PURITY.write(by.purity_by_chance)}."
    )
