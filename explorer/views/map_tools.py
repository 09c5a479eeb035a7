"""The tools of the map as visible buttons, and the keys that reach them."""

from __future__ import annotations

import param

from explorer.views.part import Part
from explorer.views.theme import ASSETS


class MapTools(Part):
    """Pan, lasso, box, undo, redo, fit, and a line that says what the keys do.

    Parameters
    ----------
    tool : {"pan", "lasso", "box"}
        The tool in hand.
    can_undo, can_redo : bool
        Whether there is a change of the selection to take back or to make again.
    on_message : callable
        Called with {"action"}: "undo", "redo", "clear" or "fit".
    """

    tool = param.Selector(default="pan", objects=["pan", "lasso", "box"])
    can_undo = param.Boolean(False)
    can_redo = param.Boolean(False)

    _esm = ASSETS / "map_tools.js"
