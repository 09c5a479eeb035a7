"""The command line: serve, fit, sweep, runs, cluster, compare, export, sample; cli_audit and cli_drift.

Results go to standard output, progress and errors to standard error. Expected errors end with one sentence
and exit code 2, a sweep of which a run failed and an audit that finds what it is to fail on with 1, an
interrupt with 130. Libraries are imported where they are needed, so that ``--help`` and the cheap commands
answer at once.
"""

from __future__ import annotations

import dataclasses
import gc
import logging
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.model.errors import InputError, RunError, WorkspaceError
from explorer.model.run import INITIAL_LAYOUTS, Run, RunParameters, RunStatus
from explorer.terminal import bar, follow, follow_sweep, print_comparison, print_json, print_runs, told_bar

if TYPE_CHECKING:
    import pyarrow as pa

    from explorer.model.dask_worker import DaskWorkers
    from explorer.model.dataset import Dataset
    from explorer.model.drawing import Drawn, Ground
    from explorer.model.sweep import Estimate, Sweep
    from explorer.model.workspace import Workspace

DEFAULTS = RunParameters()
COMMANDS = (
    "serve", "fit", "sweep", "runs", "cluster", "compare", "export", "sample", "audit", "mark",
    "drift", "coverage", "transform",
)  # fmt: skip
SAMPLE = "mnist.parquet"
TABLES = ".parquet, or .csv without columns of bytes and vectors"

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
Components = Annotated[int, typer.Option(help="Dimensions of the map.")]
Epochs = Annotated[int | None, typer.Option(help="[default: by the number of rows]")]
Init = Annotated[str, typer.Option(help=f"Where points start: {', '.join(INITIAL_LAYOUTS)}.")]
Densmap = Annotated[
    bool, typer.Option("--densmap", help="Keep what is dense and what is sparse in the data.")
]
Target = Annotated[
    str,
    typer.Option(
        help="Column of the items that supervises the map: of categories, where missing ones are "
        "unknown, or of numbers.",
        metavar="COLUMN",
    ),
]
Dask = Annotated[
    str,
    typer.Option(
        help="Have the runs computed by the workers of the Dask cluster whose scheduler is there, such as "
        "tcp://10.0.0.5:8786: to the same bits, into the same workspace.",
        metavar="ADDRESS",
    ),
]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's name or any unique beginning of it.")]


