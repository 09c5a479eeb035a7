"""The command that serves the app, by default on the MNIST that travels with the program."""

from __future__ import annotations

import gc
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.data import add_data, open_workspace, workers_at
from explorer.cli.options import Dask, Folder, Items, Vectors
from explorer.model.errors import InputError

SAMPLE = "mnist.parquet"


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
    with workers_at(dask) as workers, open_workspace(workspace, new=True) as space:
        source = _shipped_sample() if data is None else data
        dataset = add_data(space, source, vectors, items)
        try:
            with _uncollected():
                from explorer.app import serve as serve_app
            serve_app(
                space, dataset, port=port, address=address, show=not no_show, first_run=data is None,
                media=None if media is None else media.expanduser(), layouts=layouts,
                dask=workers,
            )  # fmt: skip
        finally:
            # Or DuckDB would tell at the end of the process of all it has left.
            gc.unfreeze()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Import without looking for garbage: there is none, and what is imported stays."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _shipped_sample() -> Path:
    """The MNIST that travels with the program: in a checkout, or in the installation's share folder."""
    checkout = Path(__file__).resolve().parents[2] / "sample_data"
    shares = [Path(sysconfig.get_path("data", scheme)) for scheme in _schemes()]
    places = [checkout, *(share / "share" / "umap-explorer" for share in shares)]
    found = next((place / SAMPLE for place in places if (place / SAMPLE).is_file()), None)
    if found is None:
        raise InputError(f"The sample {SAMPLE} was not installed: name a file to open.")
    return found


def _schemes() -> tuple[str, str]:
    return sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user")
