"""The measures of the runs on the wall: told by their records, or computed one after another by a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from explorer.model.run import Run, RunStatus
from explorer.model.scores import score
from explorer.model.session import Session
from explorer.model.wall import MEASURES, STABILITY, told
from explorer.views.aside import Aside
from explorer.views.wall_state import Scored


class WallScores:
    """What is known of each measure.

    Parameters
    ----------
    session : Session
        Whose runs they are.
    on_change : callable
        Called in a turn of the page when a value has come.
    """

    def __init__(self, session: Session, on_change: Callable[[], None]) -> None:
        self._session, self._on_change = session, on_change
        self._aside, self._busy = Aside(long=True), False
        self._known: dict[tuple[str, str, object], float | str] = {}
        self._done: tuple[tuple[str, int], ...] = ()
        self._era = 0

    def of(self, name: str, runs: Iterable[Run]) -> Scored:
        """What is known of a measure of some runs, and which have theirs still to come."""
        era = self._now(name)
        values: dict[str, float] = {}
        faults: dict[str, str] = {}
        waiting: set[str] = set()
        for run in runs:
            found = self._found(name, run, era)
            if isinstance(found, str):
                faults[run.id] = found
            elif found is not None:
                values[run.id] = found
            elif _is_to_come(name, run):
                waiting.add(run.id)
        return Scored(values, faults, frozenset(waiting))

    def want(self, names: Iterable[str], runs: Iterable[Run]) -> None:
        """Have what is missing of some measures computed, in the order of the runs; one at a time."""
        if self._busy:
            return  # whoever hears of the value wants the next
        for name in names:
            era = self._now(name) if MEASURES[name].slow and self._may(name) else None
            missing = (run for run in runs if era is not None and _has_map(run))
            run = next((run for run in missing if self._found(name, run, era) is None), None)
            if run is not None:
                self._compute(name, run, era)
                return

    def _compute(self, name: str, run: Run, era: object) -> None:
        self._busy = True
        workspace, everything = self._session.workspace, self._session.runs

        def take(value: float | str) -> None:
            self._busy = False
            self._known[name, run.id, (era, run.epoch)] = value
            self._on_change()

        self._aside.ask(lambda: score(name, workspace, run, everything), take, take)

    def _may(self, name: str) -> bool:
        # How stable runs are changes with each that is done: it is computed once they are.
        moving = (RunStatus.QUEUED, RunStatus.RUNNING)
        return name != STABILITY or all(run.status not in moving for run in self._session.runs)

    def _found(self, name: str, run: Run, era: object) -> float | str | None:
        if MEASURES[name].slow:
            return self._known.get((name, run.id, (era, run.epoch)))
        return told(name, run)

    def _now(self, name: str) -> int:
        """A number that changes when a measure of all runs may have changed."""
        if name != STABILITY:
            return 0
        done = tuple((run.id, run.epoch) for run in self._session.runs if run.status is RunStatus.DONE)
        self._era += done != self._done
        self._done = done
        return self._era


def _is_to_come(name: str, run: Run) -> bool:
    # What is told by its record a run has when it comes to rest, or never.
    if not MEASURES[name].slow:
        return run.status.active
    return _has_map(run) or (run.status.active and run.parameters.n_components == 2)


def _has_map(run: Run) -> bool:
    at_rest = not run.status.active and run.status is not RunStatus.FAILED
    return at_rest and bool(run.epoch) and run.parameters.n_components == 2
