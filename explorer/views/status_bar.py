"""One line at the foot of the page: what is there, what is chosen, what happens now."""

from __future__ import annotations

import html
import time
from itertools import pairwise
from typing import Any

import panel as pn

from explorer.model.doing import Doing
from explorer.model.run import Run, RunStatus
from explorer.model.runner import Progress
from explorer.model.session import Session
from explorer.model.stages import of_run
from explorer.views.playback import WISHES
from explorer.views.text import count, duration, share
from explorer.views.theme import stylesheet

CAUTION = "Distances between islands and their sizes mean little; who is whose neighbour means much."
FRAME = "Time to draw the map here and to paint it in the browser"
FRAME_SECONDS = 0.5
IN_ALL = ("", " in both", " in all three", " in all four")
"""Where what is selected is drawn, by the number of maps beside the first."""
AT_REST = {
    RunStatus.QUEUED: ": it starts when its turn comes",
    RunStatus.PAUSED: ": resume it beneath the map",
    RunStatus.STOPPED: ": it can be resumed beneath the map",
    RunStatus.INTERRUPTED: ": it can be resumed beneath the map",
    RunStatus.FAILED: ": its card says why",
}
"""What comes next of a run that does not move."""


class StatusBar(pn.viewable.Viewer):
    """Counts on the left, the caution every reader of a UMAP map needs on the right.

    Parameters
    ----------
    session : Session
        What is described.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._doing: Doing | None = None
        self._frame, self._told_at = 0.0, 0.0
        self._pane = pn.pane.HTML(
            stylesheets=[stylesheet("panels.css")],
            sizing_mode="stretch_width",
            height=28,
            margin=0,
            css_classes=["status"],
        )
        session.param.watch(self._draw, ["dataset", "selection", "progress", "run_id", "beside_ids", "heard"])
        self._draw()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._pane

    def show(self, doing: Doing | None) -> None:
        """Show how far something is, rather than what the session computes; None to take it away."""
        self._doing = doing
        self._draw()

    def refresh(self) -> None:
        """Show how far everything is now."""
        self._draw()

    def tell_frame(self, seconds: float) -> None:
        """Show how long a frame took, twice a second at most; 0 if it is not known."""
        self._frame, now = seconds, time.monotonic()
        progress = self._session.progress
        # A run's own progress brings it along.
        moving = progress is not None and progress.status is RunStatus.RUNNING
        if seconds and not moving and now - self._told_at > FRAME_SECONDS:
            self._told_at = now
            self._draw()

    def _draw(self, *_: Any) -> None:
        session = self._session
        parts = [] if session.dataset is None else [f"<b>{count(session.dataset.n)}</b> points"]
        if session.selection is not None and session.selection.count:
            parts.append(
                f"<b>{count(session.selection.count)}</b> selected" + IN_ALL[len(session.beside_ids)]
            )
        if doing := self._doing or session.derived.doing:
            parts.append(html.escape(under_way(doing)))
        elif session.progress is not None:
            parts.append(html.escape(activity(session.progress, session.run(session.run_id))))
        if self._frame:
            parts.append(f'<span title="{FRAME}">frame {1000 * self._frame:,.0f} ms</span>')
        self._pane.object = (
            f'<div class="status-line"><span>{"</span><span>".join(parts)}</span>'
            f'<span class="caution">{CAUTION}</span></div>'
        )


def under_way(doing: Doing) -> str:
    """What is being done and how far it is, in words.

    >>> under_way(Doing("reading songs.csv"))
    'reading songs.csv…'
    """
    if not doing.share:
        return f"{doing.what}…"
    left = "" if doing.remaining is None else f", {duration(doing.remaining)} left"
    return f"{doing.what}: {share(doing.share)}{left}"


def activity(progress: Progress, run: Run | None) -> str:
    """What a run is doing and what comes next, in words."""
    if progress.wish:
        return WISHES[progress.wish]
    left = "" if progress.remaining is None else f", {duration(progress.remaining)} left"
    if progress.status is RunStatus.RUNNING and progress.stage == "layout":
        speed = "" if progress.epochs_per_second is None else f", {progress.epochs_per_second:.1f} epochs/s"
        epoch = f"epoch {count(progress.epoch)} of {count(progress.n_epochs)}"
        return f"layout: {epoch}{speed}{left}, then the map rests"
    if progress.status is RunStatus.RUNNING:
        in_all = left and f"{left} in all"
        return f"{progress.stage}: {share(progress.stage_fraction)}{_then(progress.stage, run)}{in_all}"
    return f"run {progress.status}{AT_REST.get(progress.status, '')}"


def _then(stage: str, run: Run | None) -> str:
    names = [] if run is None else [one.name for one in of_run(run)]
    after = dict(pairwise(["queued", *names])).get(stage)
    return f", then {after}" if after else ""
