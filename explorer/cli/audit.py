"""The commands that audit the clusters of a run, mark what was found, and write it as a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.data import open_workspace
from explorer.cli.options import Folder, Json, RunName
from explorer.model.errors import InputError
from explorer.terminal import print_json, told_bar

if TYPE_CHECKING:
    from explorer.model.audit import Audit
    from explorer.model.clusters import ClusterParameters
    from explorer.model.drift import Drift
    from explorer.model.run import Run
    from explorer.model.workspace import Workspace


def audit(
    run: RunName,
    by: Annotated[
        str,
        typer.Option(help="Columns to look at. [default: all of categories]", metavar="COLUMN[,COLUMN...]"),
    ] = "",
    time: Annotated[
        str,
        typer.Option(
            help="Column of dates or times: tell which clusters thin out or grow too.", metavar="COLUMN"
        ),
    ] = "",
    truth: Annotated[
        str, typer.Option(help="Columns to score the clusters by.", metavar="COLUMN[,COLUMN...]")
    ] = "",
    html: Annotated[
        Path | None,
        typer.Option(help="Write a report with pictures, one HTML file to read anywhere.", metavar="FILE"),
    ] = None,
    fail_on: Annotated[
        str,
        typer.Option(
            help="high, medium or low: end with 1 if a finding that is not marked accepted or fixed is so "
            "severe or more.",
            metavar="SEVERITY",
        ),
    ] = "",
    min_cluster_size: Annotated[
        int | None,
        typer.Option(
            help="As of cluster. Without this and the next, clusters applied to the run are audited, if any. "
            "[default: a 140th of all, 15 at least]"
        ),
    ] = None,
    min_samples: Annotated[int | None, typer.Option(help="As of cluster, likewise. [default: 10]")] = None,
    workspace: Folder = None,
    as_json: Json = False,
) -> None:
    """Tell what is wrong with the clusters of a run's map, the worst first, and keep the rows concerned.

    These are the clusters that were applied to it, in the app or by cluster, unless a parameter is given.
    Other runs that differ by the seed alone tell which are chance.
    """
    from explorer.model.clusters import ClusterParameters
    from explorer.model.kept_audit import keep
    from explorer.model.severity import Severity
    from explorer.terminal_audit import fails, print_audit

    limit = Severity.named(fail_on) if fail_on else None
    if html is not None and html.is_dir():
        raise InputError(f"{html} is a folder: name a file to write the report to.")
    with open_workspace(workspace) as space:
        record = space.run(run)
        given = min_cluster_size is not None or min_samples is not None
        # Without any the clusters are those that were applied to the run.
        chosen = ClusterParameters.for_rows(record.n, min_cluster_size, min_samples) if given else None
        found, by_time = _found(space, record, _named(by), _named(truth), time, chosen)
        result = keep(space, found)
        if html is not None:
            _write_report(space, found, by_time, html)
    if as_json:
        told = {} if by_time is None else {"drift": by_time.to_dict()}
        # Its findings are among the others.
        told.get("drift", {}).pop("findings", None)
        print_json(result | told | ({} if html is None else {"file": str(html)}))
    else:
        print_audit(result)
        for sentence in (*([] if by_time is None else [by_time.sentence]), *_where(html)):
            print(sentence)
    if limit is not None and fails(result, limit):
        raise typer.Exit(1)


def mark(
    run: RunName,
    finding: Annotated[
        str,
        typer.Argument(metavar="KEY", help="A finding's key, as audit tells it, or its beginning."),
    ],
    state: Annotated[
        str, typer.Argument(metavar="STATE", help="accepted, fixed, 'to do', or none to take the mark away.")
    ],
    note: Annotated[str, typer.Option(help="Why, in your own words.")] = "",
    workspace: Folder = None,
    as_json: Json = False,
) -> None:
    """Mark a finding of a run's last audit; the mark is there again when the run is audited again."""
    from explorer.model.kept_audit import finding_key
    from explorer.model.marks import Marks

    with open_workspace(workspace) as space:
        record = space.run(run)
        key = finding_key(space, record.id, finding)
        marks = Marks(space, record.id)
        if state == "none":
            marks.clear(key)
        else:
            marks.set(key, state, note)
        made = marks.all().get(key)
    if as_json:
        print_json({"run": record.id, "key": key, "mark": None if made is None else vars(made)})
    else:
        print(f"{key} of {record.id}: {'no mark' if made is None else made.state}")


def _found(
    space: Workspace,
    run: Run,
    columns: tuple[str, ...],
    truth: tuple[str, ...],
    time: str,
    parameters: ClusterParameters | None,
) -> tuple[Audit, Drift | None]:
    """The audit, and with a column of times the drift of the same clusters, whose findings are among its."""
    from explorer.model.audit import audit as audit_run
    from explorer.model.drift import drift, times
    from explorer.model.drift_findings import of_drift
    from explorer.model.periods import periods_of

    seconds = times(space.dataset(run.dataset_id).items, time) if time else None
    if seconds is not None:
        # What cannot be compared is refused before anything takes time.
        periods_of(seconds, time)
    with told_bar("auditing") as told:
        found = audit_run(space, run, columns, parameters=parameters, truth=truth, progress=told)
    if seconds is None:
        return found, None
    with told_bar("comparing over time") as told:
        by_time = drift(found.labels, seconds, time, progress=told)
    return found.joined(of_drift(by_time)), by_time


def _write_report(space: Workspace, found: Audit, by_time: Drift | None, html: Path) -> None:
    from explorer.model.files import write_text
    from explorer.model.report import report_of

    with told_bar("writing the report") as told:
        write_text(html, report_of(space, found, drift=by_time, progress=told))


def _where(html: Path | None) -> list[str]:
    return [] if html is None else [f"The report is in {html}."]


def _named(columns: str) -> tuple[str, ...]:
    """The columns of a list such as "genre,mood"."""
    return tuple(filter(None, map(str.strip, columns.split(","))))
