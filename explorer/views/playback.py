"""Under the map: where the run stands, pause, resume and stop, how its cost fell, and at rest its history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import param

from explorer.model.run import Run, RunStatus
from explorer.model.runner import Progress
from explorer.model.separation import Separation
from explorer.views.part import Part
from explorer.views.text import duration, share
from explorer.views.theme import script

WISHES = {"pause": "pausing after this epoch", "stop": "stopping…"}


@dataclass(frozen=True)
class Past:
    """What can be seen of the history of a run, and what is.

    Parameters
    ----------
    epochs : tuple of int
        Those to choose from, the last that of the newest map; empty for none.
    epoch : int or None
        The one shown, None for the newest.
    playing : bool
        Whether one after another is shown.
    asked : int
        The number of the last choice from the bar that was done.
    formed : Separation or None
        How far the selection stood apart at each.
    """

    epochs: tuple[int, ...] = ()
    epoch: int | None = None
    playing: bool = False
    asked: int = 0
    formed: Separation | None = None


class Playback(Part):
    """Progress of the run on the map, and its history.

    Parameters
    ----------
    state : dict
        Made by `playback_state`.
    on_message : callable
        Called with {"action"}: "pause", "resume", "stop", "play", "rest", or "epoch" with an "epoch" and a
        "number" that counts these.
    """

    state = param.Dict(default={})

    _esm: ClassVar[str] = script("playback.js")


def playback_state(run: Run | None, progress: Progress | None, past: Past = Past()) -> dict[str, Any]:
    """What the bar under the map shows of a run; empty without one.

    Parameters
    ----------
    run : Run or None
        The record, with the costs so far.
    progress : Progress or None
        Where it stands.
    past : Past
        Its history, which takes the place of its progress when there is more than the newest map.
    """
    if run is None or progress is None:
        return {}
    status = progress.status
    in_layout = progress.stage in ("layout", "done")
    epoch = progress.epoch if past.epoch is None else past.epoch
    return {
        "status": str(status),
        # What has ended before its layout waits for no stage any more.
        "stage": "epoch" if in_layout else progress.stage if status.active else str(status),
        "epoch": epoch if in_layout else 0,
        "n_epochs": progress.n_epochs if in_layout else 0,
        "fraction": _fraction(progress, in_layout),
        "note": _note(run, progress, in_layout),
        "costs": _thinned(list(run.costs), 80),
        "cost": run.costs[epoch - 1] if 0 < epoch <= len(run.costs) else None,
        "past": _history(past),
        "can_pause": status is RunStatus.RUNNING and in_layout and not progress.wish,
        "can_resume": status is RunStatus.PAUSED or not (status.active or status is RunStatus.DONE),
        "can_stop": status.active and progress.wish != "stop",
    }


def _history(past: Past) -> dict[str, Any]:
    if len(past.epochs) < 2:
        return {}
    formed = past.formed
    return {
        "epochs": list(past.epochs),
        "playing": past.playing,
        "asked": past.asked,
        "formed": [] if formed is None else [round(score, 4) for score in formed.scores],
        "since": None if formed is None else formed.since,
    }


def _fraction(progress: Progress, in_layout: bool) -> float:
    if in_layout:
        return progress.epoch / max(progress.n_epochs, 1)
    return progress.stage_fraction


def _note(run: Run, progress: Progress, in_layout: bool) -> str:
    if progress.status is RunStatus.FAILED:
        return run.error or "failed"
    if progress.wish:
        return WISHES[progress.wish]
    if progress.status is RunStatus.RUNNING:
        left = "" if progress.remaining is None else f"{duration(progress.remaining)} left"
        return left if in_layout else f"{share(progress.stage_fraction)} {left and '· ' + left}"
    if progress.status is RunStatus.DONE:
        return f"done in {duration(run.total_seconds)}"
    return str(progress.status)


def _thinned(costs: list[float], most: int) -> list[float]:
    # From the first to the last, which is the one told in numbers.
    places = np.linspace(0, len(costs) - 1, min(most, len(costs))).round()
    return [round(costs[int(place)], 5) for place in places]
