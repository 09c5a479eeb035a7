"""The command that tells what runs of the same data have in common."""

from __future__ import annotations

from typing import Annotated

import typer

from explorer.cli.data import open_workspace
from explorer.cli.options import Folder, Json
from explorer.terminal import print_comparison, print_json, told_bar


def compare(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN RUN [RUN...]",
            help="Names of runs of the same data or any unique beginnings; the first is the reference.",
        ),
    ] = None,
    workspace: Folder = None,
    as_json: Json = False,
) -> None:
    """Compare runs of the same data; of three or more, tell which clusters and regions to trust."""
    from explorer.model.comparing import compare as compare_runs

    with open_workspace(workspace) as space:
        records = [space.run(name) for name in runs or []]
        with told_bar("comparing") as told:
            found = compare_runs(space, records, told)
    if as_json:
        print_json(found.to_dict())
    else:
        print_comparison(found)
