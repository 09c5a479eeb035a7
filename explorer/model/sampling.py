"""Samples of a selection: which rows, how likely each was, and the record that draws the same ones again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from explorer.model.dataset import Dataset
from explorer.model.errors import InputError
from explorer.model.items import ROW_ID
from explorer.model.provenance import provenance
from explorer.model.run import Run
from explorer.model.selection import Selection

SCHEMA = 1
STRATEGIES = ("random",)
AXES = ("x", "y", "z")


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows drawn from a selection.

    Parameters
    ----------
    rows : int64 (size,)
        Row ids in the order drawn, each once.
    probabilities : float64 (size,)
        The probability each had of being in the sample.
    strategy : str
        How they were drawn.
    seed : int
        With the selection, size and strategy it gives the same rows again.
    """

    rows: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    strategy: str
    seed: int


def draw(selection: Selection, size: int, strategy: str = "random", seed: int = 0) -> Sample:
    """Draw rows from a selection.

    Parameters
    ----------
    selection : Selection
        The population.
    size : int
        How many rows, at least 1; all of them when there are fewer.
    strategy : {"random"}, default "random"
        Random: each row equally likely, none twice.
    seed : int, default 0
        The same selection, size, strategy and seed give the same rows in the same order.

    Raises
    ------
    InputError
        When nothing is selected, or the size, strategy or seed is none.
    """
    if strategy not in STRATEGIES:
        raise InputError(f"There is no strategy {strategy!r}: choose one of {', '.join(STRATEGIES)}.")
    if size < 1:
        raise InputError(f"A sample has at least 1 row, not {size:,}.")
    if seed < 0:
        raise InputError(f"A seed is a whole number from 0 up, not {seed}.")
    if selection.count == 0:
        raise InputError("Nothing is selected to draw from: draw a lasso around some points first.")
    size = min(size, selection.count)
    places = np.random.default_rng(seed).choice(selection.count, size, replace=False)
    return Sample(selection.rows[places], np.full(size, size / selection.count), strategy, seed)


def rows_table(
    dataset: Dataset, rows: NDArray[np.int64], embedding: NDArray[np.float32] | None, **beside: NDArray[Any]
) -> pa.Table:
    """Return rows with their places on a map and their items.

    Parameters
    ----------
    dataset : Dataset
        The data.
    rows : int (m,)
        Row ids, in the order wanted.
    embedding : float32 (n, d) or None
        The map; None leaves the places out.
    **beside : array (m,)
        Columns of one's own to put between places and items.

    Returns
    -------
    pyarrow.Table
        row_id; x, y (and z; beyond three dimensions d0, d1, ...); the columns beside; the items' columns. An
        item's column with a name taken before it gets ``item_`` in front.
    """
    items = dataset.items.fetch(rows)
    columns = {ROW_ID: items.column(0)}
    if embedding is not None:
        d = embedding.shape[1]
        names = AXES[:d] if d <= len(AXES) else [f"d{axis}" for axis in range(d)]
        columns |= {name: pa.array(embedding[rows, axis]) for axis, name in enumerate(names)}
    columns |= {name: pa.array(values) for name, values in beside.items()}
    for name, values in zip(items.column_names[1:], items.columns[1:], strict=True):
        while name in columns:
            name = f"item_{name}"
        columns[name] = values
    return pa.table(columns)


def sample_table(sample: Sample, dataset: Dataset, embedding: NDArray[np.float32] | None) -> pa.Table:
    """Return a sample's rows: row_id, x, y, inclusion_probability and the items' columns."""
    return rows_table(dataset, sample.rows, embedding, inclusion_probability=sample.probabilities)


def manifest(sample: Sample, dataset: Dataset, run: Run | None, selection: Selection) -> dict[str, Any]:
    """Return the record of a sample, ready for JSON: enough to draw it again and to know that it is the same.

    Parameters
    ----------
    sample : Sample
        What was drawn.
    dataset : Dataset
        From which data.
    run : Run or None
        On which map.
    selection : Selection
        From which rows; its ``digest`` tells whether replayed steps select the same ones.
    """
    about_run = run and {
        "id": run.id,
        "parameters": run.parameters.to_dict(),
        "status": str(run.status),
        "epoch": run.epoch,
        "n_epochs": run.n_epochs,
    }
    return {
        "schema": SCHEMA,
        "dataset": {
            "id": dataset.id,
            "name": dataset.name,
            "hash": dataset.hash,
            "rows": dataset.n,
            "dims": dataset.dims,
        },
        "run": about_run,
        "selection": {
            "rows": selection.count,
            "digest": hashlib.blake2b(np.packbits(selection.mask).tobytes(), digest_size=16).hexdigest(),
            "steps": [step.to_dict() for step in selection.steps],
        },
        "strategy": sample.strategy,
        "seed": sample.seed,
        "size": len(sample.rows),
        "inclusion_probability": {
            "smallest": float(sample.probabilities.min()),
            "largest": float(sample.probabilities.max()),
        },
        "versions": provenance(),
    }
