"""Findings as buttons that select their items."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import param
from numpy.typing import NDArray

from explorer.model.selection import Step, packed
from explorer.model.session import Session
from explorer.views.part import Part
from explorer.views.theme import stylesheet


class FoundRows(Part):
    """What the scripts that list findings have in common.

    Parameters
    ----------
    state : dict
        Plain values for the script; empty for nothing.
    on_message : callable
        Called with {"key"}, that of the finding that was clicked.
    """

    state = param.Dict(default={})

    _stylesheets: ClassVar[list[str]] = [
        stylesheet(name) for name in ("parts.css", "compare.css", "drift.css")
    ]


def select_found(
    session: Session, rows: NDArray[np.int64], name: str, mode: str = "", run_id: str = ""
) -> None:
    """Select rows under a name, in a mode or the session's, as found on a run or that on the map."""
    if session.selection is None:
        return
    mask = np.zeros(session.selection.n, np.bool_)
    mask[rows] = True
    step = Step("rows", mode or session.mode, run_id or session.run_id, text=name, packed=packed(mask))
    session.select(mask, step)
