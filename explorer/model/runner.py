"""The queue of runs: stages before the layout in a worker process, layouts in threads of this one.

One thread hands stages to the worker, ``n_layouts`` threads advance layouts. A run passes from the line for
the first to that for the second (see ``lines``); a paused run gives up its thread and keeps its layout. With
Dask ``n_layouts`` threads each follow one run at one of its workers, from its stages to its end.

A run that is queued when the process ends, be it closed or killed, stays queued: ``continue_queue`` goes on
with those, in their order. One that was at work or paused is interrupted: it goes on when it is resumed.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from explorer.model import stages
from explorer.model.dataset import Dataset
from explorer.model.errors import InputError, RunError, WorkspaceError
from explorer.model.estimate import Calibration
from explorer.model.fork import kept_epochs, take
from explorer.model.job import Job, Wish, returned_to_checkpoint
from explorer.model.lines import MOST_LAYOUTS, Lines
from explorer.model.names import plain_name
from explorer.model.progress import Clock, Event, Progress, Snapshot, progress_at_rest
from explorer.model.provenance import provenance
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.sweep import Sweep, new_id
from explorer.model.target import hash_of, target_of
from explorer.model.worker import Worker, WorkerDiedError
from explorer.model.workspace import Workspace

if TYPE_CHECKING:
    from explorer.model.dask_worker import DaskWorker, DaskWorkers

__all__ = ["Event", "Progress", "Runner", "Snapshot"]

RUNS_LEARNT_FROM = 100
MOST_ON_DASK = 64
log = logging.getLogger(__name__)


class Runner:
    """Works through runs and lets them be steered, named, deleted and watched. Safe to use from any thread.

    Parameters
    ----------
    workspace : Workspace
        Where everything is kept; this process becomes its writer.
    n_layouts : int, optional
        Layouts advanced at the same time, 1 to 16; may be changed at any time. By default 1, with Dask as
        many as it has workers, up to 64.
    n_threads : int, optional
        Threads of each layout, by default one a processor. It never changes the result.
    dask : DaskWorkers, optional
        Where runs are computed in place of this machine, to the same bits.

    Raises
    ------
    InputError
        If ``n_layouts`` is none.
    WorkspaceError
        If another process writes to the workspace.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        n_layouts: int | None = None,
        n_threads: int | None = None,
        dask: DaskWorkers | None = None,
    ) -> None:
        workspace.claim()
        self.workspace = workspace
        self._n_threads = n_threads
        self._lock = threading.RLock()
        self._lines = Lines(self._lock, MOST_LAYOUTS if dask is None else MOST_ON_DASK)
        self._jobs: dict[str, Job] = {}
        self._closing = False
        self._subscribers: tuple[Callable[[Event], None], ...] = ()
        self._worker = Worker()
        self._finished: deque[Run] = deque(maxlen=RUNS_LEARNT_FROM)
        self._turns = count(self._take_over())
        self._dask = dask
        self._layout_threads: list[threading.Thread] = []
        if n_layouts is None:
            n_layouts = 1 if dask is None else min(dask.count, MOST_ON_DASK)
        self.n_layouts = n_layouts
        self._worker_threads = [] if dask is not None else [_begun(self._serve_worker)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take_over(self) -> int:
        """Mark what a killed process left, remember the times of what is done; return the first free turn."""
        self.workspace.empty_deleted()
        runs = self.workspace.runs()
        for run in reversed(runs):
            if run.status in (RunStatus.RUNNING, RunStatus.PAUSED):
                left = returned_to_checkpoint(self.workspace, run)
                self.workspace.save_run(left.with_(status=RunStatus.INTERRUPTED))
            elif run.status is RunStatus.DONE:
                self._finished.append(run)
        return 1 + max((run.turn for run in runs), default=0)

    @property
    def n_layouts(self) -> int:
        """Layouts advanced at the same time; with fewer, what is at work already goes on to its end."""
        return self._lines.n_layouts

    @n_layouts.setter
    def n_layouts(self, n_layouts: int) -> None:
        with self._lock:
            self._check_open()
            self._lines.n_layouts = n_layouts
            serve = self._serve_layouts if self._dask is None else self._serve_dask
            while len(self._layout_threads) < n_layouts:
                self._layout_threads.append(_begun(serve))

    @property
    def most_layouts(self) -> int:
        """The most layouts that may be advanced at the same time."""
        return self._lines.most

    def continue_queue(self) -> None:
        """Queue the runs that an earlier process left queued, in their order; one without its data fails."""
        left = [run for run in self.workspace.runs() if run.status is RunStatus.QUEUED]
        for run in sorted(left, key=lambda run: (run.turn, run.created)):
            if run.id in self._jobs:
                continue
            try:
                self._take_on(run, self.workspace.dataset(run.dataset_id), tell=False)
            except (InputError, WorkspaceError) as error:
                self.workspace.save_run(run.with_(status=RunStatus.FAILED, error=str(error)))
        if left:
            self._tell_soon(left[-1].id)

    # Steering

    def start(
        self,
        dataset: Dataset,
        parameters: RunParameters,
        *,
        sweep: str = "",
        start_from: str = "",
        from_epoch: int | None = None,
    ) -> Run:
        """Queue a new run and return its record.

        Parameters
        ----------
        dataset : Dataset
        parameters : RunParameters
        sweep : str, optional
            The id of the sweep it is part of.
        start_from : str, optional
            A run of the same data, or any unique beginning of its id, whose map takes the place of an initial
            layout (see ``fork``). What is taken is copied here: with millions of rows a part of a second.
        from_epoch : int, optional
            The epoch at which to fork it; by default a warm start from its last map.

        Raises
        ------
        InputError
            If the parameters do not fit the data or it has no such target, or there is nothing of that run
            to start from.
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
            turn=next(self._turns),
        )
        if start_from:
            run = self._started_from(self.run(self.workspace.run(start_from).id), from_epoch, run)
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
        self._tell_soon(runs[-1].id)
        return runs

    def _refuse(self, dataset: Dataset, parameters: RunParameters, sweep: str, why: str) -> Run:
        """Keep the record of a run that cannot be begun."""
        run = Run.new(dataset.id, dataset.hash, dataset.n, parameters).with_(
            status=RunStatus.FAILED, error=why, sweep=sweep
        )
        self.workspace.save_run(run)
        return run

    def _started_from(self, source: Run, epoch: int | None, run: Run) -> Run:
        if source.data_hash != run.data_hash:
            raise InputError(f"The run {source.id} is of other data: start from a run of the same data.")
        start, taken = take(self.workspace, source, epoch, run.parameters, run.n_epochs)
        self.workspace.save_start(run.id, taken)
        return run.with_(start=start)

    def kept_epochs(self, run_id: str) -> tuple[int, ...]:
        """Return the epochs of a run that another can start from, ascending; it reads the disk."""
        return kept_epochs(self.workspace, self.run(run_id))

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
                self._lines.withdraw(job)
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
            run = self._kept(run_id)
            if run.status is RunStatus.DONE:
                raise RunError(f"The run {run.id} is done: there is nothing to resume.")
            dataset = self.workspace.dataset(run.dataset_id)
            queued = run.with_(status=RunStatus.QUEUED, error=None, turn=next(self._turns))
            self.workspace.save_run(queued)
            self._take_on(queued, dataset)

    def _go_on(self, job: Job) -> None:
        if job.wish.ending:
            raise RunError(f"The run {job.run.id} is about to stop: resume it when it has.")
        job.wish = Wish.GO
        if job.run.status is not RunStatus.PAUSED:
            return
        if job.busy:
            job.change_status(RunStatus.RUNNING)
        else:
            job.change_status(RunStatus.QUEUED, turn=next(self._turns))
            self._lines.add(job)

    def stop(self, run_id: str) -> None:
        """End a run after the epoch it is in, keeping its map; before the layout, kill the worker at it.

        A worker of Dask is not killed: it is left to end the stage for nobody.

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
        if not job.busy:
            self._lines.withdraw(job)
            job.busy = True
            # Not here: the caller must not wait for the disk.
            threading.Thread(target=job.finish, args=(wish.status,), name=f"end-of-{job.run.id}").start()

    def move_up(self, run_id: str) -> None:
        """Let a run that waits change turns with the one before it; the first stays the first.

        Raises
        ------
        RunError
            If the run does not wait.
        """
        self._lines.move_up(run_id)

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

    def delete(self, run_id: str) -> None:
        """Take a run out of every list, stopping it first; waits for the epoch it is in.

        Raises
        ------
        InputError
            If there is no such run.
        RunError
            If it was resumed meanwhile.
        WorkspaceError
            If the disk refuses.
        """
        with self._lock:
            self._kept(run_id)
            job = self._jobs.get(run_id)
            if job is not None and not job.finished.is_set():
                self._end(job, Wish.STOP)
        if job is not None:
            job.finished.wait()
        with self._lock:
            if self._jobs.get(run_id) is not job:
                raise RunError(f"The run {run_id} was resumed meanwhile: delete it again if it is to go.")
            self.workspace.delete_run(run_id)
        self._tell(Event(run_id, "status"))

    def restore(self, run_id: str) -> None:
        """Bring a deleted run back as it was; a server started since has removed it for good.

        Raises
        ------
        InputError
            If it is gone.
        WorkspaceError
            If the disk refuses.
        """
        self.workspace.restore_run(run_id)
        self._tell(Event(run_id, "status"))

    def _kept(self, run_id: str) -> Run:
        """Return the record as it stands of a run that was not deleted."""
        kept = self.workspace.run(run_id)
        job = self._jobs.get(kept.id)
        return kept if job is None else job.run

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
        with self._lock:
            if self._closing:
                return
            self._closing = True
            waiting = self._lines.close()
            under_way = [job for job in self._jobs.values() if not job.finished.is_set()]
            for job in under_way:
                if job not in waiting:
                    self._end(job, Wish.INTERRUPT)
        for job in waiting:
            job.let_go()
        for job in under_way:
            job.finished.wait()
        for thread in (*self._worker_threads, *self._layout_threads):
            thread.join()
        self._worker.close()

    # Watching

    @property
    def waiting(self) -> tuple[str, ...]:
        """The ids of the runs that wait in the queue, the next one first."""
        return tuple(job.run.id for job in self._lines.in_turn())

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
        return progress_at_rest(self.run(run_id)) if job is None or job.at_rest else job.progress()

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

    # The queues

    def _take_on(self, run: Run, dataset: Dataset, *, tell: bool = True) -> Run:
        own_epochs = run.n_epochs - run.first_epoch
        predicted = self._calibration().predict(dataset.n, dataset.dims, run.parameters, own_epochs)
        if run.start is not None:
            del predicted[stages.INITIAL_LAYOUT]
        job = Job(run, dataset, self.workspace, Clock(predicted), self._lock, self._tell, self._n_threads)
        with self._lock:
            self._check_open()
            self._jobs[run.id] = job
            self._lines.add(job)
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

    def _active(self, run_id: str) -> Job:
        job = self._jobs.get(run_id)
        if job is None or job.finished.is_set():
            raise RunError(f"The run {run_id} is not under way.")
        return job

    # The threads

    def _serve_worker(self) -> None:
        self._start_worker()
        while (job := self._lines.next_for_worker()) is not None:
            self._guarded(job, self._compute_stages)
            if not self._closing:
                # If it was killed, have the next one load its libraries while nobody waits.
                self._start_worker()

    def _start_worker(self) -> None:
        # A run that needs it starts it anyway, and fails with the reason.
        try:
            self._worker.start()
        except OSError:
            log.exception("The process that computes the stages cannot be started.")

    def _compute_stages(self, job: Job) -> None:
        job.begin()
        self._hand_on(job, ready=job.compute_stages(self._worker))

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

    def _serve_layouts(self) -> None:
        while (job := self._lines.next_for_layout()) is not None:
            try:
                self._guarded(job, Job.lay_out)
            finally:
                self._lines.leave_layout()

    def _serve_dask(self) -> None:
        assert self._dask is not None
        while (job := self._lines.next_for_elsewhere()) is not None:
            try:
                with self._dask.worker() as worker:
                    self._guarded(job, partial(self._work_through, worker))
            finally:
                self._lines.leave_elsewhere(job)

    def _work_through(self, worker: DaskWorker, job: Job) -> None:
        job.begin()
        if job.compute_stages(worker, self._lines.wake):
            job.lay_out(worker)
        else:
            self._hand_on(job, ready=False)

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


def _begun(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, name=work.__name__, daemon=True)
    thread.start()
    return thread


def _died(stage: str) -> str:
    return (
        f"The process computing the {stage} ended unexpectedly, most often for want of memory: "
        "resume the run to try again, with fewer rows or neighbours if that does not help."
    )
