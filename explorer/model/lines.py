"""In which order runs are worked at: a line for the worker, one for the layouts, a turn for each run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from explorer.model.errors import InputError, RunError
from explorer.model.job import Job

MOST_LAYOUTS = 16
"""At the same time, in this process."""


class Lines:
    """Runs that wait, of which the one with the lowest turn is the next.

    A run that is moved up before its stages are computed lets one that is ready pass: nothing stands idle.

    Parameters
    ----------
    lock : threading.RLock
        The runner's.
    most : int
        Layouts that may ever be at work at the same time.
    """

    def __init__(self, lock: threading.RLock, most: int = MOST_LAYOUTS) -> None:
        self._wake = threading.Condition(lock)
        self.most = most
        self._for_worker: list[Job] = []
        self._for_layout: list[Job] = []
        self._elsewhere: list[Job] = []
        self._n_layouts, self._layouts_at_work = 1, 0
        self._closed = False

    @property
    def n_layouts(self) -> int:
        """Layouts that may be at work at the same time; with fewer, what is at work goes on."""
        return self._n_layouts

    @n_layouts.setter
    def n_layouts(self, n_layouts: int) -> None:
        if not 1 <= n_layouts <= self.most:
            raise InputError(f"{n_layouts} layouts at once cannot be: choose 1 to {self.most}.")
        with self._wake:
            self._n_layouts = n_layouts
            self._wake.notify_all()

    def add(self, job: Job, *, ready: bool = False) -> None:
        """Let a run wait: for a layout if it is ready for one or has one, else for the worker."""
        with self._wake:
            (self._for_layout if ready or job.layout is not None else self._for_worker).append(job)
            self._wake.notify_all()

    def withdraw(self, job: Job) -> None:
        """Let a run wait no more."""
        with self._wake:
            for line in (self._for_worker, self._for_layout):
                if job in line:
                    line.remove(job)

    def next_for_worker(self) -> Job | None:
        """Wait for a run that needs stages and take it; None once the lines are closed."""
        return self._next(lambda: self._for_worker)

    def next_for_layout(self) -> Job | None:
        """Wait for a ready run and for room for its layout, and take it; None once the lines are closed."""
        with self._wake:
            job = self._next(lambda: self._for_layout if self._has_room else ())
            self._layouts_at_work += job is not None
            return job

    def leave_layout(self) -> None:
        """A run taken by ``next_for_layout`` is not at work any more."""
        with self._wake:
            self._layouts_at_work -= 1
            self._wake.notify_all()

    def next_for_elsewhere(self) -> Job | None:
        """Wait for room and for a run to work at from its stages to its end, and take it.

        Of runs that share a stage, the others wait until the first has it: ``ahead`` tells what a run has yet
        to compute or find. None once the lines are closed.
        """
        with self._wake:
            job = self._next(self._free)
            if job is not None:
                self._elsewhere.append(job)
                self._layouts_at_work += 1
            return job

    def leave_elsewhere(self, job: Job) -> None:
        """A run taken by ``next_for_elsewhere`` is not at work any more."""
        with self._wake:
            self._elsewhere.remove(job)
            self.leave_layout()

    def wake(self) -> None:
        """What one waits for may have come about."""
        with self._wake:
            self._wake.notify_all()

    @property
    def _has_room(self) -> bool:
        return self._layouts_at_work < self._n_layouts

    def _free(self) -> Sequence[Job]:
        if not self._has_room:
            return ()
        ahead = set[str]().union(*(job.ahead for job in self._elsewhere))
        return [job for job in (*self._for_worker, *self._for_layout) if job.ahead.isdisjoint(ahead)]

    def _next(self, waiting: Callable[[], Sequence[Job]]) -> Job | None:
        with self._wake:
            self._wake.wait_for(lambda: self._closed or waiting())
            if self._closed:
                return None
            job = min(waiting(), key=lambda job: job.run.turn)
            self.withdraw(job)
            job.busy = True
            return job

    def in_turn(self) -> list[Job]:
        """Return all that wait, the next one first."""
        with self._wake:
            return sorted([*self._for_layout, *self._for_worker], key=lambda job: job.run.turn)

    def move_up(self, run_id: str) -> None:
        """Let a run change turns with the one before it; raises RunError if it does not wait."""
        with self._wake:
            waiting = self.in_turn()
            place = next((place for place, job in enumerate(waiting) if job.run.id == run_id), None)
            if place is None:
                raise RunError(f"The run {run_id} does not wait in the queue.")
            if place:
                before, job = waiting[place - 1 : place + 1]
                earlier, later = before.run.turn, job.run.turn
                job.note(turn=earlier)
                before.note(turn=later)
                job.tell_status_soon()

    @property
    def closed(self) -> bool:
        """Whether no run is handed out any more."""
        return self._closed

    def close(self) -> list[Job]:
        """Hand out no run any more; return those that waited."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
            return self.in_turn()
