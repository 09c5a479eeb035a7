"""The threads that work at runs: one hands stages to the worker process, the others advance layouts.

A run passes from the line for the first to that for the others (see ``lines``); a paused run gives up its
thread and keeps its layout.
"""

from __future__ import annotations

import logging
import threading
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable

from explorer.model.errors import InputError, RunError, WorkspaceError
from explorer.model.job import Job
from explorer.model.lines import Lines
from explorer.model.run import RunStatus
from explorer.model.wish import Wish
from explorer.model.worker import Worker, WorkerDiedError
from explorer.model.workspace import Workspace

log = logging.getLogger(__name__)


class Crew(ABC):
    """Threads that take runs from the lines and work at them, until the lines are closed.

    Parameters
    ----------
    workspace : Workspace
        Keeps the details of what goes wrong.
    lines : Lines
    lock : threading.RLock
        The runner's.
    """

    def __init__(self, workspace: Workspace, lines: Lines, lock: threading.RLock) -> None:
        self._workspace, self._lines, self._lock = workspace, lines, lock
        self._at_layouts: list[threading.Thread] = []

    def grow(self, n_layouts: int) -> None:
        """Have threads for so many layouts at the same time, unless there are as many or more."""
        while len(self._at_layouts) < n_layouts:
            self._at_layouts.append(_begun(self._serve_layouts))

    def close(self) -> None:
        """Wait for the threads to end, once the lines are closed."""
        for thread in self._at_layouts:
            thread.join()

    @abstractmethod
    def _serve_layouts(self) -> None:
        """Work at one run after the other, each on its own."""

    def _hand_on(self, job: Job, *, ready: bool) -> None:
        """Let a run wait for what comes next, or rest if that is wanted."""
        with self._lock:
            if not job.wish.ending:
                job.busy = False
                job.grant_pause()
                if job.wish is Wish.GO:
                    job.change_status(RunStatus.QUEUED)
                    self._lines.add(job, ready=ready)
                return
        job.finish(job.wish.status)

    def _guarded(self, job: Job, work: Callable[[Job], None]) -> None:
        """Do a part of a run; whatever goes wrong ends that run alone, with one sentence."""
        try:
            work(job)
        except WorkerDiedError as error:
            if job.wish.ending:
                job.finish(job.wish.status)
            else:
                self._fail(job, _died(job.stage), str(error))
        except (InputError, RunError, WorkspaceError) as error:
            self._fail(job, str(error), "\n".join([*getattr(error, "__notes__", []), traceback.format_exc()]))
        except MemoryError:
            sentence = (
                f"The {job.stage} needs more memory than there is: close other programs or use fewer rows."
            )
            self._fail(job, sentence, traceback.format_exc())
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            self._fail(
                job,
                f"The {job.stage} failed ({what}): details are in the run's log.txt.",
                traceback.format_exc(),
            )

    def _fail(self, job: Job, sentence: str, details: str) -> None:
        log.error("Run %s failed: %s", job.run.id, sentence)
        try:
            self._workspace.append_log(job.run.id, details)
        except WorkspaceError:
            log.exception("The details of run %s could not be kept:\n%s", job.run.id, details)
        job.finish(RunStatus.FAILED, sentence)


class CrewHere(Crew):
    """The threads that work at runs on this machine: stages in a process of their own, layouts in this one.

    Parameters
    ----------
    workspace, lines, lock
        See `Crew`.

    Attributes
    ----------
    worker : Worker
        The process that computes stages.
    """

    def __init__(self, workspace: Workspace, lines: Lines, lock: threading.RLock) -> None:
        super().__init__(workspace, lines, lock)
        self.worker = Worker()
        self._at_stages: threading.Thread | None = None

    def grow(self, n_layouts: int) -> None:
        """Have threads for so many layouts, and the one that hands stages to the worker."""
        super().grow(n_layouts)
        if self._at_stages is None:
            self._at_stages = _begun(self._serve_worker)

    def close(self) -> None:
        """Wait for the threads to end, and end the worker."""
        if self._at_stages is not None:
            self._at_stages.join()
        super().close()
        self.worker.close()

    def _serve_worker(self) -> None:
        self._start_worker()
        while (job := self._lines.next_for_worker()) is not None:
            self._guarded(job, self._compute_stages)
            if not self._lines.closed:
                # If it was killed, have the next one load its libraries while nobody waits.
                self._start_worker()

    def _start_worker(self) -> None:
        # A run that needs it starts it anyway, and fails with the reason.
        try:
            self.worker.start()
        except OSError:
            log.exception("The process that computes the stages cannot be started.")

    def _compute_stages(self, job: Job) -> None:
        job.begin()
        self._hand_on(job, ready=job.compute_stages(self.worker))

    def _serve_layouts(self) -> None:
        while (job := self._lines.next_for_layout()) is not None:
            try:
                self._guarded(job, Job.lay_out)
            finally:
                self._lines.leave_layout()


def _begun(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, name=work.__name__, daemon=True)
    thread.start()
    return thread


def _died(stage: str) -> str:
    return (
        f"The process computing the {stage} ended unexpectedly, most often for want of memory: "
        "resume the run to try again, with fewer rows or neighbours if that does not help."
    )
