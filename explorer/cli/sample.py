"""The command that draws rows of a run's data, or the same rows again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.data import open_workspace, write_rows
from explorer.cli.options import TABLES, Folder, Json, before_any_work
from explorer.model.errors import InputError
from explorer.model.written import counted
from explorer.terminal import bar, print_json

if TYPE_CHECKING:
    from explorer.model.drawing import Drawn, Ground


def sample(
    out: Annotated[
        Path,
        typer.Option(
            help=f"File to write: {TABLES}; its manifest goes beside it (.json).", callback=before_any_work
        ),
    ],
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
    record = _manifest_beside(out, manifest)
    with open_workspace(workspace) as folder:
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
        _tell_sample(ground, drawn, out, record, as_json)


def _manifest_beside(out: Path, read: Path | None) -> Path:
    """Where the manifest goes; raises InputError if a file is there that is none, or that is read."""
    from explorer.model.drawing import is_manifest

    path = out.with_suffix(".json")
    is_read = read is not None and path.resolve() == read.resolve()
    if path.exists() and (is_read or not is_manifest(path)):
        raise InputError(f"The manifest would take the place of {path}: give --out another name.")
    return path


def _tell_sample(ground: Ground, drawn: Drawn, out: Path, record: Path, as_json: bool) -> None:
    """Write a sample and its manifest, and say so."""
    from explorer.model.drawing import manifest
    from explorer.model.workspace import write_json

    write_rows(out, drawn.table(ground.dataset))
    write_json(record, manifest(drawn, ground.dataset))
    rows = len(drawn.sample.rows)
    for note in drawn.sample.notes:
        print(note, file=sys.stderr)
    if as_json:
        print_json({"rows": rows, "file": str(out), "manifest": str(record)})
    else:
        print(f"{counted(rows, 'row')} in {out}, how they were drawn in {record}")
