"""What the tests of several panels begin with: data laid out, and a document that acts at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from explorer.model.run import RunParameters
from explorer.model.runner import Runner
from explorer.model.session import Session
from explorer.model.workspace import Workspace

PATIENCE = 240


class Page:
    """A document that does at once what it is asked to do in its next tick, and what comes later never."""

    session_context = None

    def add_next_tick_callback(self, callback: Callable[[], None]) -> None:
        callback()

    def add_timeout_callback(self, callback: Callable[[], None], _milliseconds: int) -> None:
        self.later = callback


@contextmanager
def laid_out(
    folder: Path, vectors: np.ndarray, *parameters: RunParameters, **columns: object
) -> Iterator[Session]:
    """Yield a session of data with finished runs, the last of them on the map, beside other data without.

    Parameters
    ----------
    folder : Path
        For the files and the workspace.
    vectors : float32 (n, d)
        The other data are the first 50 of them.
    *parameters : RunParameters
        A run each.
    **columns
        The items' columns, by their names.
    """
    table = pa.table(
        {"v": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])} | columns
    )
    pq.write_table(table, folder / "blobs.parquet")
    np.save(folder / "other.npy", vectors[:50])
    with Workspace(folder / "workspace") as workspace, Runner(workspace) as runner:
        workspace.add_dataset(folder / "other.npy")
        dataset = workspace.add_dataset(folder / "blobs.parquet")
        for one in parameters:
            runner.wait(runner.start(dataset, one).id, timeout=PATIENCE)
        yield Session(workspace, runner, dataset)
