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

    @property
    def ending(self) -> bool:
        """Whether the run is to come to rest for good."""
        return self in (Wish.STOP, Wish.INTERRUPT)

    @property
    def status(self) -> RunStatus:
        """What the run is once its end is granted."""
        return RunStatus.STOPPED if self is Wish.STOP else RunStatus.INTERRUPTED
