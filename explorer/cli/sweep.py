"""The command that lays out data by every combination of some parameters."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.data import add_data, open_workspace, workers_at
from explorer.cli.options import (
    DEFAULTS,
    Components,
    Dask,
    Data,
    Densmap,
    Epochs,
    Folder,
    Init,
    Items,
    Json,
    Target,
    Vectors,
)
from explorer.model.metrics import refuse_unusable_metric
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.terminal import follow_sweep, print_json, print_runs

if TYPE_CHECKING:
    from explorer.model.sweep import Estimate, Sweep


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
    from explorer.model.sweep import Sweep, counted_stages, estimate, read_list
    from explorer.views.text import counted, duration

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
    for name in wanted.metric:
        refuse_unusable_metric(name)
    logging.getLogger("explorer.model.crew").setLevel(logging.CRITICAL)
    with workers_at("" if dry_run else dask) as workers, open_workspace(workspace, new=True) as space:
        dataset = add_data(space, data, vectors, items)
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
        print(f"{run.id}: {run.error or f'{run.status} after epoch {run.epoch:,}.'}", file=sys.stderr)
    if as_json:
        print_json(_swept(done, seconds))
    else:
        print_runs(done, {dataset.id: dataset.name})
        print(
            f"{done[0].sweep}: {len(done) - len(failed):,} of {counted(len(done), 'run')} done, "
            f"{counted_stages(_computed(done))} computed in {duration(seconds)}"
        )
    if failed:
        raise typer.Exit(1)


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
        _of_a_sweep(parameters) | {"status": "planned", "error": None, "seconds": seconds, "cost": None}
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
