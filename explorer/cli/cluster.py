"""The command that finds the clusters of a run's map."""

from __future__ import annotations

from typing import Annotated

import typer

from explorer.cli.data import open_workspace
from explorer.cli.options import Folder, Json, RunName
from explorer.terminal import print_json, told_bar


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
    from explorer.model.label_scores import label_scores, truth_codes
    from explorer.terminal_audit import scores_lines
    from explorer.views.text import counted, share

    with open_workspace(workspace) as space:
        record = space.run(run)
        target = space.run(apply_to) if apply_to else None
        chosen = ClusterParameters.for_rows(record.n, min_cluster_size, min_samples, selection, epsilon)
        codes = truth_codes(space.dataset(record.dataset_id).items, truth) if truth else None
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
    noise = share(found.noise_share)
    print(f"{record.id}: {counted(len(sizes), 'cluster')}{largest}, {noise} noise ({found.method})")
    for line in scores_lines(scores):
        print(line)
