"""What one analyst is looking at: data, run, colour, selection, item, sample. No screen is needed for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import param
import pyarrow as pa

from explorer.model.dataset import Dataset
from explorer.model.drawing import Drawn, Ground, manifest
from explorer.model.errors import InputError
from explorer.model.neighbours import Neighbours, neighbours
from explorer.model.runner import Runner
from explorer.model.sampling import Sample
from explorer.model.selecting import Selecting
from explorer.model.selection import Selection, SelectionHistory
from explorer.model.strategies import Plan
from explorer.model.viewed import MOST_BESIDE
from explorer.model.workspace import Workspace

LEFT = ("run_id", "beside_ids", "epoch", "colour_by", "isolated", "drawn", "pinned", "water")
"""What belongs to one look at some data, beside its selections."""


@dataclass(frozen=True)
class Look:
    """How some data were left.

    Attributes
    ----------
    history : SelectionHistory
        Their selections.
    rest : dict
        All of `LEFT`.
    """

    history: SelectionHistory
    rest: dict[str, Any]

    def copy(self) -> Self:
        """Return one that goes its own way from here."""
        return type(self)(self.history.copy(), dict(self.rest))


class Session(Selecting):
    """One analyst's view of a workspace.

    Every change of a parameter is what the page redraws from; nothing here knows how. Data, runs and colours
    are `Viewed`, selections `Selecting`.

    Parameters
    ----------
    workspace, runner
        Shared by all sessions of the server.
    dataset : Dataset or None
        The open data.
    media : Path or None
        The folder whose pictures and sounds may be shown when items name them by a path.
    drawn : Drawn or None
        The rows last drawn, and from what.
    pinned : int or None
        The row looked at by itself.
    near : Neighbours or None
        Its neighbours, once they are found.
    view : tuple of float or None
        What the map was zoomed to: x and y of the middle and the width of a pixel, in the map's units; None
        while it shows the whole.
    beside_views : tuple of (tuple of float or None)
        The same of the maps beside it; None too for those that show its place.

    Attributes
    ----------
    left : dict of str to Look
        How other data were left, by their ids.
    """

    drawn = param.ClassSelector(class_=Drawn, default=None, allow_None=True)
    pinned = param.Integer(None, bounds=(0, None), allow_None=True)
    near = param.ClassSelector(class_=Neighbours, default=None, allow_None=True)
    view = param.NumericTuple(None, length=3, allow_None=True)
    beside_views = param.ClassSelector(class_=tuple, default=(None,) * MOST_BESIDE)

    def __init__(
        self,
        workspace: Workspace,
        runner: Runner,
        dataset: Dataset | None = None,
        media: Path | None = None,
    ) -> None:
        super().__init__(workspace, runner)
        self.media = media
        self.left: dict[str, Look] = {}
        if dataset is not None:
            self.show(dataset)

    def open(self, dataset: Dataset) -> None:
        """Look at imported data as it was left; what is selected and drawn of the open data is kept."""
        if self.dataset is not None:
            if dataset.id == self.dataset.id:
                return
            if self.history is not None:
                self.left[self.dataset.id] = Look(self.history, {name: getattr(self, name) for name in LEFT})
        look = self.left.pop(dataset.id, None) or Look(SelectionHistory(dataset.n), {})
        self._show(dataset, look.history, look.rest)

    def show(self, dataset: Dataset) -> None:
        """Look at imported data: its newest run, coloured by its first column of categories."""
        self._show(dataset, SelectionHistory(dataset.n), {})

    def _show(self, dataset: Dataset, history: SelectionHistory, look: dict[str, Any]) -> None:
        columns = [column.name for column in dataset.items.columns if column.kind == "categorical"]
        runs = tuple(self.runner.runs(dataset.id))
        known = [run.id for run in runs] or [""]
        # Of more dimensions there is nothing to see.
        flat = [run.id for run in runs if run.parameters.n_components == 2]
        run_id = look["run_id"] if look.get("run_id") in known else (flat or known)[0]
        same = look.get("run_id") == run_id
        epoch = look.get("epoch") if same else None
        # Codes of what the run that is gone told of its rows mean nothing on another.
        isolated = look["isolated"] if same else frozenset()
        beside_ids = tuple(one for one in look.get("beside_ids", ()) if one in known and one != run_id)
        self.history = history
        first: dict[str, Any] = {
            "colour_by": columns[0] if columns else "",
            "drawn": None,
            "pinned": None,
            "water": None,
        }
        self.param.update(
            dataset=dataset,
            runs=runs,
            **{
                **first,
                **look,
                "isolated": isolated,
                "run_id": run_id,
                "epoch": epoch,
                "beside_ids": beside_ids,
            },
            highlighted=frozenset(),
            selection=history.current,
            saved_as={},
            compared=(),
            near=None,
            view=None,
            beside_views=(None,) * MOST_BESIDE,
            progress=self.runner.progress(run_id) if run_id else None,
        )

    def restore(
        self,
        history: SelectionHistory,
        drawn: Drawn | None,
        isolated: frozenset[int] = frozenset(),
        water: float | None = None,
        left: Mapping[str, Look] | None = None,
    ) -> None:
        """Take up a copy of the selections, and the rest, of an earlier look at this data and at others."""
        self.history = history.copy()
        self.left = {dataset_id: look.copy() for dataset_id, look in (left or {}).items()}
        self.param.update(selection=self.history.current, drawn=drawn, isolated=isolated, water=water)

    # One item

    def pin(self, row: int | None) -> None:
        """Look at one row by itself, or at none; raises InputError if there is no such row."""
        n = self._open_dataset().n
        if row is not None and not 0 <= row < n:
            raise InputError(f"Rows are numbered 0 to {n - 1:,}: there is no row {row:,}.")
        self.pinned = row

    @property
    def metric(self) -> str:
        """How the run on the map measures distance; euclidean without one."""
        run = self.run(self.run_id)
        return "euclidean" if run is None else run.parameters.metric

    def neighbours(self, row: int, k: int) -> Neighbours:
        """Find a row's neighbours in the data and on the map; slow, so a page calls it on another thread."""
        snapshot = self.snapshot(self.run_id)
        embedding = None if snapshot is None else snapshot.embedding
        return neighbours(self._open_dataset().vectors, embedding, row, k, self.metric)

    # Sample

    @property
    def sample(self) -> Sample | None:
        """The rows last drawn."""
        return None if self.drawn is None else self.drawn.sample

    def draw(self, plan: Plan) -> Drawn:
        """Draw rows from the selection, or from everything when nothing is selected.

        Some strategies are slow, so a page calls it on another thread and then sets ``drawn``.
        """
        chosen: Selection | None = self.selection
        if chosen is None or not chosen.count:
            chosen = Selection.everything(self._open_dataset().n)
        return self._ground(self.run_id).draw(chosen, plan)

    def draw_sample(self, plan: Plan) -> None:
        """Draw rows and look at them."""
        self.drawn = self.draw(plan)

    def sample_table(self) -> pa.Table:
        """The sample as a table: row id, place at the time, probability and the items' columns."""
        return self._drawn().table(self._open_dataset())

    def keep_sample(self) -> Path:
        """Write the sample (Parquet) and its manifest (JSON) into the workspace; return the rows' path."""
        # Once: another may be drawn meanwhile.
        drawn, dataset = self._drawn(), self._open_dataset()
        table, about = drawn.table(dataset), manifest(drawn, dataset)
        how = f"{about['strategy']} {table.num_rows} seed {about['seed']}"
        name = f"sample {drawn.run_id} {how} of {about['rows']['digest'][:8]}"
        return self.workspace.write_sample(name, table, about)

    def sample_manifest(self) -> dict[str, Any]:
        """What made the sample: data, run, selection, strategy, seed and probabilities."""
        return manifest(self._drawn(), self._open_dataset())

    def _ground(self, run_id: str) -> Ground:
        # The record before the map, and of that map's epoch: a run at work moves on in between.
        run = None if self.run(run_id) is None else self.runner.run(run_id)
        snapshot = self.snapshot(run_id)
        if run is None or snapshot is None:
            return Ground(self.workspace, self._open_dataset(), run)
        run = run.with_(epoch=snapshot.epoch)
        return Ground(self.workspace, self._open_dataset(), run, snapshot.embedding)

    def _drawn(self) -> Drawn:
        if self.drawn is None:
            raise InputError("No sample is drawn yet: choose a size and press Draw.")
        drawn: Drawn = self.drawn
        return drawn
