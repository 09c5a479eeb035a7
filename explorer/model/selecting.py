"""Which rows are selected: every way to change that, each a step that can be taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import param
from numpy.typing import NDArray

from explorer.model.aligned import AlignedMap
from explorer.model.applied import applied
from explorer.model.errors import InputError
from explorer.model.runner import Runner, Snapshot
from explorer.model.saved import SavedSelections
from explorer.model.selection import MODES, Selection, SelectionHistory, Step, inside, packed
from explorer.model.separation import Separation
from explorer.model.statistics import CLUSTER, CLUSTERED, DISPLACEMENT, STABILITY
from explorer.model.viewed import Viewed
from explorer.model.water_level import Level, WaterLevels
from explorer.model.workspace import Workspace


class Selecting(Viewed):
    """What is looked at, with a selection of its rows.

    Parameters
    ----------
    workspace, runner
        See `Viewed`.
    selection : Selection or None
        The rows chosen, None without data.
    mode : {"replace", "union", "subtract", "intersect"}
        How the analyst wants the next rows chosen to change it.
    water : float or None
        The water level over the maps: the share of the points above it, 0 to 1; None while it is not in use.
    saved_as : dict of str to str
        What selections of the open data are saved as, as far as known, by their digests.
    formed : Separation or None
        How the selection came to stand apart over the history of the run on the map, when that was asked.

    Attributes
    ----------
    history : SelectionHistory or None
        What can be undone.
    """

    selection = param.ClassSelector(class_=Selection, default=None, allow_None=True)
    mode: Any = param.Selector(default="replace", objects=list(MODES))
    water = param.Number(None, bounds=(0, 1), allow_None=True)
    saved_as = param.Dict(default={})
    formed = param.ClassSelector(class_=Separation, default=None, allow_None=True)

    def __init__(self, workspace: Workspace, runner: Runner) -> None:
        super().__init__(workspace, runner)
        self._levels = WaterLevels()
        self.history: SelectionHistory | None = None

    def lasso(self, run_id: str, polygon: NDArray[np.float64], mode: str = "replace") -> None:
        """Select the rows inside a polygon, float (m, 2) in units of the run's map as it is shown."""
        self._select_inside("lasso", run_id, polygon, mode)

    def box(self, run_id: str, corners: NDArray[np.float64], mode: str = "replace") -> None:
        """Select the rows inside a rectangle given by two opposite corners, float (2, 2)."""
        (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
        self._select_inside("box", run_id, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]), mode)

    def select_category(self, column: str, code: int, mode: str = "replace") -> None:
        """Select the rows of one category of a column.

        Raises
        ------
        InputError
            When it has no such category, as a statistic that is still computed has none.
        """
        categories, is_statistic = self.categories(column), self.is_statistic(column)
        if not 0 <= code < len(categories.names):
            raise InputError(self.waiting_for(column) or f"{column} has no such category: choose another.")
        mask, name = categories.codes == code, categories.names[code]
        run_id = self.run_id if is_statistic else ""
        step = Step("categories", mode, run_id, column=column, values=(name,))
        # Ranges of what compares runs are others with other runs, clusters may be applied anew, and two
        # categories may be called the same.
        passing = is_statistic and (column in (STABILITY, DISPLACEMENT) or self._has_applied(column))
        if passing or categories.names.count(name) > 1:
            step = replace(step, packed=packed(mask))
        self._push(mask, step, mode)

    def select_cluster_of(self, row: int, mode: str = "replace") -> None:
        """Select the cluster of one row, on the run on the map.

        Raises
        ------
        InputError
            When it is noise, or clusters are not found yet.
        """
        found = self.categories(CLUSTER)
        if waiting := self.waiting_for(CLUSTER):
            raise InputError(waiting)
        code = int(found.codes[row])
        if code == found.noise:
            raise InputError(f"Row {row:,} is noise: it is in no cluster.")
        self.select_category(CLUSTER, code, mode)

    def _has_applied(self, column: str) -> bool:
        run = self.run(self.run_id)
        return column in CLUSTERED and run is not None and applied(self.workspace, run) is not None

    def select_where(self, condition: str, mode: str = "replace") -> None:
        """Select the rows a condition in SQL holds of; slow: a page asks `items.where` on another thread."""
        self.select(self._open_dataset().items.where(condition), Step("condition", mode, condition=condition))

    def select_above(self, run_id: str, mode: str = "replace") -> None:
        """Select the rows above the water level on a run's map."""
        # The map before the level: if that was at rest already, so is the one the level is of.
        snapshot, level = self.looked_at(run_id), self.water_level(run_id)
        if snapshot is not None and level is not None:
            rows = level.above()
            self.select(rows, _on(snapshot, rows, Step("above", mode, run_id, share=level.share)))

    def select_region(self, run_id: str, x: float, y: float, mode: str = "replace") -> None:
        """Select the rows of the region above the water at a place of a run's map as it is shown.

        Raises
        ------
        InputError
            When there is water at that place.
        """
        snapshot, level = self.looked_at(run_id), self.water_level(run_id)
        if level is None or snapshot is None:
            return
        alignment, place = self.alignment(run_id, snapshot), np.array([[x, y]])
        own = place if alignment is None else alignment.undo(place)
        point = float(own[0, 0]), float(own[0, 1])
        rows = level.region(*point)
        if not rows.any():
            raise InputError(
                "There is no region here: click inside an outline, or let more points rise above."
            )
        step = Step("region", mode, run_id, share=level.share, point=point)
        self.select(rows, _on(snapshot, rows, step))

    def water_level(self, run_id: str) -> Level | None:
        """The water level on a run's map as looked at, in its own coordinates; None without either."""
        snapshot, share = self.looked_at(run_id), self.water
        if snapshot is None or share is None:
            return None
        return self._levels.level(run_id, snapshot.epoch, snapshot.embedding, share)

    def saved(self) -> SavedSelections:
        """The selections saved of the open data."""
        dataset = self._open_dataset()
        return self.workspace.selections(dataset.id, dataset.n)

    @property
    def saved_name(self) -> str:
        """What these very rows are saved as, however they were selected; empty for any other selection."""
        if not self.saved_as or self.selection is None:
            return ""
        name: str = self.saved_as.get(self.selection.digest, "")
        return name

    def select_saved(self, name: str) -> None:
        """Select what was saved of the open data under a name.

        Raises
        ------
        InputError
            When there is none of that name.
        WorkspaceError
            When its rows cannot be read.
        """
        saved = self.saved()
        found = saved.named(name)
        self.saved_as = {**self.saved_as, found.digest: found.name}
        self.select(saved.load(found).mask, found.step("replace"))

    def select(self, mask: NDArray[np.bool_], step: Step) -> None:
        """Select rows, bool (n,), in the way the step names."""
        self._push(mask, step, step.mode)

    def clear_selection(self) -> None:
        """Select nothing."""
        if self.history is not None and self.history.current.count:
            self._change(self.history.push(Selection.none(self.history.current.n)))

    def invert_selection(self) -> None:
        """Select what is not selected."""
        if self.history is not None:
            self._change(self.history.push(self.history.current.invert()))

    def undo(self) -> None:
        """Take the last change of the selection back."""
        if self.history is not None and self.history.can_undo:
            self._change(self.history.undo())

    def redo(self) -> None:
        """Make the change of the selection that was taken back again."""
        if self.history is not None and self.history.can_redo:
            self._change(self.history.redo())

    def _select_inside(self, kind: str, run_id: str, outline: NDArray[np.float64], mode: str) -> None:
        snapshot = self.looked_at(run_id)
        if snapshot is None:
            return
        alignment = self.alignment(run_id, snapshot)
        if alignment is not None:
            # Turned back, a box stands aslant: its four corners tell it.
            outline = alignment.undo(outline)
        elif kind == "box":
            outline = outline[::2]
        self._select_on(snapshot, kind, outline, mode)

    def lasso_on(self, shown: AlignedMap, polygon: NDArray[np.float64], mode: str = "replace") -> None:
        """Select the rows inside a polygon, float (m, 2) over the reference, on the map of any run."""
        self._select_on(shown.snapshot, "lasso", shown.own(polygon), mode)

    def _select_on(self, snapshot: Snapshot, kind: str, outline: NDArray[np.float64], mode: str) -> None:
        step = Step(kind, mode, snapshot.run_id, polygon=tuple((float(x), float(y)) for x, y in outline))
        mask = inside(step, snapshot.embedding)
        self._push(mask, _on(snapshot, mask, step), mode)

    def _push(self, mask: NDArray[np.bool_], step: Step, mode: str) -> None:
        if mode not in MODES:
            raise InputError(f"{mode!r} is no way to change a selection: choose one of {', '.join(MODES)}.")
        if self.history is not None:
            self._change(self.history.push(getattr(self.history.current, mode)(mask, step)))

    def _change(self, selection: Selection) -> None:
        self.selection = selection

    def select_rows(self, rows: NDArray[np.integer[Any]], step: Step) -> None:
        """Select rows by their ids, found as the step says."""
        mask = np.zeros(self._open_dataset().n, np.bool_)
        mask[rows] = True
        self._push(mask, step, step.mode)


def _on(snapshot: Snapshot, mask: NDArray[np.bool_], step: Step) -> Step:
    """A step made on a map, with its epoch and its rows if that is not the map that stays."""
    return step if snapshot.final else replace(step, epoch=snapshot.epoch, packed=packed(mask))
