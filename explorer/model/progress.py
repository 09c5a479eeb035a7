"""What a runner tells of a run while it works: how far it is, its newest map, that something changed."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from explorer.model.estimate import MOST_BEFORE_DONE, share
from explorer.model.run import Run, RunStatus
from explorer.model.stages import LAYOUT

QUEUED, DONE = "queued", "done"


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    stage : str
        "queued", the name of a stage (see ``stages``) or "done".
    fraction, stage_fraction : float
        Of the whole run's expected time and of the stage's, 0 to 1. The first never falls, and is 1 only
        when the run is done.
    remaining : float or None
        Expected seconds of work to come; None when the run is at rest.
    epochs_per_second : float or None
        Of the layout, since it last began to move.
    wish : {"", "pause", "stop"}
        What was asked of the run and is not granted yet: an epoch is not broken off.
    elapsed : float
        Seconds of work so far, in all stages.
    cost : float or None
        The last estimate of the cross-entropy per edge.
    """

    run_id: str
    status: RunStatus
    stage: str
    fraction: float
    stage_fraction: float
    epoch: int
    n_epochs: int
    remaining: float | None = None
    epochs_per_second: float | None = None
    wish: Literal["", "pause", "stop"] = ""
    elapsed: float = 0.0
    cost: float | None = None


@dataclass(frozen=True)
class Snapshot:
    """The map of a run at one moment.

    Attributes
    ----------
    embedding : float32 (n, n_components)
        Read-only.
    final : bool
        Whether the run will move no more by itself, and this is where it came to rest.
    past : bool
        Whether it is a moment of a run at rest, from its history.
    """

    run_id: str
    epoch: int
    embedding: np.ndarray
    final: bool
    past: bool = False


@dataclass(frozen=True)
class Event:
    """That something about a run changed; ask the runner what."""

    run_id: str
    kind: Literal["progress", "snapshot", "status"]


class Clock:
    """Where a run spends its time, and how much more it is expected to need.

    Parameters
    ----------
    predicted : mapping
        Expected seconds by stage, in the order of the stages.
    """

    def __init__(self, predicted: Mapping[str, float]) -> None:
        self._predicted = dict(predicted)
        self._stage = QUEUED
        self._since: float | None = None
        self._moving_since = 0.0
        self._epoch_then = 0
        self._furthest = 0.0

    @property
    def stage(self) -> str:
        """Where the run is, or was last."""
        return self._stage

    def enter(self, stage: str) -> None:
        """Begin to spend time in a stage."""
        self._stage, self._since = stage, time.monotonic()
        self._moving_since, self._epoch_then = math.inf, 0

    def begin_epochs(self, epoch: int) -> None:
        """Begin to count epochs, ``epoch`` of them being done already."""
        self._moving_since, self._epoch_then = time.monotonic(), epoch

    def leave(self) -> float:
        """Stop spending time and return the seconds spent."""
        spent = self._here()
        self._since = None
        return spent

    def _here(self) -> float:
        return 0.0 if self._since is None else time.monotonic() - self._since

    def progress(self, run: Run) -> Progress:
        """Return how far the run is now."""
        here = self._here()
        rate = self._epochs_per_second(run)
        stage_share = self._stage_share(run, here)
        done = run.status is RunStatus.DONE
        self._furthest = max(self._furthest, self._whole(stage_share))
        return Progress(
            run_id=run.id,
            status=run.status,
            stage=DONE if done else self._stage,
            fraction=1.0 if done else self._furthest,
            stage_fraction=1.0 if done else stage_share,
            epoch=run.epoch,
            n_epochs=run.n_epochs,
            remaining=self._remaining(run, stage_share, here, rate) if run.status.active else None,
            epochs_per_second=rate,
            elapsed=run.total_seconds + here,
            cost=run.cost,
        )

    def _epochs_per_second(self, run: Run) -> float | None:
        fresh, time_taken = run.epoch - self._epoch_then, time.monotonic() - self._moving_since
        moving = self._since is not None and self._stage == LAYOUT
        return fresh / time_taken if moving and fresh > 0 and time_taken > 0 else None

    def _stage_share(self, run: Run, here: float) -> float:
        if self._stage == LAYOUT:
            return run.epoch / max(run.n_epochs, 1)
        if self._stage not in self._predicted:
            return 0.0
        return share(run.seconds.get(self._stage, 0.0) + here, self._predicted[self._stage])

    def _whole(self, stage_share: float) -> float:
        names = list(self._predicted)
        if self._stage not in names:
            return 0.0
        before = sum(self._predicted[name] for name in names[: names.index(self._stage)])
        whole = (before + stage_share * self._predicted[self._stage]) / sum(self._predicted.values())
        return min(whole, MOST_BEFORE_DONE)

    def _remaining(self, run: Run, stage_share: float, here: float, rate: float | None) -> float:
        if rate:
            return (run.n_epochs - run.epoch) / rate
        names = list(self._predicted)
        place = names.index(self._stage) if self._stage in names else 0
        later = sum(self._predicted[name] for name in names[place + 1 :])
        # A stage that outlasts its prediction is likely to need some more.
        return max((1 - stage_share) * self._predicted[names[place]], here / 10) + later


def progress_at_rest(run: Run) -> Progress:
    """Return the progress of a run that no runner holds."""
    done = run.status is RunStatus.DONE
    behind = 1.0 if done else min(run.epoch / max(run.n_epochs, 1), MOST_BEFORE_DONE)
    return Progress(
        run_id=run.id,
        status=run.status,
        stage=DONE if done else LAYOUT if run.epoch else QUEUED,
        fraction=behind,
        stage_fraction=behind,
        epoch=run.epoch,
        n_epochs=run.n_epochs,
        elapsed=run.total_seconds,
        cost=run.cost,
    )
