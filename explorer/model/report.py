"""An audit as one HTML file that needs nothing else: pictures, findings, tables, and what it was made of.

What was found of change goes with it: clusters over time, a batch or new data against the map's.

Whatever comes from the data goes through the template's escaping; the file names no other, runs no script,
and forbids itself to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.progress import part
from explorer.model import map_png, measures
from explorer.model.arrivals import Arrivals, Share
from explorer.model.audit import Audit
from explorer.model.coverage import Coverage
from explorer.model.dataset import Dataset
from explorer.model.drift import Drift
from explorer.model.drift_findings import of_drift
from explorer.model.errors import InputError
from explorer.model.examples import Examples, examples
from explorer.model.findings import Finding, short
from explorer.model.marks import Mark, Marks
from explorer.model.provenance import provenance
from explorer.model.report_pictures import SPARK, Pictures, changes, difference
from explorer.model.report_words import cautions, chance, is_open, summary
from explorer.model.severity import Severity
from explorer.model.workspace import Workspace
from explorer.model.written import counted

ASSETS = Path(__file__).resolve().parents[1] / "assets"
MOST_PICTURED, MOST_LISTED, MOST_CLUSTERS = 40, 400, 400
"""Findings told with a picture and items, findings told at all, rows of a table of clusters."""


@dataclass(frozen=True, eq=False)
class Told:
    """A finding with all that is shown of it.

    Attributes
    ----------
    finding : Finding
    mark : Mark or None
    picture : str
        A data URI.
    examples : Examples
    """

    finding: Finding
    mark: Mark | None
    picture: str = ""
    examples: Examples = field(default_factory=Examples)


def report_of(
    workspace: Workspace,
    audit: Audit,
    *,
    drift: Drift | None = None,
    coverage: Coverage | None = None,
    arrivals: Arrivals | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> str:
    """Tell an audit as an HTML file; slow, so never on the event loop.

    Parameters
    ----------
    workspace : Workspace
        Which the audited run is in.
    audit : Audit
    drift : Drift, optional
        Of the same clusters; its findings are ranked among the audit's.
    coverage : Coverage, optional
        Of a batch on the same map.
    arrivals : Arrivals, optional
        New data against the same clusters.
    progress : callable, optional
        Called with the share done; what it raises ends the work.

    Returns
    -------
    str
        The file's text: the same for the same audit and marks but for the date.

    Raises
    ------
    InputError
        If the run has no flat map any more, or what changes is told of other clusters.
    """
    progress(0.0)
    run, embedding = audit.run, workspace.embedding(audit.run.id)
    if embedding is None or embedding.shape[1] != 2:
        raise InputError(f"The run {run.id} has no flat map to report on: it is {run.status}.")
    _check_clusters(audit, drift, coverage, arrivals)
    if drift is not None:
        audit = audit.joined(of_drift(drift))
    dataset, marks = workspace.dataset(run.dataset_id), Marks(workspace, run.id).all()
    pictures = Pictures(np.asarray(embedding), audit)
    overview, numbers = pictures.overview(), pictures.numbers()
    progress(0.2)
    told = _told(dataset, audit, pictures, marks, part(progress, 0.2, 0.95))
    text = _environment().get_template("report.html").render(
        audit=audit,
        run=run,
        dataset=dataset,
        summary=summary(audit, marks),
        levels=_levels(audit, marks),
        map=overview,
        size=pictures.size,
        n_colours=len(map_png.COLOURS),
        numbers=numbers,
        outside=pictures.extent.outside,
        told=told,
        listed=[Told(one, marks.get(one.key)) for one in audit.findings[MOST_PICTURED:MOST_LISTED]],
        clusters=audit.clusters[:MOST_CLUSTERS],
        measures=measures,
        unlisted=(max(len(audit.findings) - MOST_LISTED, 0), max(len(audit.clusters) - MOST_CLUSTERS, 0)),
        drift=drift,
        changes=() if drift is None else changes(drift, MOST_CLUSTERS),
        spark=SPARK,
        coverage=coverage,
        difference="" if coverage is None else difference(coverage.difference),
        arrivals=arrivals,
        shared=() if arrivals is None else _ranked(arrivals)[:MOST_CLUSTERS],
        cautions=list(cautions(audit, dataset)),
        made_by=provenance(),
        date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )  # fmt: skip
    progress(1.0)
    # A file's name may hold what no encoding does.
    return text.encode("utf-8", "replace").decode("utf-8")


def _check_clusters(
    audit: Audit, drift: Drift | None, coverage: Coverage | None, arrivals: Arrivals | None
) -> None:
    told = {
        "drift over time is": None if drift is None else drift.labels,
        "coverage is": None if coverage is None else coverage.labels,
        "comparison with new data is": None if arrivals is None else arrivals.old_labels,
    }
    for what, labels in told.items():
        # Where clusters are not known nothing is said of them.
        if labels is not None and len(labels) and not np.array_equal(labels, audit.labels):
            raise InputError(f"The {what} of other clusters than the audit: find both anew.")


def _ranked(arrivals: Arrivals) -> list[Share]:
    """The clusters in the known and the new data: those that changed, the worst first, then by number."""
    place = {one.cluster: index for index, one in enumerate(arrivals.findings)}
    return sorted(arrivals.shares, key=lambda one: (place.get(one.cluster, len(place)), one.cluster))


def _told(
    dataset: Dataset,
    audit: Audit,
    pictures: Pictures,
    marks: dict[str, Mark],
    progress: Callable[[float], None],
) -> list[Told]:
    shown = audit.findings[:MOST_PICTURED]
    progress(0.0)
    of_each = examples(dataset, shown, audit.columns) if shown else []
    told = []
    for index, (one, some) in enumerate(zip(shown, of_each, strict=True)):
        progress(0.3 + 0.7 * index / len(shown))
        told.append(Told(one, marks.get(one.key), pictures.of_finding(one), some))
    return told


def _levels(audit: Audit, marks: dict[str, Mark]) -> list[tuple[str, int, int, int]]:
    """By severity, the worst first: its name, findings, those still open, clusters."""
    return [
        (
            level.label,
            sum(one.severity is level for one in audit.findings),
            sum(one.severity is level and is_open(marks.get(one.key)) for one in audit.findings),
            sum(one.severity is level for one in audit.clusters),
        )
        for level in (Severity.HIGH, Severity.MEDIUM, Severity.LOW)
    ]


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(ASSETS), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {
        "percent": measures.share,
        "count": measures.count,
        "counted": counted,
        "digits": measures.digits,
        "p": chance,
        "short": short,
    }
    return made
