"""What is wrong with the clusters of a run's map: each measured, tested and judged, the worst first.

Of n rows with k neighbours, C clusters and columns of K categories it takes O(n k) for each column and
C × K × 200 cells of shuffled tables. Nothing grows with pairs of rows, and no row has an object of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import KnnGraph
from explorer.model import absence_findings, clusters, composition_findings, stages, structure_findings
from explorer.model.audited import AuditedCluster, measured
from explorer.model.clusters import ClusterParameters, Clusters
from explorer.model.comparison import Map
from explorer.model.composition import composition, corrected, tails
from explorer.model.composition_findings import Chances, ColumnAudit
from explorer.model.doing import in_parts
from explorer.model.errors import InputError
from explorer.model.fates import Fate, Meeting, fate_of
from explorer.model.findings import ClusterRows, Finding, identified, worst_first
from explorer.model.items import Items
from explorer.model.label_scores import LabelScores, label_scores, truth_codes
from explorer.model.mingling import Places, links, mingling
from explorer.model.near_duplicates import NearDuplicates, near_duplicates
from explorer.model.repeating import repeated
from explorer.model.run import Run
from explorer.model.statistics import DISTORTION, comparable_runs, compute, local_density
from explorer.model.workspace import Workspace

NEIGHBOURS = 15
"""Of the graph's that are looked at; more tell little more, and take longer."""
GROUPING = ("categorical", "boolean")
"""Kinds of columns that are audited unless others are named."""
NO_COLUMNS = "The items have no columns to audit by: give a file of them beside the vectors."
SECONDS_FOR_GRAPH, SECONDS_FOR_DISTORTION, SECONDS_FOR_COLUMN = 4e-6, 8e-6, 1e-6
"""For a row."""


