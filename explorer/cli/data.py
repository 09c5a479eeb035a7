"""What goes in and out of a command: the workspace, data read into it, workers of Dask, tables written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.model.errors import InputError
from explorer.terminal import told_bar

if TYPE_CHECKING:
    import pyarrow as pa

    from explorer.model.dask_worker import DaskWorkers
    from explorer.model.dataset import Dataset
    from explorer.model.workspace import Workspace


@contextmanager
def open_workspace(folder: Path | None, *, new: bool = False) -> Iterator[Workspace]:
    """Yield the workspace in a folder, by default that of the user, and close it in the end.

    Parameters
    ----------
    folder : Path or None
    new : bool, default False
        Whether a folder that is named may be one that is not there yet.

    Raises
    ------
    InputError
        If it has to be there and is not.
    """
    from explorer.model.workspace import Workspace

    if folder is not None and not new and not folder.expanduser().exists():
        raise InputError(f"There is no workspace {folder}.")
    with Workspace(folder) as space:
        yield space


@contextmanager
def workers_at(address: str) -> Iterator[DaskWorkers | None]:
    """Yield the workers of the Dask cluster at an address, None without one; leave them in the end."""
    if not address:
        yield None
        return
    from explorer.model.dask_worker import DaskWorkers

    with DaskWorkers(address) as workers:
        yield workers


def add_data(
    space: Workspace, data: Path, vectors: str | None, items: Path | None, *, for_a_map: bool = True
) -> Dataset:
    """Import a file, of any number of rows if no map is made of it, or find it; with a progress bar."""
    from explorer.model.run import FEWEST_ROWS

    least = FEWEST_ROWS if for_a_map else 1
    with told_bar(f"reading {data.name}") as told:
        return space.add_dataset(data, vectors, items, progress=told, least=least)


def write_rows(out: Path, table: pa.Table) -> list[str]:
    """Write a table, say which columns a CSV has no place for, and return those written."""
    from explorer.model.workspace import write_table

    left_out = write_table(out, table)
    if left_out:
        names = ", ".join(left_out)
        print(f"{out.name} is without {names}: a .parquet holds bytes and vectors too.", file=sys.stderr)
    return [name for name in table.column_names if name not in left_out]
