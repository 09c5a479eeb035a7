"""The runs of the open data as cards: picture, parameters, where each stands."""

from __future__ import annotations

from typing import Any

import param

from explorer.model.run import Run, RunStatus
from explorer.model.runner import Progress
from explorer.views.part import Part
from explorer.views.text import duration, share
from explorer.views.theme import ASSETS


class RunList(Part):
    """Cards, newest first.

    Parameters
    ----------
    cards : list of dict
        Made by `card`.
    on_message : callable
        Called with {"action", "run"}: "show" or "beside", and the id of the run.
    """

    cards = param.List(default=[], item_type=dict)

    _esm = ASSETS / "run_list.js"


def card(run: Run, progress: Progress, picture: str, place: str) -> dict[str, Any]:
    """What the card of one run shows.

    Parameters
    ----------
    run : Run
        The record.
    progress : Progress
        Where it stands.
    picture : str
        A data URI, empty while there is none.
    place : {"", "first", "beside"}
        Where it is on the page.
    """
    return {
        "run": run.id,
        "title": run.parameters.label,
        "line": _line(run, progress),
        "fraction": progress.fraction if progress.status.active else -1,
        "status": str(progress.status),
        "picture": picture,
        "place": place,
    }


def _line(run: Run, progress: Progress) -> str:
    status = progress.status
    if status is RunStatus.QUEUED:
        return "queued"
    if status is RunStatus.PAUSED:
        return f"paused at epoch {progress.epoch} / {progress.n_epochs}"
    if status is RunStatus.RUNNING:
        left = "" if progress.remaining is None else f" · {duration(progress.remaining)} left"
        if progress.stage == "layout":
            return f"epoch {progress.epoch} / {progress.n_epochs}{left}"
        return f"{progress.stage} {share(progress.stage_fraction)}{left}"
    if status is RunStatus.FAILED:
        return run.error or "failed"
    spent = duration(sum(run.seconds.values()))
    cost = "" if run.cost is None else f" · C {run.cost:.3g}"
    if status is RunStatus.DONE:
        return f"done · {spent}{cost}"
    return f"{status} at epoch {run.epoch} / {run.n_epochs}"
