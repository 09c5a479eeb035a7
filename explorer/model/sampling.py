"""Samples of a selection: which rows, how likely each was, and their table."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from explorer.model.dataset import Dataset
from explorer.model.errors import InputError
from explorer.model.items import ROW_ID
from explorer.model.strategies import STRATEGIES, Plan, Population, Stratum

AXES = ("x", "y", "z")
MOST_ROWS, MOST_BYTES = 2_000_000, 256 * 2**20
"""What a browser is given of a map and its items, each written in the server's memory first."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows drawn from a selection.

    Parameters
    ----------
    rows : int64 (m,)
        Row ids in the order drawn or ranked, each once.
    probabilities : float64 (m,) or None
        The probability each had of being in the sample; None where its strategy defines none.
    plan : Plan
        How they were drawn; with the population it gives the same rows again.
    strata : tuple of Stratum
        Of a stratified sample.
    notes : tuple of str
        What came out otherwise than asked: sentences.
    """

    rows: NDArray[np.int64]
    probabilities: NDArray[np.float64] | None
    plan: Plan
    strata: tuple[Stratum, ...] = ()
    notes: tuple[str, ...] = ()


def draw(population: Population, plan: Plan) -> Sample:
    """Draw rows from a population.

    Parameters
    ----------
    population : Population
        The rows, and what the plan's strategy looks at.
    plan : Plan
        All rows are drawn when there are fewer than its size.

    Raises
    ------
    InputError
        When nothing is selected, the strategy does not exist or cannot draw so many, or what it looks at is
        not there.
    """
    strategy = STRATEGIES.get(plan.strategy)
    if strategy is None:
        raise InputError(f"There is no strategy {plan.strategy!r}: choose one of {', '.join(STRATEGIES)}.")
    if population.selection.count == 0:
        raise InputError("Nothing is selected to draw from: draw a lasso around some points first.")
    possible = replace(plan, size=min(plan.size, population.selection.count))
    wanted = possible.size if isinstance(plan.quotas, str) else sum(quota for _, quota in plan.quotas)
    if wanted > strategy.most:
        raise InputError(f"A {plan.strategy} sample has at most {strategy.most:,} rows, not {wanted:,}.")
    pick = strategy.draw(population, possible)
    if not len(pick.rows):
        raise InputError("None of the selected rows is in a stratum with a quota: change the quotas.")
    return Sample(pick.rows, pick.probabilities, plan, pick.strata, pick.notes)


def strategy_named(beginning: str) -> str:
    """Return the strategy of this name or of this unique beginning of one.

    Raises
    ------
    InputError
        When there is none, or several.
    """
    found = [name for name in STRATEGIES if name == beginning] or [
        name for name in STRATEGIES if beginning and name.startswith(beginning)
    ]
    if len(found) != 1:
        raise InputError(f"There is no strategy {beginning!r}: choose one of {', '.join(STRATEGIES)}.")
    return found[0]


def quotas_from(written: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Return quotas written as ``category = rows``, one a text; empty texts are left out.

    Raises
    ------
    InputError
        When a text is no quota.
    """
    quotas = []
    for text in written:
        if not text.strip():
            continue
        name, equals, number = text.rpartition("=")
        if not equals or not number.strip().isdecimal():
            raise InputError(f"{text.strip()!r} is no quota: write category = number of rows.")
        quotas.append((name.strip(), int(number)))
    return tuple(quotas)


def rows_table(
    dataset: Dataset, rows: NDArray[np.int64], places: NDArray[np.float32] | None, **beside: NDArray[Any]
) -> pa.Table:
    """Return rows with their places on a map and their items.

    Parameters
    ----------
    dataset : Dataset
        The data.
    rows : int (m,)
        Row ids, in the order wanted.
    places : float32 (m, d) or None
        Where they are on a map; None leaves the places out.
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
    if places is not None:
        d = places.shape[1]
        names = AXES[:d] if d <= len(AXES) else [f"d{axis}" for axis in range(d)]
        columns |= {name: pa.array(places[:, axis]) for axis, name in enumerate(names)}
    columns |= {name: pa.array(values) for name, values in beside.items()}
    for name, values in zip(items.column_names[1:], items.columns[1:], strict=True):
        while name in columns:
            name = f"item_{name}"
        columns[name] = values
    return pa.table(columns)


def check_exportable(dataset: Dataset, run_id: str) -> None:
    """Raise InputError if a map with all its items is too much to be written in memory, as for a browser."""
    n_bytes = dataset.items.nbytes
    if dataset.n > MOST_ROWS or n_bytes > MOST_BYTES:
        raise InputError(
            f"{dataset.n:,} rows with {n_bytes / 2**20:,.0f} MB of items are too many for a browser: "
            f"umap-explorer export {run_id} --out map.parquet writes them."
        )


def free_name(name: str, taken: Container[str]) -> str:
    """A name for a column: the one given, with as many strokes as make it a new one."""
    while name in taken:
        name += "_"
    return name


def sample_table(sample: Sample, dataset: Dataset, places: NDArray[np.float32] | None) -> pa.Table:
    """Return a sample's rows: row_id, x, y, inclusion_probability where defined, and the items' columns."""
    beside: dict[str, NDArray[Any]] = {}
    if sample.probabilities is not None:
        beside["inclusion_probability"] = sample.probabilities
    return rows_table(dataset, sample.rows, places, **beside)
