"""One line at the foot of the page: what is there, what is chosen, what happens now."""

from __future__ import annotations

import html
from typing import Any

import panel as pn

from explorer.model.run import RunStatus
from explorer.model.runner import Progress
from explorer.model.session import Session
from explorer.views.text import count, duration, share
from explorer.views.theme import stylesheet

CAUTION = "Distances between islands and their sizes mean little; who is whose neighbour means much."


class StatusBar(pn.viewable.Viewer):
    """Counts on the left, the caution every reader of a UMAP map needs on the right.

    Parameters
    ----------
    session : Session
        What is described.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._said = session, ""
        self._pane = pn.pane.HTML(
            stylesheets=[stylesheet("panels.css")],
            sizing_mode="stretch_width",
            height=28,
            margin=0,
            css_classes=["status"],
        )
        session.param.watch(self._draw, ["dataset", "selection", "progress", "run_id", "beside_id"])
        self._draw()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._pane

    def say(self, sentence: str) -> None:
        """Show what is being done; empty to take it away."""
        self._said = sentence
        self._draw()

    def _draw(self, *_: Any) -> None:
        session = self._session
        parts = [] if session.dataset is None else [f"<b>{count(session.dataset.n)}</b> points"]
        if session.selection is not None and session.selection.count:
            parts.append(
                f"<b>{count(session.selection.count)}</b> selected"
                + (" in both" if session.beside_id else "")
            )
        if self._said:
            parts.append(html.escape(self._said))
        elif session.progress is not None:
            parts.append(html.escape(activity(session.progress)))
        self._pane.object = (
            f'<div class="status-line"><span>{"</span><span>".join(parts)}</span>'
            f'<span class="caution">{CAUTION}</span></div>'
        )


def activity(progress: Progress) -> str:
    """What a run is doing, in words."""
    left = "" if progress.remaining is None else f", {duration(progress.remaining)} left"
    if progress.status is RunStatus.RUNNING and progress.stage == "layout":
        speed = "" if progress.epochs_per_second is None else f", {progress.epochs_per_second:.1f} epochs/s"
        return f"layout: epoch {progress.epoch} of {progress.n_epochs}{speed}{left}"
    if progress.status is RunStatus.RUNNING:
        return f"{progress.stage}: {share(progress.stage_fraction)}{left}"
    return f"run {progress.status}"
