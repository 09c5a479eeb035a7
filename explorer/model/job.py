"""One run on its way: its stages before the layout, its layout epoch by epoch, and all it leaves on disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from core import Checkpoint
from explorer.model import stages
from explorer.model.dataset import Dataset
from explorer.model.errors import InputError, RunError, WorkspaceError
from explorer.model.fork import beginning
from explorer.model.history import Keyframe, keyframe_epochs
from explorer.model.progress import Clock, Event, Progress, Snapshot
from explorer.model.provenance import provenance
from explorer.model.recovery import returned_to_checkpoint
from explorer.model.run import Run, RunStatus
from explorer.model.run_stages import RunStages
from explorer.model.stages import without
from explorer.model.steps import Beginning, Steps, StepsHere
from explorer.model.wish import Wish
from explorer.model.worker import StageWorker, WorkerDiedError
from explorer.model.workspace import Workspace
from explorer.model.writes import Writes

if TYPE_CHECKING:
    from explorer.model.dask_worker import DaskWorker

SNAPSHOT_SECONDS = 0.05
CHECKPOINT_SECONDS = 10.0


class Job:
    """A run held by a runner.

    Its record is replaced under ``lock``; its layout belongs to the thread that set ``busy``. A thread of its
    own writes the files, in order: where a checkpoint is, all earlier keyframes are too.

    Parameters
    ----------
    run : Run
        Its record as it is on disk.
    dataset : Dataset
        Its data, of which the files alone are held.
    workspace : Workspace
    clock : Clock
        With the expected seconds of its stages.
    lock : threading.RLock
        The runner's.
    tell : callable
        Called with each event, on the threads of the crew and on that of the files.
    n_threads : int or None
        Threads of a layout here; None for one a processor.

    Attributes
    ----------
    run : Run
        The record as it stands.
    wish : Wish
        What is wanted of it.
    busy : bool
        Whether a thread is at it.
    layout : Steps or None
        The layout, once it has begun and while it rests here.
    snapshot : Snapshot or None
        Its newest map; None before there is one, and once that is on disk.
    finished : threading.Event
        Set when it is at rest for good, with everything on disk that the disk took.
    at_rest : bool
        Whether its record will not change by itself any more.
    ahead : set of str
        Keys of what is to be found or computed before its layout: no two runs may be at the same at once.
    """

    def __init__(
        self,
        run: Run,
        dataset: Dataset,
        workspace: Workspace,
        clock: Clock,
        lock: threading.RLock,
        tell: Callable[[Event], None],
        n_threads: int | None,
    ) -> None:
        self.run = run
        self.wish = Wish.GO
        self.busy = False
        self.layout: Steps | None = None
        self.snapshot: Snapshot | None = None
        self.finished = threading.Event()
        # Not the data set: a runner remembers its jobs for good.
        self._vectors_path, self._workspace, self._clock = dataset.vectors_path, workspace, clock
        self._lock, self._tell_event, self._n_threads = lock, tell, n_threads
        self._stages = RunStages(workspace, run)
        self.ahead = self._stages.keys
        self._writes = Writes(f"files-of-{run.id}")
        self._saved: Run | None = None
        self._finishing = self.at_rest = False
        self._lost: np.ndarray = np.zeros(0, np.int64)

    @property
    def stage(self) -> str:
        """Where the run is, or was last."""
        return self._clock.stage

    def progress(self) -> Progress:
        """Return how far it is now."""
        with self._lock:
            return replace(self._clock.progress(self.run), wish=self._ungranted())

    def begin(self) -> None:
        """Say that the run is at work, unless a pause was granted in the meantime."""
        with self._lock:
            if self.wish is Wish.GO:
                self.change_status(RunStatus.RUNNING)

    def let_go(self) -> None:
        """Leave a run that waits as it is, once all that was to be written of it is."""
        self._writes.close()
        self.finished.set()

    def _ungranted(self) -> Literal["", "pause", "stop"]:
        if self.wish is Wish.PAUSE and self.run.status is not RunStatus.PAUSED:
            return "pause"
        return "stop" if self.wish is Wish.STOP and self.run.status.active else ""

    def change_status(self, status: RunStatus, **changes: Any) -> None:
        """Change the status to one that will change again: in memory now, on disk and told soon."""
        self._change(status=status, **changes)
        self._writes.submit(self._save_record)
        self.tell_status_soon()

    def note(self, **changes: Any) -> None:
        """Change what the analyst says of the run, whatever it does: in memory now, on disk soon.

        Raises
        ------
        WorkspaceError
            If the run is at rest and the record cannot be written.
        """
        with self._lock:
            self._change(**changes)
            if self.at_rest:
                self._note_at_rest(**changes)
            elif not self._finishing:
                self._writes.submit(self._save_record)

    def _note_at_rest(self, **changes: Any) -> None:
        # In the record as it is on disk: what that refused to take of the run, memory alone has.
        kept = self._workspace.run(self.run.id)
        self._workspace.save_run(kept.with_(**changes))

    def tell_status_soon(self) -> None:
        """Tell of the status from another thread: the caller may hold locks that a listener waits for."""
        self._writes.submit(self._tell, "status")

    def grant_pause(self) -> None:
        """Say that the run is paused, if that is what is wanted of it."""
        with self._lock:
            if self.wish is Wish.PAUSE and self.run.status is not RunStatus.PAUSED:
                self.change_status(RunStatus.PAUSED)

    def _change(self, **changes: Any) -> None:
        with self._lock:
            self.run = self.run.with_(**changes)

    def _tell(self, *kinds: Any) -> None:
        for kind in kinds:
            self._tell_event(Event(self.run.id, kind))

    # Before the layout

    def compute_stages(self, worker: StageWorker, passed: Callable[[], None] = lambda: None) -> bool:
        """Bring the stages before the layout into the cache; return whether all are there.

        Parameters
        ----------
        worker : StageWorker
            Computes what is not there yet.
        passed : callable, optional
            Called when ``ahead`` has become less.
        """
        folders = self._stages.keep_target()
        self.ahead.discard(self.run.target_hash)
        for stage in self._stages.before:
            if self.wish is not Wish.GO:
                return False
            arrays: stages.Arrays | None = self._workspace.cached(stage.name, stage.key)
            seconds = 0.0
            if arrays is None:
                seconds = self._compute(worker, stage, folders)
                arrays = self._stages.result(stage)
            if seconds or stage.name not in self.run.seconds:
                self._change(seconds={**self.run.seconds, stage.name: seconds})
            if "recall" in arrays:
                self._change(knn_recall=float(arrays["recall"][0]))
            folders[stage.name] = self._stages.folder(stage)
            self.ahead.discard(stage.key)
            passed()
        return True

    def _compute(self, worker: StageWorker, stage: stages.Stage, earlier: dict[str, str]) -> float:
        # What is there cannot be read, and would be kept.
        self._workspace.discard(stage.name, stage.key)
        with self._lock:
            self._clock.enter(stage.name)
        self._tell("progress")
        task = {
            "stage": stage.name,
            "parameters": stage.parameters,
            "vectors": str(self._vectors_path),
            "earlier": earlier,
            "output": self._stages.folder(stage),
        }

        def tick() -> None:
            if self.wish.ending:
                worker.kill()
            self._tell("progress")

        try:
            return float(worker.compute(task, tick)["seconds"])
        except WorkerDiedError:
            # It may have died while writing.
            self._workspace.discard(stage.name, stage.key)
            raise
        finally:
            with self._lock:
                self._clock.leave()

    # The layout

    def lay_out(self, worker: DaskWorker | None = None) -> None:
        """Advance the layout until it ends or another wish is granted: here, or at a worker of Dask."""
        with self._lock:
            self._clock.enter(stages.LAYOUT)
            self.begin()
        self.layout = layout = self.layout or self._prepare(worker)
        while True:
            with self._lock:
                self._clock.begin_epochs(layout.epoch)
            self._advance(layout)
            if layout.epoch == self.run.n_epochs:
                self.finish(RunStatus.DONE)
                return
            self._publish(layout.embedding)
            self.grant_pause()
            self._save_layout(layout)
            with self._lock:
                if self.wish is Wish.GO:
                    continue
                self._rest()
                self.grant_pause()
                if self.wish is Wish.PAUSE:
                    self.busy = False
                    # A worker of Dask is left to others: the run goes on from its checkpoint.
                    self.layout = layout if layout.here else None
                    return
            self.finish(self.wish.status)
            return

    def _rest(self) -> None:
        """Add the time since the layout was entered, if it was, to the record."""
        with self._lock:
            if spent := self._clock.leave():
                earlier = self.run.seconds.get(self.stage, 0.0)
                self._change(seconds={**self.run.seconds, self.stage: earlier + spent})

    def _prepare(self, worker: DaskWorker | None) -> Steps:
        """Make the layout, from the run's checkpoint if it left one, else from where it starts."""
        initial, state, costs = self._beginning()
        if worker is not None:
            # What was left at a pause may still be being written.
            self._writes.flush()
        saved = self._workspace.checkpoint(self.run.id)
        if saved is not None and str(saved["key"]) != self._stages.layout.key:
            saved = None
        if saved is not None:
            state = Checkpoint(int(saved["epoch"]), saved["positions"])
            costs = tuple(saved["costs"].tolist())
        layout = self._begin(Beginning(self.run.parameters, self.run.n, initial, state), worker)
        if saved is None:
            self._writes.submit_arrays(self._save_keyframe, layout.epoch, layout.embedding)
        # What was begun by an earlier process may go on with other versions.
        self._change(provenance=layout.provenance or provenance())
        self._change(epoch=layout.epoch, costs=costs, cost=costs[-1] if costs else None)
        self._publish(layout.embedding)
        return layout

    def _begin(self, beginning: Beginning, worker: DaskWorker | None) -> Steps:
        needed = [stage for stage in self._stages.before if stage.name in beginning.needed]
        arrays = {stage.name: self._stages.result(stage) for stage in needed}
        self._lost = stages.lost(arrays)
        if worker is not None:
            return worker.begin(beginning, {stage.name: self._stages.folder(stage) for stage in needed})
        return StepsHere(beginning.layout(arrays, self._n_threads))

    def _beginning(self) -> tuple[np.ndarray, Checkpoint | None, tuple[float, ...]]:
        """Return the initial layout, and the state and the costs so far of a fork."""
        if self.run.start is not None:
            return beginning(self._workspace, self.run)
        initial = self._stages.named(stages.INITIAL_LAYOUT)
        return self._stages.result(initial)["positions"], None, ()

    def _advance(self, layout: Steps) -> None:
        """Work step by step until the end or another wish."""
        kept = keyframe_epochs(self.run.n_epochs)
        shown = saved = time.monotonic()
        while layout.epoch < self.run.n_epochs and self.wish is Wish.GO:
            costs = layout.step(min(epoch for epoch in kept if epoch > layout.epoch))
            embedding = layout.embedding
            if not np.isfinite(costs).all():
                raise RunError(f"The layout diverged at epoch {layout.epoch}: lower the learning rate.")
            self._change(epoch=layout.epoch, cost=costs[-1], costs=(*self.run.costs, *costs))
            if layout.epoch in kept:
                self._writes.submit_arrays(self._save_keyframe, layout.epoch, embedding)
            now = time.monotonic()
            if now - shown >= SNAPSHOT_SECONDS:
                self._publish(embedding)
                shown = now
            if now - saved >= CHECKPOINT_SECONDS:
                self._save_layout(layout)
                saved = now
            if self._writes.failure is not None:
                raise self._writes.failure

    def _publish(self, embedding: np.ndarray) -> None:
        self.snapshot = self._seen(embedding, final=False)
        self._tell("snapshot", "progress")

    def _seen(self, embedding: np.ndarray, *, final: bool) -> Snapshot:
        embedding = without(self._lost, embedding)
        embedding.setflags(write=False)
        return Snapshot(self.run.id, self.run.epoch, embedding, final)

    # Files

    def _save_keyframe(self, epoch: int, embedding: np.ndarray) -> None:
        self._workspace.save_keyframe(self.run.id, epoch, Keyframe.encode(embedding))

    def _save_map(self, embedding: np.ndarray) -> None:
        self._workspace.save_embedding(self.run.id, without(self._lost, embedding))

    def _save_layout(self, layout: Steps) -> None:
        """Keep what the layout needs to go on, its map and the record, in this order."""
        arrays = {
            "key": np.array(self._stages.layout.key),
            "epoch": np.array(layout.epoch),
            "positions": layout.embedding,
            "costs": np.array(self.run.costs),
            "lost": self._lost,
        }
        self._writes.submit_arrays(self._workspace.save_checkpoint, self.run.id, arrays)
        self._writes.submit_arrays(self._save_map, layout.embedding)
        self._writes.submit(self._save_record)

    def _save_record(self) -> None:
        """Write the record as it is now, unless that has been done: of many changes only the last matters."""
        run = self.run
        if run is not self._saved:
            self._workspace.save_run(run)
            self._saved = run

    def finish(self, status: RunStatus, error: str | None = None) -> None:
        """Bring the run to rest: everything on disk first, then told.

        If the disk refuses, the record in memory says so; the one on disk counts as interrupted at the next
        start.
        """
        try:
            self._come_to_rest(status, error)
            self._tell("snapshot", "progress", "status")
        finally:
            self._writes.close()
            self.finished.set()

    def _come_to_rest(self, status: RunStatus, error: str | None) -> None:
        with self._lock:
            self._rest()
            # From here on nothing can be wished any more, and nobody asked for this.
            self.wish = self.wish if self.wish.ending else Wish.INTERRUPT
            self._finishing, noted = True, (self.run.name, self.run.starred)
        if status is RunStatus.DONE:
            assert self.layout is not None
            self._writes.submit(self._save_map, self.layout.embedding)
        self._writes.flush()
        if status is not RunStatus.FAILED and self._writes.failure is not None:
            status, error = RunStatus.FAILED, str(self._writes.failure)
        self._writes.submit(self._save_at_rest, status, error)
        self._writes.flush()
        if status is RunStatus.DONE and self._writes.failure is not None:
            status, error = RunStatus.FAILED, str(self._writes.failure)
        elif status is RunStatus.DONE:
            self._writes.submit(self._workspace.drop_checkpoint, self.run.id)
            self._writes.flush()
        with self._lock:
            self._change(status=status, error=error)
            layout, self.layout, self.busy, self.at_rest = self.layout, None, False, True
            if noted != (self.run.name, self.run.starred):
                # Since then; a disk that refuses now keeps the record without.
                with suppress(InputError, WorkspaceError):
                    self._note_at_rest(name=self.run.name, starred=self.run.starred)
            # From the disk rather than from memory; a run that is remembered for good must not hold a file.
            if self._writes.failure is None:
                self.snapshot = None
            elif layout is not None:
                self.snapshot = self._seen(layout.embedding, final=True)
            elif self.snapshot is not None:
                self.snapshot = replace(self.snapshot, final=True)

    def _save_at_rest(self, status: RunStatus, error: str | None) -> None:
        """Write the record; that of a run that fails goes back to its checkpoint, as its map on disk does.

        Not in memory if the disk refused to take what came after that: there the newest map is kept.
        """
        record = self.run
        if status is RunStatus.FAILED:
            record = returned_to_checkpoint(self._workspace, record)
            if self._writes.failure is None:
                self._change(epoch=record.epoch, costs=record.costs, cost=record.cost)
        self._workspace.save_run(record.with_(status=status, error=error))
