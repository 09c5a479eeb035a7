"""The command line: serve, fit, runs, export.

Results go to standard output, progress and errors to standard error. Expected errors end with one sentence
and exit code 2, an interrupt with 130. Libraries are imported where they are needed, so that ``--help`` and
the cheap commands answer at once.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.model.errors import InputError, RunError, WorkspaceError
from explorer.model.run import INITIAL_LAYOUTS, Run, RunParameters, RunStatus

if TYPE_CHECKING:
    from explorer.model.dataset import Dataset
    from explorer.model.runner import Runner
    from explorer.model.workspace import Workspace

DEFAULTS = RunParameters()
COMMANDS = ("serve", "fit", "runs", "export")
SAMPLE = "mnist.parquet"

cli = typer.Typer(
    name="umap-explorer",
    help="Watch a UMAP layout form, lasso a region, see what is in it, draw a sample.",
    epilog="Without a command: serve.",
    no_args_is_help=False,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Data = Annotated[Path, typer.Argument(metavar="DATA", help="A .parquet, .npy, .npz or .csv file.")]
Vectors = Annotated[
    str | None,
    typer.Option(help="Column or array of the vectors, or a file of vectors.", metavar="COLUMN|FILE"),
]
Items = Annotated[Path | None, typer.Option(help="A file of columns beside the vectors, row for row.")]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--workspace", help="Folder of data and runs. [default: your user data folder]", metavar="DIR"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's name or any unique beginning of it.")]


def app(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of this process.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in (*COMMANDS, "--help", "--version"):
        given.insert(0, "serve")
    try:
        cli(given)
    except (InputError, WorkspaceError, RunError) as error:
        print(error, file=sys.stderr)
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


@cli.command()
def serve(
    data: Annotated[
        Path | None, typer.Argument(metavar="DATA", help="What to open. [default: the shipped MNIST]")
    ] = None,
    vectors: Vectors = None,
    items: Items = None,
    workspace: Folder = None,
    port: Annotated[int, typer.Option(help="TCP port.", min=1, max=65535)] = 5006,
    address: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    no_show: Annotated[bool, typer.Option("--no-show", help="Do not open a browser.")] = False,
) -> None:
    """Open the app in the browser (the default command)."""
    with _open(workspace) as space:
        source = _shipped_sample() if data is None else data
        dataset = _add(space, source, vectors, items)
        from explorer.app import serve as serve_app

        serve_app(space, dataset, port=port, address=address, show=not no_show, first_run=data is None)


@cli.command()
def fit(
    data: Data,
    vectors: Vectors = None,
    items: Items = None,
    n_neighbors: Annotated[
        int, typer.Option(help="Neighbours of each point, itself counted.")
    ] = DEFAULTS.n_neighbors,
    min_dist: Annotated[
        float, typer.Option(help="Least distance between points on the map.")
    ] = DEFAULTS.min_dist,
    metric: Annotated[str, typer.Option(help="Distance between vectors.")] = DEFAULTS.metric,
    n_components: Annotated[int, typer.Option(help="Dimensions of the map.")] = DEFAULTS.n_components,
    n_epochs: Annotated[int | None, typer.Option(help="[default: by the number of rows]")] = None,
    seed: Annotated[int, typer.Option(help="Same seed, data and parameters: same bits.")] = DEFAULTS.seed,
    init: Annotated[
        str, typer.Option(help=f"Where points start: {', '.join(INITIAL_LAYOUTS)}.")
    ] = DEFAULTS.init,
    workspace: Folder = None,
    as_json: Json = False,
) -> None:
    """Lay out a file's vectors and keep the run in the workspace."""
    parameters = RunParameters(
        n_neighbors=n_neighbors, min_dist=min_dist, metric=metric, n_components=n_components,
        n_epochs=n_epochs, seed=seed, init=init,
    )  # fmt: skip
    # What no data could satisfy is refused before a big file is read.
    parameters.validate(sys.maxsize, sys.maxsize)
    # A run's failure is told at the end, not in a log too.
    logging.getLogger("explorer.model.runner").setLevel(logging.CRITICAL)
    with _open(workspace) as space:
        dataset = _add(space, data, vectors, items)
        from explorer.model.runner import Runner

        with Runner(space) as runner:
            run = _work(runner, runner.start(dataset, parameters))
    if run.status is not RunStatus.DONE:
        raise RunError(run.error or f"The run {run.id} was {run.status} after {run.epoch} epochs.")
    if as_json:
        _print_json(_fit_result(run))
    else:
        print(f"{run.id}: {run.n:,} rows, {run.epoch} epochs, {_total(run):.1f} s, cost {run.cost:.4f}")


