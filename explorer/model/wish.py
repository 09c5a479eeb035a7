"""What is wanted of a run under way, which grants it between two epochs."""

from __future__ import annotations

from enum import Enum, auto

from explorer.model.run import RunStatus


class Wish(Enum):
    """What is wanted of a run."""

    GO = auto()
    PAUSE = auto()
    STOP = auto()
    INTERRUPT = auto()
    PUT_OFF = auto()
    """To wait in the queue once more, for the next process."""

    @property
    def ending(self) -> bool:
        """Whether the run is to come to rest, here for good."""
        return self in ENDS

    @property
    def status(self) -> RunStatus:
        """What the run is once its end is granted."""
        return ENDS[self]


ENDS = {
    Wish.STOP: RunStatus.STOPPED,
    Wish.INTERRUPT: RunStatus.INTERRUPTED,
    Wish.PUT_OFF: RunStatus.QUEUED,
}