def app(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of this process.
    """
    from explorer import cli_audit, cli_drift

    cli_audit.add_to(cli)
    cli_drift.add_to(cli)
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
    media: Annotated[
        Path | None,
        typer.Option(help="Folder of pictures and sounds that items name by a path.", metavar="DIR"),
    ] = None,
    layouts: Annotated[
        int | None,
        typer.Option(
            help="Layouts that work at the same time; other runs wait. [default: 1, or one a Dask worker]",
            min=1,
            max=16,
        ),
    ] = None,
    dask: Dask = "",
) -> None:
    """Open the app in the browser (the default command)."""
    if media is not None and not media.expanduser().is_dir():
        raise InputError(
            f"There is no folder {media}: give the one that holds the items' pictures and sounds."
        )
    with _workers(dask) as workers, _open(workspace) as space:
        source = _shipped_sample() if data is None else data
        dataset = _add(space, source, vectors, items)
        with _uncollected():
            from explorer.app import serve as serve_app

        serve_app(
            space, dataset, port=port, address=address, show=not no_show, first_run=data is None,
            media=None if media is None else media.expanduser(), layouts=layouts,
            dask=workers,
        )  # fmt: skip


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
    n_components: Components = DEFAULTS.n_components,
    n_epochs: Epochs = None,
    seed: Annotated[int, typer.Option(help="Same seed, data and parameters: same bits.")] = DEFAULTS.seed,
    init: Init = DEFAULTS.init,
    densmap: Densmap = False,
    target: Target = DEFAULTS.target,
    start_from: Annotated[
        str,
        typer.Option(
            "--from",
            help="Start from the map of this run of the same data: its last, for a warm start whose epochs "
            "begin anew. A run's name or any unique beginning of it; its parameters are not taken over.",
            metavar="RUN",
        ),
    ] = "",
    from_epoch: Annotated[
        int | None,
        typer.Option(help="With --from: fork that run at this epoch, from which epochs count on.", min=0),
    ] = None,
    dask: Dask = "",
    workspace: Folder = None,
    as_json: Json = False,
) -> None:
    """Lay out a file's vectors and keep the run in the workspace."""
    parameters = RunParameters(
        n_neighbors=n_neighbors, min_dist=min_dist, metric=metric, n_components=n_components,
        n_epochs=n_epochs, seed=seed, init=init, densmap=densmap, target=target,
    )  # fmt: skip
    # What no data could satisfy is refused before a big file is read.
    parameters.validate(sys.maxsize, sys.maxsize)
    if from_epoch is not None and not start_from:
        raise InputError("--from-epoch is an epoch of another run: name that with --from.")
    # A run's failure is told at the end, not in a log too.
    logging.getLogger("explorer.model.runner").setLevel(logging.CRITICAL)
    with _workers(dask) as workers, _open(workspace) as space:
        dataset = _add(space, data, vectors, items)
        from explorer.model.runner import Runner

        with Runner(space, dask=workers) as runner:
            run = runner.start(dataset, parameters, start_from=start_from, from_epoch=from_epoch)
            run = follow(runner, run)
    if run.status is not RunStatus.DONE:
        raise RunError(run.error or f"The run {run.id} was {run.status} after {run.epoch} epochs.")
    if as_json:
        print_json(_fit_result(run))
    else:
        print(f"{run.id}: {run.n:,} rows, {run.epoch} epochs, {run.total_seconds:.1f} s, cost {run.cost:.4f}")


@cli.command()
def sweep(
    data: Data,
    vectors: Vectors = None,
    items: Items = None,
    n_neighbors: Annotated[
        str, typer.Option(help="Such as 5,15,50. One graph, for the largest, serves all.", metavar="LIST")
    ] = str(DEFAULTS.n_neighbors),
    min_dist: Annotated[str, typer.Option(help="Such as 0,0.1,0.5.", metavar="LIST")] = str(
        DEFAULTS.min_dist
    ),
    metric: Annotated[str, typer.Option(help="Such as euclidean,cosine.", metavar="LIST")] = DEFAULTS.metric,
    seeds: Annotated[
        str, typer.Option(help="Such as 0,1,2 or 0-2. Each has a graph of its own.", metavar="LIST")
    ] = str(DEFAULTS.seed),
    n_components: Components = DEFAULTS.n_components,
    n_epochs: Epochs = None,
    init: Init = DEFAULTS.init,
    densmap: Densmap = False,
    target: Target = DEFAULTS.target,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read the data and tell the estimate, and start nothing.")
    ] = False,
    dask: Dask = "",
    workspace: Folder = None,
    as_json: Json = False,
) -> None:
    """Lay out a file's vectors by every combination of some parameters, which share their stages."""
    from explorer.model.sweep import Sweep, counted, counted_stages, estimate, read_list
    from explorer.views.text import duration

    wanted = Sweep(
        n_neighbors=read_list("n_neighbors", n_neighbors),
        min_dist=read_list("min_dist", min_dist),
        metric=read_list("metric", metric),
        seeds=read_list("seeds", seeds),
        base=RunParameters(
            n_components=n_components, n_epochs=n_epochs, init=init, densmap=densmap, target=target
        ),
    )
    # What no data could satisfy is refused before a big file is read.
    wanted.validate()
    logging.getLogger("explorer.model.runner").setLevel(logging.CRITICAL)
    with _workers("" if dry_run else dask) as workers, _open(workspace) as space:
        dataset = _add(space, data, vectors, items)
        wanted.validate(dataset.n, dataset.dims)
        expected = estimate(wanted, dataset, space)
        # Before a run it goes where progress goes; of a dry run it is the result.
        where = sys.stdout if dry_run and not as_json else sys.stderr
        shared = "" if workers is None else f" of work for {counted(workers.count, 'Dask worker')}"
        print(f"{expected.words}; about {duration(sum(expected.seconds))}{shared}", file=where)
        if dry_run:
            if as_json:
                print_json(_planned(wanted, expected, dataset.n))
            return
        from explorer.model.runner import Runner

        began = time.monotonic()
        with Runner(space, dask=workers) as runner:
            done = follow_sweep(runner, runner.start_sweep(dataset, wanted), expected.seconds)
        seconds = time.monotonic() - began
    failed = [run for run in done if run.status is not RunStatus.DONE]
    for run in failed:
        print(f"{run.id}: {run.error or f'{run.status} after {run.epoch} epochs.'}", file=sys.stderr)
    if as_json:
        print_json(_swept(done, seconds))
    else:
        print_runs(done, {dataset.id: dataset.name})
        print(
            f"{done[0].sweep}: {len(done) - len(failed):,} of {len(done):,} runs done, "
            f"{counted_stages(_computed(done))} computed in {duration(seconds)}"
        )
    if failed:
        raise typer.Exit(1)


