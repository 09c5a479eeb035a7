"""Work that somebody waits for: what it is, how far it is, how long it will take, and the wish to end it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise

from core.progress import part

LEAST_SHARE = 0.02

TURN_SECONDS = 0.1
_turn = threading.Lock()


@contextmanager
def in_turn(progress: Callable[[float], None]) -> Iterator[None]:
    """Hold a lock while something is made that the workspace then keeps: who wants the same finds it there.

    Parameters
    ----------
    progress : callable
        Called with 0 while others are at work; what it raises ends the wait.
    """
    while not _turn.acquire(timeout=TURN_SECONDS):
        progress(0.0)
    try:
        yield
    finally:
        _turn.release()


class StoppedError(Exception):
    """Nobody waits for the result any more."""


class Doing:
    """Work under way on another thread, which tells the share that is done by calling this.

    Parameters
    ----------
    what : str
        Such as "computing distortion".

    Attributes
    ----------
    share : float
        The share done, 0 to 1; it never falls. 0 all along when nobody can tell.
    stopped : bool
        Whether the work is to end.
    """

    def __init__(self, what: str) -> None:
        self.what, self.share, self.stopped = what, 0.0, False
        self._began: float | None = None
        self._elapsed = 0.0

    def __call__(self, share: float) -> None:
        """Take notice of the share done; raises StoppedError, which ends the work, if that is wished."""
        if self.stopped:
            raise StoppedError
        now = time.monotonic()
        # From the first share: work may have waited for its turn before.
        self._began = now if self._began is None or not share else self._began
        self._elapsed, self.share = now - self._began, max(self.share, share)

    def stop(self) -> None:
        """Have the work end the next time it tells its share."""
        self.stopped = True

    @property
    def remaining(self) -> float | None:
        """Expected seconds to come if it goes on as fast; None while there is too little to tell by."""
        share = self.share
        return None if share < LEAST_SHARE else self._elapsed * (1 - share) / share


def in_parts(
    progress: Callable[[float], None], seconds: Sequence[float]
) -> Callable[[], Callable[[float], None]]:
    """What begins the next part of the work, tells so, and returns what tells the share done of that part.

    Parameters
    ----------
    progress : callable
        Called with the share done of all.
    seconds : sequence of float
        Expected of each part; not all 0.
    """
    ends = [end / sum(seconds) for end in accumulate(seconds, initial=0.0)]
    spans = iter(pairwise(ends))

    def begin() -> Callable[[float], None]:
        start, end = next(spans)
        progress(start)
        return part(progress, start, end)

    return begin
