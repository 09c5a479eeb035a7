"""Work beside the page's own thread, which must never wait."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import panel as pn

from explorer.views.telling import EXPECTED, tell
from explorer.views.turns import soon

T = TypeVar("T")
UNEXPECTED = "That did not work out: explorer.log in the workspace's folder says why."
_log = logging.getLogger(__name__)
_workers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="aside")
# What takes minutes must not hold up what a page waits for.
_patient_workers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="aside-long")

Begin = Callable[[Callable[[], object]], object]
Request = tuple[int, Callable[[], Any], Callable[[Any], None], Callable[[str], None]]


def at_once(act: Callable[[], object]) -> None:
    """Wait for nothing."""
    act()


class Aside:
    """Does one thing after another on a worker's thread and brings each result back to the page.

    Without a page, as in a notebook's cell, all is done at once.

    Parameters
    ----------
    every : bool, default False
        Do everything that is asked for. By default what is asked for while another is being done replaces
        what was waiting: a slider that moves faster than its outlines are found leaves no queue behind.
    long : bool, default False
        Whether the work may take minutes.
    begin : callable, optional
        Takes what sets a worker going, to call it when others have gone before; by default it goes at once.
    """

    def __init__(self, every: bool = False, long: bool = False, begin: Begin | None = None) -> None:
        self._begin = begin or at_once
        self._workers = _patient_workers if long else _workers
        self._doc, self._every = pn.state.curdoc, every
        self._lock = threading.Lock()
        self._busy, self._era = False, 0
        self._waiting: deque[Request] = deque()

    def ask(
        self, work: Callable[[], T], then: Callable[[T], None], fail: Callable[[str], None] = tell
    ) -> None:
        """Do work, then hand its result to `then` on the page's thread.

        Parameters
        ----------
        work : callable
            Called on a worker's thread; it must not touch the page.
        then : callable
            Takes the result.
        fail : callable, optional
            Takes one sentence when the work came to nothing; by default a notification.
        """
        request = (self._era, work, then, fail)
        if self._doc is None:
            self._done(request)()
            return
        with self._lock:
            if not self._every:
                self._waiting.clear()
            self._waiting.append(request)
            if self._busy:
                return
            self._busy = True
        self._begin(partial(self._workers.submit, self._work))

    def ask_instead(
        self, work: Callable[[], T], then: Callable[[T], None], fail: Callable[[str], None] = tell
    ) -> None:
        """Do work in place of whatever was asked for before, whose result would be out of date: see `ask`."""
        self.forget()
        self.ask(work, then, fail)

    def forget(self) -> None:
        """Whatever is waiting or being done no longer counts."""
        with self._lock:
            self._era += 1
            self._waiting.clear()

    def _work(self) -> None:
        while True:
            with self._lock:
                self._busy = bool(self._waiting)
                if not self._busy:
                    return
                request = self._waiting.popleft()
            try:
                soon(self._doc, self._done(request))
            except AttributeError:  # the document lost its session
                return

    def _done(self, request: Request) -> Callable[[], None]:
        """Do the work, and return what the page's thread has to do with what came of it."""
        era, work, then, fail = request
        outcome: Callable[[Any], None] = fail
        told: Any
        try:
            told, outcome = work(), then
        except EXPECTED as error:
            told = str(error)
        except Exception:
            _log.exception("What a page asked for could not be done")
            told = UNEXPECTED

        def finish() -> None:
            if era != self._era:
                return
            try:
                outcome(told)
            except EXPECTED as error:
                fail(str(error))

        return finish
