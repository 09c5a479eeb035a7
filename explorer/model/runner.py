"""The queue of runs, and how they are steered.

The threads of a crew work at the runs, here (see ``crew``) or by the workers of a Dask cluster (see
``dask_crew``); the lines tell whose turn it is (see ``lines``), the records how each run stands (see
``records``).

A run that is queued when the process ends, be it closed or killed, stays queued: ``continue_queue`` goes on
with those, in their order. One that was paused is interrupted, and so is one that was at work, unless it was
put off when the runner was closed: it goes on when it is resumed.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Self

from explorer.model import stages
from explorer.model.crew import Crew, CrewHere
from explorer.model.dask_crew import MOST_ON_DASK, DaskCrew
from explorer.model.dataset import Dataset
from explorer.model.errors import InputError, RunError, WorkspaceError
from explorer.model.estimate import Calibration
from explorer.model.fork import take
from explorer.model.job import Job
from explorer.model.lines import MOST_LAYOUTS, Lines
from explorer.model.progress import Clock, Event, Progress, Snapshot
from explorer.model.provenance import provenance
from explorer.model.records import Records
from explorer.model.recovery import take_over
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.sweep import Sweep, new_id
from explorer.model.target import hash_of, target_of
from explorer.model.wish import Wish
from explorer.model.workspace import Workspace

if TYPE_CHECKING:
    from explorer.model.dask_worker import DaskWorkers

__all__ = ["Event", "Progress", "Runner", "Snapshot"]

RUNS_LEARNT_FROM = 100


class Runner(Records):
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
        super().__init__(workspace)
        self._n_threads, self._closing = n_threads, False
        runs = take_over(workspace)
        self._turns = count(1 + max((run.turn for run in runs), default=0))
        self._finished = [run for run in runs if run.status is RunStatus.DONE][:RUNS_LEARNT_FROM]
        self._lines = Lines(self._lock, MOST_LAYOUTS if dask is None else MOST_ON_DASK)
        self._crew: Crew
        if dask is None:
            self._crew = CrewHere(workspace, self._lines, self._lock)
            self.n_layouts = 1 if n_layouts is None else n_layouts
        else:
            self._crew = DaskCrew(workspace, self._lines, self._lock, dask)
            self.n_layouts = min(dask.count, MOST_ON_DASK) if n_layouts is None else n_layouts

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def n_layouts(self) -> int:
        """Layouts advanced at the same time; with fewer, what is at work already goes on to its end."""
        return self._lines.n_layouts

    @n_layouts.setter
    def n_layouts(self, n_layouts: int) -> None:
        with self._lock:
            self._check_open()
            self._lines.n_layouts = n_layouts
            self._crew.grow(n_layouts)

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
            If a record cannot be written; none of its runs is left then.
        """
        sweep.check_size()
        if sweep.base.target:
            target_of(dataset.items, sweep.base.target)
        name, faults = new_id(), sweep.faults(dataset.n, dataset.dims)
        if all(faults.values()):
            raise InputError(next(iter(faults.values())))
        runs: list[Run] = []
        try:
            for parameters, why in faults.items():
                one = (
                    self._refuse(dataset, parameters, name, why)
                    if why
                    else self.start(dataset, parameters, sweep=name)
                )
                runs.append(one)
        except (WorkspaceError, RunError):
            for run in runs:
                with suppress(InputError, RunError, WorkspaceError):
                    self.delete(run.id)
            raise
        self._tell_soon(runs[-1].id)
        return tuple(runs)

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
            If there is no such run or data set, or its parameters do not fit the data, as of a run that a
            sweep left out.
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
            run.parameters.validate(dataset.n, dataset.dims)
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

    def close(self, *, put_off: bool = False) -> None:
        """Interrupt what is under way, each with a checkpoint, and end the threads and the worker.

        Parameters
        ----------
        put_off : bool, default False
            Queue it again instead, in its turn, for ``continue_queue`` to go on with; not what was paused.
            ``wait`` returns such a run as it is queued.
        """
        with self._lock:
            if self._closing:
                return
            self._closing = True
            waiting = self._lines.close()
            under_way = [job for job in self._jobs.values() if not job.finished.is_set()]
            for job in under_way:
                if job not in waiting:
                    rests = job.wish is Wish.PAUSE
                    self._end(job, Wish.PUT_OFF if put_off and not rests else Wish.INTERRUPT)
        for job in waiting:
            job.let_go()
        for job in under_way:
            job.finished.wait()
        self._crew.close()

    # The queue

    @property
    def waiting(self) -> tuple[str, ...]:
        """The ids of the runs that wait in the queue, the next one first."""
        return tuple(job.run.id for job in self._lines.in_turn())

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
        # A list at once: another thread may begin a run meanwhile.
        here = [job.run for job in list(self._jobs.values())]
        return Calibration.learnt(self.workspace, [*reversed(here), *self._finished])

    def _active(self, run_id: str) -> Job:
        job = self._jobs.get(run_id)
        if job is None or job.finished.is_set():
            raise RunError(f"The run {run_id} is not under way.")
        return job
