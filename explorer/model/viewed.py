"""What is looked at: data, its runs and their maps, what colours them. No screen is needed to use it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import param
from numpy.typing import NDArray

from explorer.model.categories import Categories
from explorer.model.comparison import Alignment
from explorer.model.dataset import Dataset
from explorer.model.derived import Derived, pending
from explorer.model.errors import InputError, WorkspaceError
from explorer.model.history import Decoded, History, Keyframe
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Progress, Runner, Snapshot
from explorer.model.side_by_side import Figures, SideBySide
from explorer.model.statistics import (
    CLUSTER,
    DISPLACEMENT,
    STABILITY,
    STATISTICS,
    Known,
    comparable_runs,
    compared_with,
)
from explorer.model.workspace import Workspace

MOST_BESIDE = 3
DELETED = "The run {} is not there any more: it was deleted."


class Viewed(param.Parameterized):
    """Data of a workspace with a run on the map, and up to three beside it.

    Parameters
    ----------
    workspace, runner
        Shared by all sessions of the server.
    dataset : Dataset or None
        The open data.
    run_id : str
        The run on the map, the reference of those beside it; empty for none.
    beside_ids : tuple of str
        Up to three runs beside it, in their order.
    linked : bool
        Whether all maps show the same place, as far as they lie in the reference's coordinates.
    compared : tuple of str
        The runs that were compared last, the reference first; empty for none.
    epoch : int or None
        The epoch at which the run on the map is shown, one of `epochs`; None for its newest map.
    colour_by : str
        Column or statistic of the run that colours the map; empty for density.
    isolated : frozenset of int
        Codes of the categories drawn in colour, -1 for missing values; empty for all.
    highlighted : frozenset of int
        Those that are pointed at.
    heard : int
        How often a statistic of a run was begun or has come.
    progress : Progress or None
        Where the run on the map stands.
    runs : tuple of Run
        The runs of this data, newest first.
    """

    dataset = param.ClassSelector(class_=Dataset, default=None, allow_None=True)
    run_id = param.String("")
    beside_ids = param.ClassSelector(class_=tuple, default=())
    linked = param.Boolean(True)
    compared = param.ClassSelector(class_=tuple, default=())
    epoch = param.Integer(None, bounds=(0, None), allow_None=True)
    colour_by = param.String("")
    isolated = param.ClassSelector(class_=frozenset, default=frozenset())
    highlighted = param.ClassSelector(class_=frozenset, default=frozenset())
    heard = param.Integer(0)
    progress = param.ClassSelector(class_=Progress, default=None, allow_None=True)
    runs = param.ClassSelector(class_=tuple, default=())

    def __init__(self, workspace: Workspace, runner: Runner) -> None:
        super().__init__()
        self.workspace, self.runner = workspace, runner
        self.side_by_side = SideBySide()
        self._kept: tuple[object, tuple[int, ...]] = (None, ())
        self._decoded = Decoded()
        self.derived = Derived(workspace)
        self.faults: dict[str, str] = {}
        # Who chooses a statistic anew means that it be tried anew; first of all who hears of the choice.
        self.param.watch(lambda event: self.derived.forget_fault(event.new), ["colour_by"])

    # Data and runs

    def load(
        self,
        data: str,
        vectors: str | None = None,
        items: str | None = None,
        progress: Callable[[float], None] = lambda _: None,
    ) -> Dataset:
        """Import a file; slow, so a page calls it on another thread and then `show`.

        ``progress`` is called with the share written; what it raises ends the import.

        Raises
        ------
        InputError
            One sentence that says what is wrong with the file and where.
        """
        if not data:
            raise InputError("Which file? Give the path of a .parquet, .npy, .npz or .csv file.")
        beside = None if items is None else Path(items).expanduser()
        return self.workspace.add_dataset(Path(data).expanduser(), vectors, beside, progress=progress)

    def start(self, parameters: RunParameters, start_from: str = "", from_epoch: int | None = None) -> Run:
        """Queue a run of the open data and look at it; see ``Runner.start``."""
        dataset = self._open_dataset()
        run = self.runner.start(dataset, parameters, start_from=start_from, from_epoch=from_epoch)
        self.look_at(run.id)
        return run

    def look_at(self, run_id: str) -> None:
        """Put a run on the map; the selection stays, as it holds rows and not places."""
        stand = self._as_they_stand(run_id)
        known = {run.id for run in stand.get("runs", ())}
        if run_id and run_id not in known:
            raise InputError(DELETED.format(run_id))
        beside = tuple(one for one in self.beside_ids if one in known - {run_id})
        # The categories of a statistic are another run's no longer.
        stale = self.colour_by in STATISTICS and run_id != self.run_id
        isolated = frozenset() if stale else self.isolated
        now = {"epoch": self.epoch if run_id == self.run_id else None, **stand}
        # At once with the runs, of which a new one is: for a moment it would have none to be compared with.
        self.param.update(run_id=run_id, beside_ids=beside, isolated=isolated, **now)

    def put_beside(self, run_id: str) -> None:
        """Put a run beside the first, or take it away when it is there already.

        Raises
        ------
        InputError
            When there are four maps, or no such run any more.
        """
        now = self.beside_ids
        if run_id == self.run_id:
            return
        if self.run(run_id) is None:
            raise InputError(DELETED.format(run_id))
        beside = tuple(one for one in now if one != run_id) if run_id in now else (*now, run_id)
        if len(beside) > MOST_BESIDE:
            raise InputError("Four maps lie side by side: take one away by the × on its card to make room.")
        # The ranges of what the first two maps differ in are others then.
        stale = self.colour_by == DISPLACEMENT and beside[:1] != now[:1]
        self.param.update(beside_ids=beside, isolated=frozenset() if stale else self.isolated)

    def compare_with(self, run_ids: Sequence[str]) -> None:
        """Take notice of which runs are compared, the reference first: stability is told over them now."""
        # Its ranges are others then.
        isolated = frozenset() if self.colour_by == STABILITY else self.isolated
        self.param.update(compared=tuple(run_ids), isolated=isolated, heard=self.heard + 1)

    @property
    def comparison(self) -> tuple[Run, ...]:
        """The runs of `compared`; empty when one of them is gone or not done any more."""
        found = [run for name in self.compared if (run := self.run(name)) is not None]
        whole = len(found) == len(self.compared) and all(run.status is RunStatus.DONE for run in found)
        return tuple(found) if whole else ()

    @property
    def is_compared(self) -> bool:
        """Whether the run on the map is one of the comparison."""
        return any(run.id == self.run_id for run in self.comparison)

    def refresh(self) -> None:
        """Read the runs and the progress anew.

        The newest takes the place of one that was deleted. Of data without runs the first one comes onto the
        map, whoever started it.
        """
        stand = self._as_they_stand(self.run_id)
        known = [run.id for run in stand.get("runs", ())]
        if known and not (self.run_id or self.runs):
            self.look_at(known[-1])
        elif {*self.run_ids} <= {"", *known}:
            self.param.update(**stand)
        else:
            self.look_at(self.run_id if self.run_id in known else next(iter(known), ""))

    def _as_they_stand(self, run_id: str) -> dict[str, Any]:
        if self.dataset is None:
            return {}
        runs = tuple(self.runner.runs(self.dataset.id))
        here = any(run.id == run_id for run in runs)
        progress = self.runner.progress(run_id) if here else None
        now: dict[str, Any] = {"runs": runs, "progress": progress}
        # What is at work is looked at as it goes.
        at_work = progress is not None and progress.status.active
        return now | {"epoch": None} if at_work else now

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The runs on the maps, the reference first; its id is empty while there is none."""
        return (self.run_id, *self.beside_ids)

    def run(self, run_id: str) -> Run | None:
        """The record of one of this data's runs, None if there is none of that name."""
        return next((run for run in self.runs if run.id == run_id), None)

    # Maps

    def snapshot(self, run_id: str) -> Snapshot | None:
        """The newest map of a run in its own coordinates; None while there is none or it is not flat.

        A map that cannot be read is none, and `faults` says why; nor has a run that was deleted.
        """
        try:
            snapshot = self.runner.snapshot(run_id) if run_id else None
        except InputError:
            return None
        except WorkspaceError as error:
            self.faults[run_id] = str(error)
            return None
        return snapshot if snapshot is not None and snapshot.embedding.shape[1] == 2 else None

    def looked_at(self, run_id: str) -> Snapshot | None:
        """The map of a run that is looked at, in its own coordinates: at `epoch`, or the newest.

        Whatever is chosen on a map is chosen on this one. Runs beside it always show their newest.
        """
        snapshot, epoch = self.snapshot(run_id), self.epoch
        if snapshot is None:
            return None
        newest = snapshot.embedding
        if epoch is not None and run_id == self.run_id and epoch in self.epochs[:-1]:
            try:
                kept = self._decoded.get(
                    (run_id, epoch), lambda: self.workspace.keyframes(run_id).load(epoch).decode(newest)
                )
            except WorkspaceError as error:
                self.faults[run_id] = str(error)
                return None
            snapshot = Snapshot(run_id, epoch, kept, final=False, past=True)
        self.faults.pop(run_id, None)
        return snapshot

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epochs at which the run on the map can be looked at, ascending; the last is its newest map's.

        Empty without a flat map, and while the run is at work.
        """
        run = self.run(self.run_id)
        if run is None or run.status.active or run.parameters.n_components != 2:
            return ()
        key = (run.id, run.epoch, run.status)
        if self._kept[0] != key:
            kept = self.workspace.keyframes(run.id).epochs
            self._kept = (key, (*(epoch for epoch in kept if epoch < run.epoch), run.epoch))
        return self._kept[1]

    def look_at_epoch(self, epoch: int | None) -> None:
        """Show the run on the map as it was at one of `epochs`; its newest map for the last and for None.

        Raises
        ------
        InputError
            When the run keeps no such epoch.
        """
        epochs = self.epochs
        if epoch is not None and epoch not in epochs:
            raise InputError(f"The run on the map keeps no epoch {epoch:,}: choose one on the bar below it.")
        self.epoch = None if epoch is None or epoch == epochs[-1] else epoch

    def past(self) -> History:
        """The run on the map at each of `epochs`."""
        epochs, kept = self.epochs, self.workspace.keyframes(self.run_id)
        newest = self.snapshot(self.run_id)

        def load(epoch: int) -> Keyframe:
            # Where a run was stopped it keeps its map and no keyframe.
            if newest is not None and epoch not in kept.epochs:
                return Keyframe.encode(newest.embedding)
            return kept.load(epoch)

        return History(epochs, load)

    def shown(self, run_id: str) -> Snapshot | None:
        """The map looked at as shown: one beside is laid over the first when both are at rest.

        It is laid over where the first has come to rest, and stays there while earlier epochs are looked at.
        """
        snapshot = self.looked_at(run_id)
        alignment = None if snapshot is None else self.alignment(run_id, snapshot)
        if snapshot is None or alignment is None:
            return snapshot
        return replace(snapshot, embedding=alignment.embedding)

    def alignment(self, run_id: str, snapshot: Snapshot) -> Alignment | None:
        """How a map beside is laid over the first, None for the first or while either still moves."""
        first = self.snapshot(self.run_id) if run_id in self.beside_ids else None
        if first is None or not (first.final and snapshot.final):
            return None
        return self.side_by_side.alignment(first, snapshot)

    def is_aligned(self, run_id: str) -> bool:
        """Whether a map lies in the coordinates of the first, which one beside does when both are at rest."""
        return run_id == self.run_id or self._both(run_id) is not None

    def figures(self, run_id: str) -> Figures | None:
        """What is known of a map beside the first, or of the first itself; None while either still moves."""
        both = self._both(run_id)
        return None if both is None else self.side_by_side.figures(*both)

    def find_figures(self) -> bool:
        """Compute one of the `figures` that are not known yet; slow, so a page calls it on another thread.

        Returns
        -------
        bool
            False if all were known.
        """
        vectors = self._open_dataset().vectors
        maps = [both[1] for run_id in self.run_ids if (both := self._both(run_id)) is not None]
        return self.side_by_side.find(maps, vectors)

    def _both(self, run_id: str) -> tuple[Snapshot, Snapshot] | None:
        # The first map and another, or itself, when both are at rest.
        first, other = self.snapshot(self.run_id), self.snapshot(run_id)
        if first is None or other is None or not (first.final and other.final):
            return None
        return first, other

    # Columns, and what a run tells of each row

    def is_statistic(self, name: str) -> bool:
        """Whether this names a statistic of the run on the map: unless it is a column's name."""
        return name in STATISTICS and name not in self._open_dataset().items.names

    @property
    def shows_clusters(self) -> bool:
        """Whether the clusters of the run on the map colour it."""
        return self.dataset is not None and self.colour_by == CLUSTER and self.is_statistic(CLUSTER)

    def categories(self, column: str) -> Categories:
        """The categories of a column of the open data, or of a statistic: none while it is computed."""
        if not self.is_statistic(column):
            return self._open_dataset().items.categories(column)
        known = self._known(column)
        return pending(self._open_dataset().n) if known is None else known.categories

    def numbers(self, column: str) -> NDArray[np.float64]:
        """The numbers of a column or of a statistic, float64 (n,), NaN where there is none."""
        if not self.is_statistic(column):
            return self._open_dataset().items.numbers(column)
        known = self._known(column)
        return np.full(self._open_dataset().n, np.nan) if known is None else known.numbers

    def waiting_for(self, column: str) -> str:
        """Why a statistic is not there yet, in one sentence; empty when it is, and for columns."""
        if not self.is_statistic(column):
            return ""
        return self.derived.state(column, self.run(self.run_id), self._compared_with(column))

    @property
    def has_other_runs(self) -> bool:
        """Whether the map can be compared with that of another run of the same data, as stability is."""
        run = self.run(self.run_id)
        return run is not None and len(comparable_runs(run, self.runs)) > 1

    @property
    def stability_over(self) -> int:
        """How many runs stability is told over, that on the map among them."""
        return len(self._compared_with(STABILITY))

    def hear(self) -> None:
        """Take notice of what `derived` has begun or finished; on the thread that changes the session."""
        self.heard += 1

    def _known(self, name: str) -> Known | None:
        return self.derived.known(name, self.run(self.run_id), self._compared_with(name))

    def _compared_with(self, name: str) -> tuple[Run, ...]:
        beside = self.run(self.beside_ids[0]) if self.beside_ids else None
        return compared_with(name, self.run(self.run_id), self.runs, beside, self.comparison)

    def _open_dataset(self) -> Dataset:
        if self.dataset is None:
            raise InputError("No data is open: give the path of a file under Data.")
        return self.dataset
