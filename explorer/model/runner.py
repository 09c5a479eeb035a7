"""The queue of runs: stages before the layout in a worker process, layouts in threads of this one.

One thread hands stages to the worker, ``n_layouts`` threads advance layouts. A run passes from the first
queue to the second; a paused run gives up its thread and keeps its layout.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

import numpy as np

from explorer.model import stages
from explorer.model.dataset import Dataset
from explorer.model.errors import InputError, RunError, WorkspaceError
from explorer.model.estimate import Calibration
from explorer.model.job import Job, Wish
from explorer.model.progress import Clock, Event, Progress, Snapshot, progress_at_rest
from explorer.model.provenance import provenance
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.sweep import Sweep, new_id
from explorer.model.target import hash_of, target_of
from explorer.model.worker import Worker, WorkerDiedError
from explorer.model.workspace import Workspace

__all__ = ["Event", "Progress", "Runner", "Snapshot"]

RUNS_LEARNT_FROM = 100
log = logging.getLogger(__name__)


class Runner:
    """Works through runs and lets them be paused, resumed, stopped and watched. Safe to use from any thread.

    Parameters
    ----------
    workspace : Workspace
        Where everything is kept; this process becomes its writer.
    n_layouts : int
        Layouts advanced at the same time.
    n_threads : int, optional
        Threads of each layout, by default one a processor. It never changes the result.

    Raises
    ------
    WorkspaceError
        If another process writes to the workspace.
    """

    def __init__(self, workspace: Workspace, *, n_layouts: int = 1, n_threads: int | None = None) -> None:
        workspace.claim()
        self.workspace = workspace
        self._n_threads = n_threads
        self._lock = threading.RLock()
        self._wake = threading.Condition(self._lock)
        self._jobs: dict[str, Job] = {}
        self._for_worker: deque[Job] = deque()
        self._for_layout: deque[Job] = deque()
        self._closing = False
        self._subscribers: tuple[Callable[[Event], None], ...] = ()
        self._worker = Worker()
        self._finished: deque[Run] = deque(maxlen=RUNS_LEARNT_FROM)
        self._take_over()
        targets = [self._serve_worker, *[self._serve_layouts] * n_layouts]
        self._threads = [
            threading.Thread(target=target, name=target.__name__, daemon=True) for target in targets
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take_over(self) -> None:
        """Mark the runs that a killed process left, and remember the others' times."""
        for run in reversed(self.workspace.runs()):
            if run.status.active:
                self.workspace.save_run(run.with_(status=RunStatus.INTERRUPTED))
            elif run.status is RunStatus.DONE:
                self._finished.append(run)

    # Steering

    def start(self, dataset: Dataset, parameters: RunParameters, *, sweep: str = "") -> Run:
        """Queue a new run, of the sweep of this id if there is one, and return its record.

        Raises
        ------
        InputError
            If the parameters do not fit the data, or it has no such target.
        WorkspaceError
            If the record cannot be written.
        """
        parameters.validate(dataset.n, dataset.dims)
        self._check_open()
        target = parameters.target
        run = Run.new(dataset.id, dataset.hash, dataset.n, parameters).with_(
            n_epochs=stages.n_epochs(parameters, dataset.n),
            provenance=provenance(),
            target_hash=hash_of(target_of(dataset.items, target)) if target else "",
            sweep=sweep,
        )
        self.workspace.save_run(run)
        # A run that tells has a thread until it ends, and a sweep tells of all its runs at once.
        return self._take_on(run, dataset, tell=not sweep)

    def start_sweep(self, dataset: Dataset, sweep: Sweep) -> tuple[Run, ...]:
        """Queue the runs of a sweep and return their records, in the order in which they are worked through.

        A run whose parameters do not fit the data has failed from the start, with the reason in its record;
        the others go on.

        Raises
        ------
        InputError
            If it is no sweep, none of its runs fits the data, or that has no such target.
        WorkspaceError
            If a record cannot be written.
        """
        sweep.check_size()
        if sweep.base.target:
            target_of(dataset.items, sweep.base.target)
        name, faults = new_id(), sweep.faults(dataset.n, dataset.dims)
        if all(faults.values()):
            raise InputError(next(iter(faults.values())))
        runs = tuple(
            self._refuse(dataset, parameters, name, why)
            if why
            else self.start(dataset, parameters, sweep=name)
            for parameters, why in faults.items()
        )
        # Not here: the caller may hold locks that a listener waits for.
        threading.Thread(
            target=self._tell, args=(Event(runs[-1].id, "status"),), name=f"start-of-{name}"
        ).start()
        return runs

    def _refuse(self, dataset: Dataset, parameters: RunParameters, sweep: str, why: str) -> Run:
        """Keep the record of a run that cannot be begun."""
        run = Run.new(dataset.id, dataset.hash, dataset.n, parameters).with_(
            status=RunStatus.FAILED, error=why, sweep=sweep
        )
        self.workspace.save_run(run)
        return run

    def pause(self, run_id: str) -> None:
        """Hold a run after the epoch it is in.

        Before the layout the run is paused at once, while the stage it is in goes on to its end and is kept.

        Raises
        ------
        RunError
            If the run is not under way.
        """
        with self._lock:
            job = self._active(run_id)
            if job.wish.ending or job.run.status is RunStatus.PAUSED:
                return
            job.wish = Wish.PAUSE
            if not job.busy or job.layout is None:
                self._withdraw(job)
                job.grant_pause()

    def resume(self, run_id: str) -> None:
        """Let a paused run go on, or continue one at rest from its last checkpoint.

        Raises
        ------
        RunError
            If the run is done or about to stop.
        InputError
            If there is no such run or data set.
        """
        with self._lock:
            job = self._jobs.get(run_id)
            if job is not None and not job.finished.is_set():
                self._go_on(job)
                return
        run = self.run(run_id)
        if run.status is RunStatus.DONE:
            raise RunError(f"The run {run.id} is done: there is nothing to resume.")
        queued = run.with_(status=RunStatus.QUEUED, error=None)
        self.workspace.save_run(queued)
        self._take_on(queued, self.workspace.dataset(run.dataset_id))

    def _go_on(self, job: Job) -> None:
        if job.wish.ending:
            raise RunError(f"The run {job.run.id} is about to stop: resume it when it has.")
        job.wish = Wish.GO
        if job.run.status is RunStatus.PAUSED:
            job.change_status(RunStatus.RUNNING if job.busy else RunStatus.QUEUED)
            if not job.busy:
                self._queue(job)

    def stop(self, run_id: str) -> None:
        """End a run after the epoch it is in, keeping its map; before the layout, kill the worker at it.

        Raises
        ------
        RunError
            If the run is not under way.
        """
        with self._lock:
            self._end(self._active(run_id), Wish.STOP)

    def _end(self, job: Job, wish: Wish) -> None:
        if job.wish.ending:
            return
        job.wish = wish
        if job.busy:
            if job.layout is None and job.stage != stages.LAYOUT:
                self._worker.kill()
            return
        self._withdraw(job)
        job.busy = True
        # Not here: the caller must not wait for the disk.
        threading.Thread(target=job.finish, args=(wish.status,), name=f"end-of-{job.run.id}").start()

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

    def close(self) -> None:
        """Interrupt what is under way, each with a checkpoint, and end the threads and the worker."""
        with self._wake:
            if self._closing:
                return
            self._closing = True
            under_way = [job for job in self._jobs.values() if not job.finished.is_set()]
            for job in under_way:
                self._end(job, Wish.INTERRUPT)
            self._wake.notify_all()
        for job in under_way:
            job.finished.wait()
        for thread in self._threads:
            thread.join()
        self._worker.close()

    # Watching

    def run(self, run_id: str) -> Run:
        """Return the record as it stands, without waiting for the disk."""
        job = self._jobs.get(run_id)
        return self.workspace.run(run_id) if job is None else job.run

    def runs(self, dataset_id: str | None = None) -> list[Run]:
        """Return the workspace's runs, newest first, those of this runner as they stand in memory."""
        kept = self.workspace.runs(dataset_id)
        return [run if (job := self._jobs.get(run.id)) is None else job.run for run in kept]

    def progress(self, run_id: str) -> Progress:
        """Return how far a run is."""
        job = self._jobs.get(run_id)
        return progress_at_rest(self.workspace.run(run_id)) if job is None else job.progress()

    def snapshot(self, run_id: str) -> Snapshot | None:
        """Return the newest map of a run, None before there is one."""
        job = self._jobs.get(run_id)
        if job is not None and job.snapshot is not None:
            return job.snapshot
        run = self.run(run_id)
        kept = self.workspace.embedding(run.id)
        return None if kept is None else Snapshot(run.id, run.epoch, np.asarray(kept), not run.status.active)

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Have every event told to ``callback``, on the runner's threads; return what ends it."""
        with self._lock:
            self._subscribers = (*self._subscribers, callback)

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers = tuple(other for other in self._subscribers if other is not callback)

        return unsubscribe

    def _tell(self, event: Event) -> None:
        for callback in self._subscribers:
            try:
                callback(event)
            except Exception:
                log.exception("A subscriber failed at %s.", event)

    # The queues

    def _take_on(self, run: Run, dataset: Dataset, *, tell: bool = True) -> Run:
        predicted = self._calibration().predict(dataset.n, dataset.dims, run.parameters, run.n_epochs)
        job = Job(run, dataset, self.workspace, Clock(predicted), self._lock, self._tell, self._n_threads)
        with self._lock:
            self._check_open()
            self._jobs[run.id] = job
            self._queue(job)
            if tell:
                job.tell_status_soon()
        return run

    def _check_open(self) -> None:
        if self._closing:
            raise RunError("The runner is closed.")

    def _calibration(self) -> Calibration:
        dims = {info.id: info.dims for info in self.workspace.datasets()}
        finished = [job.run for job in self._jobs.values() if job.run.status is RunStatus.DONE]
        return Calibration.of([*reversed(finished), *reversed(self._finished)], dims)

    def _queue(self, job: Job, *, ready: bool = False) -> None:
        (self._for_layout if ready or job.layout is not None else self._for_worker).append(job)
        self._wake.notify_all()

    def _withdraw(self, job: Job) -> None:
        for line in (self._for_worker, self._for_layout):
            if job in line:
                line.remove(job)

    def _next(self, line: deque[Job]) -> Job | None:
        """Wait for a run in a queue and take it; None when the runner closes."""
        with self._wake:
            while not line and not self._closing:
                self._wake.wait()
            if not line:
                return None
            job = line.popleft()
            job.busy = True
            return job

    def _active(self, run_id: str) -> Job:
        job = self._jobs.get(run_id)
        if job is None or job.finished.is_set():
            raise RunError(f"The run {run_id} is not under way.")
        return job

    # The threads

    def _serve_worker(self) -> None:
        self._worker.start()
        while (job := self._next(self._for_worker)) is not None:
            self._guarded(job, self._compute_stages)
            if not self._closing:
                # If it was killed, have the next one load its libraries while nobody waits.
                self._worker.start()

    def _compute_stages(self, job: Job) -> None:
        job.change_status(RunStatus.RUNNING)
        ready = job.compute_stages(self._worker)
        with self._lock:
            if not job.wish.ending:
                job.busy = False
                job.grant_pause()
                if job.wish is Wish.GO:
                    self._queue(job, ready=ready)
                return
        job.finish(job.wish.status)

    def _serve_layouts(self) -> None:
        while (job := self._next(self._for_layout)) is not None:
            self._guarded(job, Job.lay_out)

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
            self.workspace.append_log(job.run.id, details)
        except WorkspaceError:
            log.exception("The details of run %s could not be kept:\n%s", job.run.id, details)
        job.finish(RunStatus.FAILED, sentence)


def _died(stage: str) -> str:
    return (
        f"The process computing the {stage} ended unexpectedly, most often for want of memory: "
        "resume the run to try again, with fewer rows or neighbours if that does not help."
    )
