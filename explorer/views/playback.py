"""Under the map: where the run stands, pause, resume and stop, and how its cost fell."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import param

from explorer.model.run import Run, RunStatus
from explorer.model.runner import Progress
from explorer.views.part import Part
from explorer.views.text import duration, share
from explorer.views.theme import script

WISHES = {"pause": "pausing after this epoch", "stop": "stopping…"}


class Playback(Part):
    """Progress of the run on the map.

    Parameters
    ----------
    state : dict
        Made by `playback_state`.
    on_message : callable
        Called with {"action"}: "pause", "resume" or "stop".
    """

    state = param.Dict(default={})

    _esm: ClassVar[str] = script("playback.js")


def playback_state(run: Run | None, progress: Progress | None) -> dict[str, Any]:
    """What the bar under the map shows of a run; empty without one.

    Parameters
    ----------
    run : Run or None
        The record, with the costs so far.
    progress : Progress or None
        Where it stands.
    """
    if run is None or progress is None:
        return {}
    status = progress.status
    in_layout = progress.stage in ("layout", "done")
    return {
        "status": str(status),
        # What has ended before its layout waits for no stage any more.
        "stage": "epoch" if in_layout else progress.stage if status.active else str(status),
        "epoch": progress.epoch if in_layout else 0,
        "n_epochs": progress.n_epochs if in_layout else 0,
        "fraction": _fraction(progress, in_layout),
        "note": _note(run, progress, in_layout),
        "costs": _thinned(list(run.costs), 80),
        "can_pause": status is RunStatus.RUNNING and in_layout and not progress.wish,
        "can_resume": status is RunStatus.PAUSED or not (status.active or status is RunStatus.DONE),
        "can_stop": status.active and progress.wish != "stop",
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