@cli.command()
def runs(workspace: Folder = None, as_json: Json = False) -> None:
    """List the runs of a workspace, newest first."""
    with _open(workspace, must_exist=workspace is not None) as space:
        found = space.runs()
        names = {info.id: info.name for info in space.datasets()}
        for problem in space.problems():
            print(problem, file=sys.stderr)
    if as_json:
        _print_json({"runs": [_run_record(run, names) for run in found]})
        return
    if not found:
        print(f"{space.path} holds no runs yet.")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("run", "data", "rows", "status", "epochs", "seconds", "cost", box=None, pad_edge=False)
    for run in found:
        cost = "" if run.cost is None else f"{run.cost:.4f}"
        epochs = f"{run.epoch}/{run.n_epochs}"
        name = names.get(run.dataset_id, run.dataset_id)
        table.add_row(run.id, name, f"{run.n:,}", run.status, epochs, f"{_total(run):.1f}", cost)
    console = Console()
    console.width = max(console.width, 120)
    console.print(table)


@cli.command()
def export(
    run: RunName,
    out: Annotated[Path, typer.Option(help="File to write, .csv or .parquet.")],
    workspace: Folder = None,
    as_json: Json = False,
) -> None:
    """Write a run's map: row_id, x, y and the items' columns."""
    import numpy as np

    from explorer.model.sampling import rows_table
    from explorer.model.workspace import write_table

    with _open(workspace, must_exist=workspace is not None) as space:
        record = space.run(run)
        embedding = space.embedding(record.id)
        if embedding is None:
            raise InputError(f"The run {record.id} has no map to export yet: it is {record.status}.")
        table = rows_table(space.dataset(record.dataset_id), np.arange(record.n), np.asarray(embedding))
    write_table(out, table)
    if as_json:
        result = {"run": record.id, "rows": record.n, "file": str(out), "columns": table.column_names}
        _print_json(result)
    else:
        print(f"{record.n:,} rows of {record.id} in {out}")


# What the commands share


@contextmanager
def _open(folder: Path | None, *, must_exist: bool = False) -> Iterator[Workspace]:
    from explorer.model.workspace import Workspace

    if must_exist and folder is not None and not folder.expanduser().exists():
        raise InputError(f"There is no workspace {folder}.")
    with Workspace(folder) as space:
        yield space


def _shipped_sample() -> Path:
    """The MNIST that travels with the program: in a checkout, or in the installation's share folder."""
    checkout = Path(__file__).resolve().parents[1] / "sample_data"
    shares = [Path(sysconfig.get_path("data", scheme)) for scheme in _schemes()]
    places = [checkout, *(share / "share" / "umap-explorer" for share in shares)]
    found = next((place / SAMPLE for place in places if (place / SAMPLE).is_file()), None)
    if found is None:
        raise InputError(f"The sample {SAMPLE} was not installed: name a file to open.")
    return found


def _schemes() -> tuple[str, str]:
    return sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user")


def _add(space: Workspace, data: Path, vectors: str | None, items: Path | None) -> Dataset:
    with _bar() as advance:
        return space.add_dataset(
            data, vectors, items, progress=lambda share: advance(f"reading {data.name}", share, None)
        )


def _work(runner: Runner, run: Run) -> Run:
    """Wait for a run, telling how far it is; interrupted, leave it with a checkpoint to be resumed from."""
    try:
        with _bar() as advance:
            while (record := runner.wait(run.id, timeout=0.1)).status.active:
                now = runner.progress(run.id)
                epochs = f" {now.epoch}/{now.n_epochs}" if now.epoch else ""
                advance(f"{now.stage}{epochs}", now.fraction, now.remaining)
            return record
    except KeyboardInterrupt:
        runner.close()
        print(f"Interrupted: the run {run.id} can be resumed in the app.", file=sys.stderr)
        raise


@contextmanager
def _bar() -> Iterator[Callable[[str, float, float | None], None]]:
    """Show a progress bar on standard error, if it is a terminal; yield what moves it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=1.0, left="")

        def advance(what: str, share: float, remaining: float | None) -> None:
            left = "" if remaining is None else f"about {remaining:.0f} s left"
            progress.update(task, description=what, completed=share, left=left)

        yield advance


def _fit_result(run: Run) -> dict[str, Any]:
    return {
        "run": run.id,
        "n": run.n,
        "epochs": run.epoch,
        "seed": run.parameters.seed,
        "seconds": run.seconds,
        "cost": run.cost,
        "knn_recall": run.knn_recall,
    }


def _run_record(run: Run, names: dict[str, str]) -> dict[str, Any]:
    """A run as ``runs --json`` tells it: its record without the cost of every epoch."""
    record = dataclasses.asdict(run)
    del record["costs"]
    return record | {"dataset": names.get(run.dataset_id)}


def _total(run: Run) -> float:
    return sum(run.seconds.values())


def _print_json(values: dict[str, Any]) -> None:
    print(json.dumps(values, ensure_ascii=False, allow_nan=False))
