"""The commands that tell what changes: drift over time, coverage of a batch, new rows on an old map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.data import add_data, open_workspace, write_rows
from explorer.cli.options import TABLES, Data, Folder, Items, Json, RunName, Vectors, before_any_work
from explorer.model.errors import InputError
from explorer.model.written import counted
from explorer.terminal import print_json, told_bar

if TYPE_CHECKING:
    from explorer.model.shares import Finding

LEAST_P = 1e-12
"""A smaller p is not told in digits: nobody could mean them."""
New = Annotated[
    Path | None,
    typer.Option(
        help="A file of new data with vectors of the same kind, to compare with the run's.", metavar="DATA"
    ),
]


def drift(
    run: RunName,
    time: Annotated[
        str, typer.Option(help="Column of dates or times: when each item came in.", metavar="COLUMN")
    ] = "",
    new: New = None,
    vectors: Vectors = None,
    items: Items = None,
    workspace: Folder = None,
    as_json: Json = False,
) -> None:
    """Tell which clusters of a run's map thin out or grow, over time or from its data to new data."""
    from explorer.model.arrivals import arrivals
    from explorer.model.drift import drift_of_run

    if bool(time) == (new is not None):
        raise InputError("Compare either over time, with --time COLUMN, or with new data, with --new DATA.")
    with open_workspace(workspace) as space:
        record = space.run(run)
        if new is None:
            with told_bar("comparing over time") as told:
                by_time = drift_of_run(space, record, time, told)
            said: tuple[str, ...] = (by_time.sentence,)
            findings, result = by_time.findings, by_time.to_dict()
        else:
            dataset = add_data(space, new, vectors, items, for_a_map=False)
            with told_bar("comparing with new data") as told:
                by_data = arrivals(space, record, dataset, told)
            said, findings = (by_data.sentence, *by_data.appeared), by_data.findings
            result = by_data.to_dict()
    if as_json:
        print_json({"run": record.id} | result)
    else:
        _print(said, findings)


def coverage(
    run: RunName,
    batch: Annotated[
        str, typer.Option(help="The batch: the rows this condition on their columns holds of.", metavar="SQL")
    ] = "",
    new: New = None,
    vectors: Vectors = None,
    items: Items = None,
    out: Annotated[
        Path | None,
        typer.Option(help=f"Write the rows in the gaps to this file: {TABLES}.", callback=before_any_work),
    ] = None,
    workspace: Folder = None,
    as_json: Json = False,
) -> None:
    """Tell which regions of a run's map a batch lacks that the other items fill."""
    from explorer.model.clusters import find
    from explorer.model.coverage import coverage as cover
    from explorer.model.coverage import coverage_of_new, map_of
    from explorer.model.sampling import rows_table

    if bool(batch) == (new is not None):
        raise InputError("Name the batch, either by --batch SQL or as new data by --new DATA.")
    with open_workspace(workspace) as space:
        record = space.run(run)
        dataset, embedding = space.dataset(record.dataset_id), map_of(space, record)
        of_batch = None if new is None else add_data(space, new, vectors, items, for_a_map=False)
        mask = dataset.items.where(batch) if of_batch is None else None
        with told_bar("finding clusters") as told:
            labels = find(space, record, progress=told).labels
        with told_bar("comparing densities") as told:
            if mask is not None:
                found = cover(embedding, mask, batch, labels, progress=told)
            else:
                assert of_batch is not None
                found = coverage_of_new(space, record, of_batch, labels, progress=told)
        rows = found.rows_in_gaps
        if out is not None:
            write_rows(out, rows_table(dataset, rows, embedding[rows], cluster=labels[rows]))
    if as_json:
        print_json({"run": record.id} | found.to_dict() | {"file": None if out is None else str(out)})
        return
    _print((found.sentence,), found.findings)
    for region in found.surpluses:
        print(f"  surplus · {region.sentence}")
    if out is not None:
        print(f"{counted(len(rows), 'row')} in the gaps in {out}")


def transform(
    run: RunName,
    data: Data,
    out: Annotated[Path, typer.Option(help=f"File to write: {TABLES}.", callback=before_any_work)],
    vectors: Vectors = None,
    items: Items = None,
    workspace: Folder = None,
    as_json: Json = False,
) -> None:
    """Place new rows on a run's map: row_id, x, y, nearest_row, novelty and the items' columns."""
    import numpy as np

    from explorer.model.arrivals import novelty
    from explorer.model.placing import Reference, placed
    from explorer.model.sampling import rows_table

    with open_workspace(workspace) as space:
        record = space.run(run)
        reference = Reference.of_run(space, record)
        dataset = add_data(space, data, vectors, items, for_a_map=False)
        with told_bar("placing") as told:
            found = placed(space, record, dataset, told)
        beside = {
            "nearest_row": found.indices[:, 0],
            "novelty": novelty(reference.graph, found),
        }
        columns = write_rows(out, rows_table(dataset, np.arange(dataset.n), found.places, **beside))
    if as_json:
        print_json({"run": record.id, "rows": dataset.n, "file": str(out), "columns": columns})
    else:
        print(f"{counted(dataset.n, 'row')} placed on {record.id} in {out}")


def _print(said: Sequence[str], findings: Sequence[Finding]) -> None:
    for sentence in said:
        print(sentence)
    for one in findings:
        p = f"p {one.p:.1g}" if one.p > LEAST_P else f"p < {LEAST_P:g}"
        print(f"  {one.severity} · {counted(len(one.rows), 'item')} · {one.sentence} ({p})")