@dataclass(frozen=True, eq=False)
class Audit:
    """What an audit tells.

    Attributes
    ----------
    run : Run
    labels : int32 (n,)
        The cluster of each row, -1 for noise.
    columns : tuple of str
    measured : tuple of AuditedCluster
        By number, not yet judged.
    findings : tuple of Finding
        The worst first.
    duplicates : NearDuplicates
    scores : dict of str to LabelScores
        By column that is held to be the truth.
    not_repeated : str
        Why no other run can have clusters as these, in a sentence; empty where one could.
    """

    run: Run
    labels: NDArray[np.int32]
    columns: tuple[str, ...]
    measured: tuple[AuditedCluster, ...]
    findings: tuple[Finding, ...]
    duplicates: NearDuplicates
    scores: dict[str, LabelScores]
    not_repeated: str = ""

    @cached_property
    def clusters(self) -> tuple[AuditedCluster, ...]:
        """The clusters, judged by their worst findings: the worst first, then the largest."""
        worst: dict[int | None, Finding] = {}
        for finding in self.findings:
            worst.setdefault(finding.cluster, finding)
        judged = [
            replace(one, severity=worst[one.cluster].severity, reason=worst[one.cluster].sentence)
            if one.cluster in worst
            else one
            for one in self.measured
        ]
        place = {finding.cluster: index for index, finding in reversed(list(enumerate(self.findings)))}
        return tuple(sorted(judged, key=lambda one: (place.get(one.cluster, len(place) + 1e9), -one.size)))

    def joined(self, findings: Iterable[Finding]) -> Audit:
        """Return this audit with findings of another maker, once: clusters are judged by them too."""
        known = {one.key for one in self.findings}
        found = identified(findings, self.run, ClusterRows(self.labels, len(self.measured)))
        more = (one for one in found if one.key not in known)
        return replace(self, findings=worst_first((*self.findings, *more)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the rows."""
        scores = {"scores": {name: one.to_dict() for name, one in self.scores.items()}} if self.scores else {}
        return {
            "run": self.run.id,
            "columns": list(self.columns),
            "findings": [one.to_dict() for one in self.findings],
            "clusters": [one.to_dict() for one in self.clusters],
            **scores,
            **({"not_repeated": self.not_repeated} if self.not_repeated else {}),
        }


def audit(
    workspace: Workspace,
    run: Run,
    columns: Sequence[str] = (),
    *,
    parameters: ClusterParameters | None = None,
    others: Sequence[Run] | None = None,
    truth: Sequence[str] = (),
    progress: Callable[[float], None] = lambda _: None,
) -> Audit:
    """Audit the clusters of a run; slow, so never on the event loop.

    Parameters
    ----------
    workspace : Workspace
    run : Run
        At rest, with a flat map.
    columns : sequence of str, optional
        By default all that hold categories.
    parameters : ClusterParameters, optional
        By default what was applied to the run, else those for its number of rows; the other runs' clusters
        are found by the same, and not at all where the applied ones cannot be repeated there.
    others : sequence of Run, optional
        Runs that tell whether its clusters are chance; by default those that differ by the seed alone.
    truth : sequence of str, optional
        Columns to score the clusters by.
    progress : callable, optional
        Called with the share done; what it raises ends the work.

    Raises
    ------
    InputError
        If the run has no map or its neighbours are no longer kept, or a column cannot be used.
    RunError
        If the process that finds clusters fails.
    """
    embedding, graph = _map(workspace, run), _graph(workspace, run)
    items = workspace.dataset(run.dataset_id).items
    chosen = _columns(items, columns)
    # What cannot be used is refused before anything takes time; what can is kept.
    for name in chosen:
        items.categories(name)
    of_truth = {name: truth_codes(items, name) for name in truth}
    alike, not_repeated = (parameters, "") if parameters else repeated(workspace, run, "audit")
    witnesses = _witnesses(workspace, run) if others is None else tuple(others)
    witnesses = () if not_repeated else witnesses
    found_by = [(run, parameters), *((one, alike) for one in witnesses)]
    begin = in_parts(progress, _seconds(workspace, found_by, len(chosen)))
    found = clusters.find(workspace, run, parameters, begin())
    theirs = [(other, clusters.find(workspace, other, alike, begin())) for other in witnesses]
    fates = _fates(run, found, theirs)
    begin()
    rows, copies = ClusterRows(found.labels, len(found.sizes)), near_duplicates(graph)
    kept = 1 - compute(DISTORTION, workspace, run, (run,), begin()).numbers
    parts = []
    for name in chosen:
        begin()
        parts.append(_column(items, name, found, graph))
    audited, p_copies = _corrected(parts, _p_of_copies(copies, found))
    agreement = rows.means(kept)
    about = [
        *(finding for column in audited for finding in composition_findings.findings(column, rows)),
        *absence_findings.findings(audited, graph.indices, rows),
        *structure_findings.of_duplicates(copies, found.labels, found.sizes, p_copies),
        *structure_findings.of_fates(fates, len(witnesses), rows),
        *structure_findings.of_links(links(graph.indices, found.labels, len(found.sizes)), rows),
        *structure_findings.of_parts(graph.indices, found.labels, rows),
        *structure_findings.of_agreement(agreement, rows),
    ]
    done = Audit(
        run=run,
        labels=found.labels,
        columns=chosen,
        measured=measured(found, rows, audited, copies, local_density(embedding), agreement, fates),
        findings=worst_first(identified(about, run, rows)),
        duplicates=copies,
        scores={name: label_scores(found.labels, codes) for name, codes in of_truth.items()},
        not_repeated=not_repeated,
    )
    progress(1.0)
    return done


# What is looked at


def _map(workspace: Workspace, run: Run) -> NDArray[np.float32]:
    embedding = None if run.status.active else workspace.embedding(run.id)
    if embedding is None or embedding.shape[1] != 2:
        raise InputError(f"The run {run.id} has no flat map to audit: it is {run.status}.")
    return np.asarray(embedding)


def _graph(workspace: Workspace, run: Run) -> KnnGraph:
    first = stages.of_run(run)[0]
    arrays = workspace.cached(first.name, first.key)
    if arrays is None:
        raise InputError(f"The neighbours that {run.id} was made from are no longer kept: run it again.")
    return stages.read_graph(arrays, min(arrays["indices"].shape[1], NEIGHBOURS) + 1)


def _columns(items: Items, columns: Sequence[str]) -> tuple[str, ...]:
    named = tuple(dict.fromkeys(columns))
    chosen = named or tuple(column.name for column in items.columns if column.kind in GROUPING)
    if not items.columns:
        raise InputError(NO_COLUMNS)
    if not chosen:
        raise InputError("No column of the items holds categories: name those to audit by.")
    return chosen


def _witnesses(workspace: Workspace, run: Run) -> tuple[Run, ...]:
    """The runs that differ from this by the seed alone, four at most: others may rightly differ.

    One that starts from a map, of this run or of another, has its places from there and not from its seed.
    """
    if run.start is not None:
        return ()
    alike = comparable_runs(run, tuple(workspace.runs(run.dataset_id)))[1:]
    return tuple(
        one
        for one in alike
        if one.start is None and replace(one.parameters, seed=run.parameters.seed) == run.parameters
    )


def _seconds(
    workspace: Workspace, found_by: Sequence[tuple[Run, ClusterParameters | None]], n_columns: int
) -> list[float]:
    n = found_by[0][0].n
    of_columns = [SECONDS_FOR_COLUMN * n + 0.1] * n_columns
    of_clusters = [clusters.seconds_to_find(workspace, run, how) for run, how in found_by]
    return [*of_clusters, SECONDS_FOR_GRAPH * n, SECONDS_FOR_DISTORTION * n, *of_columns]


# What is measured


def _fates(run: Run, found: Clusters, others: Sequence[tuple[Run, Clusters]]) -> tuple[Fate, ...]:
    # Clusters meet by their labels alone: places and neighbours are not looked at.
    nowhere, alone = np.zeros((run.n, 0), np.float32), np.zeros((run.n, 0), np.int32)
    reference = Map(run.id, nowhere, alone, found.labels)
    meetings = [Meeting.of(reference, Map(one.id, nowhere, alone, its.labels)) for one, its in others]
    if not meetings:
        return ()
    return tuple(fate_of(cluster, meetings) for cluster in range(len(found.sizes)))


def _column(items: Items, name: str, found: Clusters, graph: KnnGraph) -> ColumnAudit:
    """A column before its chances are corrected."""
    categories = items.categories(name)
    made = composition(found.labels, categories.codes, len(found.sizes), len(categories.names))
    reach = graph.distances.max(axis=1, where=graph.indices >= 0, initial=0)
    places = Places(graph.indices, reach, found.labels, categories.codes)
    lies = mingling(places, made.counts, made.dominant)
    return ColumnAudit(name, categories, made, lies, Chances.raw(made))


def _p_of_copies(copies: NearDuplicates, found: Clusters) -> NDArray[np.float64]:
    """Chance of as many near duplicates in each cluster, were they anywhere."""
    labels = found.labels[copies.rows]
    counts = np.bincount(labels[labels >= 0], minlength=len(found.sizes))
    return tails(counts, len(found.labels), np.int64(len(copies.rows)), found.sizes)[1]


def _corrected(
    columns: Sequence[ColumnAudit], p_copies: NDArray[np.float64]
) -> tuple[list[ColumnAudit], NDArray[np.float64]]:
    """Correct the chances of all columns, clusters and tests together."""
    flat = [part for column in columns for part in column.p]
    *values, copies = corrected([*flat, p_copies])
    width = len(Chances._fields)
    of_columns = [Chances(*values[start : start + width]) for start in range(0, len(values), width)]
    return [replace(column, p=p) for column, p in zip(columns, of_columns, strict=True)], copies
