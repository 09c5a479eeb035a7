"""Do the steps of a selection again, from their record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.model.categories import Categories
from explorer.model.errors import InputError
from explorer.model.items import Items
from explorer.model.search import search
from explorer.model.selection import MODES, Selection, Step, inside, unpacked
from explorer.model.water_level import density_of


@dataclass(frozen=True)
class Material:
    """What steps select from.

    Parameters
    ----------
    n : int
        Rows of the data.
    items : Items
        Their columns.
    maps : callable
        Returns the map of a run by its id, float32 (n, 2); raises InputError if there is none.
    statistics : callable
        Returns the categories of a run's statistic by its name and the run's id, such as its clusters.
    """

    n: int
    items: Items
    maps: Callable[[str], NDArray[np.float32]]
    statistics: Callable[[str, str], Categories]


def lasso_step(vertices: Any, run_id: str) -> Step:
    """Return the step that selects inside a polygon, [[x, y], ...], on a run's map.

    Raises
    ------
    InputError
        When it is no list of three or more pairs of numbers.
    """
    try:
        polygon = tuple((float(x), float(y)) for x, y in vertices)
    except (TypeError, ValueError) as error:
        raise InputError("A polygon is a list of pairs of numbers: [[x, y], [x, y], [x, y]].") from error
    if len(polygon) < 3:
        raise InputError(f"A polygon has at least 3 vertices, not {len(polygon)}.")
    return Step("lasso", run_id=run_id, polygon=polygon)


def cluster_step(cluster: str, run_id: str) -> Step:
    """Return the step that keeps one cluster of a run's map: its number, or "noise".

    Raises
    ------
    InputError
        When it is neither.
    """
    if not (cluster.isascii() and cluster.isdigit()) and cluster != "noise":
        raise InputError(f"{cluster!r} is no cluster: give its number, 0 the largest, or noise.")
    value = cluster if cluster == "noise" else f"cluster {int(cluster)}"
    return Step("categories", "intersect", run_id, column="@cluster", values=(value,))


def replayed(steps: Sequence[Step], material: Material) -> Selection:
    """Return what the steps select, one after the other, of rows of which none was selected.

    Raises
    ------
    InputError
        When a step cannot be done again: its kind is unknown, or its map, column or category is gone.
    """
    selection = Selection.none(material.n)
    for step in steps:
        if step.kind == "invert":
            selection = selection.invert()
            continue
        if step.kind not in MASKS:
            raise InputError(f"A selection by {step.kind!r} cannot be made again from its record.")
        if step.mode not in MODES:
            raise InputError(f"{step.mode!r} is no way to change a selection.")
        mask = unpacked(step.packed, material.n) if step.packed else MASKS[step.kind](step, material)
        selection = getattr(selection, step.mode)(mask, step)
    return selection


def _inside(step: Step, of: Material) -> NDArray[np.bool_]:
    return inside(step, of.maps(step.run_id))


def _categories(step: Step, of: Material) -> NDArray[np.bool_]:
    # With a run it is a statistic of that run, else a column.
    found = of.statistics(step.column, step.run_id) if step.run_id else of.items.categories(step.column)
    if missing := [value for value in step.values if value not in found.names]:
        raise no_category(step.column, missing[0], found.names)
    return np.isin(found.codes, [found.names.index(value) for value in step.values])


def no_category(column: str, name: str, known: Sequence[str]) -> InputError:
    """The error of a category that a column has not, which says what it has."""
    some = ", ".join(known[:3]) + (" …" if len(known) > 3 else "")
    return InputError(f"{column} has no category {name!r}: it has {some or 'none'}.")


def _condition(step: Step, of: Material) -> NDArray[np.bool_]:
    return of.items.where(step.condition)


def _above(step: Step, of: Material) -> NDArray[np.bool_]:
    return density_of(of.maps(step.run_id)).level(step.share).above()


def _region(step: Step, of: Material) -> NDArray[np.bool_]:
    x, y = step.point
    return density_of(of.maps(step.run_id)).level(step.share).region(x, y)


def _saved(step: Step, of: Material) -> NDArray[np.bool_]:
    selection = replayed(step.steps, of)
    if selection.digest != step.digest:
        raise InputError(f"What made the saved selection {step.name!r} selects other rows now.")
    return selection.mask


def _search(step: Step, of: Material) -> NDArray[np.bool_]:
    return _marked(of.n, search(of.items, step.text, step.values).rows)


def _rows(step: Step, of: Material) -> NDArray[np.bool_]:
    return _marked(of.n, np.array(step.rows, np.int64))


def _marked(n: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    if len(rows) and not (rows.min() >= 0 and rows.max() < n):
        raise InputError(f"A step names rows beyond the {n:,} of the data.")
    mask = np.zeros(n, np.bool_)
    mask[rows] = True
    return mask


def _everything(_step: Step, of: Material) -> NDArray[np.bool_]:
    return np.ones(of.n, np.bool_)


MASKS: dict[str, Callable[[Step, Material], NDArray[np.bool_]]] = {
    "lasso": _inside,
    "box": _inside,
    "categories": _categories,
    "condition": _condition,
    "above": _above,
    "region": _region,
    "saved": _saved,
    "search": _search,
    "like": _rows,
    "rows": _rows,
    "all": _everything,
}
"""The rows of each kind of step."""
