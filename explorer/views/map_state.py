"""What stands in a map's place while there is none: how to get one, what is under way, what failed."""

from __future__ import annotations

from typing import Any

from explorer.model.run import Run, RunStatus
from explorer.model.session import Session
from explorer.views.text import count, counted, duration, share

STAGES = {
    "knn graph": ("Finding neighbours", "Each item is compared with others until its nearest are known."),
    "fuzzy set": ("Weighing neighbours", "Near neighbours are made to hold more strongly than far ones."),
    "supervision": ("Heeding the target", "Neighbours that the target column tells apart are loosened."),
    "initial layout": ("Placing the first points", "A rough map that the layout starts from."),
    "layout": ("Beginning the layout", "The first points appear in a moment."),
}
NOT_DRAWN = {
    "kind": "error",
    "title": "This map cannot be drawn",
    "detail": "explorer.log in the workspace's folder says why.",
}


def map_state(session: Session, run_id: str) -> dict[str, Any]:
    """What the overlay shows of a run without a map; empty when there is one to draw.

    Returns
    -------
    dict
        kind ("empty", "loading" or "error"), title, detail; for "loading" the share done of the stage
        (fraction, 0 to 1) and what is left (note).
    """
    if session.dataset is None:
        detail = "Give the path of a file on the left and press Open: .parquet, .npy, .npz, .csv …"
        return _state("empty", "No data is open", detail)
    run = session.run(run_id)
    if run is None:
        if session.runs:
            detail = "Choose a run on the left to see its map, or parameters and press Run for a new one."
            return _state("empty", "No map is shown", detail)
        return _state(
            "empty", "No map yet", "Choose parameters on the left and press Run: the map forms here."
        )
    if session.snapshot(run_id) is not None and run_id not in session.faults:
        return {}
    if run_id in session.faults:
        return _state("error", "This map cannot be read", session.faults[run_id])
    if run.parameters.n_components != 2:
        title = f"A run of {counted(run.parameters.n_components, 'dimension')}"
        return _state("empty", title, "Only runs of 2 dimensions have a map to draw.")
    if run.status.active and run.status is not RunStatus.PAUSED:
        return _loading(session, run)
    return _at_rest(run)


def _loading(session: Session, run: Run) -> dict[str, Any]:
    progress = session.runner.progress(run.id)
    title, detail = STAGES.get(progress.stage, (progress.stage.capitalize(), ""))
    left = "" if progress.remaining is None else f"about {duration(progress.remaining)} left in all"
    # Between two stages it may have to wait for another run, too.
    if progress.status is RunStatus.QUEUED:
        title, detail = "Waiting for its turn", _turn(session.runner.waiting, run.id)
        # How long it waits nobody knows.
        left = left and f"then about {duration(progress.remaining or 0)}"
    done = share(progress.stage_fraction) if progress.stage_fraction > 0 else ""
    note = " · ".join(part for part in (done, left) if part)
    return _state("loading", title, detail) | {"fraction": progress.stage_fraction, "note": note}


def _turn(waiting: tuple[str, ...], run_id: str) -> str:
    before = waiting.index(run_id) if run_id in waiting else -1
    if before == 0:
        return "Another run is at work; this one is the next."
    if before < 0:
        return "It starts when its turn comes."
    runs = "1 run waits" if before == 1 else f"{count(before)} runs wait"
    return f"{runs} before it: it starts when its turn comes."


def _at_rest(run: Run) -> dict[str, Any]:
    if run.status is RunStatus.FAILED:
        return _state("error", "This run failed", run.error or "There was no map yet; start it again.")
    if run.status is RunStatus.DONE:
        return _state("error", "The map of this run is missing", "Start it again with the same parameters.")
    return _state(
        "empty", f"This run was {run.status}", "There was no map yet: resume it below, or start another."
    )


def _state(kind: str, title: str, detail: str) -> dict[str, Any]:
    return {"kind": kind, "title": title, "detail": detail}