@cli.command()
def runs(
    sweep: Annotated[
        str, typer.Option(help="Those of this sweep only, by its id or any unique beginning.", metavar="ID")
    ] = "",
    workspace: Folder = None,
    as_json: Json = False,
) -> None:
    """List the runs of a workspace, newest first."""
    with _open(workspace, must_exist=workspace is not None) as space:
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


@cli.command()
def cluster(
    run: RunName,
    min_cluster_size: Annotated[
        int | None, typer.Option(help="Fewest points of a cluster. [default: a 140th of all, 15 at least]")
    ] = None,
    min_samples: Annotated[
        int | None, typer.Option(help="Neighbours that make a point dense. [default: 10]")
    ] = None,
    selection: Annotated[
        str, typer.Option(help="Which branches are clusters: eom, the most stable, or leaf, the smallest.")
    ] = "eom",
    epsilon: Annotated[
        float, typer.Option(help="Clusters that part at a smaller distance on the map stay one.")
    ] = 0.0,
    apply_to: Annotated[
        str,
        typer.Option(
            "--apply-to",
            help="Make them the clusters of this run of the same data, in the app and for all commands.",
            metavar="RUN",
        ),
    ] = "",
    truth: Annotated[
        str, typer.Option(help="Column that is held to be the truth, to score them by.", metavar="COLUMN")
    ] = "",
    workspace: Folder = None,
    as_json: Json = False,
) -> None:
    """Find the clusters of a run's map, of any dimensions, by HDBSCAN and keep them in the workspace."""
    from explorer.model.clusters import ClusterParameters, apply, find
    from explorer.model.label_scores import label_scores
    from explorer.terminal_audit import scores_lines

    with _open(workspace, must_exist=workspace is not None) as space:
        record = space.run(run)
        target = space.run(apply_to) if apply_to else None
        chosen = ClusterParameters.for_rows(record.n, min_cluster_size, min_samples, selection, epsilon)
        codes = space.dataset(record.dataset_id).items.categories(truth).codes if truth else None
        with told_bar("finding clusters") as told:
            found = find(space, record, chosen, told)
        if target is not None:
            apply(space, target, found, chosen, record)
    scores = {} if codes is None else {truth: label_scores(found.labels, codes).to_dict()}
    sizes = found.sizes.tolist()
    if as_json:
        result = {"run": record.id, "method": found.method, "clusters": len(sizes)}
        result |= {"noise_share": found.noise_share, "sizes": sizes}
        result |= {"persistence": found.persistence.astype(float).round(6).tolist()}
        print_json(result | ({"scores": scores} if scores else {}))
        return
    largest = f", the largest of {sizes[0]:,} rows" if sizes else ""
    print(f"{record.id}: {len(sizes):,} clusters{largest}, {found.noise_share:.1%} noise ({found.method})")
    for line in scores_lines(scores):
        print(line)


