"""The runs of a workspace as they stand, in memory or on disk, their names, and who hears of changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import numpy as np

from explorer.model.fork import kept_epochs
from explorer.model.job import Job
from explorer.model.names import plain_name
from explorer.model.progress import Event, Progress, Snapshot, progress_at_rest
from explorer.model.run import Run
from explorer.model.workspace import Workspace

log = logging.getLogger(__name__)


class Records:
    """The runs of a workspace, to be looked at, named and listened to. Safe to use from any thread.

    Parameters
    ----------
    workspace : Workspace
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        self._subscribers: tuple[Callable[[Event], None], ...] = ()

    def run(self, run_id: str) -> Run:
        """Return the record as it stands, from memory if the run is held here.

        Raises
        ------
        InputError
            If there is no such run.
        WorkspaceError
            If its record is damaged.
        """
        job = self._jobs.get(run_id)
        return self.workspace.run(run_id) if job is None else job.run

    def runs(self, dataset_id: str | None = None) -> list[Run]:
        """Return the workspace's runs, newest first, those of this runner as they stand in memory."""
        kept = self.workspace.runs(dataset_id)
        return [run if (job := self._jobs.get(run.id)) is None else job.run for run in kept]

    def progress(self, run_id: str) -> Progress:
        """Return how far a run is; raises as ``run``."""
        job = self._jobs.get(run_id)
        return progress_at_rest(self.run(run_id)) if job is None or job.at_rest else job.progress()

    def snapshot(self, run_id: str) -> Snapshot | None:
        """Return the newest map of a run, None before there is one; raises as ``run``."""
        job = self._jobs.get(run_id)
        # Asked for once: a run that comes to rest meanwhile gives its map up, as that is on disk then.
        if job is not None and (snapshot := job.snapshot) is not None:
            return snapshot
        run = self.run(run_id)
        kept = self.workspace.embedding(run.id)
        return None if kept is None else Snapshot(run.id, run.epoch, np.asarray(kept), not run.status.active)

    def kept_epochs(self, run_id: str) -> tuple[int, ...]:
        """Return the epochs of a run that another can start from, ascending; raises as ``run``."""
        return kept_epochs(self.workspace, self.run(run_id))

    def wait(self, run_id: str, timeout: float | None = None) -> Run:
        """Return the record once the run is at rest (a pause is none), or when the time is over.

        Parameters
        ----------
        run_id : str
        timeout : float, optional
            Seconds; by default for ever.
        """
        job = self._jobs.get(run_id)
        if job is None:
            return self.workspace.run(run_id)
        job.finished.wait(timeout)
        return job.run

    # What the analyst makes of a run

    def rename(self, run_id: str, name: str) -> None:
        """Call a run something, or by its label again when the name is empty.

        Raises
        ------
        InputError
            If there is no such run, or the name is too long or has characters that cannot be seen.
        WorkspaceError
            If the record cannot be written.
        """
        self._note(run_id, name=plain_name(name))

    def star(self, run_id: str, starred: bool = True) -> None:
        """Have a run come first in lists, or no more; raises as ``rename``."""
        self._note(run_id, starred=starred)

    def _note(self, run_id: str, **changes: str | bool) -> None:
        with self._lock:
            run, job = self._kept(run_id), self._jobs.get(run_id)
            if job is None:
                self.workspace.save_run(run.with_(**changes))
            else:
                job.note(**changes)
        self._tell(Event(run_id, "status"))

    def _kept(self, run_id: str) -> Run:
        """Return the record as it stands of a run that was not deleted."""
        kept = self.workspace.run(run_id)
        job = self._jobs.get(kept.id)
        return kept if job is None else job.run

    # Who hears of changes

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Have every event told to ``callback``, on the runner's threads; return what ends it."""
        with self._lock:
            self._subscribers = (*self._subscribers, callback)

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers = tuple(other for other in self._subscribers if other is not callback)

        return unsubscribe

    def _tell_soon(self, run_id: str) -> None:
        """Tell of a status from another thread: the caller may hold locks that a listener waits for."""
        event = Event(run_id, "status")
        threading.Thread(target=self._tell, args=(event,), name=f"word-of-{run_id}").start()

    def _tell(self, event: Event) -> None:
        for callback in self._subscribers:
            try:
                callback(event)
            except Exception:
                log.exception("A subscriber failed at %s.", event)
