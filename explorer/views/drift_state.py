"""What the page shows of drift and of coverage, as plain values for their scripts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from explorer.model.arrivals import Arrivals
from explorer.model.coverage import Coverage, Region
from explorer.model.drift import ClusterDrift, Drift
from explorer.model.shares import SEVERITIES, percent
from explorer.views.text import counted

TONES = {"high": "bad", "medium": "warn", "low": "good", "": ""}
GAP, SURPLUS, CLUSTER, ALL_GAPS, SAMPLE = "gap", "surplus", "cluster", "gaps", "sample"
OTHERS = "others → batch"
NOBODY = "No item of the map lies there."
MOST_STEADY = 200
"""Clusters that do not change that are listed."""


def drift_state(found: Drift) -> dict[str, Any]:
    """What `DriftResult` shows: clusters that change, worst first, then the steady ones by number.

    The key of each is the cluster's number.
    """
    changing = [one for one in found.clusters if one.sentence]
    changing.sort(key=lambda one: (SEVERITIES.index(one.severity), -int(one.counts.sum())))
    steady = [one for one in found.clusters if not one.sentence]
    names, sizes = found.periods.names, _sizes(found)
    some = "" if len(steady) <= MOST_STEADY else f", of which {MOST_STEADY} are listed"
    return {
        "said": found.sentence,
        "span": f"{names[0]} – {names[-1]}",
        "changing": [_row(one, found, sizes[one.cluster]) for one in changing],
        "steady": [_row(one, found, sizes[one.cluster]) for one in steady[:MOST_STEADY]],
        "none": "None changes by more than chance and enough to speak of." if steady else "",
        "folded": f"{counted(len(steady), 'steady cluster')}{some}",
    }


def _sizes(found: Drift) -> list[int]:
    """Items of each cluster, those without a time among them: what a click selects."""
    inside = found.labels[found.labels >= 0]
    sizes: list[int] = np.bincount(inside, minlength=len(found.clusters)).tolist()
    return sizes


def _row(one: ClusterDrift, found: Drift, size: int) -> dict[str, Any]:
    names, most = found.periods.names, float(one.shares.max())
    where = int(one.shares.argmax())
    return {
        "key": str(one.cluster),
        "name": f"cluster {one.cluster}",
        "items": items(size),
        "value": " → ".join(map(percent, _passed(one))),
        "tone": TONES[one.severity],
        "severity": one.severity,
        "sentence": one.sentence,
        "shares": _of_most(one.shares, most),
        "levels": _of_most(one.levels, most) if one.starts else [],
        "marks": [[start, names[start]] for start in one.starts],
        "about": f"Share of new items by {found.periods.unit}, {percent(most)} at most ({names[where]})",
    }


def _passed(one: ClusterDrift) -> tuple[float, ...]:
    """Its share at first, where it was in between if it is back, and its share at last."""
    away = () if one.away is None else (one.away,)
    return (one.levels[0], *away, one.levels[-1])


def _of_most(shares: Iterable[float], most: float) -> list[float]:
    return [round(float(share) / most, 4) if most else 0.0 for share in shares]


def coverage_state(
    found: Coverage, picture: str, ramp: list[str], new: Arrivals | None = None
) -> dict[str, Any]:
    """What `CoverageResult` shows: a picture (data URI), its ramp (colours), and what is found by its keys.

    Of new data the clusters that changed are told too, and how new it is.
    """
    rows = len(found.rows_in_gaps)
    return {
        "said": found.sentence,
        "notes": [] if new is None else _notes(new),
        "picture": picture,
        "ramp": ramp,
        "about": f"Map of where {found.batch} lies more or less densely than the other items",
        "gap": f"Select the gap ({items(rows)})" if rows else "",
        "groups": [
            _group("Gaps", OTHERS, _regions(GAP, found.gaps)),
            _group("Surplus", OTHERS, _regions(SURPLUS, found.surpluses)),
            _group("Clusters", "known → new", [] if new is None else _clusters(new)),
        ],
    }


def _group(title: str, note: str, findings: list[dict[str, Any]]) -> dict[str, Any]:
    return {"title": title, "note": note, "findings": findings}


def _notes(new: Arrivals) -> list[str]:
    steady = "No cluster's share of the new items differs by more than chance and enough to speak of."
    if not new.shares:
        steady = "The map has no clusters that the new items could add to."
    return [new.sentence, *new.appeared, *([] if new.findings else [steady])]


def _clusters(new: Arrivals) -> list[dict[str, Any]]:
    return [
        {
            "key": f"{CLUSTER}:{one.cluster}",
            "name": f"cluster {one.cluster}",
            "items": items(len(one.rows)),
            "value": f"{percent(one.expected)} → {percent(one.value)}",
            "tone": TONES[one.severity],
            "severity": one.severity,
            "sentence": one.sentence,
        }
        for one in new.findings
    ]


def _regions(kind: str, regions: tuple[Region, ...]) -> list[dict[str, Any]]:
    return [
        {
            "key": f"{kind}:{number}",
            "name": f"{kind} {number + 1}",
            "items": items(len(one.rows)),
            "empty": "" if len(one.rows) else NOBODY,
            "value": f"{percent(one.reference_share)} → {percent(one.batch_share)}",
            "tone": TONES[one.severity],
            "severity": one.severity,
            "sentence": one.sentence,
        }
        for number, one in enumerate(regions)
    ]


def items(n: int) -> str:
    """How many items.

    >>> items(1), items(1200)
    ('1 item', '1,200 items')
    """
    return counted(n, "item")
