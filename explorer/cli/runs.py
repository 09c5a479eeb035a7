"""The command that lists the runs of a workspace."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.data import open_workspace
from explorer.cli.options import Folder, Json
from explorer.model.errors import InputError
from explorer.terminal import print_json, print_runs

if TYPE_CHECKING:
    from explorer.model.run import Run
    from explorer.model.workspace import Workspace


def runs(
    sweep: Annotated[
        str, typer.Option(help="Those of this sweep only, by its id or any unique beginning.", metavar="ID")
    ] = "",
    workspace: Folder = None,
    as_json: Json = False,
) -> None:
    """List the runs of a workspace, newest first."""
    with open_workspace(workspace) as space:
        found = _of_sweep(space, sweep) if sweep else space.runs()
        names = {info.id: info.name for info in space.datasets()}
        for problem in space.problems():
            print(problem, file=sys.stderr)
    if as_json:
        print_json({"runs": [_run_record(run, names) for run in found]})
        return
    if not found:
        print(f"{space.path} holds no runs yet.")
        return
    print_runs(found, names)


def _of_sweep(space: Workspace, prefix: str) -> list[Run]:
    """The runs of the one sweep whose id is, or else begins with, the prefix."""
    found = space.runs()
    names = {run.sweep for run in found if run.sweep.startswith(prefix)}
    if prefix in names:
        names = {prefix}
    if not names:
        raise InputError(f"The workspace {space.path} has no sweep {prefix!r}.")
    if len(names) > 1:
        some = ", ".join(sorted(names)[:4])
        raise InputError(f"{prefix!r} is the beginning of several sweeps ({some}): give more of it.")
    return [run for run in found if run.sweep in names]


def _run_record(run: Run, names: dict[str, str]) -> dict[str, Any]:
    """A run as ``runs --json`` tells it: its record without the cost of every epoch."""
    record = dataclasses.asdict(run)
    del record["costs"]
    return record | {"dataset": names.get(run.dataset_id)}
