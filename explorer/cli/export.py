"""The command that writes a run's map with the items' columns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.data import open_workspace, write_rows
from explorer.cli.options import TABLES, Folder, Json, RunName, before_any_work
from explorer.model.errors import InputError
from explorer.terminal import bar, print_json


def export(
    run: RunName,
    out: Annotated[Path, typer.Option(help=f"File to write: {TABLES}.", callback=before_any_work)],
    clusters: Annotated[
        bool, typer.Option("--clusters", help="Write the cluster of each row too, -1 for noise.")
    ] = False,
    workspace: Folder = None,
    as_json: Json = False,
) -> None:
    """Write a run's map: row_id, x, y, the clusters if asked for, and the items' columns."""
    import numpy as np

    from explorer.model.clusters import find
    from explorer.model.sampling import free_name, rows_table

    with open_workspace(workspace) as space, bar("exporting"):
        record = space.run(run)
        embedding = space.embedding(record.id)
        if embedding is None:
            raise InputError(f"The run {record.id} has no map to export yet: it is {record.status}.")
        dataset = space.dataset(record.dataset_id)
        beside = {free_name("cluster", dataset.items.names): find(space, record).labels} if clusters else {}
        table = rows_table(dataset, np.arange(record.n), np.asarray(embedding), **beside)
        columns = write_rows(out, table)
    if as_json:
        result = {"run": record.id, "rows": record.n, "file": str(out), "columns": columns}
        print_json(result)
    else:
        print(f"{record.n:,} rows of {record.id} in {out}")
