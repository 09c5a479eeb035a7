"""The command line, a file for each command; the options and the files that they share in two more.

Results go to standard output, progress and errors to standard error. Expected errors end with one sentence
and exit code 2, a sweep of which a run failed and an audit that finds what it is to fail on with 1, an
interrupt with 130. Libraries are imported where they are needed, so that ``--help`` and the cheap commands
answer at once.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from explorer.cli import audit, cluster, compare, drift, export, fit, runs, sample, serve, sweep
from explorer.model.errors import InputError, RunError, WorkspaceError

COMMANDS = (
    serve.serve, fit.fit, sweep.sweep, runs.runs, cluster.cluster, compare.compare, export.export,
    sample.sample, audit.audit, audit.mark, drift.drift, drift.coverage, drift.transform,
)  # fmt: skip
"""In the order in which they are listed; each goes by the name of its function."""

cli = typer.Typer(
    name="umap-explorer",
    help="Watch a UMAP layout form, lasso a region, see what is in it, draw a sample.",
    epilog="Without a command: serve.",
    no_args_is_help=False,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    cli.command()(command)


def app(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of this process.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    names = (command.__name__ for command in COMMANDS)
    if not given or given[0] not in (*names, "--help", "--version"):
        given.insert(0, "serve")
    try:
        cli(given)
    except (InputError, WorkspaceError, RunError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        name = Path(str(error.filename)).name
        print(f"The name {name[:40]}… has {len(name)} letters, more than this disk takes.", file=sys.stderr)
        sys.exit(2)


def _tell_version(wanted: bool) -> None:
    if wanted:
        print(f"umap-explorer {version('umap-explorer')}")
        raise typer.Exit


@cli.callback()
def _main(
    tell_version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Watch a UMAP layout form, lasso a region, see what is in it, draw a sample."""
