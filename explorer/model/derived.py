"""Run statistics in the background: asked for when first looked at, told of when there."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from explorer.model.applied import applied
from explorer.model.categories import MISSING, Categories
from explorer.model.doing import Doing, StoppedError
from explorer.model.errors import InputError, RunError, WorkspaceError
from explorer.model.run import Run
from explorer.model.statistics import CLUSTERED, DISPLACEMENT, STATISTICS, Known, compute, named
from explorer.model.workspace import Workspace

MOST_KEPT = 8
log = logging.getLogger(__name__)
Key = tuple[object, ...]


class Derived:
    """The statistics of one session's runs. Safe to use from several threads.

    Parameters
    ----------
    workspace : Workspace
        Where they are kept.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: OrderedDict[Key, Known] = OrderedDict()
        self._doing: OrderedDict[Key, Doing] = OrderedDict()
        self._faults: dict[Key, str] = {}
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="statistics")
        self._closed = False
        self._on_change: Callable[[], None] = lambda: None

    @property
    def on_change(self) -> Callable[[], None]:
        """Called on any thread when a statistic was begun, is there or came to nothing.

        What was so before it is set is told at once: a page that is being made may ask before it listens.
        """
        return self._on_change

    @on_change.setter
    def on_change(self, callback: Callable[[], None]) -> None:
        self._on_change = callback
        if self._known or self._doing or self._faults:
            callback()

    @property
    def doing(self) -> Doing | None:
        """What is being computed, None for nothing."""
        return next((one for one in self._doing.copy().values() if not one.stopped), None)

    def known(self, name: str, run: Run | None, runs: tuple[Run, ...]) -> Known | None:
        """Return a statistic of a run, or None and have it computed; there is none yet while it lacks a run.

        Parameters
        ----------
        name : str
            One of `STATISTICS`.
        run : Run or None
        runs : tuple of Run
            Those that it is compared with.
        """
        if run is None or _lacks(name, run, runs):
            return None
        key = _key(self._workspace, name, run, runs)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
            if key in self._doing or key in self._faults or self._closed:
                return None
            doing = self._doing[key] = Doing(STATISTICS[name].work)
        self._thread.submit(self._compute, doing, key, name, run, runs)
        self.on_change()
        return None

    def state(self, name: str, run: Run | None, runs: tuple[Run, ...]) -> str:
        """Why there is no such statistic yet, in one sentence; empty when it is there."""
        if run is None:
            return "Start a run first: this is told of its map."
        if lacking := _lacks(name, run, runs):
            return lacking
        key = _key(self._workspace, name, run, runs)
        doing = self._doing.get(key)
        return self._faults.get(key) or ("" if doing is None else f"{doing.what}…")

    def forget_fault(self, name: str) -> None:
        """Have a statistic that came to nothing computed again when it is asked for next."""
        with self._lock:
            self._faults = {key: why for key, why in self._faults.items() if key[0] != name}

    def stop(self) -> None:
        """End what is being computed or waits to be; it begins anew when it is asked for again."""
        for doing in self._doing.copy().values():
            doing.stop()

    def close(self) -> None:
        """End what is being computed; nobody looks any more."""
        self._closed = True
        self.stop()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def wait(self) -> None:
        """Return when all that was asked for so far is there."""
        self._thread.submit(lambda: None).result()

    def _compute(self, doing: Doing, key: Key, name: str, run: Run, runs: tuple[Run, ...]) -> None:
        try:
            if doing.stopped:
                raise StoppedError
            known = named(self._workspace, run, name, compute(name, self._workspace, run, runs, doing))
            with self._lock:
                self._known[key] = known
                while len(self._known) > MOST_KEPT:
                    self._known.popitem(last=False)
        except StoppedError:
            pass
        except (InputError, RunError, WorkspaceError) as error:
            self._faults[key] = str(error)
        except Exception:
            log.exception("The %s of run %s failed", STATISTICS[name].label, run.id)
            what = STATISTICS[name].label
            self._faults[key] = f"The {what} could not be computed: explorer.log in the workspace says why."
        finally:
            with self._lock:
                self._doing.pop(key, None)
        if not self._closed:
            self.on_change()


def pending(n: int) -> Categories:
    """Return categories of n rows that hold nothing yet."""
    return Categories(np.full(n, MISSING, np.int32), (), np.zeros(0, np.int64))


def _lacks(name: str, run: Run, runs: tuple[Run, ...]) -> str:
    """What must be there before a statistic can be computed, in one sentence; empty for nothing."""
    if name == DISPLACEMENT and not runs:
        return "There is no second map to compare with: put one beside this."
    if run.status.active or (name == DISPLACEMENT and runs[0].status.active):
        return "This is computed once the run is done or stopped."
    return ""


def _key(workspace: Workspace, name: str, run: Run, runs: tuple[Run, ...]) -> Key:
    if name in CLUSTERED:
        now = applied(workspace, run)
        return (name, run.id, run.epoch, None if now is None else (now.key, now.names))
    # How stable a run is changes with those it is compared with, what it differs in with the one beside.
    return (name, *((one.id, one.epoch) for one in (run, *runs)))
