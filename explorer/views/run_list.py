"""The runs of the open data as cards: picture, parameters, where each stands."""

from __future__ import annotations

from typing import Any, ClassVar

import param

from explorer.model.run import Run, RunStatus
from explorer.model.runner import Progress
from explorer.views.part import Part
from explorer.views.text import count, duration, share
from explorer.views.theme import script


class RunList(Part):
    """Cards, newest first.

    Parameters
    ----------
    cards : list of dict
        Made by `card`; they change several times a second while a run works.
    pictures : dict of str
        A data URI for each run id that has a map; large, so sent only when one changes.
    on_message : callable
        Called with {"action", "run"}: "show" or "beside", and the id of the run.
    """

    cards = param.List(default=[], item_type=dict)
    pictures = param.Dict(default={})

    _esm: ClassVar[str] = script("run_list.js")


def card(run: Run, progress: Progress | None, place: str) -> dict[str, Any]:
    """What the card of one run shows.

    Parameters
    ----------
    run : Run
        The record.
    progress : Progress or None
        Where it stands; None when the run is at rest.
    place : {"", "first", "beside"}
        Where it is on the page.
    """
    return {
        "run": run.id,
        "title": run.parameters.label,
        "line": _line(run, progress),
        "fraction": -1 if progress is None else progress.fraction,
        "status": str(run.status if progress is None else progress.status),
        "place": place,
    }


def _line(run: Run, progress: Progress | None) -> str:
    if progress is not None and progress.status.active:
        return _at_work(progress)
    if run.status is RunStatus.FAILED:
        return run.error or "failed"
    if run.status is RunStatus.DONE:
        cost = "" if run.cost is None else f"\ncost {run.cost:.3f}"
        return f"done in {duration(run.total_seconds)}{cost}"
    return f"{run.status} at {_epoch(run)}" if run.n_epochs else str(run.status)


def _at_work(progress: Progress) -> str:
    if progress.status is RunStatus.QUEUED:
        return "queued"
    if progress.status is RunStatus.PAUSED:
        return f"paused at {_epoch(progress)}"
    left = "" if progress.remaining is None else f"\n{duration(progress.remaining)} left"
    if progress.stage == "layout":
        return _epoch(progress) + left
    return f"{progress.stage} {share(progress.stage_fraction)}{left}"


def _epoch(at: Run | Progress) -> str:
    return f"epoch {count(at.epoch)} / {count(at.n_epochs)}"
