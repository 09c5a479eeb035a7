"""What one run has written while it works: by a thread of its own, in order, and never too much at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MOST_WAITING = 4
"""Arrays that may wait to be written: each is a map in memory."""


class Writes:
    """Tasks done one after the other on a thread. Safe to use from any thread.

    Parameters
    ----------
    name : str
        What the thread is for.

    Attributes
    ----------
    failure : Exception or None
        What the first task that failed raised; those after it are done all the same.
    """

    def __init__(self, name: str) -> None:
        self.failure: Exception | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._room = threading.Semaphore(MOST_WAITING)

    def submit(self, write: Callable[..., None], *arguments: Any) -> None:
        """Have something done soon."""

        def task() -> None:
            try:
                write(*arguments)
            except Exception as error:
                self.failure = self.failure or error

        self._thread.submit(task)

    def submit_arrays(self, write: Callable[..., None], *arguments: Any) -> None:
        """Have arrays written soon; wait first if many are waiting already."""
        self._room.acquire()
        self.submit(write, *arguments)
        self._thread.submit(self._room.release)

    def flush(self) -> None:
        """Wait until all that was to be done is done, or has failed."""
        self._thread.submit(lambda: None).result()

    def close(self) -> None:
        """End the thread, once all is done."""
        self._thread.shutdown()
