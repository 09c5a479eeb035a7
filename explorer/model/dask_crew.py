"""The threads that each follow one run at a worker of Dask, from its stages to its end."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from explorer.model.crew import Crew
from explorer.model.job import Job
from explorer.model.lines import Lines
from explorer.model.workspace import Workspace

if TYPE_CHECKING:
    from explorer.model.dask_worker import DaskWorker, DaskWorkers

MOST_ON_DASK = 64
"""Runs at work at the same time."""


class DaskCrew(Crew):
    """The threads that work at runs by the workers of a Dask cluster.

    Parameters
    ----------
    workspace, lines, lock
        See `Crew`.
    workers : DaskWorkers
    """

    def __init__(
        self, workspace: Workspace, lines: Lines, lock: threading.RLock, workers: DaskWorkers
    ) -> None:
        super().__init__(workspace, lines, lock)
        self._workers = workers

    def _serve_layouts(self) -> None:
        while (job := self._lines.next_for_elsewhere()) is not None:
            try:
                with self._workers.worker() as worker:
                    self._guarded(job, partial(self._work_through, worker))
            finally:
                self._lines.leave_elsewhere(job)

    def _work_through(self, worker: DaskWorker, job: Job) -> None:
        job.begin()
        if job.compute_stages(worker, self._lines.wake):
            job.lay_out(worker)
        else:
            self._hand_on(job, ready=False)
