"""What a report says in words: an audit in one sentence, what to be careful about, chances and shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from explorer.model.audit import NEIGHBOURS, Audit
from explorer.model.dataset import Dataset
from explorer.model.findings import percent, short
from explorer.model.marks import Mark
from explorer.model.severity import Severity
from explorer.model.written import counted

NO_CLUSTERS = "The map has no clusters to audit: find smaller ones by a lower min_cluster_size."
LEAST_P = 1e-12
"""A smaller p is not told in digits."""


def summary(audit: Audit, marks: dict[str, Mark]) -> str:
    """All of an audit in one sentence."""
    n, noise = len(audit.labels), float(np.mean(audit.labels < 0))
    rest = f"{percent(noise)} of the {n:,} items are in no cluster."
    if not audit.findings:
        if not audit.measured:
            return f"{NO_CLUSTERS} {rest[0].upper()}{rest[1:]}"
        return f"Nothing stands out in {counted(len(audit.measured), 'cluster')}; {rest}"
    todo = [one for one in audit.findings if is_open(marks.get(one.key))]
    worst: dict[int, Severity] = {}
    for one in todo:
        if one.cluster is not None:
            worst[one.cluster] = max(one.severity, worst.get(one.cluster, Severity.NONE))
    now, later = (list(worst.values()).count(level) for level in (Severity.HIGH, Severity.MEDIUM))
    n_found, done = len(audit.findings), len(audit.findings) - len(todo)
    those = "which is" if n_found == 1 else f"{done:,} of them"
    accepted = f", {those} accepted or fixed" if done else ""
    return (
        f"Of {counted(len(audit.measured), 'cluster')} {now:,} ask{'s' if now == 1 else ''} for a look now "
        f"and {later:,} for a look; there {'is' if n_found == 1 else 'are'} {counted(n_found, 'finding')}"
        f"{accepted}, and {rest}"
    )


def is_open(mark: Mark | None) -> bool:
    """Whether a finding so marked is still to be seen to."""
    return mark is None or mark.state == "to do"


def cautions(audit: Audit, dataset: Dataset) -> Iterator[str]:
    """What to keep in mind about this map, a sentence each."""
    run = audit.run
    known = [one for one in audit.measured if one.agreement is not None]
    if known:
        kept = float(np.average([one.agreement or 0.0 for one in known], weights=[one.size for one in known]))
        yield (
            f"Two dimensions cannot hold {dataset.dims:,}: of its nearest neighbours in the data an item in "
            f"a cluster has {percent(kept)} beside it on this map. What findings say of neighbours is "
            f"measured in the data, by the {NEIGHBOURS} nearest of each item at most, and not on the map."
        )
    if run.parameters.densmap:
        yield "How far apart clusters lie on the map means little; how dense they are is kept (densMAP)."
    else:
        yield "How far apart clusters lie on the map, how large they look and how dense they are mean little."
    yield (
        "UMAP may tear one group into several clusters or lay several groups together: findings called "
        "distorted tell where the neighbours in the data say so."
    )
    if why := untried(audit):
        yield why
    elif audit.measured:
        yield (
            "Stability compares this map with the runs that differ from it by the seed alone: a cluster that "
            "does not come back there may be chance."
        )
    if run.parameters.target:
        yield (
            f"The column {short(run.parameters.target)} supervised this map, which keeps its values apart by "
            "construction: that clusters are pure by it is no evidence."
        )
    yield (
        "Each p is corrected for all tests of the audit together (Benjamini and Hochberg 1995), those over "
        "time for all clusters: a small p says that something is there, the shares say whether it matters."
    )


def untried(audit: Audit) -> str:
    """Why nothing is told of which clusters are chance, and what to do; empty where it is told."""
    if not audit.measured or any(one.stability is not None for one in audit.measured):
        return ""
    if audit.not_repeated:
        return audit.not_repeated
    if audit.run.start is not None:
        return (
            "This run starts from the map of another, which would come back with any seed, so nothing is "
            "told of which clusters are chance: run it from scratch with two seeds, and audit again."
        )
    return (
        "No other run differs from this one by the seed alone, so nothing is told of which clusters are "
        "chance: fit with another seed and audit again."
    )


def chance(value: float | None) -> str:
    """A chance.

    >>> chance(0.0123), chance(0.0), chance(None)
    ('0.012', '< 1e-12', 'not tested')
    """
    if value is None:
        return "not tested"
    return f"{value:.2g}" if value > LEAST_P else f"< {LEAST_P:g}"


def shares(told: Sequence[tuple[str, float, float]], most: int = 4) -> str:
    """Categories of a cluster with their share and how many times that of all rows it is.

    >>> shares([("punk", 0.25, 2.5), ("folk", 0.02, 0.1)], 1), shares([])
    ('punk 25% (×2.5), and 1 more', '–')
    >>> shares([("gloom", 0.9, 1234.5), ("folk", 0.5, 99.6), ("punk", 0.2, 9.96)])
    'gloom 90% (×1,234), folk 50% (×100), punk 20% (×10)'
    """
    if not told:
        return "–"
    words = [f"{short(category)} {percent(share)} (×{_times(lift)})" for category, share, lift in told[:most]]
    more = [f"and {len(told) - most:,} more"] if len(told) > most else []
    return ", ".join([*words, *more])


def _times(lift: float) -> str:
    return f"{lift:,.0f}" if lift >= 10 else f"{lift:.2g}"