@cli.command()
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

    with _open(workspace, must_exist=workspace is not None) as space:
        records = [space.run(name) for name in runs or []]
        with told_bar("comparing") as told:
            found = compare_runs(space, records, told)
    if as_json:
        print_json(found.to_dict())
    else:
        print_comparison(found)


@cli.command()
def export(
    run: RunName,
    out: Annotated[Path, typer.Option(help=f"File to write: {TABLES}.")],
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

    with _open(workspace, must_exist=workspace is not None) as space, bar("exporting"):
        record = space.run(run)
        embedding = space.embedding(record.id)
        if embedding is None:
            raise InputError(f"The run {record.id} has no map to export yet: it is {record.status}.")
        dataset = space.dataset(record.dataset_id)
        beside = {free_name("cluster", dataset.items.names): find(space, record).labels} if clusters else {}
        table = rows_table(dataset, np.arange(record.n), np.asarray(embedding), **beside)
        columns = _write(out, table)
    if as_json:
        result = {"run": record.id, "rows": record.n, "file": str(out), "columns": columns}
        print_json(result)
    else:
        print(f"{record.n:,} rows of {record.id} in {out}")


@cli.command()
def sample(
    out: Annotated[Path, typer.Option(help=f"File to write: {TABLES}; its manifest goes beside it.")],
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="A run's name or any unique beginning of it."),
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(
            help="random, stratified, density-weighted, inverse-density, farthest-point, "
            "medoids, boundary or outliers."
        ),
    ] = "random",
    size: Annotated[int, typer.Option(help="Rows to draw.")] = 24,
    seed: Annotated[int, typer.Option(help="The same seed draws the same rows.")] = 0,
    column: Annotated[str, typer.Option(help="Of a stratified sample: its categories are the strata.")] = "",
    quotas: Annotated[str, typer.Option(help="equal or proportional.")] = "equal",
    quota: Annotated[
        list[str] | None, typer.Option(help="Rows of one stratum, once for each.", metavar="CATEGORY=ROWS")
    ] = None,
    space: Annotated[
        str, typer.Option(help="vectors or map: where farthest points and medoids measure.")
    ] = "vectors",
    cluster: Annotated[
        str,
        typer.Option(
            help="Draw from this cluster of the run's map, as coloured in the app.", metavar="N|noise"
        ),
    ] = "",
    polygon: Annotated[
        Path | None, typer.Option(help="JSON file [[x, y], ...]: draw from inside it on the run's map.")
    ] = None,
    where: Annotated[
        str, typer.Option(help="Draw from the rows this condition on their columns holds of.", metavar="SQL")
    ] = "",
    manifest: Annotated[Path | None, typer.Option(help="Draw the sample of this manifest again.")] = None,
    workspace: Folder = None,
    as_json: Json = False,
) -> None:
    """Draw rows of a run's data, or the same rows again by their manifest."""
    from explorer.model.drawing import Ground, redraw
    from explorer.model.reading import read_given_json
    from explorer.model.replay import lasso_step
    from explorer.model.sampling import quotas_from, strategy_named
    from explorer.model.selection import Step
    from explorer.model.strategies import Plan

    if (run is None) == (manifest is None):
        raise InputError("Name either a run to draw from or, with --manifest, a sample to draw again.")
    with _open(workspace, must_exist=workspace is not None) as folder:
        if manifest is not None:
            with bar("drawing"):
                ground, drawn = redraw(read_given_json(manifest), folder)
        else:
            given = quotas_from(quota) if quota else quotas
            plan = Plan(strategy_named(strategy), size, seed, column, given, space)
            ground = Ground.of_run(folder, str(run))
            steps = [lasso_step(read_given_json(polygon), ground.run_id)] if polygon else [Step("all")]
            if cluster:
                steps.append(ground.cluster(cluster))
            if where:
                steps.append(Step("condition", "intersect", condition=where))
            with bar("drawing"):
                drawn = ground.draw(ground.select(steps), plan)
        _tell_sample(ground, drawn, out, as_json)


