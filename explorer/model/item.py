"""One row by itself: its cells, what to call it, and what it is like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from explorer.model.dataset import Dataset
from explorer.model.errors import InputError
from explorer.model.items import ROW_ID, Items
from explorer.model.media import Media
from explorer.model.neighbours import centre, nearest
from explorer.model.selection import Selection, Step
from explorer.model.written import TURNED, counted

MOST_LIKE = 100_000


@dataclass(frozen=True, eq=False)
class Cell:
    """One column of a row.

    Attributes
    ----------
    name : str
    value : object
        As Python's, None where missing.
    media : Media
        What the column's values are to be shown as.
    """

    name: str
    value: Any
    media: Media


def read_cells(items: Items, row: int) -> tuple[Cell, ...]:
    """Return all columns of a row in the file's order; raises InputError if there is no such row."""
    table = items.look_up([row])
    names = [name for name in table.column_names if name != ROW_ID]
    return tuple(Cell(name, python_value(table[name][0]), items.media(name)) for name in names)


def python_value(scalar: pa.Scalar) -> Any:
    """Return a value as Python's, or as a number with its type when it is a time beyond Python's years."""
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return f"{scalar.value:,} as {scalar.type}"


def name_column(items: Items) -> str | None:
    """Return the column that says what an item is: the first of free text, else the first of names."""
    for kind in ("text", "categorical"):
        for column in items.columns:
            if column.kind == kind and items.media(column.name) == "text":
                return column.name
    return None


def names_of(items: Items, rows: NDArray[np.int64]) -> list[str | None]:
    """Return what some rows are called, None for one without a name."""
    column = name_column(items)
    if column is None:
        return [None] * len(rows)
    values = items.look_up(rows.tolist(), [column])[column]
    return [
        None if value.as_py() is None else str(python_value(value))[:120].translate(TURNED)
        for value in values
    ]


def like_row(dataset: Dataset, row: int, k: int, metric: str) -> Step:
    """Return the step that selects the `k` rows nearest to a row in the original space, itself left out."""
    found = nearest(dataset.vectors, dataset.vectors[row], _checked(k), metric, leave_out=row)
    return Step("like", text=f"row {row:,}", rows=tuple(found.rows.tolist()))


def like_selection(dataset: Dataset, selection: Selection, k: int, metric: str) -> Step:
    """Return the step that selects the `k` rows nearest to the mean vector of what is selected."""
    middle = centre(dataset.vectors, selection.rows)
    found = nearest(dataset.vectors, middle, _checked(k), metric)
    return Step("like", text=f"centre of {counted(selection.count, 'item')}", rows=tuple(found.rows.tolist()))


def _checked(k: int) -> int:
    if not 1 <= k <= MOST_LIKE:
        raise InputError(f"From 1 to {MOST_LIKE:,} similar items can be selected, not {k:,}.")
    return k
