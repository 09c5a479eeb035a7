"""The runs of the open data as cards: picture, title, where each stands, what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import panel as pn
import param

from explorer.model.run import Run, RunStatus
from explorer.model.runner import Progress
from explorer.views.part import Part
from explorer.views.text import count, duration, share
from explorer.views.theme import script
from explorer.views.turns import soon


class RunList(Part):
    """Cards, and at their foot what was deleted last and can come back.

    Parameters
    ----------
    cards : list of dict
        Made by `card`, in the order shown; they change several times a second while a run works.
    deleted : str
        The title of the run that "undo" brings back; empty for none.
    on_message : callable
        Called with {"action", "run"}: "show", "beside", "star", "copy", "fork", "up", "cancel" or "delete",
        and the id of the run; for a "rename" with "name" too; {"action": "undo"} without a run.
    """

    cards = param.List(default=[], item_type=dict)
    deleted = param.String("")

    _esm: ClassVar[str] = script("run_list.js")

    def __init__(self, on_message: Callable[[dict[str, Any]], None], **params: Any) -> None:
        super().__init__(on_message, **params)
        self._pictures: dict[str, str] = {}

    def show_pictures(self, made: dict[str, str], runs: Iterable[str]) -> None:
        """Show what was made anew, a data URI for each run id; what is of no run any more is forgotten."""
        self._pictures = {run: picture for run in runs if (picture := (self._pictures | made).get(run))}
        # Pictures are large: only what changes is sent.
        self._send_msg({"pictures": made})

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        if msg["action"] == "ready":
            # Panel hears a message out of turn, when what is sent may get lost.
            soon(pn.state.curdoc, lambda: self._send_msg({"pictures": self._pictures}))
        else:
            super()._handle_msg(msg)


def card(run: Run, progress: Progress | None, place: str, before: int = -1) -> dict[str, Any]:
    """What the card of one run shows.

    Parameters
    ----------
    run : Run
        The record.
    progress : Progress or None
        Where it stands; None when the run is at rest.
    place : {"", "first", "beside"}
        Where it is on the page.
    before : int
        How many runs wait in the queue before it; -1 if it does not wait.
    """
    started = "" if run.start is None else run.start.label
    return {
        "run": run.id,
        "title": run.title,
        "name": run.name,
        "label": run.label,
        "heading": run.name or run.parameters.label,
        "under": run.label if run.name else started,
        "starred": run.starred,
        "before": before,
        "line": _line(run, progress, before),
        "fraction": -1 if progress is None else progress.fraction,
        "status": str(run.status if progress is None else progress.status),
        "place": place,
    }


def _line(run: Run, progress: Progress | None, before: int) -> str:
    if progress is not None and progress.status.active:
        return _at_work(progress, before)
    if run.status is RunStatus.FAILED:
        return run.error or "failed"
    if run.status is RunStatus.DONE:
        return _lines(f"done in {duration(run.total_seconds)}", _cost(run.cost))
    where = f"{run.status} at {_epoch(run)}" if run.n_epochs else str(run.status)
    return _lines(where, _time(run.total_seconds), _cost(run.cost))


def _at_work(progress: Progress, before: int) -> str:
    if progress.status is RunStatus.QUEUED:
        return "queued" + ("" if before < 0 else ", next" if before == 0 else f", {count(before)} before it")
    if progress.status is RunStatus.PAUSED:
        return _lines(f"paused at {_epoch(progress)}", _time(progress.elapsed), _cost(progress.cost))
    left = "" if progress.remaining is None else f"{duration(progress.remaining)} left"
    times = " · ".join(filter(None, [_time(progress.elapsed), left]))
    if progress.stage == "layout":
        return _lines(_epoch(progress), times, _cost(progress.cost))
    return _lines(f"{progress.stage} {share(progress.stage_fraction)}", times)


def _lines(*lines: str) -> str:
    return "\n".join(filter(None, lines))


def _time(seconds: float) -> str:
    return duration(seconds) if seconds else ""


def _cost(cost: float | None) -> str:
    return "" if cost is None else f"cost {cost:.3f}"


def _epoch(at: Run | Progress) -> str:
    return f"epoch {count(at.epoch)} / {count(at.n_epochs)}"
