"""A handful of items that stand for the rows of a finding, as a table to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.model.dataset import Dataset
from explorer.model.errors import InputError
from explorer.model.findings import Finding
from explorer.model.item import name_column, python_value
from explorer.model.media import content_of
from explorer.model.pictures import item_picture, picture
from explorer.model.strategies.medoids import all_distances, improved
from explorer.model.written import shortened

FEW, CANDIDATES = 5, 256
PAIRS = 3
MOST_COLUMNS, MOST_LETTERS = 6, 72
SIDE = 56
WORDS = ("text", "categorical", "boolean", "numeric", "time")


@dataclass(frozen=True)
class Example:
    """One item.

    Attributes
    ----------
    row : int
    picture : str
        A data URI; empty for none.
    cells : tuple of str
    """

    row: int
    picture: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Examples:
    """Items with the columns that tell of them.

    Attributes
    ----------
    columns : tuple of str
    items : tuple of Example
    """

    columns: tuple[str, ...] = ()
    items: tuple[Example, ...] = ()

    @property
    def has_pictures(self) -> bool:
        """Whether any item has one."""
        return any(one.picture for one in self.items)


def examples(dataset: Dataset, findings: Sequence[Finding], audited: Sequence[str]) -> list[Examples]:
    """Return a few items of each finding: medoids of its rows, or of duplicates the first pairs.

    Parameters
    ----------
    dataset : Dataset
    findings : sequence of Finding
    audited : sequence of str
        Columns that are shown if there is room, after what an item is called and the finding's own.
    """
    chosen = [typical(dataset.vectors, one) for one in findings]
    columns = [_columns(dataset, one.column, audited) for one in findings]
    image = next((one.name for one in dataset.items.columns if dataset.items.media(one.name) == "image"), "")
    wanted = list(dict.fromkeys([name for names in columns for name in names] + ([image] if image else [])))
    rows = sorted({row for some in chosen for row in some.tolist()})
    table = dataset.items.look_up(rows, wanted)
    place = {row: index for index, row in enumerate(rows)}

    def example(row: int, names: tuple[str, ...]) -> Example:
        cells = (shortened(python_value(table[name][place[row]]), MOST_LETTERS) for name in names)
        content = table[image][place[row]].as_py() if image else None
        return Example(row, _picture(dataset, row, content), tuple(cells))

    return [
        Examples(names, tuple(example(row, names) for row in some.tolist()))
        for some, names in zip(chosen, columns, strict=True)
    ]


def typical(vectors: NDArray[np.float32], finding: Finding) -> NDArray[np.int64]:
    """Rows that stand for those of a finding, int64 (at most 6,): the same for the same finding.

    Medoids by FasterPAM (see ``strategies.medoids``) of 256 of its rows, evenly spaced; that of most comes
    first. Of duplicates two of each of the first three groups that have two: in a cluster there may be one
    alone, its likes being elsewhere.
    """
    if finding.groups is not None:
        _, starts, sizes = np.unique(finding.groups, return_index=True, return_counts=True)
        starts = starts[sizes > 1][:PAIRS]
        if len(starts):
            return finding.rows[np.stack([starts, starts + 1], axis=1).ravel()]
    spaced = np.linspace(0, len(finding.rows) - 1, min(len(finding.rows), CANDIDATES)).astype(np.int64)
    rows = finding.rows[spaced]
    if len(rows) <= FEW:
        return rows
    distances = all_distances(np.asarray(vectors[rows], np.float32))
    places = improved(distances, np.linspace(0, len(rows) - 1, FEW).astype(np.int64))
    represented = np.bincount(np.argmin(distances[places], axis=0), minlength=FEW)
    return rows[places[np.argsort(-represented, kind="stable")]]


def _columns(dataset: Dataset, own: str | None, audited: Sequence[str]) -> tuple[str, ...]:
    items = dataset.items
    shown = [one.name for one in items.columns if one.kind in WORDS and items.media(one.name) == "text"]
    first = [name for name in (name_column(items), own, *audited) if name is not None and name in shown]
    return tuple(dict.fromkeys([*first, *shown]))[:MOST_COLUMNS]


def _picture(dataset: Dataset, row: int, content: object) -> str:
    if content is not None:
        try:
            return picture(content_of(content), SIDE)
        except InputError:
            return ""
    return "" if dataset.image_side is None else item_picture(dataset.vectors[row], dataset.image_side)
