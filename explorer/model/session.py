"""What one analyst is looking at: data, run, colour, selection and sample. No screen is needed to use it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import param
import pyarrow as pa
from numpy.typing import NDArray

from explorer.model.categories import Categories
from explorer.model.comparison import Alignment, align
from explorer.model.dataset import Dataset
from explorer.model.errors import InputError, WorkspaceError
from explorer.model.run import Run, RunParameters
from explorer.model.runner import Progress, Runner, Snapshot
from explorer.model.sampling import Sample, draw, manifest, sample_table
from explorer.model.selection import Selection, SelectionHistory, Step, in_box, in_polygon
from explorer.model.workspace import Workspace

MODES = ("replace", "union", "subtract", "intersect")


@dataclass(frozen=True, eq=False)
class Drawn:
    """A sample with what it was drawn from, which may have changed on the screen since.

    Parameters
    ----------
    sample : Sample
        The rows.
    population : Selection
        What they were drawn from.
    run_id : str
        The run on the map at the time; empty for none.
    """

    sample: Sample
    population: Selection
    run_id: str


class Session(param.Parameterized):
    """One analyst's view of a workspace.

    Every change of a parameter is what the page redraws from; nothing here knows how.

    Parameters
    ----------
    workspace, runner
        Shared by all sessions of the server.
    dataset : Dataset or None
        The open data.
    run_id, beside_id : str
        The run on the map, and the one beside it; empty for none.
    colour_by : str
        Column that colours the map; empty for density.
    isolated : frozenset of int
        Codes of the categories drawn in colour; empty for all.
    selection : Selection or None
        The rows chosen, None without data.
    drawn : Drawn or None
        The rows last drawn, and from what.
    progress : Progress or None
        Where the run on the map stands.
    runs : tuple of Run
        The runs of this data, newest first.
    """

    dataset = param.ClassSelector(class_=Dataset, default=None, allow_None=True)
    run_id = param.String("")
    beside_id = param.String("")
    colour_by = param.String("")
    isolated = param.ClassSelector(class_=frozenset, default=frozenset())
    selection = param.ClassSelector(class_=Selection, default=None, allow_None=True)
    drawn = param.ClassSelector(class_=Drawn, default=None, allow_None=True)
    progress = param.ClassSelector(class_=Progress, default=None, allow_None=True)
    runs = param.ClassSelector(class_=tuple, default=())

    def __init__(self, workspace: Workspace, runner: Runner, dataset: Dataset | None = None) -> None:
        super().__init__()
        self.workspace, self.runner = workspace, runner
        self._aligned: tuple[tuple[object, ...], Alignment | None] = ((), None)
        self.history: SelectionHistory | None = None
        self.faults: dict[str, str] = {}
        if dataset is not None:
            self.show(dataset)

    # Data and runs

    def load(self, data: str, vectors: str | None = None, items: str | None = None) -> Dataset:
        """Import a file; slow, so a page calls it on another thread and then `show`.

        Raises
        ------
        InputError
            One sentence that says what is wrong with the file and where.
        """
        if not data:
            raise InputError("Which file? Give the path of a .parquet, .npy, .npz or .csv file.")
        beside = None if items is None else Path(items).expanduser()
        return self.workspace.add_dataset(Path(data).expanduser(), vectors=vectors, items=beside)

    def show(self, dataset: Dataset) -> None:
        """Look at imported data: its newest run, coloured by its first column of categories."""
        columns = [column.name for column in dataset.items.columns if column.kind == "categorical"]
        runs = tuple(self.runner.runs(dataset.id))
        self.history = SelectionHistory(dataset.n)
        self.param.update(
            dataset=dataset,
            runs=runs,
            run_id=runs[0].id if runs else "",
            beside_id="",
            colour_by=columns[0] if columns else "",
            isolated=frozenset(),
            selection=self.history.current,
            drawn=None,
            progress=self.runner.progress(runs[0].id) if runs else None,
        )

    def restore(self, history: SelectionHistory, drawn: Drawn | None) -> None:
        """Take up a copy of the selections, and the sample, of an earlier look at the same data."""
        self.history = copy.deepcopy(history)
        self.param.update(selection=self.history.current, drawn=drawn)

    def start(self, parameters: RunParameters) -> Run:
        """Queue a run of the open data and look at it."""
        run = self.runner.start(self._open_dataset(), parameters)
        self.look_at(run.id)
        return run

    def look_at(self, run_id: str) -> None:
        """Put a run on the map; the selection stays, as it holds rows and not places."""
        beside = "" if run_id == self.beside_id else self.beside_id
        self.param.update(run_id=run_id, beside_id=beside)
        self.refresh()

    def put_beside(self, run_id: str) -> None:
        """Put a second run beside the first, or take it away when it is there already."""
        same = run_id in (self.beside_id, self.run_id)
        self.beside_id = "" if same else run_id

    def refresh(self) -> None:
        """Read the runs and the progress anew."""
        if self.dataset is not None:
            self.param.update(
                runs=tuple(self.runner.runs(self.dataset.id)),
                progress=self.runner.progress(self.run_id) if self.run_id else None,
            )

    def run(self, run_id: str) -> Run | None:
        """The record of one of this data's runs, None if there is none of that name."""
        return next((run for run in self.runs if run.id == run_id), None)

    # Maps

    def snapshot(self, run_id: str) -> Snapshot | None:
        """The newest map of a run in its own coordinates; None while there is none or it is not flat.

        A map that cannot be read is none, and `faults` says why.
        """
        try:
            snapshot = self.runner.snapshot(run_id) if run_id else None
        except WorkspaceError as error:
            self.faults[run_id] = str(error)
            return None
        return snapshot if snapshot is not None and snapshot.embedding.shape[1] == 2 else None

    def shown(self, run_id: str) -> Snapshot | None:
        """The newest map of a run as shown: the one beside is laid over the first when both are at rest."""
        snapshot = self.snapshot(run_id)
        alignment = None if snapshot is None else self.alignment(run_id, snapshot)
        if snapshot is None or alignment is None:
            return snapshot
        return replace(snapshot, embedding=alignment.embedding)

    def alignment(self, run_id: str, snapshot: Snapshot) -> Alignment | None:
        """How the map beside is laid over the first, None for the first or while either still moves."""
        first = self.snapshot(self.run_id) if run_id == self.beside_id and run_id else None
        if first is None or not (first.final and snapshot.final):
            return None
        key, aligned = (self.run_id, first.epoch, run_id, snapshot.epoch), self._aligned
        if aligned[0] != key:
            aligned = self._aligned = (key, align(first.embedding, snapshot.embedding))
        return aligned[1]

    # Selection

    def lasso(self, run_id: str, polygon: NDArray[np.float64], mode: str = "replace") -> None:
        """Select the rows inside a polygon, float (m, 2) in units of the run's map as it is shown."""
        if (snapshot := self.shown(run_id)) is not None:
            self._select(in_polygon(snapshot.embedding, polygon), "lasso", run_id, polygon, mode)

    def box(self, run_id: str, corners: NDArray[np.float64], mode: str = "replace") -> None:
        """Select the rows inside a rectangle given by two opposite corners, float (2, 2)."""
        if (snapshot := self.shown(run_id)) is not None:
            (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
            self._select(in_box(snapshot.embedding, x0, x1, y0, y1), "box", run_id, corners, mode)

    def select_category(self, column: str, code: int, mode: str = "replace") -> None:
        """Select the rows of one category of a column."""
        categories = self.categories(column)
        step = Step(kind="categories", mode=mode, column=column, values=(categories.names[code],))
        self._push(categories.codes == code, step, mode)

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

    def _select(
        self, mask: NDArray[np.bool_], kind: str, run_id: str, outline: NDArray[np.float64], mode: str
    ) -> None:
        snapshot = self.snapshot(run_id)
        alignment = None if snapshot is None else self.alignment(run_id, snapshot)
        own = outline if alignment is None else alignment.undo(outline)
        polygon = tuple((float(x), float(y)) for x, y in own)
        self._push(mask, Step(kind=kind, mode=mode, run_id=run_id, polygon=polygon), mode)

    def _push(self, mask: NDArray[np.bool_], step: Step, mode: str) -> None:
        if mode not in MODES:
            raise InputError(f"{mode!r} is no way to change a selection: choose one of {', '.join(MODES)}.")
        if self.history is not None:
            self._change(self.history.push(getattr(self.history.current, mode)(mask, step)))

    def _change(self, selection: Selection) -> None:
        self.selection = selection

    # Columns

    def categories(self, column: str) -> Categories:
        """The categories of a column of the open data."""
        return self._open_dataset().items.categories(column)

    # Sample

    @property
    def sample(self) -> Sample | None:
        """The rows last drawn."""
        return None if self.drawn is None else self.drawn.sample

    def draw_sample(self, size: int, seed: int = 0) -> None:
        """Draw rows at random from the selection, or from everything when nothing is selected."""
        chosen: Selection | None = self.selection
        if chosen is None or not chosen.count:
            chosen = Selection.everything(self._open_dataset().n)
        self.drawn = Drawn(draw(chosen, size, seed=seed), chosen, self.run_id)

    def sample_table(self) -> pa.Table:
        """The sample as a table: row id, place on the map, probability and the items' columns."""
        drawn = self._drawn()
        snapshot = self.snapshot(drawn.run_id)
        embedding = None if snapshot is None else snapshot.embedding
        return sample_table(drawn.sample, self._open_dataset(), embedding)

    def keep_sample(self) -> Path:
        """Write the sample (Parquet) and its manifest (JSON) into the workspace; return the rows' path."""
        table, about = self.sample_table(), self.sample_manifest()
        digest = about["selection"]["digest"][:8]
        name = f"sample {self._drawn().run_id} {about['size']} seed {about['seed']} of {digest}"
        return self.workspace.write_sample(name, table, about)

    def sample_manifest(self) -> dict[str, Any]:
        """What made the sample: data, run, selection, strategy, seed and probabilities."""
        drawn = self._drawn()
        return manifest(drawn.sample, self._open_dataset(), self.run(drawn.run_id), drawn.population)

    def _drawn(self) -> Drawn:
        if self.drawn is None:
            raise InputError("No sample is drawn yet: choose a size and press Draw.")
        drawn: Drawn = self.drawn
        return drawn

    def _open_dataset(self) -> Dataset:
        if self.dataset is None:
            raise InputError("No data is open: give the path of a file under Data.")
        return self.dataset
