"""The arguments and options that several commands share, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from explorer.model.run import INITIAL_LAYOUTS, RunParameters

DEFAULTS = RunParameters()
TABLES = ".parquet, or .csv without columns of bytes and vectors"


def before_any_work(out: Path | None) -> Path | None:
    """Refuse a file that cannot be written, rather than what was found when it is found."""
    from explorer.model.files import check_table_path

    if out is not None:
        check_table_path(out)
    return out


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