# What the commands share


@contextmanager
def _uncollected() -> Iterator[None]:
    """Import without looking for garbage: there is none, and what is imported stays."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def _open(folder: Path | None, *, must_exist: bool = False) -> Iterator[Workspace]:
    from explorer.model.workspace import Workspace

    if must_exist and folder is not None and not folder.expanduser().exists():
        raise InputError(f"There is no workspace {folder}.")
    with Workspace(folder) as space:
        yield space


@contextmanager
def _workers(address: str) -> Iterator[DaskWorkers | None]:
    """The workers of the Dask cluster there, None without an address."""
    if not address:
        yield None
        return
    from explorer.model.dask_worker import DaskWorkers

    with DaskWorkers(address) as workers:
        yield workers


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
    with told_bar(f"reading {data.name}") as told:
        return space.add_dataset(data, vectors, items, progress=told)


def _tell_sample(ground: Ground, drawn: Drawn, out: Path, as_json: bool) -> None:
    """Write a sample and its manifest, and say so."""
    from explorer.model.drawing import manifest
    from explorer.model.workspace import write_json

    record = out.with_suffix(".json")
    _write(out, drawn.table(ground.dataset))
    write_json(record, manifest(drawn, ground.dataset))
    rows = len(drawn.sample.rows)
    for note in drawn.sample.notes:
        print(note, file=sys.stderr)
    if as_json:
        print_json({"rows": rows, "file": str(out), "manifest": str(record)})
    else:
        print(f"{rows:,} rows in {out}, how they were drawn in {record}")


def _write(out: Path, table: pa.Table) -> list[str]:
    """Write a table, say which columns a CSV has no place for, and return those written."""
    from explorer.model.workspace import write_table

    left_out = write_table(out, table)
    if left_out:
        names = ", ".join(left_out)
        print(f"{out.name} is without {names}: a .parquet holds bytes and vectors too.", file=sys.stderr)
    return [name for name in table.column_names if name not in left_out]


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


def _swept(runs: Sequence[Run], seconds: float) -> dict[str, Any]:
    """A sweep as ``sweep --json`` tells it: its runs in order, what they computed, seconds by the clock."""
    told = [
        _of_a_sweep(run.parameters)
        | {"run": run.id, "status": run.status, "error": run.error, "seconds": run.total_seconds}
        | {"cost": run.cost}
        for run in runs
    ]
    return {"sweep": runs[0].sweep, "runs": told, "computed": _computed(runs), "seconds": seconds}


def _planned(sweep: Sweep, expected: Estimate, n: int) -> dict[str, Any]:
    """The same before anything is started: expected seconds, and what would be computed."""
    told = [
        _of_a_sweep(parameters)
        | {"run": None, "status": "planned", "error": None, "seconds": seconds, "cost": None}
        for parameters, seconds in zip(sweep.parameters(n), expected.seconds, strict=True)
    ]
    total = sum(expected.seconds)
    return {"sweep": None, "runs": told, "computed": dict(expected.computed), "seconds": total}


def _of_a_sweep(parameters: RunParameters) -> dict[str, Any]:
    names = ("n_neighbors", "min_dist", "metric", "seed")
    return {"run": None} | {name: getattr(parameters, name) for name in names}


def _computed(runs: Sequence[Run]) -> dict[str, int]:
    """How many results of each stage runs have computed: one found in the cache counts 0 seconds."""
    from explorer.model.stages import ORDER

    counts = {name: sum(run.seconds.get(name, 0.0) > 0 for run in runs) for name in ORDER}
    return {name: count for name, count in counts.items() if count}


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
