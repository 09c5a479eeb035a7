"""A caution over what was told of other clusters than the run has now."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel as pn
from numpy.typing import NDArray

from explorer.model import clusters
from explorer.model.run import Run
from explorer.model.session import Session
from explorer.model.workspace import Workspace
from explorer.views.aside import Aside
from explorer.views.theme import stylesheet


class OtherClusters(pn.viewable.Viewer):
    """Says so while the run on the map has other clusters than those it is about.

    Parameters
    ----------
    session : Session
        Whose run on the map it is.
    act : str
        What makes it good, such as "compare again".

    Attributes
    ----------
    said : HTML
        The caution; empty for none.
    """

    def __init__(self, session: Session, act: str) -> None:
        super().__init__()
        self._session, self._aside = session, Aside()
        self._words = f"These are other clusters than the run has now: {act} to judge those."
        self._labels: NDArray[np.int32] | None = None
        self.said = pn.pane.HTML(
            margin=(4, 0, 0, 0), stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width"
        )
        session.param.watch(self._look, ["heard"])

    def __panel__(self) -> pn.viewable.Viewable:
        return self.said

    def about(self, labels: NDArray[np.int32] | None) -> None:
        """Be about clusters, int32 (n,), -1 for noise; about none for None and where none are known."""
        self._labels = None if labels is None or not len(labels) else labels
        self._look()

    def _look(self, *_: Any) -> None:
        labels, run, workspace = (
            self._labels,
            self._session.run(self._session.run_id),
            self._session.workspace,
        )
        if labels is None or run is None:
            self._aside.forget()
            self._tell(True)
        else:
            self._aside.ask_instead(lambda: _are_of_now(workspace, run, labels), self._tell)

    def _tell(self, are_of_now: bool) -> None:
        self.said.object = "" if are_of_now else f'<div class="warn" role="status">{self._words}</div>'


def _are_of_now(workspace: Workspace, run: Run, labels: NDArray[np.int32]) -> bool:
    # Clusters that nobody has found yet are no others.
    known = clusters.seconds_to_find(workspace, run) == 0
    return not known or np.array_equal(clusters.find(workspace, run).labels, labels)
