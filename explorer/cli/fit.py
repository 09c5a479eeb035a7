"""The command that lays out data once."""

from __future__ import annotations

import logging
import sys
from typing import Annotated, Any

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
from explorer.model.errors import InputError, RunError
from explorer.model.metrics import refuse_unusable_metric
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.written import counted
from explorer.terminal import follow, print_json


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
    refuse_unusable_metric(metric)
    if from_epoch is not None and not start_from:
        raise InputError("--from-epoch is an epoch of another run: name that with --from.")
    # A run's failure is told at the end, not in a log too.
    logging.getLogger("explorer.model.crew").setLevel(logging.CRITICAL)
    with workers_at(dask) as workers, open_workspace(workspace, new=True) as space:
        dataset = add_data(space, data, vectors, items)
        from explorer.model.runner import Runner

        with Runner(space, dask=workers) as runner:
            run = runner.start(dataset, parameters, start_from=start_from, from_epoch=from_epoch)
            run = follow(runner, run)
    if run.status is not RunStatus.DONE:
        raise RunError(run.error or f"The run {run.id} was {run.status} after epoch {run.epoch:,}.")
    if as_json:
        print_json(_fit_result(run))
    else:
        epochs = counted(run.epoch, "epoch")
        print(f"{run.id}: {run.n:,} rows, {epochs}, {run.total_seconds:.1f} s, cost {run.cost:.4f}")


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
